"""The scripts of rotary positions: of their frequencies, of the clocks, and of a score over distance."""

from typing import TYPE_CHECKING

from playground.figures.positions.rotary import MAX_CLOCKS
from playground.figures.positions.rotary_report import FORMULA, farthest_decay, farthest_distance
from playground.figures.positions.scheme_content import Numbers
from playground.scripts import rotary
from playground.scripts.rotary import ANGLES, WAVES, Frequencies, ScorePlace
from playground.scripts.script import Script
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import model_for_script, reading_for_script, script_output
from playground.tabs.shared.wiring import Outputs
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.positions.rotary_layer import RotatedPair
    from playground.positions.scheme_tensors import PositionFacts
    from playground.recording.recording import Recording

BASE = 10_000.0
"""Of families that have their angles in their code alone (GPT-J, RoFormer)."""


def frequency_scripts(model: "LoadedModel", facts: "PositionFacts | None", numbers: Numbers) -> list[Script]:
    """Two pictures of each kind of layers, of at most two. facts: of a model that turns its queries and keys; None for the
    formula's."""
    from playground.models.rope_modules import rotary_modules, scales_with_length
    from playground.recording.script_reading import frequency_place  # torch: not before the page is there

    reading = model_for_script(model)
    scales = any(map(scales_with_length, rotary_modules(model.model)))

    def pictures(frequencies: Frequencies | None) -> list[Script]:
        if frequencies is None:
            return [Script(why=texts.NEW_FREQUENCIES)] * 2
        return [rotary.angles(reading, frequencies, picture, numbers.length) for picture in (ANGLES, WAVES)]

    if facts is None:
        return pictures((numbers.base, numbers.width))
    scripts = []
    for kind, values in list(facts.inverse_frequencies.items())[:2]:
        scripts += pictures(frequency_place(model, kind) or (None if scales else (BASE, 2 * len(values))))
    return scripts


def clocks_script(
    model: "LoadedModel", source: str, formula: tuple[float | None, int | None], frames: tuple[int, int]
) -> Script:
    """source: a kind of layers, or FORMULA; formula: base and width; frames: how many positions, and the first one."""
    from playground.recording.script_reading import frequency_place  # torch: not before the page is there

    place: Frequencies | None
    if source == FORMULA:
        base, width = formula
        place = None if base is None or width is None else (float(base), int(width))
    else:
        place = frequency_place(model, source)
    if place is None:
        return Script(why=_why_no_frequencies(model))
    return rotary.clocks(model_for_script(model), place, *frames, MAX_CLOCKS)


def score_place(page: PageContext, recording: "Recording", layer: int, head: int, pair: "RotatedPair") -> ScorePlace:
    """Where a script finds a score's query and key."""
    from playground.recording.script_reading import frequency_place, head_place

    reading = reading_for_script(recording, page)
    steps = recording.layer_steps(layer)
    place = head_place(recording, steps, (layer, recording.kinds[0], head), pair.query)
    frequencies, layout = frequency_place(recording.model, pair.kind), pair.score.layout
    first, turning = int(layout.pairs.min()), layout.pairs.size
    if isinstance(place, str):
        return ScorePlace(reading, why=place)
    if not place.turns or (first and turning < len(pair.score.query)):  # else those that stand still come behind
        return ScorePlace(reading, why=texts.OWN_ROTATION)
    if frequencies is None:
        return ScorePlace(reading, why=_why_no_frequencies(recording.model))
    return ScorePlace(reading, place, frequencies, pair.key, layout.name, first)


def score_scripts(place: ScorePlace, pair: "RotatedPair", context: int | None, distance: int) -> Outputs:
    """Of the three pictures of a score."""
    numbers = {
        rotary.CURVE: farthest_distance(pair),
        rotary.PARTS: distance,
        rotary.DECAY: farthest_decay(pair, context),
    }
    return {script_output(picture): rotary.score(place, picture, number) for picture, number in numbers.items()}


def _why_no_frequencies(model: "LoadedModel") -> str:
    from playground.models.rope_modules import rotary_modules, scales_with_length

    scales = any(map(scales_with_length, rotary_modules(model.model)))
    return texts.NEW_FREQUENCIES if scales else texts.NO_FREQUENCIES
