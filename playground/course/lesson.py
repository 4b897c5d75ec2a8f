"""A lesson as data: steps that ask, and the measure that the loaded model answers with. Holds no answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CHOICE, NUMBER, TOKEN, HEAD = KINDS = ("choice", "number", "token", "head")
"""How a pupil answers: one of several choices; a number; a token of a text, clicked; the head that the page shows."""


@dataclass(frozen=True)
class Place:
    """What the page shows: a field that is None stays as it is."""

    tab: str
    view: str = ""
    text: str | None = None
    layer: int | None = None
    """Layer and head count from 0, and are named together."""
    head: int | None = None
    row: str = ""
    """The token whose row of the head is shown, the last of this word; empty: the most telling one."""
    controls: Mapping[str, Any] = field(default_factory=dict)
    """Name of a control's element -> its value."""


@dataclass(frozen=True)
class Choice:
    """One of the answers to choose from: right if the measure, with its `arguments`, gives the most of all choices; or, in
    a question whose choices have limits, if the one value lies in `least` <= value < `below`."""

    words: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    least: float | None = None
    below: float | None = None

    @property
    def is_range(self) -> bool:
        """Whether it has limits."""
        return self.least is not None or self.below is not None

    @property
    def is_token(self) -> bool:
        """Whether its words are what the model reads, a token or a word: the same in every language."""
        return any(self.words == str(value).strip() for value in self.arguments.values())


@dataclass(frozen=True)
class Question:
    """What a pupil predicts before the model answers."""

    ask: str
    kind: str
    """One of KINDS."""
    choices: tuple[Choice, ...] = ()
    tolerance: float = 0.0
    """Of a number, in the measure's unit as it is shown: how far off still counts as right. Of a head, as a share of the
    largest weight."""
    least: float | None = None
    """The smallest number that can be typed."""
    most: float | None = None


@dataclass(frozen=True)
class Step:
    """A question, the measure that answers it, and what the page shows before and afterwards."""

    words: str
    question: Question
    measure: str
    """A name in `measures.MEASURES`."""
    arguments: Mapping[str, Any]
    reveal: str
    """What is said once the answer is locked; {value} and the other words of the measure stand for the model's numbers."""
    before: Place | None = None
    after: Place | None = None


@dataclass(frozen=True)
class Lesson:
    """A lesson: what one will know, and its steps."""

    name: str
    """Of its file, without the ending."""
    title: str
    minutes: int
    knows: str
    order: int
    """Its place in the list."""
    steps: tuple[Step, ...]
