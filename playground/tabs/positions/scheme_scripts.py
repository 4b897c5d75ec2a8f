"""The scripts of the pictures of a position scheme, in the order of the pictures."""

from typing import TYPE_CHECKING

from playground.figures.positions.added_pictures import MAX_POSITIONS
from playground.figures.positions.scheme_content import Numbers
from playground.scripts import positions
from playground.scripts.script import Script
from playground.tabs.shared.scripts import NONE_YET, model_for_script

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.positions.scheme_tensors import PositionFacts


def scheme_scripts(model: "LoadedModel", scheme: str, facts: "PositionFacts | None", numbers: Numbers) -> list[Script]:
    """facts: of a model that has the scheme; None for the pictures of the formula."""
    if scheme == "learned" and facts is not None and facts.table is not None:
        return _learned(model, facts)
    if scheme == "rotary":
        return _rotary(model, facts, numbers)
    if scheme == "sinusoidal":
        reading, of_formula = model_for_script(model), (numbers.length, numbers.width, numbers.base)
        table, by_distance = (
            positions.sinusoidal(reading, picture, *of_formula) for picture in (positions.TABLE, positions.BY_DISTANCE)
        )
        own = [NONE_YET, NONE_YET] if facts is not None and facts.table is not None else [table]
        return [*own, NONE_YET, by_distance]
    return []


def _learned(model: "LoadedModel", facts: "PositionFacts") -> list[Script]:
    from playground.models.position_scheme import position_table  # torch: not before the page is there
    from playground.recording.script_paths import path_of

    table = position_table(model.model)
    path = path_of(model.model, table)
    if not path or facts.table is None:
        return []
    reading, length = model_for_script(model), min(len(facts.table), MAX_POSITIONS)
    pictures = (positions.TABLE, positions.SIMILARITY, None, None, positions.LENGTHS)
    return [
        NONE_YET if picture is None else positions.learned(reading, picture, path, facts.first, length)
        for picture in pictures
    ]


def _rotary(model: "LoadedModel", facts: "PositionFacts | None", numbers: Numbers) -> list[Script]:
    from playground.models.rope_modules import rotary_modules, scales_with_length
    from playground.recording.script_paths import path_of

    reading, pictures = model_for_script(model), (positions.ANGLES, positions.WAVES)
    if facts is None:
        of_formula = numbers.length, numbers.width, numbers.base
        return [positions.rotary_formula(reading, picture, *of_formula) for picture in pictures]
    modules = [module for module in rotary_modules(model.model) if "inv_freq" in dict(module.named_buffers())]
    if len(facts.inverse_frequencies) != 1 or not modules or scales_with_length(modules[0]):
        return []
    path = path_of(model.model, modules[0])
    return [positions.rotary(reading, picture, path, numbers.length) for picture in pictures] if path else []
