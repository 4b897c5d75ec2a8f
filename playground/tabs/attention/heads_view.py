"""Every layer and head in one picture, one head in full, a token's row or column as text and bars, and whether the maths
reproduces the model: the components, and what each event calls. What they call stands in drawing.py."""

import gradio as gr

from playground.analysis.attention.head_measures import MEASURES
from playground.components import FollowingDropdown, Panel, PlotlyView, TokenStrip, markup
from playground.tabs.attention import heads_handlers
from playground.tabs.attention.head_weights import (
    BETWEEN,
    BOTH,
    CHOSEN,
    FIRST,
    MINUS,
    MOST,
    NOTHING,
    SHOWN,
    SPECIAL,
    THIS,
)
from playground.tabs.attention.heads_request import PLAIN, STRONGEST
from playground.tabs.attention.rows import WAYS
from playground.tabs.shared.page_context import QUIET, RUNS_MODEL
from playground.tabs.shared.views import View

NAME, TITLE = "heads", "Heads"
ABOUT = markup.explanation(
    "What am I looking at?",
    "Each token asks every token that it may see how much it matters. The answer is a row of weights that sum to 1: "
    "<code>softmax(q·kᵀ / √d + mask)</code>, where q and k are vectors that the layer makes of each token "
    "(Vaswani et al. 2017, section 3.2.1). The row of a token is what it attends <em>from</em>; the columns are what "
    "it attends <em>to</em>.",
    "Many heads rest on the first token when they have nothing to say (Xiao et al. 2024), those of BERT on its special "
    "tokens (Clark et al. 2019): leave these out to see the rest. Weights tell where a head looks, not what it does with "
    "what it finds there; times the norms of the values (Kobayashi et al. 2020) they tell how much each token adds.",
    "Of a long text each cell stands for a block of tokens, by its largest weight, so that no spike is lost, or by its "
    "mean; zoom in (drag) and the exact numbers are drawn, double-click to see all.",
)


def build(view: View, chosen) -> None:
    """Builds the view and connects it."""
    lens = view.lens
    with gr.Row():
        with gr.Column(scale=5):
            overview = PlotlyView(label="All layers and heads", height=560, elem_id="attention-overview")
            with gr.Row(elem_classes="pg-controls"):
                role = gr.Dropdown(
                    [PLAIN, STRONGEST, *MEASURES],
                    value=PLAIN,
                    label="Mark in this picture",
                    min_width=210,
                    elem_id="overview-role",
                )
                ordered = gr.Checkbox(False, label="Sort the heads of each layer by it", elem_id="overview-ordered")
        with gr.Column(scale=6, elem_classes="pg-first"):
            figure = PlotlyView(label="One head", height=460, elem_id="attention-map")
            links = PlotlyView(label="Alignment", height=320, visible=False, elem_id="attention-links")
            sentence = Panel(elem_id="attention-sentence")
            badge = Panel(elem_id="attention-badge")
            with gr.Row(elem_classes="pg-controls"):
                show = gr.Dropdown(list(SHOWN), value=THIS, label="Show", min_width=150, elem_id="attention-show")
                left_out = gr.Dropdown(
                    [NOTHING, FIRST, SPECIAL],
                    value=NOTHING,
                    label="Leave out, and share the rest anew",
                    min_width=150,
                    elem_id="attention-sink",
                )
            others = FollowingDropdown(
                [], multiselect=True, label="Heads chosen", visible=False, elem_id="attention-others"
            )
            between = gr.Radio(
                [BOTH, *BETWEEN],
                value=BOTH,
                label="Between the sentences A and B",
                visible=False,
                elem_id="attention-between",
            )
            with gr.Accordion("More", open=False):
                log = gr.Checkbox(False, label="Logarithmic shades", elem_id="attention-log")
                how = gr.Radio(
                    ["max", "mean"],
                    value="max",
                    label="Of a long text each cell shows a block's",
                    elem_id="attention-how",
                )
                pairs = gr.Button("Try two sentences", size="sm", visible=False, elem_id="attention-pairs")
                with gr.Row(elem_classes="pg-actions"):
                    make = gr.Button(
                        "Make files of these numbers", size="sm", scale=0, min_width=220, elem_id="attention-files"
                    )
                    files = [
                        gr.DownloadButton(name, size="sm", scale=0, min_width=90, visible=False)
                        for name in ("CSV", "JSON")
                    ]
    way = gr.Radio(list(WAYS), value=next(iter(WAYS)), label="Of the chosen token", elem_id="attention-way")
    with gr.Row():
        with gr.Column(scale=5):
            strip = TokenStrip(label="A token's attention: click a token", strip_height=260, elem_id="attention-strip")
            about_row = Panel(live=True, elem_id="attention-row")
        with gr.Column(scale=4):
            bars = PlotlyView(label="Its largest weights", height=330, elem_id="attention-bars")
    Panel(ABOUT)

    place, window = gr.State(None), gr.State(None)
    given = [*chosen.given, show, others, left_out, between, log, how, lens.written, way, place, role, ordered, window]
    row = [strip, about_row, bars]
    one_head = [chosen.layer, chosen.head, overview, figure, links, sentence, *row, lens.message]
    everything = [others, between, pairs, overview, figure, links, sentence, badge, *row, lens.message]
    again = {"trigger_mode": "always_last", **RUNS_MODEL}
    gr.on(
        [c.input for c in (chosen.layer, chosen.head, show, others, left_out, between, log)],
        heads_handlers.draw_head,
        given,
        one_head,
        **again,
    )
    gr.on([role.input, ordered.input], heads_handlers.draw_overview, given, [overview, lens.message], **again)
    view.draws(heads_handlers.draw, given, everything, chosen.another_kind)
    how.input(heads_handlers.draw, given, everything, **again)
    show.input(_choosing, show, others, **QUIET)
    overview.select(heads_handlers.open_head, given, one_head, **RUNS_MODEL)
    figure.select(heads_handlers.open_row, given, [*row, way, place, lens.message], **RUNS_MODEL)
    figure.zoom(heads_handlers.zoom, given, [figure, window, lens.message], **again)
    strip.select(heads_handlers.open_token, given, [*row, way, place, lens.message], **RUNS_MODEL)
    bars.select(heads_handlers.open_token, given, [*row, way, place, lens.message], **RUNS_MODEL)
    way.input(heads_handlers.draw_row, given, [*row, lens.message], **again)
    pairs.click(heads_handlers.two_sentences_example, lens.given[:3], [lens.text, lens.applied, lens.message], **QUIET)
    make.click(heads_handlers.download, given, [*files, lens.message], **RUNS_MODEL)


def _choosing(show: str) -> dict:
    """The choice of heads is there for what needs it."""
    return gr.update(visible=show in (CHOSEN, MOST, MINUS))
