"""Attention: every layer and head in one picture, one head in full, and whether the maths reproduces the model."""

from collections.abc import Iterator

import gradio as gr

from playground.analysis.attention_maps import overview as pool_all
from playground.analysis.attention_maps import summarise_head
from playground.components import Panel, PlotlyView, markup
from playground.figures.attention import head_figure, overview_cell, overview_figure, overview_mark
from playground.tabs.lens import RUNS_MODEL, Lens, only_when_active, outputs, recorded

NAME, TITLE = "attention", "Attention"
OVERVIEW_TOKENS = 1024
"""Longer texts are shown head by head: all heads together would take a minute."""

ABOUT = markup.explanation(
    "What am I looking at?",
    "Each token asks every token that it may see how much it matters. The answer is a row of weights that sum to 1: "
    "<code>softmax(q·kᵀ / √d + mask)</code>, where q and k are vectors that the layer makes of each token "
    "(Vaswani et al. 2017, section 3.2.1). The row of a token is what it attends <em>from</em>; the columns are what "
    "it attends <em>to</em>.",
    "Many heads rest on the first token when they have nothing to say (Xiao et al. 2024). Weights tell where a head "
    "looks, not what it does with what it finds there.",
)


def build(lens: Lens, tab: gr.Tab) -> None:
    """Builds the tab and connects it."""
    with gr.Row():
        with gr.Column(scale=5):
            overview = PlotlyView(label="All layers and heads", height=560, elem_id="attention-overview")
        with gr.Column(scale=6, elem_classes="pg-first"):
            with gr.Row(elem_classes="pg-controls"):
                kind = gr.Radio(["self"], value="self", label="Kind", visible=False, elem_id="attention-kind")
                layer = gr.Slider(0, 1, value=0, step=1, label="Layer", elem_id="attention-layer")
                head = gr.Slider(0, 1, value=0, step=1, label="Head", elem_id="attention-head")
            figure = PlotlyView(label="One head", height=460, elem_id="attention-map")
            sentence = Panel(elem_id="attention-sentence")
            badge = Panel(elem_id="attention-badge")
    Panel(ABOUT)

    chosen = [layer, head, kind]
    everything = [kind, layer, head, overview, figure, sentence, badge, lens.message]
    one_head = [layer, head, overview, figure, sentence, lens.message]
    tab.select(draw, [*lens.given, *chosen], everything, **RUNS_MODEL)
    gr.on(lens.triggers, only_when_active(NAME, draw), [lens.active, *lens.given, *chosen], everything, **RUNS_MODEL)
    gr.on([layer.input, head.input], draw_head, [*lens.given, *chosen], one_head, trigger_mode="always_last",
          **RUNS_MODEL)
    kind.input(draw, [*lens.given, *chosen], everything, trigger_mode="always_last", **RUNS_MODEL)
    overview.select(open_head, [*lens.given, kind], one_head, **RUNS_MODEL)


@outputs(7)
def draw(model_id, device, dtype, text, layer, head, kind) -> Iterator[tuple]:
    """The whole tab: first the chosen head, then all heads, then the check of the maths."""
    recording = recorded(model_id, device, dtype, text)
    if not (can := recording.model.capabilities.attention):
        words = f"The attention of this model can't be shown: {can.reason}."
        yield gr.skip(), gr.skip(), gr.skip(), None, None, markup.note(words), ""
        return
    kind = kind if kind in recording.kinds else recording.kinds[0]
    layers = recording.layers(kind)
    layer_slider, layer = _slider("Layer", layer, layers)
    heads = recording.attention(layer, kind).heads
    head_slider, head = _slider("Head", head, heads)
    kinds = gr.Radio(choices=list(recording.kinds), value=kind, visible=len(recording.kinds) > 1)
    controls = kinds, layer_slider, head_slider
    figure, sentence = head_view(recording, layer, head, kind)
    skip = gr.skip()
    yield *controls, skip, figure, sentence, skip
    tokens = max(len(recording.tokens), len(recording.target_tokens or ()))
    if tokens > OVERVIEW_TOKENS:
        words = (f"{tokens:,} tokens: all heads together are drawn for texts of up to {OVERVIEW_TOKENS:,} tokens, and the "
                 "maths is checked with them. Choose heads with the sliders.")  # fmt: skip
        yield skip, skip, skip, None, skip, skip, markup.badge("off", words)
        return
    # Both at once: of two answers in quick succession the page now and then loses the first.
    yield skip, skip, skip, overview_view(recording, kind, (layer, head)), skip, skip, verification_badge(recording)


def _slider(name: str, value, count: int) -> tuple[gr.Slider, int]:
    """A slider that knows how many there are, and its value; moved only where it stood beyond the last."""
    label, last = f"{name} (0 to {count - 1})", count - 1
    if value > last:
        return gr.Slider(maximum=last, value=last, label=label), last
    return gr.Slider(maximum=last, label=label), int(value)


@outputs(5)
def draw_head(model_id, device, dtype, text, layer, head, kind) -> tuple:
    """Another head of the same recording; the frame in the overview moves there."""
    recording = recorded(model_id, device, dtype, text)
    figure, sentence = head_view(recording, int(layer), int(head), kind)
    return gr.skip(), gr.skip(), gr.update(mark=overview_mark(int(layer), int(head))), figure, sentence


@outputs(5)
def open_head(model_id, device, dtype, text, kind, event: gr.EventData) -> tuple:
    """The head whose small map was clicked in the overview."""
    recording = recorded(model_id, device, dtype, text)
    heads = [recording.attention(layer, kind).heads for layer in range(recording.layers(kind))]
    place = overview_cell(heads, event._data["x"], event._data["y"])
    if place is None:
        return tuple([gr.skip()] * 5)
    return *place, gr.update(mark=overview_mark(*place)), *head_view(recording, *place, kind)


def head_view(recording, layer: int, head: int, kind: str) -> tuple:
    """The picture of one head and the sentence under it."""
    attention = recording.attention(layer, kind)
    weights = attention.head(head)  # (queries, keys)
    queries = [token.label for token in attention.query_tokens]
    keys = [token.label for token in attention.key_tokens]
    causal = kind == "decoder" or (kind == "self" and recording.model.anatomy.kind == "decoder")
    summary = summarise_head(weights, queries, keys, cross=kind == "cross")
    sentence = summary.sentence(layer, head)
    figure = head_figure(weights.numpy(), queries, keys, description=sentence, causal=causal, selected=summary.pair)
    return figure, markup.note(sentence)


def overview_view(recording, kind: str, selected: tuple[int, int]) -> dict:
    """The picture of all heads, made of one layer after the other, so that only one is in memory at a time."""
    layers = (recording.attention(layer, kind).weights for layer in range(recording.layers(kind)))
    return gr.update(value=overview_figure(pool_all(layers)), mark=overview_mark(*selected))


def verification_badge(recording) -> str:
    """Whether the maths shown reproduces what the model used, for this text."""
    result = recording.verify()
    if result.reason:
        return markup.badge("off", f"Not recomputed: {result.reason}")
    words = f"largest difference between the recomputed softmax(scores)·V and what the model used: {result.largest:.1e}"
    rounding = f"over all layers and heads; rounding explains {result.tolerance:.0e}"
    return markup.badge("ok", f"Verified: {words}", rounding) if result.passed else markup.badge(
        "warn", f"Not reproduced: {words}", rounding
    )
