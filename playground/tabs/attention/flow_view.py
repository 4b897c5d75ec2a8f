"""Through the layers: from which tokens of the text a token's state can have come, by rollout and by flow."""

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from playground.analysis.attention.rollout_and_flow import add_residual, flow_to, rollout_to, strongest_source
from playground.analysis.text_display import listed, percent, plain_mark
from playground.components import FollowingDropdown, Panel, PlotlyView, markup
from playground.figures.attention.token_rows import through_figure
from playground.tabs.attention.head_choice import existing_kind, existing_token, why_no_attention
from playground.tabs.attention.tab_chooser import TabChooser
from playground.tabs.shared.controls import figure_or_nothing, token_choices
from playground.tabs.shared.events import LATEST, RUNS_MODEL
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind

NAME, TITLE = "through", "Through the layers"
ROLLOUT, FLOW = "rollout", "flow"
MAX_TOKENS = {ROLLOUT: 512, FLOW: 64}
"""Tokens up to which each is computed: flow solves one problem for each layer and token."""
ABOUT = markup.explanation(
    "What am I looking at?",
    "Attention tells where one layer looks. What stands at a token after many layers has been mixed many times, so a "
    "weight of a late layer does not say from which word something came. Each row is a layer, each column a token of the "
    "text: how much of the chosen token's state after that layer can come from there.",
    "<b>Rollout</b> multiplies the layers' weights: the share of all paths. <b>Flow</b> takes every weight as the width of "
    "a pipe and asks how much all paths together let through; its rows don't sum to 1 (both Abnar and Zuidema 2020). They "
    "take the mean over heads and count the residual stream, by which a token keeps itself, half in every layer: "
    "<code>(mean over heads + I) / 2</code>. That half is an assumption of the method and not measured, and neither looks "
    "at the values.",
)


@dataclass(frozen=True)
class FlowRequest:
    """What the view's controls say."""

    kind: str
    token: int | None  # the chosen token; None for the last
    method: str
    drop_first: bool = False


def build(view: View, chooser: TabChooser) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls"):
        token = FollowingDropdown([], label="Token", elem_id="through-token")
        method = gr.Radio([ROLLOUT, FLOW], value=ROLLOUT, label="By", elem_id="through-way")
        drop_first = gr.Checkbox(
            False, label="Leave out the first token, where many heads rest", elem_id="through-sink"
        )
    figure = PlotlyView(label="Through the layers", height=520, elem_id="through-map")
    sentence = Panel(live=True, elem_id="through-sentence")
    Panel(ABOUT)

    wires: dict[str, Any] = {
        "inputs": {"kind": chooser.inputs["kind"], "token": token, "method": method, "drop_first": drop_first},
        "request": FlowRequest,
        "outputs": {"token": token, "figure": figure, "sentence": sentence},
    }
    view.draws(draw, **wires, also=chooser.another_kind)
    bind([token.input, method.input, drop_first.input], draw, page=view.page, **wires, **LATEST)
    bind(figure.select, choose, page=view.page, **wires, **RUNS_MODEL)


def draw(page: PageContext, request: FlowRequest) -> Outputs:
    """The tokens to choose from, the picture of the chosen one, and what it says."""
    recording = page.recording()
    gone = {"figure": figure_or_nothing(None)}
    if words := why_no_attention(recording):
        return gone | {"sentence": words}
    kind = existing_kind(recording, request.kind)
    if kind == "cross":
        words = "Cross-attention alone leads from one text to the other: choose the encoder's or the decoder's own."
        return gone | {"sentence": markup.note(words)}
    numbers = recording.layer_numbers(kind)
    labels = [t.label for t in recording.attention(numbers[0], kind).query_tokens]
    token = existing_token(request.token, len(labels))
    choices = {"token": token_choices(labels, token)}
    if len(labels) > MAX_TOKENS[request.method]:
        words = (
            f"The text has {len(labels):,} tokens; {request.method} is computed for up to {MAX_TOKENS[request.method]}."
        )
        words += " Shorten it" + (", or choose rollout." if request.method == FLOW else ".")
        return choices | gone | {"sentence": markup.note(words)}
    layers = add_residual((recording.attention(n, kind).weights for n in numbers), request.drop_first)
    shares = (flow_to if request.method == FLOW else rollout_to)(layers, token)
    own, best, share = strongest_source(shares, token)
    through = f"all {len(shares)} layers" if len(numbers) == recording.depth(kind) else f"layers {listed(numbers)}"
    name = f"“{plain_mark(labels[token], 24)}” (position {token})"
    if request.method == FLOW:
        sentence = (
            f"Of a pipe of width 1, {share:.2f} reaches {name} through the attention of {through} from "
            f"“{plain_mark(labels[best], 24)}”, most of all other tokens; from itself {own:.2f}."
        )
    else:
        sentence = (
            f"Through the attention of {through} {percent(share)} of all paths to {name} begin at "
            f"“{plain_mark(labels[best], 24)}”, {percent(own)} at the token itself."
        )
    if others := recording.model.anatomy.mixed_layers:
        sentence += f" This model has {others}: what those pass from token to token is in no path shown here."
    sentence += f" The residual stream counts half in each of {len(shares)} layers, by the method's own assumption."
    figure = through_figure(shares, labels, token, what=request.method, description=sentence, layers=numbers)
    return choices | {"figure": figure_or_nothing(figure), "sentence": markup.note(sentence)}


def choose(page: PageContext, request: FlowRequest, event: gr.EventData) -> Outputs:
    """The token whose column was clicked becomes the chosen one."""
    return draw(page, replace(request, token=int(event._data["x"])))
