"""What the panel holds at an event, and the answer that a pupil gives with it."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, TypeGuard

from playground.course.lesson import CHOICE, HEAD, NUMBER, TOKEN, Step
from playground.course.progress import Answer
from playground.errors import PlaygroundError
from playground.texts import course as texts


@dataclass(frozen=True)
class CourseRequest:
    """What the panel holds."""

    kept: str
    """The pupil's progress, as the browser keeps it."""
    choice: str | None = None
    number: float | None = None
    token: int | None = None
    layer: float = 0
    """Layer and head of the page."""
    head: float = 0

    @property
    def pupil(self) -> str:
        """What a pupil's browser tab calls itself; empty outside of a class, and on the teacher's page."""
        return ""

    @property
    def follows(self) -> bool:
        """Whether he follows his teacher, who then moves the page, and reveals."""
        return False


@dataclass(frozen=True)
class PupilRequest(CourseRequest):
    """The same in a class."""

    pupil: str = ""
    follows: bool = False

    @classmethod
    def from_controls(cls, pupil: str, follows: bool, **controls: Any) -> "PupilRequest":
        """The teacher's page follows nobody, whatever its switch says."""
        return cls(**controls, pupil=pupil, follows=bool(pupil and follows))


@dataclass(frozen=True)
class BeginRequest:
    """A lesson to begin."""

    kept: str
    name: str

    follows: ClassVar[bool] = False


def answer_of(step: Step, request: CourseRequest) -> Answer:
    """What a pupil locks. PlaygroundError for nothing, and for a number out of the question's range."""
    question = step.question
    if question.kind == HEAD:
        return int(request.layer), int(request.head)
    if question.kind == TOKEN:
        if request.token is None:
            raise PlaygroundError(*texts.NOT_A_TOKEN)
        return float(request.token)
    value = request.choice if question.kind == CHOICE else request.number
    if value is None or value == "":
        raise PlaygroundError(*texts.NO_ANSWER)
    number = float(value)
    least = float("-inf") if question.least is None else question.least
    most = float("inf") if question.most is None else question.most
    if not least <= number <= most:
        words = texts.OUT_OF_RANGE[0].format(value=f"{number:g}", least=f"{least:g}", most=f"{most:g}")
        raise PlaygroundError(words, texts.OUT_OF_RANGE[1])
    return number


def can_be(answer: Answer | None, step: Step) -> TypeGuard[Answer]:
    """Whether an answer is one that the step's question takes, wherever it comes from."""
    question = step.question
    if question.kind == HEAD or isinstance(answer, tuple):
        return question.kind == HEAD and isinstance(answer, tuple)
    if answer is None or not math.isfinite(answer):
        return False
    if question.kind == NUMBER:
        return (question.least is None or answer >= question.least) and (
            question.most is None or answer <= question.most
        )
    return answer >= 0 and answer == int(answer) and (question.kind == TOKEN or answer < len(question.choices))
