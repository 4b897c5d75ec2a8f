"""Every layer and head in one picture, one head in full, a token's row or column as text, and whether the maths
reproduces the model."""

from collections.abc import Iterator

import gradio as gr

from playground.analysis.attention_maps import block_size, summarise_head
from playground.analysis.attention_maps import overview as pool_all
from playground.analysis.display import percent
from playground.components import Panel, PlotlyView, TokenStrip, markup
from playground.figures.attention import (
    MOST_CELLS,
    difference_figure,
    head_figure,
    overview_cell,
    overview_figure,
    overview_mark,
)
from playground.tabs.attention.shown import ROLLOUT, SHOWN, head_map, row_view, shared_key, write_files
from playground.tabs.lens import RUNS_MODEL, Lens, only_when_active, outputs, recorded

NAME, TITLE = "heads", "Heads"
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


def build(lens: Lens, tab: gr.Tab, chosen) -> None:
    """Builds the view and connects it."""
    with gr.Row():
        with gr.Column(scale=5):
            overview = PlotlyView(label="All layers and heads", height=560, elem_id="attention-overview")
        with gr.Column(scale=6, elem_classes="pg-first"):
            figure = PlotlyView(label="One head", height=460, elem_id="attention-map")
            sentence = Panel(elem_id="attention-sentence")
            badge = Panel(elem_id="attention-badge")
            show = gr.Dropdown(list(SHOWN), value="this head", label="Show", elem_id="attention-show")
            with gr.Row(elem_classes="pg-controls"):
                sink = gr.Checkbox(False, label="Without the first token, the rest shared anew", elem_id="attention-sink")
                log = gr.Checkbox(False, label="Logarithmic shades", elem_id="attention-log")
            strip = TokenStrip(label="A token's attention", strip_height=220, elem_id="attention-strip")
            about_row = Panel(live=True, elem_id="attention-row")
            with gr.Row(elem_classes="pg-actions"):
                make = gr.Button("Make files of these numbers", size="sm", scale=0, min_width=220, elem_id="attention-files")
                files = [gr.DownloadButton(name, size="sm", scale=0, min_width=90, visible=False)
                         for name in ("CSV", "JSON")]  # fmt: skip
    Panel(ABOUT)

    place = gr.State(None)
    options = [show, sink, log]
    chosen.everything = [chosen.kind, chosen.layer, chosen.head, overview, figure, sentence, badge, strip, about_row,
                         lens.message]  # fmt: skip
    chosen.options = options
    one_head = [chosen.layer, chosen.head, overview, figure, sentence, strip, about_row, lens.message]
    gr.on([chosen.layer.input, chosen.head.input], draw_head, [*chosen.given, *options, place], one_head,
          trigger_mode="always_last", **RUNS_MODEL)  # fmt: skip
    gr.on([c.input for c in options], draw_head, [*chosen.given, *options, place], one_head, trigger_mode="always_last",
          **RUNS_MODEL)  # fmt: skip
    overview.select(open_head, [*lens.given, chosen.kind, *options, place], one_head, **RUNS_MODEL)
    make.click(download, [*chosen.given, *options], [*files, lens.message], **RUNS_MODEL)
    row = [strip, about_row, place, lens.message]
    figure.select(open_row, [*chosen.given, *options], row, **RUNS_MODEL)
    strip.select(open_token, [*chosen.given, *options, place], row, **RUNS_MODEL)


def connect(tab: gr.Tab, chosen) -> None:
    """Draws this view when the Attention tab is opened, and whenever the model or the text changes meanwhile."""
    lens, given = chosen.lens, [*chosen.given, *chosen.options]
    tab.select(draw, given, chosen.everything, **RUNS_MODEL)
    gr.on(lens.triggers, only_when_active("attention", draw), [lens.active, *given], chosen.everything, **RUNS_MODEL)
    chosen.kind.input(draw, given, chosen.everything, trigger_mode="always_last", **RUNS_MODEL)


@outputs(9)
def draw(model_id, device, dtype, text, layer, head, kind, *options) -> Iterator[tuple]:
    """The whole tab: first the chosen head, then all heads, then the check of the maths."""
    recording = recorded(model_id, device, dtype, text)
    if not (can := recording.model.capabilities.attention):
        words = f"The attention of this model can't be shown: {can.reason}."
        yield gr.skip(), gr.skip(), gr.skip(), None, None, markup.note(words), "", [], ""
        return
    kind = kind if kind in recording.kinds else recording.kinds[0]
    layers = recording.layers(kind)
    layer_slider, layer = _slider("Layer", layer, layers)
    heads = recording.attention(layer, kind).heads
    head_slider, head = _slider("Head", head, heads)
    kinds = gr.Radio(choices=list(recording.kinds), value=kind, visible=len(recording.kinds) > 1)
    controls = kinds, layer_slider, head_slider
    figure, sentence, *row = head_view(recording, layer, head, kind, *options)
    skip = gr.skip()
    yield *controls, skip, figure, sentence, skip, *row
    tokens = max(len(recording.tokens), len(recording.target_tokens or ()))
    if tokens > OVERVIEW_TOKENS:
        words = (f"{tokens:,} tokens: all heads together are drawn for texts of up to {OVERVIEW_TOKENS:,} tokens, and the "
                 "maths is checked with them. Choose heads with the sliders.")  # fmt: skip
        yield skip, skip, skip, None, skip, skip, markup.badge("off", words), skip, skip
        return
    # Both at once: of two answers in quick succession the page now and then loses the first.
    badge = verification_badge(recording)
    yield skip, skip, skip, overview_view(recording, kind, (layer, head)), skip, skip, badge, skip, skip


def _slider(name: str, value, count: int) -> tuple[gr.Slider, int]:
    """A slider that knows how many there are, and its value; moved only where it stood beyond the last."""
    label, last = f"{name} (0 to {count - 1})", count - 1
    if value > last:
        return gr.Slider(maximum=last, value=last, label=label), last
    return gr.Slider(maximum=last, label=label), int(value)


@outputs(7)
def draw_head(model_id, device, dtype, text, layer, head, kind, *options_and_place) -> tuple:
    """Another head of the same recording; the frame in the overview moves there."""
    recording = recorded(model_id, device, dtype, text)
    mark = gr.update(mark=overview_mark(int(layer), int(head)))
    return gr.skip(), gr.skip(), mark, *head_view(recording, int(layer), int(head), kind, *options_and_place)


@outputs(7)
def open_head(model_id, device, dtype, text, kind, show, sink, log, place, event: gr.EventData) -> tuple:
    """The head whose small map was clicked in the overview."""
    recording = recorded(model_id, device, dtype, text)
    heads = [recording.attention(layer, kind).heads for layer in range(recording.layers(kind))]
    found = overview_cell(heads, event._data["x"], event._data["y"])
    if found is None:
        return tuple([gr.skip()] * 7)
    mark = gr.update(mark=overview_mark(*found))
    return *found, mark, *head_view(recording, *found, kind, show, sink, log, place)


@outputs(3)
def open_row(model_id, device, dtype, text, layer, head, kind, show, sink, log, event: gr.EventData) -> tuple:
    """The row of the query token whose cell was clicked: strip, sentence, place."""
    shown = head_map(recorded(model_id, device, dtype, text), int(layer), int(head), kind, show, sink)
    size = block_size(len(shown.weights), MOST_CELLS)
    place = ["row", min(int(event._data["y"]) * size, len(shown.weights) - 1)]
    return *row_view(shown, place), place


@outputs(3)
def open_token(model_id, device, dtype, text, layer, head, kind, show, sink, log, place, event: gr.EventData) -> tuple:
    """A token of the strip: first its row (what it attends to), clicked once more its column (what attends to it)."""
    shown = head_map(recorded(model_id, device, dtype, text), int(layer), int(head), kind, show, sink)
    (way, last), index = place or ["row", None], int(event._data["index"])
    turns = kind == "cross" or last == index  # of cross-attention a row's strip shows keys, which are no queries
    place = ["column" if way == "row" and turns else "row", index]
    return *row_view(shown, place), place


def head_view(recording, layer, head, kind, show="this head", sink=False, log=False, place=None) -> tuple:
    """The picture of one head, the sentence under it, and a token's row as strip and sentence."""
    shown = head_map(recording, layer, head, kind, show, sink)
    if shown.compared:
        sentence = f"{shown.name}: orange where this head attends more than the mean of its layer, blue where less."
        figure = difference_figure(shown.weights.numpy(), shown.queries, shown.keys, description=sentence)
    else:
        summary = summarise_head(shown.weights, shown.queries, shown.keys, cross=kind == "cross")
        sentence = summary.sentence(layer, head)
        if show != "this head":
            sentence = f"{shown.name}, over all heads." if show != ROLLOUT else f"{shown.name} (Abnar and Zuidema 2020)."
        figure = head_figure(
            shown.weights.numpy(), shown.queries, shown.keys, description=sentence, causal=shown.causal,
            selected=summary.pair, logarithmic=log,
        )  # fmt: skip
    if shown.hidden is not None:
        sentence += f" The first token, left out here, took {percent(shown.hidden)} of the attention on average."
    sentence += shared_key(recording, layer, head, kind)
    place = place or ["row", len(shown.queries) - 1]
    return figure, markup.note(sentence), *row_view(shown, place)


@outputs(2)
def download(model_id, device, dtype, text, layer, head, kind, show, sink, log) -> tuple:
    """The map shown, as CSV and as JSON, behind a button each."""
    shown = head_map(recorded(model_id, device, dtype, text), int(layer), int(head), kind, show, sink)
    return tuple(gr.DownloadButton(value=path, visible=True) for path in write_files(shown))


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
