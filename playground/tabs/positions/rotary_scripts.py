"""The scripts of Clocks: of the clocks, and of a score over distance."""

from typing import TYPE_CHECKING

from playground.figures.positions.rotary import MAX_CLOCKS
from playground.figures.positions.rotary_report import FORMULA, farthest_decay, farthest_distance
from playground.scripts import rotary
from playground.scripts.rotary import FrequencyPlace, ScorePlace
from playground.scripts.script import Script
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import model_for_script, reading_for_script, script_output
from playground.tabs.shared.wiring import Outputs
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.positions.rotary_layer import RotatedPair
    from playground.recording.recording import Recording


def clocks_script(
    model: "LoadedModel", source: str, formula: tuple[float | None, int | None], frames: tuple[int, int]
) -> Script:
    """source: a kind of layers, or FORMULA; formula: base and width; frames: how many positions, and the first one."""
    from playground.recording.script_reading import frequency_place  # torch: not before the page is there

    place: FrequencyPlace | tuple[float, int] | None
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
