"""bertviz's views of the recorded weights."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.components import Panel, markup
from playground.components.bertviz_view import BertvizView
from playground.figures.attention.bertviz import HEAD, MODEL, NEURON, bertviz_picture
from playground.recording.head_choice import HeadChoice
from playground.tabs.attention.tab_chooser import TabChooser
from playground.tabs.shared.events import RUNS_MODEL
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts.attention import BERTVIZ_ABOUT

NAME, TITLE = "bertviz", "bertviz"
VIEWS = {HEAD: "Head view", MODEL: "Model view", NEURON: "Neuron view"}


@dataclass(frozen=True)
class BertvizRequest(HeadChoice):
    """A head, and one of VIEWS."""

    view: str = HEAD


def build(view: View, chooser: TabChooser) -> None:
    """Builds the view and connects it."""
    names = [(words, name) for name, words in VIEWS.items()]
    bare: dict[str, Any] = {"show_label": False, "container": False}
    choice = gr.Radio(names, value=HEAD, label="View", **bare, elem_id="bertviz-choice")
    sentence = Panel(live=True, elem_id="bertviz-words")
    frame = BertvizView(elem_id="bertviz")
    Panel(markup.explanation(*BERTVIZ_ABOUT))

    wires: dict[str, Any] = {
        "inputs": {**chooser.inputs, "view": choice},
        "request": BertvizRequest,
        "outputs": {"frame": frame, "sentence": sentence},
    }
    view.draws(draw, **wires, also=chooser.another_head)
    bind(choice.input, draw, page=view.page, **wires, **RUNS_MODEL)


def draw(page: PageContext, request: BertvizRequest) -> Outputs:
    """The chosen view, and how much of the text and the model it shows."""
    picture = bertviz_picture(page.recording(), request, request.view)
    return {"frame": picture.value, "sentence": markup.note(picture.sentence, terms=True)}
