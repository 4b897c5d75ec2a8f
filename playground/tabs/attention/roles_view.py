"""What every head does, measured on the loaded model: a map, a table to sort, and the definitions."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from playground.analysis.attention.head_measures import MEASURES
from playground.components import Panel, PlotlyView, markup
from playground.errors import PlaygroundError
from playground.figures.attention.head_roles import roles_figure
from playground.tabs.attention.head_choice import existing_kind, why_no_attention
from playground.tabs.attention.measured_heads import measured_heads
from playground.tabs.attention.tab_chooser import TabChooser
from playground.tabs.shared.events import QUIET, RUNS_MODEL
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind

NAME, TITLE = "roles", "Roles"
INSTEAD = "previous"
"""The measure that is shown where induction can't be."""
ABOUT = markup.explanation(
    "How are these measured?",
    *(f"<b>{name}</b>: {markup.text(measure.meaning)}." for name, measure in MEASURES.items()),
    "All but induction are measured on the text under the lens, and each is a mean over its tokens; a text says only what "
    "it can say: without a repeated token there is no duplicate score.",
)


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
    Panel(ABOUT)

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
    recording, measure = page.recording(), request.measure
    if words := why_no_attention(recording):
        return {"figure": None, "sentence": words, "table": []}
    try:
        measures = measured_heads(recording, existing_kind(recording, request.kind))
    except PlaygroundError as error:
        return {"figure": None, "sentence": markup.note(str(error)), "table": []}
    heads = np.argwhere(np.isfinite(measures["self"])).tolist()
    rows = [[*head, *(_round(float(measures[name][tuple(head)])) for name in MEASURES)] for head in heads]
    words = ""
    if measure == "induction" and not np.isfinite(measures[measure]).any():  # of models that read no text in order
        measure, words = INSTEAD, f"Induction can't be measured on this model; “{INSTEAD}” is shown instead. "
    values, info = measures[measure], MEASURES[measure].meaning
    if not np.isfinite(values).any():
        twice = measure == "duplicate"
        words = "The text has no repeated token." if twice else "It can't be measured on this model or text."
        return {"measure": gr.update(info=info), "figure": None, "sentence": markup.note(words), "table": rows}
    layer, head = np.unravel_index(np.nanargmax(values), values.shape)
    words += f"Most: layer {layer}, head {head} with {values[layer, head]:.3f}. "
    return {
        "measure": gr.update(value=measure, info=info),
        "figure": roles_figure(values, measure),
        "sentence": markup.note(words + "Click a head to open it in the other views."),
        "table": rows,
    }


def open_head(page: PageContext, event: gr.EventData) -> Outputs:
    """The head that was clicked becomes the chosen one."""
    layer, head = int(event._data["y"]), int(event._data["x"])
    words = f"Layer {layer}, head {head} is now the chosen one in the other views."
    return {"layer": layer, "head": head, "sentence": markup.note(words)}


def _round(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None
