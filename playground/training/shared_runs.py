"""The runs of one server, and the trained models that its visitors opened, both bounded. Knows no page."""

import secrets
import threading
import time
from collections.abc import Callable, Generator

from playground.concurrency.byte_budget_cache import ByteBudgetCache
from playground.concurrency.owned_cache import OwnedCache
from playground.concurrency.slots import Slots
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.training.comparison import Comparison, compare
from playground.training.finetuning.shared_finetunings import SharedFinetunings
from playground.training.lessons import recipe_of
from playground.training.live_run import LiveRun, Turn
from playground.training.recipe import Recipe
from playground.training.run import Run
from playground.training.snapshot import Snapshot
from playground.training.waiting import PATIENCE, Waiting, waits

AT_ONCE = 2
"""Runs that train at the same time, each in one thread."""
MAX_RUNS = 16
"""Runs kept, the paused and finished ones included; the one longest unseen goes first."""
MAX_OPENED = 16
"""Trained models kept for every tab."""
MAX_PREVIEWS = 16
"""Untrained models kept, each with at most 64 MB, most of them 1."""
PICTURES_BUDGET = 16 * 1024**2
"""Bytes of pictures kept for those who watch."""
_ALPHABET = "abcdefghjkmnpqrstuvwxyz"
"""Without letters that look like others."""


class SharedRuns:
    """Runs by their code, which others type to watch one."""

    def __init__(self, turn: Turn, add: Callable[[LoadedModel], None], remove: Callable[[LoadedModel], None]):
        """turn: what each step waits for. add, remove: make a trained model one of the server's, and forget it."""
        self._turn, self._add = turn, add
        self._slots = Slots(AT_ONCE)
        self._lock = threading.Lock()
        self._runs: dict[str, LiveRun] = {}
        self.pictures = OwnedCache(PICTURES_BUDGET)
        """What was drawn of a snapshot: all who watch are sent the same."""
        self._opened: ByteBudgetCache[str, LoadedModel] = ByteBudgetCache(MAX_OPENED, remove)
        self._previews: ByteBudgetCache[Recipe, LiveRun] = ByteBudgetCache(MAX_PREVIEWS)
        self._whole: ByteBudgetCache[Recipe, tuple[Snapshot, ...]] = ByteBudgetCache(MAX_PREVIEWS)
        self.finetunings = SharedFinetunings(self._slots, turn, add, remove)

    def start(self, recipe: Recipe) -> LiveRun:
        """A new run, not playing yet. PlaygroundError for choices that can't be, or where all runs are being watched."""
        run = LiveRun(recipe, "".join(secrets.choice(_ALPHABET) for _ in range(6)), self._slots, self._turn)
        with self._lock:
            former = self._make_room()
            self._runs[run.code] = run
        for other in former:
            other.pause()
        return run

    def preview(self, recipe: Recipe) -> LiveRun:
        """The untrained model of a recipe, measured: a run that has no code, takes no slot and is none of the server's."""
        return self._previews.get(recipe, lambda: LiveRun(recipe, "", self._slots, self._turn), lambda run: 1)

    def find(self, code: str) -> LiveRun:
        """The run of a code. PlaygroundError where there is none (any more)."""
        with self._lock:
            run = self._runs.get(code.strip().lower())
        if run is None:
            raise PlaygroundError(
                f"There is no run {code.strip()!r:.20} on this server (any more).",
                "Start it again: the same seed gives the same numbers.",
            )
        return run

    def has(self, code: str) -> bool:
        """Whether there is a run of this code."""
        with self._lock:
            return code in self._runs

    def to_the_end(self, lesson: str) -> tuple[Snapshot, ...]:
        """The snapshots of a lesson's whole run by its own recipe: of one that a visitor played to its end, else of one that
        is trained now, once for all who ask. A recipe gives the same numbers each time."""
        recipe = recipe_of(lesson, {}).check()
        with self._lock:
            played = [
                live for live in self._runs.values() if live.recipe == recipe and live.finished and not live.error
            ]
        if played:
            return played[0].snapshots

        def train() -> tuple[Snapshot, ...]:
            run = Run(recipe)
            with self._slots.queue(run):
                for _ in waits(self._slots, run):
                    pass
                with self._turn():
                    run.measure()
                while not run.finished:
                    with self._turn():
                        run.advance()
                    if run.history.is_due(run.step) or run.finished:
                        with self._turn():
                            run.measure()
            return run.history.snapshots

        return self._whole.get(recipe, train, lambda snapshots: 1)

    def forget(self, code: str) -> None:
        """Ends a run and drops it."""
        with self._lock:
            run = self._runs.pop(code, None)
        if run is not None:
            run.pause()

    def open(self, run: LiveRun, snapshot: Snapshot) -> LoadedModel:
        """The model at a snapshot whose weights are kept, for every tab; made once, however many open it."""

        def make() -> LoadedModel:
            model = run.run.model(snapshot)
            self._add(model)
            return model

        return self._opened.get(run.run.model_id(snapshot), make, lambda model: 1)  # the budget counts models

    def compare(self, mistake: str) -> Generator[Comparison | Waiting, None, None]:
        """`comparison.compare`, in a slot as a run has; first its place in the queue. PlaygroundError where no slot is
        free for a minute."""
        ticket = object()
        with self._slots.queue(ticket):
            yield from waits(self._slots, ticket)
            yield from compare(mistake, turn=self._turn)

    def _make_room(self) -> list[LiveRun]:
        """Drops the runs longest unseen until there is room for one, and returns them."""
        former = []
        while len(self._runs) >= MAX_RUNS:
            code, run = min(self._runs.items(), key=lambda item: item[1].seen)
            if time.monotonic() - run.seen < PATIENCE:
                raise PlaygroundError(
                    f"This server keeps at most {MAX_RUNS} runs, and all of them are being watched.",
                    "Wait a minute, or watch another visitor's run.",
                )
            former.append(self._runs.pop(code))
        return former
