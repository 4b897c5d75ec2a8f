"""Callers whose work takes less time together: whoever gets the turn does the work of all who have posted theirs. Knows
nothing of models.

The way of the work: each caller has a seat, posts its next piece there as early as it can, and asks for the result when it
needs it. Those who ask queue for a turn. Who gets it waits until nobody of the last round is still busy making the next
piece, does all pieces that lie there, and hands out the results; who then has a result leaves the queue without a turn. No
thread of its own is needed: a caller alone does its own work, in its own thread, in its turn.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar, cast

from playground.concurrency.fair_queue import FairQueue

T = TypeVar("T")
R = TypeVar("R")
_MAX_WAIT = 0.25
"""Seconds that a round waits at most for those who are busy making their next piece. They are not held up by anybody who
reads slowly, so they come within milliseconds."""


@dataclass(frozen=True)
class Round:
    """Pieces of work that were done together."""

    pieces: int = 0
    seconds: float = 0.0
    """From the end of the round before, if that too was one of several pieces; else the round's own."""
    ended: float = 0.0
    """On the clock of perf_counter."""


class Seat(Generic[T, R]):
    """One caller's place. Of its methods one at a time is called, from any thread."""

    def __init__(self, work: "JointWork[T, R]"):
        self._work = work
        self.piece: T | None = None
        """What lies there to be done."""
        self.outcome: tuple[R | BaseException] | None = None
        """What came of it, until it is fetched."""
        self.in_progress = self.waiting = self.busy = False
        """Whether its piece is being done, its result is waited for, its next piece is being made."""
        self.company = 1
        """How many pieces were done together with the last one, itself included."""

    @property
    def is_posted(self) -> bool:
        """Whether a piece was posted whose result was not fetched yet."""
        return self.piece is not None or self.outcome is not None

    def post(self, piece: T) -> None:
        """Puts a piece there, for whose result `result` will ask. Whoever gets a turn until then does it."""
        self._work.put(self, piece)

    def result(self) -> R:
        """What came of the posted piece, once it is done: in this caller's turn, or before in another's. Raises what the
        piece raised, and LeftQueue as FairQueue does."""
        return self._work.fetch(self)

    def leave(self) -> None:
        """Takes the piece back, and lets nobody wait for another one. A piece in progress is waited for."""
        self._work.remove(self)


class JointWork(Generic[T, R]):
    """Work of many callers, done together in the turns of a queue."""

    def __init__(
        self,
        queue: FairQueue,
        do: Callable[[Sequence[T]], Sequence[R | Exception]],
        weigh: Callable[[T], int] = lambda piece: 1,
        most: int = 64,
    ):
        """
        Parameters:
            do: does pieces of work; returns for each its result, or the error that its caller gets.
            weigh: how much work a piece is.
            most: how much is done at once; a piece that is more is done by itself.
        """
        self._queue, self._do, self._weigh, self._most = queue, do, weigh, most
        self._changed = threading.Condition()
        self._seats: dict[Seat[T, R], None] = {}
        self.last = Round()
        """The last round."""

    @contextmanager
    def seat(self) -> Iterator[Seat[T, R]]:
        """A seat for as long as the context lasts."""
        seat = Seat[T, R](self)
        try:
            yield seat
        finally:
            seat.leave()

    def put(self, seat: Seat[T, R], piece: T) -> None:
        """See Seat.post."""
        with self._changed:
            seat.piece, seat.busy = piece, False
            self._seats[seat] = None
            self._changed.notify_all()

    def remove(self, seat: Seat[T, R]) -> None:
        """See Seat.leave."""
        with self._changed:
            self._changed.wait_for(lambda: not seat.in_progress)
            self._seats.pop(seat, None)
            seat.piece, seat.outcome, seat.busy = None, None, False
            self._changed.notify_all()

    def fetch(self, seat: Seat[T, R]) -> R:
        """See Seat.result."""
        with self._changed:
            seat.waiting = True
        try:
            with self._queue.slot(unless=lambda: seat.outcome is not None) as is_turn:
                if is_turn:
                    self._do_round(seat)
        finally:
            with self._changed:
                (result,), seat.outcome = seat.outcome or (None,), None
                seat.waiting, seat.busy = False, True
        if isinstance(result, BaseException):
            raise result
        return cast(R, result)

    def _do_round(self, leader: Seat[T, R]) -> None:
        """Does all that lies there, the leader's piece first."""
        with self._changed:
            others = [seat for seat in self._seats if seat is not leader]
            self._changed.wait_for(lambda: not any(seat.busy for seat in others), timeout=_MAX_WAIT)
            party, room = [leader], self._most - self._weigh(cast(T, leader.piece))
            for seat in self._seats:
                if seat is not leader and seat.piece is not None and (weight := self._weigh(seat.piece)) <= room:
                    party.append(seat)
                    room -= weight
            for seat in party:
                seat.in_progress = True
        started, outcomes = time.perf_counter(), list[R | BaseException]()
        try:
            outcomes += self._do([cast(T, seat.piece) for seat in party])
        except BaseException as error:
            outcomes = [error] * len(party)
        with self._changed:
            ended, before = time.perf_counter(), self.last
            self.last = Round(len(party), ended - (before.ended if before.pieces > 1 else started), ended)
            for seat, outcome in zip(party, outcomes, strict=True):
                seat.outcome, seat.piece, seat.in_progress = (outcome,), None, False
                seat.busy, seat.company = seat.waiting, len(party)
            self._changed.notify_all()


def together_or_each(
    pieces: Sequence[T], together: Callable[[Sequence[T]], Sequence[R]] | None, each: Callable[[T], R]
) -> list[R | Exception]:
    """The results of pieces done together; of each by itself, or the error that it raises, where there is one piece, where
    `together` is None or where it raises: a piece that fails does not end the others."""
    if len(pieces) > 1 and together is not None:
        try:
            return [*together(pieces)]
        except Exception:  # whatever it was, each is done by itself
            logging.getLogger(__name__).exception("%d pieces can't be done together", len(pieces))
    return [_attempt(partial(each, piece)) for piece in pieces]


def _attempt(do: Callable[[], R]) -> R | Exception:
    try:
        return do()
    except Exception as error:
        return error
