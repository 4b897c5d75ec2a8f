"""A run of a server, which plays in a thread of its own while somebody watches. Knows no page."""

import atexit
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager

from playground.concurrency.slots import Slots
from playground.errors import PlaygroundError, unforeseen
from playground.training.lessons import SPEEDS
from playground.training.recipe import Recipe
from playground.training.run import Run
from playground.training.snapshot import Snapshot
from playground.training.waiting import PATIENCE

Turn = Callable[[], AbstractContextManager]
"""What a step waits for: text that is being generated and training take turns."""


_RUNS: "weakref.WeakSet[LiveRun]" = weakref.WeakSet()


class LiveRun:
    """One run. All methods may be called from any thread."""

    def __init__(self, recipe: Recipe, code: str, slots: Slots, turn: Turn):
        """PlaygroundError for choices and data that can't be trained with. Measures the untrained model."""
        self.code = code
        self.run = Run(recipe)
        self.speed = "full"
        self.error: PlaygroundError | None = None
        """Why the run ended before its last step."""
        self.unwatched = False
        """Whether it paused because nobody watched."""
        self.seen = time.monotonic()
        self._slots, self._turn = slots, turn
        self._lock = threading.Lock()
        """Held for one step, or one measurement."""
        self._playing = False
        self._thread: threading.Thread | None = None
        with turn():
            self.run.measure()

    @property
    def recipe(self) -> Recipe:
        return self.run.recipe

    @property
    def playing(self) -> bool:
        """Whether it trains, waits for its turn to, or ends the step at which it was paused."""
        return self._playing or (self._thread is not None and self._thread.is_alive())

    @property
    def finished(self) -> bool:
        """Whether nothing is left to be done."""
        return self.run.finished or self.error is not None

    @property
    def place(self) -> int:
        """Its place in the queue, from 1; 0 where it does not wait."""
        return self._slots.place(self)

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """Those so far; whoever watches waits for no step."""
        return self.run.history.snapshots

    def touch(self) -> None:
        """Somebody watches."""
        self.seen = time.monotonic()

    def play(self, speed: str) -> None:
        """Trains on, to the last step or to `pause`."""
        self.touch()
        self.set_speed(speed)
        self.unwatched = False
        with self._lock:
            if self.finished or self._playing:
                return
            former, self._playing = self._thread, True
            _RUNS.add(self)
            self._thread = threading.Thread(target=self._work, args=(former,), daemon=True)
            self._thread.start()

    def set_speed(self, speed: str) -> None:
        """From the next step on; full for one that there is not."""
        self.speed = speed if speed in SPEEDS else "full"

    def pause(self) -> None:
        """Stops within one step; what was learned stays."""
        self._playing = False
        if self._thread is not None:
            self._thread.join(10)

    def step(self) -> None:
        """One step, measured. For a run that does not play."""
        self.touch()
        if not self._playing and not self.finished:
            self._advance(measure=True)

    def _work(self, former: threading.Thread | None) -> None:
        if former is not None:
            former.join()
        try:
            with self._slots.hold(self, lambda: self._playing) as has_slot:
                while has_slot and self._playing and not self.finished:
                    started = time.monotonic()
                    self._advance()
                    self._wait(started)
                    if time.monotonic() - self.seen > PATIENCE:
                        self.unwatched = True
                        break
            if not self.error:
                with self._lock, self._turn():
                    self.run.measure()  # where it stands now
        finally:
            if self._thread is threading.current_thread():  # else another one plays by now
                self._playing = False

    def _wait(self, started: float) -> None:
        """Until the next step is due at the run's speed, or `pause`."""
        rate = SPEEDS[self.speed]
        while rate and self._playing and time.monotonic() - started < 1 / rate:
            time.sleep(0.01)

    def _advance(self, measure: bool = False) -> None:
        with self._lock:
            try:
                with self._turn():
                    self.run.advance()
                if measure or self.run.history.is_due(self.run.step):
                    with self._turn():
                        self.run.measure()
            except PlaygroundError as error:
                self.error = error
            except Exception as error:  # torch may raise anything
                self.error = unforeseen(f"Training failed at step {self.run.step:,}", error, "Start it again.")


@atexit.register
def _pause_all() -> None:
    """A thread that is inside torch when Python ends would abort the process (exit code 134)."""
    for run in list(_RUNS):
        run.pause()
