"""Every position scheme in pictures, under the name that it has in `playground.positions.schemes`: the loaded model's own
tensors where it has the scheme, else the formula with numbers of the visitor's. Knows no components."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playground.analysis.text_display import Badge
from playground.figures.positions.added_pictures import learned_pictures, sinusoidal_pictures
from playground.figures.positions.scheme_content import MAX_PICTURES, Numbers, SchemePictures, TextFacts
from playground.figures.positions.score_pictures import (
    alibi_pictures,
    other_pictures,
    relative_pictures,
    rotary_pictures,
)

if TYPE_CHECKING:
    from playground.positions.scheme_tensors import PositionFacts

__all__ = ["MAX_PICTURES", "Numbers", "SchemePictures", "TextFacts"]

LENGTH, WIDTH, BASE, SHIFT, HEADS = CONTROLS = ("length", "width", "base", "shift", "heads")
"""The controls of the view, in the order of the page: fields of `Numbers`."""
OTHER = "other"


@dataclass(frozen=True)
class SchemeDrawing:
    """How one scheme is shown."""

    name: str
    """For people."""
    draw: Callable[[PositionFacts | None, Numbers, TextFacts], SchemePictures]
    """From a model's own tensors, or from the formula where there are none."""
    own_controls: tuple[str, ...] = (LENGTH,)
    """The controls that bear on a model's own pictures."""
    formula_controls: tuple[str, ...] = (LENGTH,)
    """The controls that bear on the formula's pictures."""
    needs_attention: bool = False
    """The model's own pictures include its attention over distance."""


PICTURES = {
    "sinusoidal": SchemeDrawing(
        "Sinusoidal", sinusoidal_pictures, (LENGTH, WIDTH, BASE, SHIFT), (LENGTH, WIDTH, BASE, SHIFT)
    ),
    "learned": SchemeDrawing("Learned table", learned_pictures, (), ()),
    "rotary": SchemeDrawing("Rotary", rotary_pictures, formula_controls=(LENGTH, WIDTH, BASE)),
    "alibi": SchemeDrawing("ALiBi", alibi_pictures, formula_controls=(LENGTH, HEADS), needs_attention=True),
    "relative": SchemeDrawing("Relative buckets", relative_pictures),
    OTHER: SchemeDrawing("None or other", other_pictures, (), (), needs_attention=True),
}
"""Scheme -> its pictures; schemes without an entry are shown under `OTHER`."""
NAMES = {scheme: drawing.name for scheme, drawing in PICTURES.items()}


def own_scheme(facts: PositionFacts) -> str:
    """The name in `PICTURES` of a model's scheme."""
    return facts.scheme if facts.scheme in PICTURES else OTHER


def show(scheme: str, facts: PositionFacts, numbers: Numbers, text: TextFacts | None = None) -> SchemePictures:
    """A scheme's pictures, for a model with these facts. PlaygroundError for numbers that make no sense."""
    own = own_scheme(facts) == scheme
    return PICTURES[scheme].draw(facts if own else None, numbers, text or TextFacts())


def heading(scheme: str, pictures: SchemePictures, facts: PositionFacts, model_id: str) -> Badge:
    """Whether these are the model's own numbers or the formula's."""
    if pictures.own:
        return Badge("ok", f"{model_id}, its own: {facts.words}")
    name = PICTURES[scheme].name if scheme != OTHER else "A scheme without positions"
    how = f"{name}, drawn by its formula" if pictures.figures else name
    return Badge("off", f"{how}: not what {model_id} has, which is {facts.words}")
