"""Long work of one visitor in a thread of its own: how far it is, and Stop. Knows nothing of what is done."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from playground.errors import Cancelled

EVERY = 0.3
"""Seconds between two words on how far the work is."""


@dataclass
class Halt:
    """What Stop sets and long work looks at; one for each visitor."""

    asked: bool = False


def halt_now(halt: Halt) -> None:
    """Stops what is being computed for this visitor."""
    halt.asked = True


def in_steps(work: Callable[[Callable[[float], None]], Any], halt: Halt, what: str) -> Iterator[tuple[float, Any]]:
    """Calls work(tick), which calls tick(share done, 0..1) now and then; yields (share, None) while it goes on, and at the
    end (1.0, its result). Cancelled("what") once Stop was pressed; closing the iterator stops the work too."""
    share = [0.0]

    def tick(done: float) -> None:
        share[0] = done
        if halt.asked:
            raise Cancelled(what)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work, tick)
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        try:
            while not done.wait(EVERY):
                yield share[0], None
        except GeneratorExit:
            halt.asked = True
            raise
        yield 1.0, future.result()
