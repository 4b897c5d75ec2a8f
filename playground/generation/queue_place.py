"""What a visitor sees before the first token, while others write on the same device: the place in the queue."""

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from playground.concurrency.fair_queue import FairQueue
from playground.texts import generate as texts

T = TypeVar("T")
EVERY = 0.3
"""Seconds between two looks at the queue."""


@dataclass(frozen=True)
class Waiting:
    """A visitor whose writing has not begun."""

    place: int | None
    """How many turns of others come before, this visitor's own counted: from 1. None while the visitor's turn is on, or
    while something else is waited for."""
    visitors: int
    """How many write on the device, this one included."""
    at_once: bool = False
    """Whether the model writes the texts of several visitors in one pass."""

    @property
    def words(self) -> str:
        """What the page says."""
        if self.visitors < 2:
            return texts.READING
        place = texts.QUEUE_PLACE.format(place=self.place) if self.place else texts.QUEUE_BEGUN
        words = texts.WAITING_AT_ONCE if self.at_once else texts.WAITING_IN_TURNS
        return words.format(count=self.visitors, place=place)


def with_place(
    steps: Generator[T, None, None], turns: FairQueue, at_once: bool = False
) -> Generator[T | Waiting, None, None]:
    """The steps; while the first is waited for, a Waiting a few times a second. Closed meanwhile, it leaves the queue.

    at_once: as in Waiting."""
    pool = ThreadPoolExecutor(1)
    thread = pool.submit(threading.get_ident).result()
    first = pool.submit(lambda: next(steps, None))
    done = threading.Event()
    first.add_done_callback(lambda _: done.set())
    try:
        while not done.wait(EVERY):
            yield Waiting(turns.place(thread), turns.visitors, at_once)
    except GeneratorExit:
        with turns.leave(thread):
            pool.shutdown()
        raise
    pool.shutdown()
    step = first.result()
    if step is not None:
        yield step
        yield from steps
