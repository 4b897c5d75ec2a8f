"""Visitors who generate on one device take turns token by token, in the order of their requests. So the second visitor's
text starts within one token, and no two forward passes compete for the same cores. Knows nothing of models.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(eq=False)
class _Ticket:
    """A request for a slot."""

    thread: int
    is_long: bool


LONG_IN_A_ROW = 4
"""After so many long turns one that is not long goes first, if any waits."""


class LeftQueue(Exception):
    """Whoever waited does so no more: raised in the waiting thread in place of its turn."""


class FairQueue:
    """A lock that serves callers in the order of their requests, and counts the sessions that use it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tickets: deque[_Ticket] = deque()
        self._leavers: set[int] = set()
        self._long_in_a_row = 0
        self.visitors = 0
        """Number of open sessions."""

    @property
    def waiting(self) -> int:
        """Number of callers that wait for a slot."""
        return max(0, len(self._tickets) - 1)

    def place(self, thread: int) -> int | None:
        """The place of a thread, named by its identity, among those that wait for a slot, from 1; None if it waits for
        none."""
        with self._changed:
            owners = [ticket.thread for ticket in self._tickets]
        return owners.index(thread) or None if thread in owners else None

    @contextmanager
    def leave(self, thread: int) -> Iterator[None]:
        """As long as it lasts the thread gets no turn: where it waits for one, and where it would, LeftQueue is raised in
        it. A turn that has begun goes on."""
        with self._changed:
            self._leavers.add(thread)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._leavers.discard(thread)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Lasts for one generation, which takes many slots."""
        with self._changed:
            self.visitors += 1
        try:
            yield
        finally:
            with self._changed:
                self.visitors -= 1
                self._changed.notify_all()

    def rest(self, seconds: float) -> None:
        """Waits so long, or until no session is open."""
        with self._changed:
            self._changed.wait_for(lambda: not self.visitors, max(0.0, seconds))

    @contextmanager
    def slot(
        self, thread: int | None = None, unless: Callable[[], bool] = lambda: False, is_long: bool = False
    ) -> Iterator[bool]:
        """Lasts for one token; begins when all earlier requests have been served. LeftQueue while `leave` lasts. Gives
        whether it is a turn.

        thread: for whom it is, where that is not the thread that asks.
        unless: what makes the turn needless; once it is true, when a turn of others ends, the context begins without one.
        is_long: whether it takes longer than a token, such as reading a prompt: see LONG_IN_A_ROW.
        """
        ticket = _Ticket(threading.get_ident() if thread is None else thread, is_long)
        with self._changed:
            self._tickets.append(ticket)
            self._changed.wait_for(lambda: self._tickets[0] is ticket or ticket.thread in self._leavers or unless())
            has_left, is_turn = ticket.thread in self._leavers, not unless()
            if has_left or not is_turn:
                self._tickets.remove(ticket)
                self._changed.notify_all()
            if has_left:
                raise LeftQueue
        try:
            yield is_turn
        finally:
            if is_turn:
                with self._changed:
                    self._end_turn()

    def _end_turn(self) -> None:
        ended = self._tickets.popleft()
        self._long_in_a_row = self._long_in_a_row + 1 if ended.is_long else 0
        if self._long_in_a_row >= LONG_IN_A_ROW:
            short = next((ticket for ticket in self._tickets if not ticket.is_long), None)
            if short is not None:
                self._tickets.remove(short)
                self._tickets.appendleft(short)
        self._changed.notify_all()
