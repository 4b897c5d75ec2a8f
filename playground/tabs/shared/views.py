"""Which tab and which of its views are open, and when a view is drawn: when it is opened, and while it is the open one.
Knows no view and no tab.
"""

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from playground.components import WatchedState
from playground.tabs.shared.events import LATEST, QUIET
from playground.tabs.shared.links import base_of
from playground.tabs.shared.page_context import PageContext, PageControls
from playground.tabs.shared.wiring import Handler, bind


def open_name(name: str) -> gr.Textbox:
    """A hidden component for the name of the open tab or view; at first this one."""
    return gr.Textbox(name, visible="hidden", container=False)


def on_open_tab(page: PageControls, item: gr.Tab, tab: str) -> None:
    """Whenever the tab is opened, it and its open view are drawn, of what stands in the text box. For after the tab's views
    are built."""
    names = [tab, *(name for name in page.redraw if name.startswith(f"{tab}/"))]
    open_view = page.open_views.get(tab)

    def stamp(model: str, typed: str, applied: str, view: str = "") -> dict[gr.State, int | str]:
        if not model:
            return {page.applied: gr.skip()}  # its arrival draws what is open; Gradio refuses an empty answer
        if typed != applied:
            return {page.applied: typed}  # whose change draws what is open
        return {page.redraw[name]: time.monotonic_ns() for name in names if name in (tab, f"{tab}/{view}")}

    inputs = [page.model, page.text, page.applied, *([open_view] if open_view else [])]
    outputs = [page.applied, *(page.redraw[name] for name in names)]
    _on_open(page, item, page.active, tab).then(stamp, inputs, outputs, **QUIET)


def _on_open(
    page: PageControls, item: gr.Tab, place: gr.Textbox, name: str, former: gr.Textbox | None = None
) -> gr.events.Dependency:
    """When the item is opened: `place` holds its name and `former`, if there is one, what `place` held before; then linked
    choosers take the page's head. For after the item's choosers are built.

    Both happen in the browser. Gradio runs the listeners of one event one after another: if the server wrote the name,
    it would arrive after the first redraw; and a listener that had to wait is sent anew with all others of the event, for
    ever where two wait for each other. Listeners of a State's change are sent at once, each by itself. (Gradio 6.31)
    """
    places = [place, former] if former else [place]
    script = f"(open) => [{json.dumps(name)}, open].slice(0, {len(places)})"
    return page.head.follow(item.select(None, place, places, js=script, **QUIET))


def redraw_with_model_and_text(page: PageControls) -> None:
    """Whenever model, text, language or edits change, the open tab and its open view are drawn anew, once, and the line
    above the tabs says what is edited. For after all tabs are built.

    Views that are closed hear nothing of it: in the browser each call of a handler costs more than its answer.
    """
    watched = [page.model, page.device, page.dtype, page.applied, page.language, page.edited]

    def stamp(active: str, *values: Any) -> dict[Block, Any]:
        shows, views = values[: len(watched)], dict(zip(page.open_views, values[len(watched) :], strict=True))
        due = active, f"{active}/{views.get(active)}"
        banner = page.banner.update(values[watched.index(page.edited)], values[0], values[watched.index(page.applied)])
        model, device, dtype, text, language, edited = shows
        base = base_of(PageContext(model, device, dtype, text, language=language, edited=edited)) if model else ""
        linked = {page.link.base: base}
        return {state: shows for name, state in page.redraw.items() if name in due} | banner | linked

    states = [*page.redraw.values(), *page.banner, page.link.base]
    inputs = [page.active, *watched, *page.open_views.values()]
    gr.on([state.change for state in watched], stamp, inputs, states, trigger_mode="multiple", **QUIET)


def script_that_opens(title: str, tab: str = "", view: str = "") -> str:
    """A script for the browser that opens the tab of this title; with the tab's name, the view of that title in it first."""
    places = [[f"{tab}-views", view], ["tabs", title]] if view else [["tabs", title]]
    return f"() => {{ for (const place of {json.dumps(places)}) window.__playgroundLanguage.open(...place); }}"


def changes_while_open(page: PageControls, events: Sequence, tab: str, view: str = "") -> gr.Textbox:
    """A hidden component that changes at some components' events while a tab, or one of its views, is the open one, for
    drawings to hang on. The browser alone does it: a closed view asks the server nothing."""
    due = open_name("")
    places = {page.active: tab, **({page.open_views[tab]: view} if view else {})}
    here = json.dumps("/".join(places.values()))
    script = f"(due, ...open) => open.join('/') === {here} ? String(performance.now()) : due"
    gr.on(events, None, [due, *places], due, js=script, trigger_mode="multiple", **QUIET)
    return due


@dataclass
class View:
    """Where a view lies: the page's shared components and the names of tab and view."""

    page: PageControls
    tab: str
    name: str

    def reading(self) -> gr.State:
        """A State for what the view's controls were set for, see `PageControls.readings`."""
        state = self.page.readings[f"{self.tab}/{self.name}"] = gr.State(None)
        return state

    @property
    def open(self) -> dict[Component, str]:
        """What holds while this view is the open one, for `wiring.bind`."""
        return {self.page.open_views[self.tab]: self.name, self.page.active: self.tab}

    def draws(
        self,
        handler: Handler,
        inputs: Mapping[str, Component],
        outputs: Mapping[str, Block],
        also: Sequence = (),
        request: type | None = None,
        empties: bool | Collection[str] = True,
        **options: Any,
    ) -> None:
        """Runs the handler (see `wiring.bind`) whenever the view has to be drawn anew: when it or its tab is opened, and,
        while both are open, when model or text change or at the events `also`. An error leaves nothing of an earlier
        drawing, which may be of another model or text.

        One dependency for all of these, so that of two drawings the later one stays. options: Gradio's own.
        """
        due: list[Any] = [self.page.redraw[f"{self.tab}/{self.name}"]]
        due += [changes_while_open(self.page, also, self.tab, self.name)] if also else []
        bind(
            [component.change for component in due],
            handler,
            page=self.page,
            inputs=inputs,
            outputs=outputs,
            request=request,
            only_while=self.open,
            empties=empties,
            **LATEST | options,
        )


def build_views(page: PageControls, tab: str, parts: Sequence[Any], *shared: Any) -> None:
    """Builds the views of a tab, each with NAME, TITLE and build(view, *shared), as tabs of its own."""
    page.open_views[tab] = open_view = open_name(parts[0].NAME)
    former = open_name(parts[0].NAME)
    with gr.Tabs(elem_id=f"{tab}-views", overflow_behavior="wrap"):
        for part in parts:
            with gr.Tab(part.TITLE, id=part.NAME) as item:
                redraw = page.redraw[f"{tab}/{part.NAME}"] = WatchedState(0)
                part.build(View(page, tab, part.NAME), *shared)
                opened = _on_open(page, item, open_view, part.NAME, former)
                opened.then(
                    _stamp_if_other(part.NAME), [former, page.text, page.applied], [redraw, page.applied], **QUIET
                )


def _stamp_if_other(view: str) -> Callable[[str, str, str], tuple]:
    """Of the view that was open before: a new stamp, or the text that was typed since, whose change draws the view; nothing
    where it was this one, which the browser reports once more when the tab is opened for the first time. The browser keeps
    the view's name: the server may hear of two views in another order than they were opened."""

    def stamp(former: str, typed: str, applied: str) -> tuple:
        if former == view:
            return gr.skip(), gr.skip()
        return (time.monotonic_ns(), gr.skip()) if typed == applied else (gr.skip(), typed)

    return stamp
