"""Work in the background, such as training, takes turns with those who generate and leaves them most of the time. Knows
nothing of models.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from playground.concurrency.fair_queue import FairQueue

REST = 2.0
"""Seconds of rest after each second of work, while somebody generates: two thirds of the time stay for those who do."""


class BackgroundTurns:
    """Turns of a FairQueue for any number of callers, who together leave it the rest that REST says."""

    def __init__(self, queue: FairQueue):
        self._queue = queue
        self._order = FairQueue()
        """Of the callers among themselves."""
        self._rests_until = 0.0

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Lasts for one piece of work; begins after the rest that is due, and when all earlier requests have been served."""
        with self._order.slot():
            self._queue.rest(self._rests_until - time.monotonic())
            with self._queue.slot():
                started = time.monotonic()
                try:
                    yield
                finally:
                    ended = time.monotonic()
                    self._rests_until = ended + REST * (ended - started)
