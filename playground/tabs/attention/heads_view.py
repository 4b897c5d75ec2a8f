"""Every layer and head in one picture, one head in full, a token's row or column as text and bars, and whether recomputing
reproduces the model: the components, and which handler each event calls. The handlers stand in heads_handlers.py."""

from typing import Any

import gradio as gr

from playground.analysis.attention.head_measures import MEASURES
from playground.components import FollowingDropdown, Panel, PlotlyView, TokenStrip, markup
from playground.figures.attention.head_request import DIRECTIONS, STRONGEST, UNMARKED, HeadRequest
from playground.recording.head_choice import BETWEEN, BOTH, EXCLUSIONS
from playground.recording.head_weights import DERIVATIONS
from playground.tabs.attention import heads_handlers
from playground.tabs.attention.tab_chooser import TabChooser
from playground.tabs.shared.events import LATEST, QUIET, RUNS_MODEL
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import bind
from playground.texts.attention import HEADS_ABOUT

NAME, TITLE = "heads", "Heads"


def build(view: View, chooser: TabChooser) -> None:
    """Builds the view and connects it."""
    with gr.Row():
        with gr.Column(scale=5):
            overview = PlotlyView(label="All layers and heads", height=560, elem_id="attention-overview")
            with gr.Row(elem_classes="pg-controls"):
                names = [UNMARKED, STRONGEST, *MEASURES]
                measure = gr.Dropdown(names, label="Mark in this picture", min_width=210, elem_id="overview-role")
                sort_heads = gr.Checkbox(False, label="Sort the heads of each layer by it", elem_id="overview-ordered")
        with gr.Column(scale=6, elem_classes="pg-first"):
            head_map = PlotlyView(label="One head", height=460, elem_id="attention-map")
            alignment = PlotlyView(label="Alignment", height=320, visible=False, elem_id="attention-links")
            sentence = Panel(elem_id="attention-sentence")
            badge = Panel(elem_id="attention-badge")
            with gr.Row(elem_classes="pg-controls"):
                show = gr.Dropdown(list(DERIVATIONS), label="Show", min_width=150, elem_id="attention-show")
                label = "Leave out, and share the rest anew"
                exclude = gr.Dropdown(list(EXCLUSIONS), label=label, min_width=150, elem_id="attention-sink")
            others = FollowingDropdown(
                [], multiselect=True, label="Heads chosen", visible=False, elem_id="attention-others"
            )
            parts, label = [BOTH, *BETWEEN], "Between the sentences A and B"
            between = gr.Radio(parts, value=BOTH, label=label, visible=False, elem_id="attention-between")
            with gr.Accordion("More", open=False):
                logarithmic = gr.Checkbox(False, label="Logarithmic shades", elem_id="attention-log")
                label = "Of a long text each cell shows a block's"
                pooling = gr.Radio(["max", "mean"], value="max", label=label, elem_id="attention-how")
                pairs = gr.Button("Try two sentences", size="sm", visible=False, elem_id="attention-pairs")
                with gr.Row(elem_classes="pg-actions"):
                    label = "Make files of these numbers"
                    make = gr.Button(label, size="sm", scale=0, min_width=220, elem_id="attention-files")
                    files = {
                        name.lower(): gr.DownloadButton(name, size="sm", scale=0, min_width=90, visible=False)
                        for name in ("CSV", "JSON")
                    }
    direction = gr.Radio(list(DIRECTIONS), value=DIRECTIONS[0], label="Of the chosen token", elem_id="attention-way")
    with gr.Row():
        with gr.Column(scale=5):
            strip = TokenStrip(label="A token's attention: click a token", strip_height=260, elem_id="attention-strip")
            row_sentence = Panel(live=True, elem_id="attention-row")
        with gr.Column(scale=4):
            bars = PlotlyView(label="Its largest weights", height=330, elem_id="attention-bars")
    Panel(markup.explanation(*HEADS_ABOUT))
    token, zoom = gr.State(None), gr.State(None)

    layer, head = chooser.inputs["layer"], chooser.inputs["head"]
    of_map: dict[str, Any] = {"show": show, "others": others, "exclude": exclude, "between": between}
    of_map["logarithmic"] = logarithmic
    of_overview: dict[str, Any] = {"measure": measure, "sort_heads": sort_heads}
    of_row: dict[str, Any] = {"direction": direction, "token": token}
    inputs = chooser.inputs | of_map | of_overview | of_row | {"pooling": pooling, "zoom": zoom}
    wires: dict[str, Any] = {"page": view.page, "inputs": inputs, "request": HeadRequest}
    row = {"strip": strip, "row_sentence": row_sentence, "bars": bars}
    another_row = {**row, **of_row}
    one_head = {"overview": overview, "map": head_map, "alignment": alignment, "sentence": sentence, **row}
    one_head["badge"] = badge
    another_head = {"layer": layer, "head": head, **one_head}
    everything = {"others": others, "between": between, "pairs": pairs, **one_head}

    view.draws(heads_handlers.draw, inputs, everything, chooser.another_kind, HeadRequest)
    bind(pooling.input, heads_handlers.draw, outputs=everything, **wires, **LATEST)
    changes = [control.input for control in (layer, head, *of_map.values())]
    bind(changes, heads_handlers.draw_head, outputs=another_head, **wires, **LATEST)
    opening = bind(overview.select, heads_handlers.open_head, outputs=another_head, **wires, **RUNS_MODEL)
    chooser.sliders.publish(opening)
    marks = [control.input for control in of_overview.values()]
    bind(marks, heads_handlers.draw_overview, outputs={"overview": overview}, **wires, **LATEST)
    bind(head_map.zoom, heads_handlers.zoom, outputs={"map": head_map, "zoom": zoom}, **wires, **LATEST)
    bind(head_map.select, heads_handlers.open_row, outputs=another_row, **wires, **RUNS_MODEL)
    bind([strip.select, bars.select], heads_handlers.open_token, outputs=another_row, **wires, **RUNS_MODEL)
    bind(direction.input, heads_handlers.draw_row, outputs=row, **wires, **LATEST)
    bind(make.click, heads_handlers.download, outputs=files, **wires, **RUNS_MODEL)
    example = {"text": view.page.text, "applied": view.page.applied}
    bind(pairs.click, heads_handlers.two_sentences_example, page=view.page, outputs=example, **QUIET)
    show.input(_choice_of_heads, show, others, **QUIET)


def _choice_of_heads(show: str) -> dict:
    """Shows the choice of heads for what combines them."""
    return gr.update(visible=DERIVATIONS[show].combines_heads)
