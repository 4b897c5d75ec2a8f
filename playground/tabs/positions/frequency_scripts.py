"""The scripts of rotary frequencies: of a model's own, and by the formula."""

from typing import TYPE_CHECKING

from playground.figures.positions.scheme_content import Numbers
from playground.scripts import positions
from playground.scripts.positions import TensorPlace
from playground.scripts.script import Script
from playground.tabs.shared.scripts import model_for_script
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.positions.scheme_tensors import PositionFacts

PICTURES = positions.ANGLES, positions.WAVES
BASE = 10_000.0
"""Of families that have their angles in their code alone (GPT-J, RoFormer)."""


def frequency_scripts(model: "LoadedModel", facts: "PositionFacts | None", numbers: Numbers) -> list[Script]:
    """Two pictures of each kind of layers, of at most two. facts: of a model that turns its queries and keys; None for the
    formula's."""
    if facts is None:
        return _of_formula(model, numbers, numbers.width, numbers.base)
    places, scripts = _places(model), []
    for kind, frequencies in list(facts.inverse_frequencies.items())[:2]:
        if kind in places:
            scripts += _of_model(model, numbers, places[kind])
        else:
            scripts += _of_formula(model, numbers, 2 * len(frequencies), BASE)
    return scripts


def _of_formula(model: "LoadedModel", numbers: Numbers, width: int, base: float) -> list[Script]:
    reading = model_for_script(model)
    return [positions.rotary_formula(reading, picture, numbers.length, width, base) for picture in PICTURES]


def _of_model(model: "LoadedModel", numbers: Numbers, place: TensorPlace | None) -> list[Script]:
    if place is None:
        return [Script(why=texts.NEW_FREQUENCIES)] * len(PICTURES)
    reading = model_for_script(model)
    return [positions.rotary(reading, picture, place, numbers.length) for picture in PICTURES]


def _places(model: "LoadedModel") -> dict[str, TensorPlace | None]:
    """Kind of layers -> where their frequencies lie; None where they follow the text's length."""
    from playground.models.rope_modules import frequency_kind, rotary_modules, scales_with_length
    from playground.recording.script_paths import place_of

    places: dict[str, TensorPlace | None] = {}
    for module in rotary_modules(model.model):
        for name, buffer in module.named_buffers(recurse=False):
            if (kind := frequency_kind(name)) is not None and kind not in places:
                places[kind] = None if scales_with_length(module) else place_of(model.model, buffer)
    return places
