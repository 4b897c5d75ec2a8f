"""The scripts of the pictures of a position scheme, in the order of the pictures."""

from typing import TYPE_CHECKING

from playground.figures.positions.added_pictures import MAX_POSITIONS
from playground.figures.positions.scheme_content import Numbers, TextFacts
from playground.figures.positions.score_pictures import MAX_DISTANCES
from playground.scripts import positions, score_positions
from playground.scripts.attention_distance import mean_of_layers
from playground.scripts.paths import TensorPlace
from playground.scripts.script import Script
from playground.tabs.positions.rotary_scripts import frequency_scripts
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import model_for_script, reading_for_script
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.positions.scheme_tensors import PositionFacts
    from playground.recording.recording import Recording


def scheme_scripts(
    page: PageContext,
    recording: "Recording",
    scheme: str,
    facts: "PositionFacts | None",
    numbers: Numbers,
    text: TextFacts,
) -> list[Script]:
    """facts: of a model that has the scheme; None for the pictures of the formula."""
    model = recording.model
    made = {
        "sinusoidal": _sinusoidal,
        "learned": _learned,
        "rotary": frequency_scripts,
        "alibi": _alibi,
        "relative": _relative,
    }.get(scheme, _other)(model, facts, numbers)
    if facts is None or text.profiles is None:
        return made
    attention = mean_of_layers(reading_for_script(recording, page), recording.kinds[0], text.layers_without)
    return [*made, attention]


def _sinusoidal(model: "LoadedModel", facts: "PositionFacts | None", numbers: Numbers) -> list[Script]:
    from playground.analysis.positions.schemes import nearest_sinusoidal

    reading, size = model_for_script(model), (numbers.length, numbers.width, numbers.base)
    pictures = [positions.WAVES_OF_TABLE, positions.BY_DISTANCE, *([] if numbers.width % 2 else [positions.SHIFT])]
    drawn = [positions.sinusoidal(reading, picture, size, numbers.shift) for picture in pictures]
    if facts is None or facts.table is None:
        return [positions.sinusoidal(reading, positions.TABLE, size), *drawn]
    rows = facts.table[: numbers.length]
    name, values, _ = nearest_sinusoidal(rows.numpy(), facts.first)
    variant = name.startswith("all sines"), "exponent" in name
    formula = positions.nearest(reading, (values.shape[0], values.shape[1]), facts.first, *variant)
    return [*_own_table(model, facts, [(positions.TABLE, 2)], len(rows)), formula, *drawn]


def _learned(model: "LoadedModel", facts: "PositionFacts | None", numbers: Numbers) -> list[Script]:
    if facts is None or facts.table is None:
        return []
    path = [(positions.PATH, components) for components in (2, 3)]
    pictures = [(positions.TABLE, 2), (positions.SIMILARITY, 2), *path, (positions.LENGTHS, 2)]
    return _own_table(model, facts, pictures, min(len(facts.table), MAX_POSITIONS))


def _own_table(
    model: "LoadedModel", facts: "PositionFacts", pictures: list[tuple[str, int]], length: int
) -> list[Script]:
    """pictures: each with its components."""
    from playground.positions.scheme_tensors import added_table  # torch: not before the page is there
    from playground.recording.script_paths import place_of

    known = added_table(model)
    place = None if known is None else place_of(model.model, known[0])
    if place is None:
        return [Script(why=texts.NO_TABLE)] * len(pictures)
    reading = model_for_script(model)
    return [
        positions.table(reading, picture, place, facts.first, length, components) for picture, components in pictures
    ]


def _alibi(model: "LoadedModel", facts: "PositionFacts | None", numbers: Numbers) -> list[Script]:
    reading, heads, divided_by = model_for_script(model), numbers.heads, 0
    if facts is not None and facts.slopes is not None:
        heads, divided_by = len(facts.slopes), model.anatomy.head_width if model.anatomy.family == "falcon" else 0
    pictures = score_positions.SLOPES, score_positions.LINES
    return [score_positions.alibi(reading, picture, heads, numbers.length, divided_by) for picture in pictures]


def _relative(model: "LoadedModel", facts: "PositionFacts | None", numbers: Numbers) -> list[Script]:
    from playground.models.position_scheme import bucket_tables  # torch: not before the page is there
    from playground.recording.script_paths import path_of

    reading = model_for_script(model)
    if facts is None:
        formula = {"both directions (encoder)": (True, 32, 128), "backwards (decoder)": (False, 32, 128)}
        return [score_positions.bucket_steps(reading, formula, numbers.length)]
    kinds: dict[str, score_positions.Kind] = {}
    biases = []
    for buckets, table in zip(facts.buckets[:2], bucket_tables(model.model).values(), strict=False):
        kind = kinds[buckets.where] = buckets.bidirectional, len(buckets.table), buckets.max_distance
        place = TensorPlace(path_of(model.model, table), "weight")
        for as_lines in (False, True):
            biases.append(score_positions.bucket_bias(reading, place, kind, numbers.length, as_lines))
    return [score_positions.bucket_steps(reading, kinds, numbers.length), *biases]


def _other(model: "LoadedModel", facts: "PositionFacts | None", numbers: Numbers) -> list[Script]:
    from playground.positions.scheme_tensors import distance_table  # torch: not before the page is there
    from playground.recording.script_paths import place_of

    place = None if facts is None else place_of(model.model, distance_table(model))
    if place is None:
        return []
    reading, pictures = model_for_script(model), (positions.TABLE, positions.SIMILARITY)
    return [positions.table(reading, picture, place, 0, MAX_DISTANCES) for picture in pictures]
