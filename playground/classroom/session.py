"""What the teacher shows and what the pupils answer, for as long as the question stands. Knows no page and no lesson."""

import math
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

MOST_PUPILS = 500
"""Pupils who are there at once, and answers to one question."""
MOST_ADDRESS = 16_000
"""Characters of the teacher's address, behind the #."""
MOST_STEPS = 1_000
_NAME = re.compile(r"[\w-]{0,80}")
_PUPIL = re.compile(r"[\w-]{8,64}")
Answer = float | tuple[int, int]
"""The number of a choice or a token, a number, or a head as (layer, head)."""
Question = tuple[str, int]
"""The lesson's name and its step, counted from 0."""


@dataclass(frozen=True)
class TeacherView:
    """What the teacher's page shows: where pupils who follow are led."""

    address: str = ""
    """What stands behind the # of its address; empty for the page as it opens."""
    lesson: str = ""
    """Empty: no lesson is open."""
    step: int = 0
    revealed: bool = False
    """Whether the model's answer to this step is out."""

    @property
    def question(self) -> Question | None:
        """The question that is open; None without a lesson."""
        return (self.lesson, self.step) if self.lesson else None


class Classroom:
    """One class. Each pupil has one answer, the last one that he gave; all are forgotten when the question changes.

    Safe to use from several threads. A listener is called after each change, from the thread that made it.
    """

    def __init__(self, secret: str | None = None):
        self.secret = secret or secrets.token_urlsafe(16)
        """Whoever has it is the teacher."""
        self._lock = threading.Lock()
        self._view = TeacherView()
        self._answers: dict[str, Answer] = {}
        self._pupils = 0
        self._listeners: set[Callable[[], None]] = set()

    def is_teacher(self, secret: object) -> bool:
        """Whether this is the teacher's secret, in a time that does not depend on how much of it is right."""
        if not isinstance(secret, str) or len(secret) > 200:
            return False
        return secrets.compare_digest(secret.encode("utf-8", "replace"), self.secret.encode())

    @property
    def view(self) -> TeacherView:
        """What the teacher shows now."""
        with self._lock:
            return self._view

    @property
    def pupils(self) -> int:
        """How many are there now."""
        with self._lock:
            return self._pupils

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Those to the open question, without whose they are."""
        with self._lock:
            return tuple(self._answers.values())

    def show(self, address: str, lesson: str, step: int) -> None:
        """The teacher's page shows something else. Another question forgets the answers to the former one. ValueError for
        what is no address, name or step."""
        if len(address) > MOST_ADDRESS or not _NAME.fullmatch(lesson) or not 0 <= step <= MOST_STEPS:
            raise ValueError("no view of a page")
        with self._lock:
            view = replace(self._view, address=address, lesson=lesson, step=step)
            if view.question != self._view.question:
                view = replace(view, revealed=False)
                self._answers.clear()
            if view == self._view:
                return
            self._view = view
        self._tell()

    def reveal(self) -> None:
        """The model's answer to the open question is out; no more answers are counted."""
        with self._lock:
            if self._view.question is None or self._view.revealed:
                return
            self._view = replace(self._view, revealed=True)
        self._tell()

    def waits(self, question: Question) -> bool:
        """Whether a pupil who follows has to wait for the model's answer to this question."""
        view = self.view
        return view.question == question and not view.revealed

    def take(self, pupil: str, question: Question, answer: Answer) -> bool:
        """Counts a pupil's answer, in place of any that he gave before. Returns whether it counts: not to another question
        than the open one, not after the reveal, not beyond MOST_PUPILS.

        pupil: what his browser tab calls itself, 8 to 64 letters, digits, - and _.
        """
        if not _PUPIL.fullmatch(pupil) or not _is_answer(answer):
            return False
        with self._lock:
            if self._view.question != question or self._view.revealed:
                return False
            if pupil not in self._answers and len(self._answers) >= MOST_PUPILS:
                return False
            self._answers[pupil] = answer
        self._tell()
        return True

    def arrive(self) -> bool:
        """One more pupil is there. False if the room is full; else `leave` is called once when he goes."""
        with self._lock:
            if self._pupils >= MOST_PUPILS:
                return False
            self._pupils += 1
        self._tell()
        return True

    def leave(self) -> None:
        """A pupil who arrived is gone."""
        with self._lock:
            self._pupils -= 1
        self._tell()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls the listener after each change. Returns what ends that."""
        with self._lock:
            self._listeners.add(listener)

        def stop() -> None:
            with self._lock:
                self._listeners.discard(listener)

        return stop

    def _tell(self) -> None:
        with self._lock:
            listeners = [*self._listeners]
        for listener in listeners:
            listener()


def _is_answer(answer: object) -> bool:
    """Whether an answer is of a form that one can have, whatever the question."""
    if isinstance(answer, tuple):
        return len(answer) == 2 and all(type(one) is int and 0 <= one < 10_000 for one in answer)
    return isinstance(answer, int | float) and not isinstance(answer, bool) and math.isfinite(answer)
