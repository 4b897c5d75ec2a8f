"""What the controls of the Train tab say."""

from dataclasses import dataclass, replace
from typing import Any

from playground.errors import PlaygroundError
from playground.training.lessons import LESSONS
from playground.training.recipe import Recipe

CHOICES = (
    "positions", "norm", "encoder", "mlp", "layers", "heads", "width", "optimiser", "learning_rate", "batch", "steps",
    "seed",
)  # fmt: skip
"""The fields of a recipe that have a control."""
WHOLE = {"layers", "heads", "width", "batch", "steps", "seed"}


@dataclass(frozen=True)
class Watched:
    """What a page watches."""

    code: str = ""
    """The run's; empty before the first."""
    own: bool = True
    """Whether the page started it, and may play and pause it."""
    follows: bool = True
    """Whether the page shows each new snapshot; not while its visitor looks at an earlier one."""
    drawn: int = -1
    """The step of the newest snapshot that was sent."""


@dataclass(frozen=True)
class WatchRequest:
    """A page that watches, and where its slider stands."""

    watched: Watched
    place: float | None = 0
    """Number of the snapshot, from 0."""
    speed: str = "full"


@dataclass(frozen=True)
class TickRequest:
    """The same, asked twice a second."""

    watched: Watched
    active: str = ""
    """The open tab."""


@dataclass(frozen=True)
class CodeRequest:
    """The code of a run to watch."""

    code: str


@dataclass(frozen=True)
class PlayRequest:
    """The recipe of the controls, the run that the page watches, and the speed."""

    recipe: Recipe
    watched: Watched
    speed: str
    place: float | None = 0

    @classmethod
    def from_controls(
        cls, lesson: str, data: str, watched: Watched, speed: str, place: Any, **choices: Any
    ) -> "PlayRequest":
        """PlaygroundError for a number field that is empty or no number."""
        if lesson not in LESSONS:
            raise PlaygroundError("There is no such lesson.", "Choose one from the list.")
        numbers = {name: _whole(name, value) if name in WHOLE else value for name, value in choices.items()}
        numbers["learning_rate"] = _number("The learning rate", choices["learning_rate"])
        own = data or "" if lesson in ("table", "text") else ""
        return cls(replace(LESSONS[lesson].recipe, data=own, **numbers), watched, speed, place)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PlaygroundError(f"{name} is empty or no number.", "Type a number.")
    return value


def _whole(name: str, value: Any) -> Any:
    number = _number(name.capitalize(), value)
    return int(number) if number == number and number == int(number) else number
