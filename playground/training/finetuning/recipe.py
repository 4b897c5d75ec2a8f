"""Every choice of a fine-tuning, with its range. Knows no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from playground.errors import PlaygroundError
from playground.training import recipe

RANGES: dict[str, tuple[float, float]] = {
    "steps": (1, 300),
    "learning_rate": (0, 1),
    "rank": (1, 64),
    "batch": (1, 16),
    "seed": (0, 2**31 - 1),
}
NAMES = recipe.NAMES | {"rank": "The rank"}
MAX_TOKENS = 64
"""Tokens of a line that are read."""


@dataclass(frozen=True)
class FinetuneRecipe:
    """Every choice of a fine-tuning. Two of one recipe on one model are the same bit for bit."""

    lines: str = ""
    """What is learned from: a text a line."""
    steps: int = 30
    learning_rate: float = 2e-3
    rank: int = 8
    """Columns of each matrix A and rows of B."""
    batch: int = 4
    """Lines of a step."""
    seed: int = 0

    def check(self) -> "FinetuneRecipe":
        """The recipe, whole numbers as int. PlaygroundError names the first choice that can't be, with its range."""
        numbers: dict[str, Any] = {
            name: recipe.number_in_range(NAMES[name], getattr(self, name), bounds, whole=name != "learning_rate")
            for name, bounds in RANGES.items()
        }
        return replace(self, **numbers)


def finetune_recipe(lines: str, choices: Mapping[str, Any]) -> FinetuneRecipe:
    """The recipe of lines with other choices than the usual ones. PlaygroundError for a choice that there is not."""
    names = {field.name for field in fields(FinetuneRecipe)} - {"lines"}
    if others := set(choices) - names:
        raise PlaygroundError(
            f"A fine-tuning has no choice {min(others)!r:.40}.", f"It has: {', '.join(sorted(names))}."
        )
    return FinetuneRecipe(lines, **choices)
