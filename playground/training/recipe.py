"""What is trained, and how: every choice of a run, with its range. Knows no torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from playground.analysis.arrays import check_range
from playground.errors import PlaygroundError

PREFIX = "trained:"
"""How the ids of trained models begin."""
ARCHITECTURES = ("gpt2", "llama", "neox", "bart")
"""GPT-2 and Llama read from left to right; so does GPT-NeoX, which has LayerNorm and rotary positions. BART is an encoder
with a decoder."""
POSITIONS = ("learned", "sinusoidal", "rotary", "none")
NORMS = ("LayerNorm", "RMSNorm")
OPTIMISERS = ("AdamW", "Adam", "SGD")
MAX_SECONDS = 300.0
"""CPU time of a run's steps."""
LONGEST_GRADIENT = 1.0
"""The largest norm of a gradient; a longer one is scaled down to it."""
RANGES: dict[str, tuple[float, float]] = {
    "layers": (1, 8),
    "heads": (1, 8),
    "width": (8, 256),
    "learning_rate": (0, 10),
    "batch": (1, 256),
    "steps": (1, 5000),
    "seed": (0, 2**31 - 1),
}
"""Least and largest value of every number."""
NAMES = {
    "layers": "The number of layers",
    "heads": "The number of heads",
    "width": "The width",
    "learning_rate": "The learning rate",
    "batch": "The batch size",
    "steps": "The number of steps",
    "seed": "The seed",
}


@dataclass(frozen=True)
class Recipe:
    """Every choice of a run. Two runs of one recipe are the same bit for bit."""

    lesson: str = "repeat"
    positions: str = "learned"
    norm: str = "LayerNorm"
    encoder: bool = False
    """Whether an encoder reads the question and a decoder writes the answer; else one stack does both."""
    mlp: bool = True
    mlp_width: int = 0
    """Neurons of each MLP; 0 for as many as the architecture usually has."""
    layers: int = 2
    heads: int = 4
    width: int = 64
    """Numbers of a token's state, d_model."""
    spread: float = 0.02
    """Standard deviation of the first weights."""
    tied: bool = False
    """Whether the output layer is the embedding matrix."""
    optimiser: str = "AdamW"
    learning_rate: float = 3e-3
    schedule: str = "constant"
    """constant, or cosine: a warm-up of a twentieth of the steps, then half a cosine down to a tenth."""
    batch: int = 64
    steps: int = 400
    seed: int = 0
    data: str = ""
    """A text or a table of one's own; empty for the lesson's."""

    @property
    def architecture(self) -> str:
        """One of ARCHITECTURES."""
        if self.encoder:
            return "bart"
        if self.positions == "rotary":
            return "llama" if self.norm == "RMSNorm" else "neox"
        return "gpt2"

    def check(self) -> "Recipe":
        """The recipe, whole numbers as int. PlaygroundError names the first choice that can't be, with its range."""
        numbers: dict[str, Any] = {
            name: number_in_range(NAMES[name], getattr(self, name), bounds, whole=name != "learning_rate")
            for name, bounds in RANGES.items()
        }
        recipe = replace(self, **numbers)
        recipe._check_combination()
        return recipe

    def _check_combination(self) -> None:
        for what, value, choices in (
            ("kind of positions", self.positions, POSITIONS),
            ("kind of norm", self.norm, NORMS),
            ("optimiser", self.optimiser, OPTIMISERS),
        ):
            if value not in choices:
                raise PlaygroundError(f"There is no {what} {value!r:.40}.", f"Choose one of: {', '.join(choices)}.")
        if self.width % self.heads:
            raise PlaygroundError(
                f"A width of {self.width} can't be divided among {self.heads} heads.",
                f"Choose a multiple of {self.heads}, such as {self.heads * max(1, round(self.width / self.heads))}.",
            )
        if self.positions == "rotary" and (self.width // self.heads) % 2:
            raise PlaygroundError(
                f"Rotary positions turn pairs of numbers; a head of width {self.width // self.heads} has an odd one.",
                "Choose a width that leaves every head an even number.",
            )
        if self.norm == "RMSNorm" and self.positions != "rotary":
            raise PlaygroundError("RMSNorm comes with rotary positions here, as in Llama.", "Choose rotary positions.")
        if self.encoder and (self.positions == "rotary" or not self.mlp):
            raise PlaygroundError(
                "The encoder-decoder is BART's: it has MLPs, and its positions are added to the embeddings.",
                "Choose learned, sinusoidal or no positions, with an MLP.",
            )


def number_in_range(name: str, value: Any, bounds: tuple[float, float], *, whole: bool) -> float:
    """The value of a choice; as an int where it has to be a whole number. PlaygroundError, with the range, for another one.

    name: as a visitor reads it, at the beginning of a sentence.
    """
    least, most = bounds
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        state = "empty" if value is None or value == "" else "no number"
        raise PlaygroundError(f"{name} is {state}.", f"Choose a number from {least:,} to {most:,}.")
    check_range(name, value, least, most)
    if not whole:
        return value
    if value != int(value):
        raise PlaygroundError(f"{name} is {value}; it has to be a whole number.", f"Choose {int(value)}.")
    return int(value)


def changed(recipe: Recipe, choices: Mapping[str, Any]) -> Recipe:
    """The recipe with other choices. PlaygroundError for a choice that recipes do not have."""
    names = {field.name for field in fields(Recipe)}
    if others := set(choices) - names:
        raise PlaygroundError(f"A run has no choice {min(others)!r:.40}.", f"It has: {', '.join(sorted(names))}.")
    return replace(recipe, **choices)
