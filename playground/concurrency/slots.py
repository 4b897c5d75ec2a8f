"""Room for a few at once; the others wait in the order in which they came. Knows nothing of what is done."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_TICK = 0.1
"""Seconds after which a waiting caller looks whether it shall still wait."""


class Slots:
    """At most so many holders at once. A ticket is any object of the caller's, one for each wait."""

    def __init__(self, count: int):
        self._count = count
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._holders: list[object] = []

    @property
    def full(self) -> bool:
        """Whether one who came now would have to wait."""
        with self._changed:
            return bool(self._waiting) or len(self._holders) >= self._count

    def place(self, ticket: object) -> int:
        """A caller's place in the queue, from 1; 0 for one that does not wait."""
        with self._changed:
            return self._waiting.index(ticket) + 1 if ticket in self._waiting else 0

    @contextmanager
    def queue(self, ticket: object) -> Iterator[None]:
        """Enters the queue; at the end leaves it, or gives the slot back. `wait` is what waits for the slot."""
        with self._changed:
            self._waiting.append(ticket)
        try:
            yield
        finally:
            self._leave(ticket)

    def wait(self, ticket: object, seconds: float) -> bool:
        """Waits so many seconds at most; whether the ticket then has its slot."""
        with self._changed:
            if ticket in self._waiting and self._changed.wait_for(lambda: self._is_next(ticket), seconds):
                self._waiting.popleft()
                self._holders.append(ticket)
                self._changed.notify_all()  # another slot may be free for the one behind
            return ticket in self._holders

    @contextmanager
    def hold(self, ticket: object, goes_on: Callable[[], bool]) -> Iterator[bool]:
        """Waits for a slot and holds it; gives False, without one, once `goes_on()` is False."""
        with self.queue(ticket):
            while goes_on() and not self.wait(ticket, _TICK):
                pass
            has_slot = goes_on()
            if not has_slot:
                self._leave(ticket)
            yield has_slot

    def _is_next(self, ticket: object) -> bool:
        return self._waiting[0] is ticket and len(self._holders) < self._count

    def _leave(self, ticket: object) -> None:
        with self._changed:
            for listed in (self._waiting, self._holders):
                if ticket in listed:
                    listed.remove(ticket)
            self._changed.notify_all()
