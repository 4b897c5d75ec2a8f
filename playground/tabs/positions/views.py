"""How a view of the Positions tab draws: when it is opened, and while it is the open one. Knows no view."""

from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr

from playground.tabs.lens import RUNS_MODEL, Lens

TAB = "positions"


@dataclass
class View:
    """Where a view lies: the page's lens, the tab, its own place in it, and which view is the open one."""

    lens: Lens
    tab: gr.Tab
    item: gr.Tab
    opened: gr.State
    name: str

    def draws(self, handler: Callable, inputs: list, outputs: list) -> None:
        """Runs the handler, whose first input is the model's id, whenever the view has to be drawn anew."""
        guarded = while_open(self.name, handler)
        self.item.select(handler, inputs, outputs, **RUNS_MODEL)
        self.tab.select(guarded, [self.opened, gr.State(TAB), *inputs], outputs, **RUNS_MODEL)
        gr.on(self.lens.triggers, guarded, [self.opened, self.lens.active, *inputs], outputs, **RUNS_MODEL)


def while_open(name: str, handler: Callable) -> Callable:
    """The handler, doing its work only while its view and the tab are the open ones and a model is there."""

    def guarded(view, active, model_id, *arguments):
        if view != name or active != TAB or not model_id:
            return (gr.skip(),) * (handler.outputs + 1)
        return handler(model_id, *arguments)

    return guarded
