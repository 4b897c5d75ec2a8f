"""Room for a few at once; the others wait in the order in which they came. Knows nothing of what is done."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_TICK = 0.1
"""Seconds after which a waiting caller looks whether it shall still wait."""


class Slots:
    """At most so many holders at once."""

    def __init__(self, count: int):
        self._count = count
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._held = 0

    @property
    def full(self) -> bool:
        """Whether one who came now would have to wait."""
        with self._changed:
            return bool(self._waiting) or self._held >= self._count

    def place(self, ticket: object) -> int:
        """A caller's place in the queue, from 1; 0 for one that does not wait."""
        with self._changed:
            return self._waiting.index(ticket) + 1 if ticket in self._waiting else 0

    @contextmanager
    def hold(self, ticket: object, goes_on: Callable[[], bool]) -> Iterator[bool]:
        """Waits for a slot and holds it; gives False, without one, once `goes_on()` is False."""
        with self._changed:
            self._waiting.append(ticket)
            while goes_on() and not (self._waiting[0] is ticket and self._held < self._count):
                self._changed.wait(_TICK)
            self._waiting.remove(ticket)
            has_slot = goes_on()
            self._held += has_slot
        try:
            yield has_slot
        finally:
            with self._changed:
                self._held -= has_slot
                self._changed.notify_all()
