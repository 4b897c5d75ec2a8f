"""What every head does, measured on the loaded model: a map, a table to sort, and the definitions."""

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.components import Component

from playground import workbench
from playground.analysis.attention.head_measures import MEASURES
from playground.components import Panel, PlotlyView, markup
from playground.errors import PlaygroundError
from playground.figures.attention.head_request import HeadRequest
from playground.figures.attention.head_roles import head_in_words, roles_picture, roles_table
from playground.figures.attention.one_head import head_picture
from playground.figures.attention.token_grid import frame
from playground.recording.head_choice import HeadChoice, existing_kind, why_no_attention
from playground.recording.head_weights import head_weights
from playground.recording.measured_heads import measured_heads
from playground.tabs.attention.head_scripts import head_script, measure_script
from playground.tabs.attention.tab_chooser import TabChooser
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.detail import BESIDE, LEADING, LIST, detail, show_detail
from playground.tabs.shared.events import LATEST, QUIET, RUNS_MODEL
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.views import View, script_that_opens
from playground.tabs.shared.wiring import REQUEST, Outputs, bind
from playground.texts import attention as texts

NAME, TITLE = "roles", "Roles"
OPEN_HEADS = script_that_opens("Attention", "attention", "Heads")


@dataclass(frozen=True)
class RolesRequest(HeadChoice):
    """What the view's controls say."""

    measure: str = "induction"


def build(view: View, chooser: TabChooser) -> None:
    """Builds the view and connects it."""
    info = MEASURES["induction"].meaning
    roles = [(texts.ROLES[name], name) for name in MEASURES]
    with gr.Row(elem_classes="pg-controls pg-slim"):
        measure = gr.Dropdown(roles, value="induction", label="Role", info=info, elem_id="role")
    sentence = Panel(live=True, elem_id="roles-sentence")
    with gr.Row(elem_classes=BESIDE):
        list_column = gr.Column(scale=5, min_width=300, elem_classes="pg-list-column")
        with list_column, gr.Column(elem_classes=LIST, elem_id="roles-list"):
            figure = PlotlyView(label="Every head", height=480, elem_id="roles-map", elem_classes=LEADING)
        with detail("roles-detail", scale=5, min_width=300):
            with gr.Row(elem_classes="pg-actions"):
                of_head = Panel(live=True, elem_id="roles-head")
                opens = gr.Button("Open in Heads →", size="sm", scale=0, min_width=140, elem_id="roles-open")
            head_map = PlotlyView(label="The chosen head", height=380, elem_id="roles-head-map", elem_classes=LEADING)
    table = gr.Dataframe(
        headers=["layer", "head", *MEASURES],
        datatype="number",
        column_widths=["72px", "68px", *["97px"] * len(MEASURES)],  # as wide as their names
        interactive=False,
        label="All heads: click a column to sort",
        max_height=420,
        show_search="filter",
        elem_id="roles-table",
    )
    definitions = (f"<b>{name}</b>: {markup.text(measure.meaning)}." for name, measure in MEASURES.items())
    Panel(markup.explanation(texts.ROLES_SUMMARY, *definitions, texts.ROLES_CLOSING))

    wires: dict[str, Any] = {"inputs": chooser.inputs | {"measure": measure}, "request": RolesRequest}
    of_one_head: dict[str, Component] = {"figure": figure, "of_head": of_head, "head_map": head_map}
    everything = of_one_head | {"measure": measure, "sentence": sentence, "table": table, "opens": opens}
    view.draws(draw, **wires, outputs=everything, also=chooser.another_kind)
    bind(measure.input, draw, page=view.page, **wires, outputs=everything, **RUNS_MODEL)
    head: dict[str, Any] = {"layer": chooser.controls["layer"], "head": chooser.controls["head"]}
    opening = bind(figure.select, open_head, page=view.page, **wires, outputs=of_one_head | head, **RUNS_MODEL)
    chooser.sliders.publish(opening)
    show_detail(opening, "roles-detail")
    moved = [component.input for component in head.values()]
    bind(moved, draw_head, page=view.page, **wires, outputs=of_one_head, only_while=view.open, **LATEST)
    opens.click(None, None, None, js=OPEN_HEADS, **QUIET)


def draw(page: PageContext, request: RolesRequest) -> Outputs:
    """The measure's definition, its map, a sentence, the chosen head, and the table of all measures."""
    recording = page.recording()
    no_pictures = dict.fromkeys(("figure", "head_map"), figure_or_nothing(None))
    nothing: Outputs = no_pictures | {"table": [], "of_head": "", "opens": gr.update(visible=False)}
    if words := why_no_attention(recording):
        return nothing | {"sentence": markup.note(words)}
    try:
        measures = measured_heads(recording, existing_kind(recording, request.kind), workbench.shared())
    except PlaygroundError as error:
        return nothing | {"sentence": markup.note(str(error))}
    picture = roles_picture(measures, request.measure)
    chosen: dict[str, Any] = {"value": picture.measure} if picture.figure is not None else {}
    request = replace(request, measure=picture.measure).opened(recording, workbench.shared())
    head = draw_head(page, request)
    return head | {
        REQUEST: request,
        "measure": gr.update(info=MEASURES[picture.measure].meaning, **chosen),
        "figure": head["figure"] | figure_or_nothing(picture.figure),
        "opens": gr.update(visible=True),
        script_output("figure"): measure_script(
            page, recording, existing_kind(recording, request.kind), picture.measure
        ),
        "sentence": markup.note(picture.sentence, terms=True),
        "table": roles_table(measures),
    }


def draw_head(page: PageContext, request: RolesRequest) -> Outputs:
    """The chosen head: its frame in the map, its measures in words, and its own map."""
    recording = page.recording()
    request = request.clamped(recording)
    measures = measured_heads(recording, request.kind, workbench.shared())
    seen = HeadRequest(request.layer, request.head, request.kind)
    picture = head_picture(recording, head_weights(recording, seen), seen)
    return {
        "figure": gr.update(mark=frame(request.head, request.layer)),
        "of_head": markup.note(head_in_words(measures, request.layer, request.head)),
        "head_map": figure_or_nothing(picture.figure),
        script_output("head_map"): head_script(page, recording, seen),
    }


def open_head(page: PageContext, request: RolesRequest, event: gr.EventData) -> Outputs:
    """The head that was clicked becomes the chosen one."""
    recording, (x, y) = page.recording(), (event._data.get("x"), event._data.get("y"))
    if not all(isinstance(place, int | float) and place >= 0 for place in (x, y)):
        return {}
    layer, head = int(y), int(x)
    kind = existing_kind(recording, request.kind)
    if layer not in recording.layer_numbers(kind) or head >= recording.attention(layer, kind).heads:
        return {}
    return {"layer": layer, "head": head} | draw_head(page, replace(request, layer=layer, head=head))
