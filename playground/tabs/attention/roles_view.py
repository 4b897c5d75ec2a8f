"""What every head does, measured on the loaded model: a map, a table to sort, and the definitions."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground import workbench
from playground.analysis.attention.head_measures import MEASURES
from playground.components import Panel, PlotlyView, markup
from playground.errors import PlaygroundError
from playground.figures.attention.head_roles import roles_picture, roles_table
from playground.recording.head_choice import existing_kind, why_no_attention
from playground.recording.measured_heads import measured_heads
from playground.tabs.attention.tab_chooser import TabChooser
from playground.tabs.shared.events import QUIET, RUNS_MODEL
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts.attention import ROLES_CLOSING, ROLES_SUMMARY

NAME, TITLE = "roles", "Roles"


@dataclass(frozen=True)
class RolesRequest:
    """What the view's controls say."""

    kind: str
    measure: str


def build(view: View, chooser: TabChooser) -> None:
    """Builds the view and connects it."""
    info = MEASURES["induction"].meaning
    measure = gr.Dropdown(list(MEASURES), value="induction", label="Property", info=info, elem_id="role")
    sentence = Panel(live=True, elem_id="roles-sentence")
    figure = PlotlyView(label="Every head", height=480, elem_id="roles-map")
    table = gr.Dataframe(
        headers=["layer", "head", *MEASURES],
        datatype="number",
        interactive=False,
        label="All heads: click a column to sort",
        max_height=420,
        show_search="filter",
        elem_id="roles-table",
    )
    definitions = (f"<b>{name}</b>: {markup.text(measure.meaning)}." for name, measure in MEASURES.items())
    Panel(markup.explanation(ROLES_SUMMARY, *definitions, ROLES_CLOSING))

    wires: dict[str, Any] = {
        "inputs": {"kind": chooser.inputs["kind"], "measure": measure},
        "request": RolesRequest,
        "outputs": {"measure": measure, "figure": figure, "sentence": sentence, "table": table},
    }
    view.draws(draw, **wires, also=chooser.another_kind)
    bind(measure.input, draw, page=view.page, **wires, **RUNS_MODEL)
    head = {"layer": chooser.inputs["layer"], "head": chooser.inputs["head"], "sentence": sentence}
    chooser.sliders.publish(bind(figure.select, open_head, page=view.page, outputs=head, **QUIET))


def draw(page: PageContext, request: RolesRequest) -> Outputs:
    """The measure's definition, its map, a sentence, and the table of all measures."""
    recording = page.recording()
    nothing: Outputs = {"figure": None, "table": []}
    if words := why_no_attention(recording):
        return nothing | {"sentence": markup.note(words)}
    try:
        measures = measured_heads(recording, existing_kind(recording, request.kind), workbench.shared())
    except PlaygroundError as error:
        return nothing | {"sentence": markup.note(str(error))}
    picture = roles_picture(measures, request.measure)
    chosen: dict[str, Any] = {"value": picture.measure} if picture.figure is not None else {}
    return {
        "measure": gr.update(info=MEASURES[picture.measure].meaning, **chosen),
        "figure": picture.figure,
        "sentence": markup.note(picture.sentence),
        "table": roles_table(measures),
    }


def open_head(page: PageContext, event: gr.EventData) -> Outputs:
    """The head that was clicked becomes the chosen one."""
    layer, head = int(event._data["y"]), int(event._data["x"])
    words = f"Layer {layer}, head {head} is now the chosen one in the other views."
    return {"layer": layer, "head": head, "sentence": markup.note(words)}
