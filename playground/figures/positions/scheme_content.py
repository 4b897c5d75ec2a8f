"""What the pictures of a position scheme are drawn from, and what they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from playground.analysis.arrays import check_range
from playground.analysis.positions.schemes import MAX_LENGTH
from playground.errors import PlaygroundError
from playground.figures.positions import curves

MAX_PICTURES = 5
"""Of a scheme."""
MAX_CELLS = 2**20
"""Positions times dimensions that a formula is computed for: a quarter of a second."""


@dataclass(frozen=True)
class Numbers:
    """What a visitor may set. PlaygroundError for a length or a shift out of range."""

    length: int = 256
    width: int = 128
    base: float = 10000.0
    shift: int = 5
    heads: int = 8

    @classmethod
    def filled_in(cls, **controls: float | None) -> Numbers:
        """From the values of controls, one for each field. PlaygroundError for a missing one."""
        numbers = {name: float(value) for name, value in controls.items() if value is not None}
        if len(numbers) < len(controls):
            raise PlaygroundError("A number of the scheme is missing.", "Fill it in.")
        base = numbers.pop("base")
        return cls(base=base, **{name: int(number) for name, number in numbers.items()})

    def __post_init__(self) -> None:
        check_range("The length", self.length, 1, MAX_LENGTH)
        check_range("The shift", self.shift, 0, MAX_LENGTH)

    def check_cells(self) -> None:
        """PlaygroundError for a table of more numbers than are computed here."""
        if self.length * self.width > MAX_CELLS:
            raise PlaygroundError(
                f"{self.length:,} positions of {self.width:,} dimensions are {self.length * self.width:,} numbers; at most "
                f"{MAX_CELLS:,} are computed.",
                f"Choose a length of at most {MAX_CELLS // self.width:,}, or a smaller width.",
            )


@dataclass(frozen=True, eq=False)
class TextFacts:
    """What the model made of the text. Layers and heads count from 0."""

    context: int | None = None
    """Tokens of the longest text that the model reads."""
    tokens: int | None = None
    """Tokens of this text."""
    profiles: tuple[np.ndarray, np.ndarray] | None = None
    """Mean attention over distance: (n,) distances and (heads, n) weights, mean of all layers; of a model with
    `layers_without`, (2, n): of its other layers, and of these."""
    layers_without: tuple[int, ...] = ()
    """The layers that get no positions."""


@dataclass(frozen=True)
class SchemePictures:
    """A scheme's pictures, at most five, and the sentence beside them."""

    sentence: str
    figures: tuple[go.Figure, ...] = ()
    own: bool = True
    """Whether these are the model's own numbers and not the formula's."""


def attention_figure(profiles: tuple[np.ndarray, np.ndarray]) -> go.Figure:
    """Mean attention over distance, a line for each head."""
    distances, mean = profiles
    return curves.over_distance_figure(
        distances,
        mean,
        [f"head {n}" for n in range(len(mean))],
        what="mean weight",
        title="The same heads' real attention on this text, mean of all layers, the first token set aside",
    )
