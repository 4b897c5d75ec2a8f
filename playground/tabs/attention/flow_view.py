"""Through the layers: from which tokens of the text a token's state can have come, by rollout and by flow."""

import gradio as gr

from playground.analysis.attention.rollout_and_flow import flow_to, mixed, rollout_to, told
from playground.analysis.text_display import percent, plain_mark
from playground.components import FollowingDropdown, Panel, PlotlyView, markup
from playground.figures.attention.token_rows import through_figure
from playground.tabs.shared.page_context import RUNS_MODEL, outputs, recorded
from playground.tabs.shared.views import View

NAME, TITLE = "through", "Through the layers"
ROLLOUT, FLOW = "rollout", "flow"
LONGEST = {ROLLOUT: 512, FLOW: 64}
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


def build(view: View, chosen) -> None:
    """Builds the view and connects it."""
    lens = view.lens
    with gr.Row(elem_classes="pg-controls"):
        token = FollowingDropdown([], label="Token", elem_id="through-token")
        way = gr.Radio([ROLLOUT, FLOW], value=ROLLOUT, label="By", elem_id="through-way")
        sink = gr.Checkbox(False, label="Leave out the first token, where many heads rest", elem_id="through-sink")
    figure = PlotlyView(label="Through the layers", height=520, elem_id="through-map")
    sentence = Panel(live=True, elem_id="through-sentence")
    Panel(ABOUT)

    shown = [token, figure, sentence, lens.message]
    given = [*lens.given, chosen.kind, token, way, sink]
    gr.on([token.input, way.input, sink.input], draw, given, shown, trigger_mode="always_last", **RUNS_MODEL)
    view.draws(draw, given, shown, chosen.another_kind)
    figure.select(choose, given, shown, **RUNS_MODEL)


@outputs(3)
def draw(model_id, device, dtype, text, kind, token, way, sink=False) -> tuple:
    """The tokens to choose from, the picture of the chosen one, and what it says."""
    return _view(recorded(model_id, device, dtype, text), kind, token, way, sink)


def _view(recording, kind: str, token, way: str, sink: bool) -> tuple:
    gone = gr.update(value=None, visible=False)
    if not (can := recording.model.capabilities.attention):
        return gr.skip(), gone, markup.note(f"The attention of this model can't be shown: {can.reason}.")
    kind = kind if kind in recording.kinds else recording.kinds[0]
    if kind == "cross":
        words = "Cross-attention alone leads from one text to the other: choose the encoder's or the decoder's own."
        return gr.skip(), gone, markup.note(words)
    labels = [t.label for t in recording.attention(0, kind).query_tokens]
    token = len(labels) - 1 if token is None or int(token) >= len(labels) else int(token)
    tokens = gr.update(choices=[(f"{i}: {plain_mark(name, 24)}", i) for i, name in enumerate(labels)], value=token)
    if len(labels) > LONGEST[way]:
        words = f"The text has {len(labels):,} tokens; {way} is computed for up to {LONGEST[way]}. Shorten it"
        return tokens, gone, markup.note(words + (", or choose rollout." if way == FLOW else "."))
    layers = mixed((recording.attention(n, kind).weights for n in range(recording.layers(kind))), sink)
    shares = (flow_to if way == FLOW else rollout_to)(layers, token)
    own, best, share = told(shares, labels, token)
    name = f"“{plain_mark(labels[token], 24)}” (position {token})"
    if way == FLOW:
        sentence = (
            f"Of a pipe of width 1, {share:.2f} reaches {name} through all {len(shares)} layers from "
            f"“{plain_mark(labels[best], 24)}”, most of all other tokens; from itself {own:.2f}."
        )
    else:
        sentence = (
            f"After the last layer {percent(share)} of all paths to {name} begin at "
            f"“{plain_mark(labels[best], 24)}”, {percent(own)} at the token itself."
        )
    sentence += f" The residual stream counts half in each of {len(shares)} layers, by the method's own assumption."
    figure = through_figure(shares, labels, token, what=way, description=sentence)
    return tokens, gr.update(value=figure, visible=True), markup.note(sentence)


@outputs(3)
def choose(model_id, device, dtype, text, kind, token, way, sink, event: gr.EventData) -> tuple:
    """The token whose column was clicked becomes the chosen one."""
    return _view(recorded(model_id, device, dtype, text), kind, int(event._data["x"]), way, sink)
