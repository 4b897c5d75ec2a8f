"""The scripts of the Heads view's pictures."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from playground.figures.attention.head_request import CHOICE, COLUMN, HeadRequest
from playground.recording.head_choice import THIS_HEAD
from playground.recording.head_weights import DERIVATIONS, MASK, TIMES_NORMS
from playground.recording.measured_heads import repeated_ids
from playground.scripts.attention import HeadMap, every_head, head_map, mask_map, token_row
from playground.scripts.attention_distance import MEASURES as DISTANCE_MEASURES
from playground.scripts.attention_distance import measure as distance_measure
from playground.scripts.head_measures import head_measure
from playground.scripts.script import Script
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import model_for_script, reading_for_script, script_output
from playground.tabs.shared.wiring import Outputs
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from playground.recording.recording import Recording
    from playground.scripts.head_steps import HeadPlace


def head_script(
    page: PageContext, recording: "Recording", request: HeadRequest, make: Callable[..., Script] = head_map
) -> Script:
    """Of the map of a head, or of what is derived of its layer. make: the script of the text and the map."""
    if request.show == MASK:
        place = _place(recording, request)
        if isinstance(place, str):
            return Script(why=place)
        return mask_map(reading_for_script(recording, page), request.kind, place)
    heads = _heads(recording, request)
    return Script(why=heads) if isinstance(heads, str) else make(reading_for_script(recording, page), heads)


def row_script(
    page: PageContext, recording: "Recording", request: HeadRequest, token: int, bars: "Figure | None"
) -> Script:
    """Of a token's row or column of the map. bars: the picture that it makes."""
    heads = _heads(recording, replace(request, show=THIS_HEAD) if request.show == MASK else request)
    if isinstance(heads, str) or bars is None:
        return Script(why=heads if isinstance(heads, str) else texts.NONE_YET)
    reading, row = reading_for_script(recording, page), token - (request.direction == CHOICE)
    return token_row(reading, heads, row, request.direction == COLUMN, len(bars.data[0].y))


def every_head_script(page: PageContext, kind: str) -> Outputs:
    """Of the picture of all heads."""
    return {script_output("overview"): every_head(reading_for_script(page.recording(), page), kind)}


def measure_script(page: PageContext, recording: "Recording", kind: str, measure: str) -> Script:
    """Of a measure of every head; induction is measured on random tokens that come twice."""
    reading = reading_for_script(recording, page)
    if measure in DISTANCE_MEASURES:
        return distance_measure(reading, kind, measure, from_zero=False)
    if measure == "induction" and not reading.why:
        ids = tuple(repeated_ids(recording.model))
        reading = replace(model_for_script(recording.model), ids=ids, attention_layers=reading.attention_layers)
    return head_measure(reading, kind, measure)


def _heads(recording: "Recording", request: HeadRequest) -> HeadMap | str:
    """The map as a script computes it; or why it does not."""
    from playground.recording.head_weights import excluded_keys, part_of_pair

    derivation, attention = DERIVATIONS[request.show], recording.attention(int(request.layer), request.kind)
    others = tuple(int(head) for head in request.others or ())
    show = THIS_HEAD if derivation.combines_heads and not others else request.show
    left_out = excluded_keys(request.exclude, attention.key_tokens) if derivation.exclude else []
    heads = HeadMap(request.kind, int(request.layer), int(request.head), show, others, tuple(left_out))
    part = part_of_pair(request, attention.key_tokens)
    heads = replace(heads, shared=show != TIMES_NORMS, part=part and (tuple(part[0]), tuple(part[1])))
    if show != TIMES_NORMS:
        return heads
    place = _place(recording, request)
    return place if isinstance(place, str) else replace(heads, place=place)


def _place(recording: "Recording", request: HeadRequest) -> "HeadPlace | str":
    """The head in a pass; or why a script does not find it."""
    from playground.recording.script_reading import head_place  # torch: not before the page is there

    layer, head = int(request.layer), int(request.head)
    return head_place(recording, recording.layer_steps(layer, request.kind), (layer, request.kind, head), 0)
