"""Which tab and which of its views are open, and how a view draws: when it is opened, and while it is the open one. Knows
no view and no tab."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import gradio as gr

from playground.tabs.shared.page_context import QUIET, RUNS_MODEL, PageContext, while_open


def name_kept(name: str) -> gr.Textbox:
    """A place for the name of what is open, out of sight; at first this one."""
    return gr.Textbox(name, visible="hidden", container=False)


def keeps_name(item: gr.Tab, place: gr.Textbox, name: str, opened: gr.State, stamp=time.monotonic_ns) -> None:
    """Once the item is opened, `place` holds its name; then `opened`, on which drawings hang, becomes what `stamp` gives.

    The name is written in the browser. Of an event of a component Gradio sends what it calls one after another, each when
    the former's answer is there: a name that the server wrote would be late by a drawing. And what had to wait is sent
    anew with all that the event calls, for ever where two wait for each other. What a State's change calls is sent at
    once, each by itself.
    """
    kept = item.select(None, None, place, js=f"() => {json.dumps(name)}", **QUIET)
    kept.then(stamp, None, opened, **QUIET)


def noted(events: Sequence) -> gr.State:
    """A State that changes at each of some components' events, for drawings to hang on."""
    state = gr.State(0)
    gr.on(events, time.monotonic_ns, None, state, trigger_mode="multiple", **QUIET)
    return state


@dataclass
class View:
    """Where a view lies: the page's lens, which view of its tab is the open one, and the names of view and tab."""

    lens: PageContext
    shown: gr.Textbox
    another: gr.State
    """Changes when another view of the tab is opened."""
    name: str
    within: str

    def draws(self, handler: Callable, inputs: list, outputs: list, also: gr.State | None = None) -> None:
        """Runs the handler, whose first input is the model's id, whenever the view has to be drawn anew: when it or its tab
        is opened, and, while both are open, when model, text or `also` change.

        One dependency for all of these, so that of two drawings the later one stays."""
        states = [self.lens.opened[self.within], self.another, *([also] if also else [])]
        events = [*(state.change for state in states), *self.lens.triggers]
        guarded = while_open((self.name, self.within), handler)
        gr.on(
            events, guarded, [self.shown, self.lens.active, *inputs], outputs, trigger_mode="always_last", **RUNS_MODEL
        )


def build_views(lens: PageContext, within: str, parts: Sequence, *shared) -> None:
    """Builds the views of a tab, each with NAME, TITLE and build(view, *shared), as tabs of its own."""
    shown, another = name_kept(parts[0].NAME), gr.State(parts[0].NAME)
    with gr.Tabs(elem_id=f"{within}-views"):
        for part in parts:
            with gr.Tab(part.TITLE, id=part.NAME) as item:
                keeps_name(item, shown, part.NAME, another, _giving(part.NAME))
                part.build(View(lens, shown, another, part.NAME, within), *shared)


def _giving(name: str) -> Callable[[], str]:
    def given() -> str:
        return name

    return given
