"""The scheme: the loaded model's own way to mark positions from its own tensors, and all others by their formulas."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground import workbench
from playground.components import Panel, PlotlyView, markup
from playground.figures.positions import scheme_pictures
from playground.figures.positions.scheme_pictures import CONTROLS, NAMES, TextFacts
from playground.recording.distance_profiles import mean_profiles
from playground.tabs.positions.scheme_scripts import scheme_scripts
from playground.tabs.shared.controls import figure_or_nothing, typed
from playground.tabs.shared.detail import LEADING
from playground.tabs.shared.events import LATEST
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import NONE_YET, script_output
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts.positions import SCHEME_ABOUT

NAME, TITLE = "scheme", "The scheme"
PICTURES = ("positions-own", "positions-second", "positions-third", "positions-fourth", "positions-fifth")


@dataclass(frozen=True)
class SchemeRequest:
    """What the controls say."""

    scheme: str | None
    chosen_for: str
    """The model that the scheme was chosen with: another one opens on its own scheme. Empty before the first drawing, where
    a scheme is a link's."""
    length: int | None
    width: int | None
    base: float | None
    shift: int | None
    heads: int | None


def build(view: View) -> None:
    """Builds the view and connects it."""
    choices = [(name, key) for key, name in NAMES.items()]
    with gr.Row(elem_classes="pg-controls pg-slim"):
        scheme = gr.Radio(choices, value=None, label="Scheme", show_label=False, elem_id="positions-scheme")
    heading = Panel(elem_id="positions-heading")
    sentence = Panel(live=True, elem_id="positions-sentence")
    hidden: dict[str, Any] = {"precision": 0, "visible": False}
    with gr.Row(elem_classes="pg-controls pg-slim"):
        numbers: dict[str, Any] = {
            "length": gr.Number(256, label="Length (positions)", precision=0, elem_id="positions-length"),
            "width": gr.Number(128, label="Width d (dimensions)", elem_id="positions-width", **hidden),
            "base": gr.Number(10000, label="Base", visible=False, elem_id="positions-base"),
            "shift": gr.Number(5, label="Shift k", elem_id="positions-shift", **hidden),
            "heads": gr.Number(8, label="Heads", elem_id="positions-heads", **hidden),
        }
    pictures = {}
    for row in (PICTURES[:2], PICTURES[2:4], PICTURES[4:]):
        with gr.Row():
            for name in row:
                pictures[name] = PlotlyView(
                    label="The model's positions", height=420, elem_id=name, elem_classes=LEADING
                )
    Panel(markup.explanation(*SCHEME_ABOUT))
    chosen_for = gr.State("")

    inputs = {"scheme": scheme, "chosen_for": chosen_for, **numbers}
    outputs = inputs | {"heading": heading, "sentence": sentence} | pictures
    wires: dict[str, Any] = {"inputs": inputs, "request": SchemeRequest, "outputs": outputs}
    view.draws(draw, **wires)
    bind([scheme.input, *typed(*numbers.values())], draw, page=view.page, **wires, **LATEST)


def draw(page: PageContext, request: SchemeRequest) -> Outputs:
    """A scheme in pictures."""
    from playground.positions.schemes import position_facts, scheme_of

    recording, model_id = page.recording(), page.model_id
    numbers = scheme_pictures.Numbers.filled_in(**{name: getattr(request, name) for name in CONTROLS})
    facts = position_facts(recording.model, numbers.length)
    own = scheme_pictures.own_scheme(facts)
    scheme = request.scheme if request.scheme in NAMES and request.chosen_for in (model_id, "") else own
    drawing = scheme_pictures.PICTURES[scheme]
    without = scheme_of(recording.model).layers_without(recording.model) if scheme == own else ()
    profiles = None
    if scheme == own and (without or drawing.needs_attention):
        profiles = mean_profiles(recording, workbench.shared(), without)
    text_facts = TextFacts(recording.model.anatomy.context_length, len(recording.tokens), profiles, without)
    content = scheme_pictures.show(scheme, facts, numbers, text_facts)
    order = sorted(NAMES, key=lambda name: name != own)
    controls = drawing.own_controls if scheme == own else drawing.formula_controls
    figures = [*content.figures, *[None] * len(PICTURES)]
    of_model = facts if scheme == own else None
    scripts = [*scheme_scripts(page, recording, scheme, of_model, numbers, text_facts), *[NONE_YET] * len(PICTURES)]
    return {
        "scheme": gr.Radio([(f"{NAMES[n]}{' (this model)' if n == own else ''}", n) for n in order], value=scheme),
        "chosen_for": model_id,
        "heading": markup.badge(*scheme_pictures.heading(scheme, content, facts, model_id)),
        "sentence": markup.note(content.sentence, terms=True),
        **{name: gr.update(visible=name in controls) for name in CONTROLS},
        **{name: figure_or_nothing(figure) for name, figure in zip(PICTURES, figures, strict=False)},
        **{script_output(name): script for name, script in zip(PICTURES, scripts, strict=False)},
    }
