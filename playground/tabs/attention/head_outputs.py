"""What the Heads view shows of one head: its map, a token's row or column, and the frame round that in the map."""

from typing import TYPE_CHECKING

import gradio as gr

from playground import workbench
from playground.components import markup
from playground.errors import PlaygroundError
from playground.figures.attention.head_request import COLUMN, HeadRequest
from playground.figures.attention.one_head import chosen_frame, head_picture, two_texts_figure
from playground.figures.attention.rows import row_picture
from playground.recording.head_choice import BOTH, existing_token
from playground.recording.head_weights import HeadWeights, head_weights
from playground.recording.telling_query import strongest_pair
from playground.recording.xray import most_telling_arc
from playground.scripts.attention import head_lines
from playground.tabs.attention.head_scripts import head_script, row_script
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.wiring import Outputs

if TYPE_CHECKING:
    from playground.analysis.xray.arcs import Arc


def weights_of(page: PageContext, request: HeadRequest) -> HeadWeights:
    """The map that the controls ask for. PlaygroundError where it can't be derived of this model."""
    return head_weights(page.recording(), request, page.prompt_length, workbench.shared())


def one_head(page: PageContext, request: HeadRequest) -> Outputs:
    """The head's map and a token's row; where this can't be shown of the model, the reason in place of both.
    PlaygroundError for a layer or head that does not exist."""
    recording = page.recording()
    attention = recording.attention(request.layer, request.kind)
    if request.head not in range(attention.heads):
        attention.head(request.head)  # raises
    try:
        weights = weights_of(page, request)
    except PlaygroundError as error:
        return no_head(markup.problem(error))
    telling = most_telling_arc(recording, workbench.shared(), request.kind)
    here = _arc_of(request, telling)
    figure, sentence = head_picture(recording, weights, request, here)
    row = row_of(page, weights, request)
    return row | {
        "map": row["map"] | {"value": figure},
        script_output("map"): head_script(page, recording, request),
        "alignment": figure_or_nothing(two_texts_figure(weights, request)),
        script_output("alignment"): head_script(page, recording, request, head_lines),
        "sentence": markup.note(sentence, terms=True),
        "telling": gr.update(visible=telling is not None and here is None),
    }


def row_of(page: PageContext, weights: HeadWeights, request: HeadRequest) -> Outputs:
    """The row or column of the token that a visitor chose, else of the one of which the map tells most; a frame shows in the
    map where that is. "map" is an update."""
    token = request.token_in(page.reading)
    if token is None:
        telling = _arc_of(request, most_telling_arc(page.recording(), workbench.shared(), request.kind))
        whole = request.between == BOTH
        token = telling.query if telling is not None and whole else strongest_pair(weights)[0]
    token = existing_token(token, len(weights.keys if request.direction == COLUMN else weights.queries))
    strip, sentence, bars = row_picture(weights, request.direction, token)
    return {
        "strip": strip,
        "row_sentence": markup.note(sentence, terms=True),
        "bars": bars,
        script_output("bars"): row_script(page, page.recording(), request, token, bars),
        "map": gr.update(mark=chosen_frame(weights, request, token)),
    }


def _arc_of(request: HeadRequest, telling: "Arc | None") -> "Arc | None":
    """The most telling arc, if it is that of the chosen head."""
    here = telling is not None and (telling.layer, telling.head) == (request.layer, request.head)
    return telling if here else None


def no_head(words: str) -> Outputs:
    """No map, and why."""
    nothing: Outputs = {"map": None, "strip": [], "row_sentence": "", "bars": None}
    return nothing | {"alignment": figure_or_nothing(None), "sentence": words, "telling": gr.update(visible=False)}
