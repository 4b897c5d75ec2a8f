"""Which tab and which of its views are open, and how a view draws: when it is opened, and while it is the open one. Knows
no view and no tab."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import isgeneratorfunction

import gradio as gr

from playground.tabs.lens import QUIET, RUNS_MODEL, Lens


def name_kept(name: str) -> gr.Textbox:
    """A place for the name of what is open, out of sight; at first this one."""
    return gr.Textbox(name, visible="hidden", container=False)


def keeps_name(item: gr.Tab, place: gr.Textbox, name: str) -> None:
    """Once the item is opened, `place` holds its name.

    Written in the browser and before anything else that the item's opening calls: Gradio sends what one event calls one
    after another, each when the former's answer is there, so a name that the server wrote would be late by a drawing.
    """
    item.select(None, None, place, js=f"() => {json.dumps(name)}", **QUIET)


@dataclass
class View:
    """Where a view lies: the page's lens, its tab, its own place in it, which view of the tab is the open one, and the names
    of view and tab."""

    lens: Lens
    tab: gr.Tab
    item: gr.Tab
    opened: gr.Textbox
    name: str
    within: str

    def draws(self, handler: Callable, inputs: list, outputs: list, also: Sequence = ()) -> None:
        """Runs the handler, whose first input is the model's id, whenever the view has to be drawn anew: when it is opened,
        and, while it is open, when its tab is, when model or text change, or at one of the events `also`."""
        guarded, again = while_open(self.name, self.within, handler), {"trigger_mode": "always_last", **RUNS_MODEL}
        self.item.select(handler, inputs, outputs, **again)
        self.tab.select(guarded, [self.opened, gr.State(self.within), *inputs], outputs, **again)
        gr.on([*self.lens.triggers, *also], guarded, [self.opened, self.lens.active, *inputs], outputs, **again)


def while_open(name: str, within: str, handler: Callable) -> Callable:
    """The handler, doing its work only while its view and its tab are the open ones and a model is there."""

    def idle(view, active, model_id) -> bool:
        return view != name or active != within or not model_id

    if isgeneratorfunction(handler):

        def guarded(view, active, model_id, *arguments):
            if idle(view, active, model_id):
                yield (gr.skip(),) * (handler.outputs + 1)
            else:
                yield from handler(model_id, *arguments)

    else:

        def guarded(view, active, model_id, *arguments):
            if idle(view, active, model_id):
                return (gr.skip(),) * (handler.outputs + 1)
            return handler(model_id, *arguments)

    return guarded


def build_views(lens: Lens, tab: gr.Tab, within: str, parts: Sequence, *shared) -> None:
    """Builds the views of a tab, each with NAME, TITLE and build(view, *shared), as tabs of its own."""
    shown = name_kept(parts[0].NAME)
    with gr.Tabs(elem_id=f"{within}-views"):
        for part in parts:
            with gr.Tab(part.TITLE, id=part.NAME) as item:
                keeps_name(item, shown, part.NAME)
                part.build(View(lens, tab, item, shown, part.NAME, within), *shared)
