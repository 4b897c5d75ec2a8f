"""How a view within a tab draws: when it is opened, and while it is the open one. Knows no view and no tab."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import isgeneratorfunction

import gradio as gr

from playground.tabs.lens import QUIET, RUNS_MODEL, Lens


@dataclass
class View:
    """Where a view lies: the page's lens, its tab, its own place in it, which view of the tab is the open one, and the names
    of view and tab."""

    lens: Lens
    tab: gr.Tab
    item: gr.Tab
    opened: gr.State
    name: str
    within: str

    def draws(self, handler: Callable, inputs: list, outputs: list) -> None:
        """Runs the handler, whose first input is the model's id, whenever the view has to be drawn anew."""
        guarded = while_open(self.name, self.within, handler)
        self.item.select(handler, inputs, outputs, **RUNS_MODEL)
        self.tab.select(guarded, [self.opened, gr.State(self.within), *inputs], outputs, **RUNS_MODEL)
        gr.on(self.lens.triggers, guarded, [self.opened, self.lens.active, *inputs], outputs, **RUNS_MODEL)


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


def build_views(lens: Lens, tab: gr.Tab, within: str, parts: Sequence) -> None:
    """Builds the views of a tab, each with NAME, TITLE and build(view), as tabs of its own."""
    shown = gr.State(parts[0].NAME)
    with gr.Tabs(elem_id=f"{within}-views"):
        for part in parts:
            with gr.Tab(part.TITLE, id=part.NAME) as item:
                part.build(View(lens, tab, item, shown, part.NAME, within))
            item.select(opened(part.NAME), None, shown, **QUIET)


def opened(name: str) -> Callable[[], str]:
    """A handler that tells which view was opened."""

    def now() -> str:
        return name

    return now
