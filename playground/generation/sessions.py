"""The sessions of all visitors, within a budget in bytes: what makes room is what was used least recently."""

import threading
from uuid import uuid4

from playground.concurrency.session_store import SessionStore
from playground.generation.session import GenerationSession


class SessionId(str):
    """Names one visitor's session. Gradio copies a State's first value for each page, and every copy is another name."""

    def __new__(cls) -> "SessionId":
        return super().__new__(cls, uuid4().hex)

    def __deepcopy__(self, memo: dict) -> "SessionId":
        return SessionId()

    def __reduce__(self) -> tuple:  # the same name in another process
        return _session_id, (str(self),)


def _session_id(name: str) -> SessionId:
    return str.__new__(SessionId, name)


class Sessions(SessionStore[GenerationSession]):
    """The sessions of all visitors. Each lies under one of two names: one with continuations, and one without, whose
    eviction costs its visitor nothing."""

    def __init__(self, budget: int):
        super().__init__(budget)
        self._changing = threading.Lock()

    def find(self, session_id: str) -> GenerationSession | None:
        """The visitor's session, an empty one on a page that was opened just now; None if its continuations were
        evicted."""
        with self._changing:
            session = self._kept(session_id)
            if session is None and not self.was_evicted(session_id):
                self._keep(session_id, session := GenerationSession())
            return session

    def keep(self, session_id: str, session: GenerationSession) -> None:
        """Puts a session in the place of the visitor's former one."""
        with self._changing:
            self._keep(session_id, session)

    def measure(self, session_id: str, session: GenerationSession) -> bool:
        """Measures a session that grew. False if it is not kept any more: evicted, or another took its place."""
        with self._changing:
            if is_kept := self._kept(session_id) is session:
                self._keep(session_id, session)
            return is_kept

    def close(self, session_id: str) -> None:
        """Forgets the session of a page that was closed."""
        for name in _names(session_id):
            self.discard(name)

    def _kept(self, session_id: str) -> GenerationSession | None:
        return next((session for name in _names(session_id) if (session := self.get(name)) is not None), None)

    def _keep(self, session_id: str, session: GenerationSession) -> None:
        name, other_name = _names(session_id) if session.tree.nodes else _names(session_id)[::-1]
        self.put(name, session)
        self.discard(other_name)


def _names(session_id: str) -> tuple[str, str]:
    """Of a session with continuations, and of one without."""
    return session_id, f"{session_id} prompt"
