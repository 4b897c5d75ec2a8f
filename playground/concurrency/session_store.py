"""What visitors wrote, all together bounded in bytes. Knows nothing of what a session holds."""

import threading
from collections import OrderedDict
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Anything that knows its size."""

    @property
    def nbytes(self) -> int: ...


S = TypeVar("S", bound=Sized)

MAX_EVICTED_IDS = 10_000
"""Ids of evicted sessions that are remembered, so that their visitors can be told; of more, the oldest are forgotten."""


class SessionStore(Generic[S]):
    """Sessions by id within a budget in bytes. Over budget, the session used least recently loses its value; the store
    remembers that it was evicted. The session used last always stays, however large it is."""

    def __init__(self, budget: int):
        self.budget = budget
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, tuple[S, int]] = OrderedDict()  # least recently used first
        self._evicted: OrderedDict[str, None] = OrderedDict()

    def put(self, session_id: str, session: S) -> None:
        """Stores a session under an id, in place of any that was there; it is no longer evicted."""
        size = session.nbytes
        with self._lock:
            self._evicted.pop(session_id, None)
            self._store(session_id, session, size)

    def get(self, session_id: str) -> S | None:
        """The session, which counts as a use; None where there is none: see `was_evicted`."""
        with self._lock:
            if session_id not in self._sessions:
                return None
            self._sessions.move_to_end(session_id)
            return self._sessions[session_id][0]

    def was_evicted(self, session_id: str) -> bool:
        """Whether there was a session of this id that had to go for others. True until the next `put` or `discard`."""
        with self._lock:
            return session_id in self._evicted

    def resize(self, session_id: str) -> bool:
        """Measures a session again after it grew or shrank, which counts as a use. Returns whether it is still stored."""
        session = self.get(session_id)
        if session is None:
            return False
        size = session.nbytes  # may take a while, so not under the lock
        with self._lock:
            if self._sessions.get(session_id, (None, 0))[0] is session:
                self._store(session_id, session, size)
            return session_id in self._sessions

    def discard(self, session_id: str) -> None:
        """Forgets a session whose visitor is gone, and whether it was evicted."""
        with self._lock:
            self._sessions.pop(session_id, None)
            self._evicted.pop(session_id, None)

    def _store(self, session_id: str, session: S, size: int) -> None:
        self._sessions[session_id] = session, size
        self._sessions.move_to_end(session_id)
        while self._used() > self.budget and len(self._sessions) > 1:
            evicted_id, _ = self._sessions.popitem(last=False)
            self._evicted[evicted_id] = None
        while len(self._evicted) > MAX_EVICTED_IDS:
            self._evicted.popitem(last=False)

    def _used(self) -> int:
        return sum(size for _, size in self._sessions.values())

    @property
    def used(self) -> int:
        """Bytes of the sessions kept, as last measured."""
        with self._lock:
            return self._used()
