"""What the controls of the Train tab say."""

from dataclasses import dataclass, field, replace
from typing import Any

from gradio.components import Component

from playground.tabs.training.commands import Commands
from playground.training.lessons import LESSONS, recipe_of
from playground.training.recipe import Recipe

NAME = "training"
LESSON = "lesson"
"""The view of the run."""
CHOICES = (
    "positions", "norm", "encoder", "mlp", "layers", "heads", "width", "optimiser", "learning_rate", "batch", "steps",
    "seed",
)  # fmt: skip
"""The fields of a recipe that have a control."""


@dataclass(frozen=True)
class Watched:
    """What a page watches."""

    code: str = ""
    """The run's; empty before the first."""
    own: bool = True
    """Whether the page started it, and may play and pause it."""
    follows: bool = True
    """Whether the page shows each new snapshot; not while its visitor looks at an earlier one."""
    place: int = 0
    """The place of the snapshot that is shown, from 0, and its step."""
    step: int = 0
    drawn: int = -1
    """The step of the newest snapshot that was sent."""


@dataclass
class WatchControls:
    """The components of a WatchRequest, which the lesson's view fills in."""

    inputs: dict[str, Component] = field(default_factory=dict)


@dataclass(frozen=True)
class WatchRequest:
    """A page that watches, and where its slider stands."""

    watched: Watched
    place: float | None = 0
    commands: Commands = field(default_factory=Commands)

    @property
    def number(self) -> int:
        """Of the snapshot, from 0; 0 where the field beside the slider is empty. May lie outside of what there is."""
        return int(self.place) if isinstance(self.place, int | float) else 0


@dataclass(frozen=True)
class TickRequest:
    """A page that watches, twice a second."""

    watched: Watched
    active: str = ""
    """The open tab."""
    view: str = ""
    """The view that is open in this tab."""
    commands: Commands = field(default_factory=Commands)


@dataclass(frozen=True)
class SpeedRequest:
    """A page that watches, and another speed."""

    watched: Watched
    speed: str


@dataclass(frozen=True)
class CodeRequest:
    """The code of a run to watch."""

    code: str
    commands: Commands = field(default_factory=Commands)


@dataclass(frozen=True)
class PlayRequest:
    """The recipe of the controls, the run that the page watches, and the speed."""

    recipe: Recipe
    watched: Watched
    speed: str
    commands: Commands = field(default_factory=Commands)

    @classmethod
    def from_controls(
        cls, lesson: str, data: str, watched: Watched, speed: str, commands: Commands | None = None, **choices: Any
    ) -> "PlayRequest":
        """PlaygroundError for a lesson that there is not. The choices are checked when a run is made of them."""
        recipe = recipe_of(lesson, choices)
        if LESSONS[lesson].takes_data:
            recipe = replace(recipe, data=data or "")
        return cls(recipe, watched, speed, commands or Commands())
