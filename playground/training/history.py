"""The snapshots of a run, within a number and a budget in bytes. Knows no torch."""

from dataclasses import replace

from playground.training.snapshot import Snapshot

MAX_SNAPSHOTS = 64
EVEN = 20
"""Snapshots at even distances."""
BUDGET = 8 * 1024**2
SAMPLES = 10
"""How often in a run samples are written that take long."""
_EARLY = 2
"""The first snapshots lie at steps that grow by this factor, since most happens early."""


class History:
    """Snapshots in the order of their steps. Over budget the weights of some are dropped, so that those left lie evenly;
    the first, the last and everything else that was measured stay."""

    def __init__(self, steps: int):
        self._due = frozenset(_schedule(steps))
        self._every_sample = max(1, steps // SAMPLES)
        self._sampled = 0
        self.snapshots: list[Snapshot] = []

    def is_due(self, step: int) -> bool:
        """Whether the plan has a snapshot at this step."""
        return step in self._due

    def samples_due(self, step: int) -> bool:
        """Whether a tenth of the run has passed since the last samples that took long."""
        return step - self.snapshots[-1].sampled_at >= self._every_sample if self.snapshots else True

    def add(self, snapshot: Snapshot) -> None:
        """Appends a snapshot, of a later step than the last one."""
        self.snapshots.append(snapshot)
        while len(self.snapshots) > MAX_SNAPSHOTS:
            self.snapshots.remove(self._densest())
        while self.nbytes > BUDGET and (whole := self._droppable()):
            place = self.snapshots.index(min(whole, key=lambda one: self._gap(one, weights=True)))
            self.snapshots[place] = replace(self.snapshots[place], weights={})

    @property
    def nbytes(self) -> int:
        """Bytes of all snapshots."""
        return sum(snapshot.nbytes for snapshot in self.snapshots)

    def nearest_with_weights(self, step: int) -> Snapshot:
        """The snapshot closest to a step whose weights are kept."""
        return min((one for one in self.snapshots if one.weights), key=lambda one: abs(one.step - step))

    def _droppable(self) -> list[Snapshot]:
        return [one for one in self.snapshots if one.weights][1:-1]

    def _densest(self) -> Snapshot:
        return min(self.snapshots[1:-1], key=self._gap)

    def _gap(self, snapshot: Snapshot, weights: bool = False) -> float:
        """How far the neighbours of a snapshot lie apart, relative to its step."""
        row = [one for one in self.snapshots if one.weights or not weights]
        place = row.index(snapshot)
        return (row[place + 1].step - row[place - 1].step) / (snapshot.step + 20)


def _schedule(steps: int) -> list[int]:
    """At most 32 steps: dense at first, then evenly spaced, and the last one. Each takes as long as a step or two."""
    early: list[int] = []
    step = 1.0
    while step < steps / EVEN and len(early) < 12:
        early.append(round(step))
        step *= _EARLY
    even = [round(steps * number / EVEN) for number in range(1, EVEN + 1)]
    return sorted({*early, *even, steps} - {0})
