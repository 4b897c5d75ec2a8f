"""Taking turns: visitors who generate on one device go on token by token, in the order in which they asked. So the
second starts within one token, and no two computations fight for the same cores. Knows nothing of models."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class FairQueue:
    """A lock that is given in the order of asking, and the number of those who use it."""

    def __init__(self):
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()
        self.visitors = 0
        """How many are generating now."""

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return max(0, len(self._queue) - 1)

    @contextmanager
    def visit(self) -> Iterator[None]:
        """The time of one generation."""
        with self._changed:
            self.visitors += 1
        try:
            yield
        finally:
            with self._changed:
                self.visitors -= 1

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The time of one token: begins when all who asked before have had theirs."""
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            self._changed.wait_for(lambda: self._queue[0] is ticket)
        try:
            yield
        finally:
            with self._changed:
                self._queue.popleft()
                self._changed.notify_all()
