"""The scripts of the Heads view's pictures."""

from dataclasses import replace
from typing import TYPE_CHECKING

from playground.figures.attention.head_request import CHOICE, COLUMN, HeadRequest
from playground.recording.head_choice import BOTH, NOTHING, THIS_HEAD
from playground.recording.head_weights import MASK
from playground.recording.measured_heads import repeated_ids
from playground.scripts.attention import EXPRESSIONS, every_head, head_map, token_row
from playground.scripts.head_measures import MEASURES, head_measure
from playground.scripts.script import Script
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import is_hybrid, model_for_script, reading_for_script, script_output
from playground.tabs.shared.wiring import Outputs
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from playground.recording.recording import Recording


def head_script(page: PageContext, recording: "Recording", request: HeadRequest) -> Script:
    """Of the map of a head, or of what is derived of its layer."""
    if why := _why_not(recording, request):
        return Script(why=why)
    others = [int(head) for head in request.others or ()]
    show = THIS_HEAD if "chosen" in request.show and not others else request.show
    reading = reading_for_script(recording, page)
    return head_map(reading, request.kind, (int(request.layer), int(request.head)), show, others)


def row_script(
    page: PageContext, recording: "Recording", request: HeadRequest, token: int, bars: "Figure | None"
) -> Script:
    """Of a token's row or column of a head's own map. bars: the picture that it makes."""
    if request.direction == CHOICE:
        return Script(why=texts.CHOICE)
    if (why := _why_not(recording, request)) or request.show != THIS_HEAD or bars is None:
        return Script(why=why or texts.NONE_YET)
    place, column = (int(request.layer), int(request.head)), request.direction == COLUMN
    reading = reading_for_script(recording, page)
    return token_row(reading, request.kind, place, token, column, len(bars.data[0].y))


def every_head_script(page: PageContext, kind: str) -> Outputs:
    """Of the picture of all heads."""
    recording = page.recording()
    why = texts.HYBRID if is_hybrid(recording, kind) else ""
    script = Script(why=why) if why else every_head(reading_for_script(recording, page), kind)
    return {script_output("overview"): script}


def measure_script(page: PageContext, recording: "Recording", kind: str, measure: str) -> Script:
    """Of a measure of every head; induction is measured on random tokens that come twice."""
    if measure not in MEASURES or is_hybrid(recording, kind):
        return Script(why=texts.HYBRID if measure in MEASURES else texts.NONE_YET)
    reading = reading_for_script(recording, page)
    if measure == "induction" and not reading.why:
        reading = replace(model_for_script(recording.model), ids=tuple(repeated_ids(recording.model)))
    return head_measure(reading, kind, measure)


def _why_not(recording: "Recording", request: HeadRequest) -> str:
    if is_hybrid(recording, request.kind):
        return texts.HYBRID
    if request.exclude != NOTHING or request.between != BOTH:
        return texts.DERIVED
    if request.show == MASK:
        return texts.NONE_YET
    return "" if request.show in EXPRESSIONS else texts.VALUE_NORMS
