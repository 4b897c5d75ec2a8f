"""How far a pupil is: what the browser keeps for the visit, and gives back. Whatever comes back is a stranger's text."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

MOST_CHARACTERS = 20_000
MOST_STEPS = 100
Answer = float | tuple[int, int]
"""The number of a choice or a token, a number, or a head as (layer, head)."""


@dataclass(frozen=True)
class Progress:
    """Where a pupil is, and what he answered. Steps count from 0."""

    is_open: bool = False
    """Whether the panel is on the page."""
    lesson: str = ""
    """Empty: the list of lessons."""
    steps: Mapping[str, int] = field(default_factory=dict)
    """Lesson -> its step; the number of steps where it is done."""
    answers: Mapping[str, Mapping[int, Answer]] = field(default_factory=dict)
    """Lesson -> step -> what was locked."""

    @property
    def step(self) -> int:
        """Of the open lesson."""
        return self.steps.get(self.lesson, 0)

    @property
    def answer(self) -> Answer | None:
        """What was locked in this step; None before."""
        return self.answers.get(self.lesson, {}).get(self.step)

    def opened(self, lesson: str) -> "Progress":
        """On a lesson, where it was left; empty: on the list."""
        return replace(self, is_open=True, lesson=lesson)

    def closed(self) -> "Progress":
        """The panel gone; the place stays."""
        return replace(self, is_open=False)

    def at(self, step: int) -> "Progress":
        """On a step of the open lesson."""
        return replace(self, steps={**self.steps, self.lesson: step})

    def locked(self, answer: Answer) -> "Progress":
        """With the answer to this step, unless it has one."""
        if self.answer is not None:
            return self
        own = {**self.answers.get(self.lesson, {}), self.step: answer}
        return replace(self, answers={**self.answers, self.lesson: own})

    def again(self) -> "Progress":
        """The open lesson from its beginning, without its answers."""
        rest = {name: own for name, own in self.answers.items() if name != self.lesson}
        return replace(self.at(0), answers=rest)

    def written(self) -> str:
        """For the browser, as JSON."""
        plain = {
            "open": self.is_open,
            "lesson": self.lesson,
            "steps": dict(self.steps),
            "answers": {
                name: {str(step): answer for step, answer in own.items()} for name, own in self.answers.items()
            },
        }
        return json.dumps(plain)


def read_progress(words: str, lessons: Mapping[str, int]) -> Progress:
    """The progress of what a browser kept; of anything that is none, a fresh one. lessons: name -> number of steps."""
    if not words or len(words) > MOST_CHARACTERS:
        return Progress()
    try:
        plain = json.loads(words)
    except (ValueError, RecursionError):
        return Progress()
    if not isinstance(plain, dict):
        return Progress()
    lesson = plain.get("lesson") if plain.get("lesson") in [*lessons] else ""
    steps, answers = plain.get("steps"), plain.get("answers")
    return Progress(
        plain.get("open") is True,
        lesson or "",
        {name: _step(steps.get(name), count) for name, count in lessons.items()} if isinstance(steps, dict) else {},
        {name: _answers(answers[name], count) for name, count in lessons.items() if isinstance(answers.get(name), dict)}
        if isinstance(answers, dict)
        else {},
    )


def _step(value: object, count: int) -> int:
    return min(max(0, value), count) if isinstance(value, int) else 0


def _answers(plain: dict, count: int) -> dict[int, Answer]:
    read = {step: _answer(plain.get(str(step))) for step in range(count)}
    return {step: answer for step, answer in read.items() if answer is not None}


def _answer(value: object) -> Answer | None:
    if isinstance(value, list) and len(value) == 2 and all(type(one) is int and 0 <= one < 10_000 for one in value):
        return value[0], value[1]
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None
