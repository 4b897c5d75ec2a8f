"""How a view within a tab draws: when it is opened, and while it is the open one. Knows no view and no tab."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import isgeneratorfunction

import gradio as gr

from playground.tabs.lens import RUNS_MODEL, Lens


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


def opened(name: str) -> Callable[[], str]:
    """A handler that tells which view was opened."""

    def now() -> str:
        return name

    return now
