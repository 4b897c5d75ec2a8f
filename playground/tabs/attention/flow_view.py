"""Through the layers: from which tokens of the text a token's state can have come, by rollout and by flow."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.components import Panel, PlotlyView, TokenList, markup
from playground.errors import PlaygroundError
from playground.figures.attention.through_layers import FLOW, METHODS, ROLLOUT, sources_picture
from playground.recording.head_choice import existing_kind, existing_token, why_no_attention
from playground.scripts.head_measures import flow, rollout
from playground.scripts.script import Script
from playground.tabs.attention.tab_chooser import TabChooser
from playground.tabs.shared.controls import figure_or_nothing, token_choices
from playground.tabs.shared.detail import LEADING, show_detail
from playground.tabs.shared.events import LATEST, RUNS_MODEL
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import reading_for_script, script_output
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts.attention import FLOW_ABOUT

if TYPE_CHECKING:
    from playground.recording.recording import Recording

NAME, TITLE = "through", "Through the layers"


@dataclass(frozen=True)
class FlowRequest:
    """What the view's controls say."""

    kind: str
    token: int | None  # the chosen token; None for the last
    method: str
    drop_first: bool = False


def build(view: View, chooser: TabChooser) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        token = TokenList([], label="Token", elem_id="through-token")
        method = gr.Radio(list(METHODS), value=ROLLOUT, label="Method", elem_id="through-way")
        drop_first = gr.Checkbox(False, label="Ignore the first token (renormalised)", elem_id="through-sink")
    sentence = Panel(live=True, elem_id="through-sentence")
    figure = PlotlyView(label="Through the layers", height=520, elem_id="through-map", elem_classes=LEADING)
    Panel(markup.explanation(*FLOW_ABOUT))

    wires: dict[str, Any] = {
        "inputs": {"kind": chooser.inputs["kind"], "token": token, "method": method, "drop_first": drop_first},
        "request": FlowRequest,
        "outputs": {"token": token, "figure": figure, "sentence": sentence},
    }
    view.draws(draw, **wires, also=chooser.another_kind)
    bind([token.input, method.input, drop_first.input], draw, page=view.page, **wires, **LATEST)
    show_detail(bind(figure.select, choose, page=view.page, **wires, **RUNS_MODEL), "through-sentence")


def draw(page: PageContext, request: FlowRequest) -> Outputs:
    """The tokens to choose from, the picture of the chosen one, and what it says."""
    recording = page.recording()
    gone = {"figure": figure_or_nothing(None), "token": token_choices([], None)}
    if words := why_no_attention(recording):
        return gone | {"sentence": markup.note(words)}
    kind = existing_kind(recording, request.kind)
    if kind == "cross":
        words = "Cross-attention alone leads from one text to the other: choose the encoder's or the decoder's own."
        return gone | {"sentence": markup.note(words)}
    labels = [t.label for t in recording.attention(recording.layer_numbers(kind)[0], kind).query_tokens]
    token = existing_token(request.token, len(labels))
    choices = {"token": token_choices(labels, token)}
    try:
        picture = sources_picture(recording, kind, token, request.method, request.drop_first)
    except PlaygroundError as error:
        return gone | choices | {"sentence": markup.note(str(error))}
    return choices | {
        script_output("figure"): through_script(page, recording, replace(request, kind=kind, token=token)),
        "figure": figure_or_nothing(picture.figure),
        "sentence": markup.note(picture.sentence, terms=True),
    }


def through_script(page: PageContext, recording: "Recording", request: FlowRequest) -> Script:
    """Of the picture by the method that is chosen."""
    assert request.token is not None, "the view has chosen one"
    make = flow if request.method == FLOW else rollout
    return make(reading_for_script(recording, page), request.kind, request.token, request.drop_first)


def choose(page: PageContext, request: FlowRequest, event: gr.EventData) -> Outputs:
    """The token whose column was clicked becomes the chosen one."""
    return draw(page, replace(request, token=int(event._data["x"])))
