"""The Attention tab put together: the choice of layer and head that its views share, and the views."""

from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from playground.tabs.attention import bertviz_view, flow_view, heads_handlers, heads_view, roles_view, steps_view
from playground.tabs.shared.events import LATEST
from playground.tabs.shared.head_chooser import HeadChooser
from playground.tabs.shared.page_context import PageControls, while_open
from playground.tabs.shared.views import build_views, changes_with

NAME, TITLE = "attention", "Attention"
VIEWS = (heads_view, steps_view, flow_view, roles_view, bertviz_view)
"""In the order of the page; each has NAME, TITLE and build(view, chosen)."""


@dataclass
class Chosen:
    """The chooser of the tab, and what its views are drawn after."""

    chooser: HeadChooser
    another_kind: gr.State
    """Changes with the kind."""
    another: gr.State
    """Changes with layer, head or kind."""
    lens: PageControls

    @property
    def inputs(self) -> dict[str, Component]:
        return self.chooser.inputs

    @property
    def given(self) -> list:
        return [*self.lens.given, self.layer, self.head, self.kind]

    @property
    def layer(self):
        return self.chooser.layer

    @property
    def head(self):
        return self.chooser.head

    @property
    def kind(self):
        return self.chooser.kind


def build(page: PageControls) -> None:
    """Builds the tab and connects it."""
    with gr.Row(elem_classes="pg-controls"):
        chooser = page.head.chooser("attention", kinds=True, link=False)
    another_kind = changes_with([chooser.kind.change])
    another = changes_with([component.change for component in chooser.inputs.values()])
    chosen = Chosen(chooser, another_kind, another, page)
    gr.on(
        [page.opened[NAME].change, *page.triggers, another_kind.change],
        while_open((NAME,), heads_handlers.follow),
        [page.active, *chosen.given],
        [chooser.kind, chooser.layer, chooser.head, page.message],
        **LATEST,
    )
    build_views(page, NAME, VIEWS, chosen)
