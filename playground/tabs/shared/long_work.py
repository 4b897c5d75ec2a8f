"""Long work of one visitor in a thread of its own: how far it is, and Stop. Knows nothing of what is done."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from playground.engine.functions import at_worker
from playground.engine.page_state import PageState
from playground.errors import Cancelled

V = TypeVar("V")
EVERY = 0.3
"""Seconds between two reports of how far the work is."""


@dataclass
class WorkControl(PageState):
    """What Stop sets and long work looks at; one for each visitor and view."""

    stop: bool = False
    turn: int = 0
    """How many works have begun."""
    works: int = 0
    """How many go on."""
    stop_shown: bool = False
    """Whether the page shows their Stop."""
    reading: tuple[str, str] | None = None
    """Of which model and text the view was drawn last: works of another one end, see `stop_button.with_stop`."""
    about: tuple | None = None
    """What the controls say that the view's long work depends on; None where it shows none of it. A work that began with
    other controls ends, and its pictures go."""


@at_worker()
def stop_work(control: WorkControl) -> None:
    """Stops what is being computed for this visitor."""
    control.stop = True


def newest_only(control: WorkControl, answers: Iterator[V]) -> Iterator[V]:
    """The answers of a work, until another one of the same view begins, which ends it."""
    control.stop, control.turn = False, control.turn + 1
    turn = control.turn
    for answer in answers:
        if control.turn != turn:
            return
        yield answer


def in_steps(
    work: Callable[[Callable[[float], None]], V], control: WorkControl, what: str
) -> Iterator[tuple[float, V | None]]:
    """Calls work(tick), which calls tick(share done, 0..1) now and then. Yields (share, None) meanwhile, and at the end
    (1.0, the result). Cancelled("what") once Stop was pressed; closing the iterator stops the work too."""
    share = [0.0]

    def tick(done: float) -> None:
        share[0] = done
        if control.stop:
            raise Cancelled(what)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work, tick)
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        try:
            while not done.wait(EVERY):
                yield share[0], None
        except GeneratorExit:
            control.stop = True
            raise
        yield 1.0, future.result()


def with_progress(
    work: Callable[[Callable[[float], None]], V],
    control: WorkControl,
    what: str,
    show: Callable[[float, float], dict[str, Any]],
) -> Generator[dict[str, Any], None, V]:
    """For `yield from` in a handler: yields show(share done, seconds), a handler's outputs, while the work runs, and returns
    its result. Cancelled("what") once Stop was pressed."""
    started, results = time.monotonic(), list[V]()

    def run(tick: Callable[[float], None]) -> V:
        results.append(work(tick))
        return results[0]

    for share, _ in in_steps(run, control, what):
        if not results:
            yield show(share, time.monotonic() - started)
    return results[0]
