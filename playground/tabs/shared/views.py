"""Which tab and which of its views are open, and when a view is drawn: when it is opened, and while it is the open one.
Knows no view and no tab.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from playground.tabs.shared.events import LATEST, QUIET
from playground.tabs.shared.page_context import PageControls, while_open
from playground.tabs.shared.wiring import Handler, bind


def open_name(name: str) -> gr.Textbox:
    """A hidden component for the name of the open tab or view; at first this one."""
    return gr.Textbox(name, visible="hidden", container=False)


def on_open(page: PageControls, item: gr.Tab, place: gr.Textbox, name: str, opened: gr.State, stamp: Callable) -> None:
    """When the item is opened: `place` holds its name, linked choosers take the page's head, then `opened`, on which
    drawings hang, becomes what `stamp` returns. For after the item's choosers are built.

    The first two happen in the browser. Gradio runs the listeners of one event one after another: if the server wrote
    the name, it would arrive after the first redraw; and a listener that had to wait is sent anew with all others of the
    event, for ever where two wait for each other. Listeners of a State's change are sent at once, each by itself.
    (Gradio 6.31)
    """
    named = item.select(None, None, place, js=f"() => {json.dumps(name)}", **QUIET)
    page.head.follow(named).then(stamp, None, opened, **QUIET)


def changes_with(events: Sequence) -> gr.State:
    """A State that changes at each of some components' events, for drawings to hang on."""
    state = gr.State(0)
    gr.on(events, time.monotonic_ns, None, state, trigger_mode="multiple", **QUIET)
    return state


@dataclass
class View:
    """Where a view lies: the page's shared components, which view of its tab is open, and the names of view and tab."""

    page: PageControls
    open_view: gr.Textbox
    another: gr.State
    """Changes when another view of the tab is opened."""
    name: str
    tab: str

    @property
    def lens(self) -> PageControls:  # until all tabs are wired by name
        return self.page

    def draws(
        self,
        handler: Handler,
        inputs: Mapping[str, Component] | list,
        outputs: Mapping[str, Component] | list,
        also: gr.State | None = None,
        request: type | None = None,
    ) -> None:
        """Runs the handler (see `wiring.bind`) whenever the view has to be drawn anew: when it or its tab is opened, and,
        while both are open, when model, text or `also` change.

        One dependency for all of these, so that of two drawings the later one stays.
        """
        states = [self.page.opened[self.tab], self.another, *([also] if also else [])]
        events = [*(state.change for state in states), *self.page.triggers]
        if isinstance(inputs, list):  # until all tabs are wired by name
            guarded = while_open((self.name, self.tab), handler)
            gr.on(events, guarded, [self.open_view, self.page.active, *inputs], outputs, **LATEST)
            return
        bind(
            events,
            handler,
            page=self.page,
            inputs=inputs,
            outputs=outputs,
            request=request,
            only_while={self.open_view: self.name, self.page.active: self.tab},
            **LATEST,
        )


def build_views(page: PageControls, tab: str, parts: Sequence[Any], *shared: Any) -> None:
    """Builds the views of a tab, each with NAME, TITLE and build(view, *shared), as tabs of its own."""
    open_view, another = open_name(parts[0].NAME), gr.State(parts[0].NAME)
    with gr.Tabs(elem_id=f"{tab}-views"):
        for part in parts:
            with gr.Tab(part.TITLE, id=part.NAME) as item:
                part.build(View(page, open_view, another, part.NAME, tab), *shared)
                on_open(page, item, open_view, part.NAME, another, _returning(part.NAME))


def _returning(name: str) -> Callable[[], str]:
    def name_of_view() -> str:
        return name

    return name_of_view
