"""The snapshots of a run, within a number and a budget in bytes. Knows no torch."""

from collections.abc import Sequence
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
    the first, the last and everything else that was measured stay. One thread adds; any may read meanwhile."""

    def __init__(self, steps: int):
        self._due = frozenset(_schedule(steps))
        self._every_sample = max(1, steps // SAMPLES)
        self.snapshots: tuple[Snapshot, ...] = ()
        """Replaced as a whole, never changed."""

    def is_due(self, step: int) -> bool:
        """Whether the plan has a snapshot at this step."""
        return step in self._due

    def samples_due(self, step: int) -> bool:
        """Whether a tenth of the run has passed since the last samples that took long."""
        return step - self.snapshots[-1].sampled_at >= self._every_sample if self.snapshots else True

    def add(self, snapshot: Snapshot) -> None:
        """Appends a snapshot, of a later step than the last one."""
        snapshots = [*self.snapshots, snapshot]
        while len(snapshots) > MAX_SNAPSHOTS:
            snapshots.remove(_densest(snapshots))
        while _nbytes(snapshots) > BUDGET and len(whole := [one for one in snapshots if one.weights]) > 2:
            place = snapshots.index(_densest(whole))
            snapshots[place] = replace(snapshots[place], weights={})
        self.snapshots = tuple(snapshots)

    @property
    def nbytes(self) -> int:
        """Bytes of all snapshots."""
        return _nbytes(self.snapshots)

    def nearest_with_weights(self, step: int) -> Snapshot:
        """The snapshot closest to a step whose weights are kept."""
        return min((one for one in self.snapshots if one.weights), key=lambda one: abs(one.step - step))


def _nbytes(snapshots: Sequence[Snapshot]) -> int:
    return sum(snapshot.nbytes for snapshot in snapshots)


def _densest(snapshots: Sequence[Snapshot]) -> Snapshot:
    """The snapshot, neither the first nor the last, whose neighbours lie closest together, relative to its step."""

    def gap(place: int) -> float:
        return (snapshots[place + 1].step - snapshots[place - 1].step) / (snapshots[place].step + 20)

    return snapshots[min(range(1, len(snapshots) - 1), key=gap)]


def _schedule(steps: int) -> list[int]:
    """At most 32 steps: dense at first, then evenly spaced, and the last one. Each takes as long as a step or two."""
    early: list[int] = []
    step = 1.0
    while step < steps / EVEN and len(early) < 12:
        early.append(round(step))
        step *= _EARLY
    even = [round(steps * number / EVEN) for number in range(1, EVEN + 1)]
    return sorted({*early, *even, steps} - {0})
