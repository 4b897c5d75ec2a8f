"""The Attention tab put together: the choice of layer and head that all views share, and the views."""

from dataclasses import dataclass

import gradio as gr

from playground.components import FollowingRadio, FollowingSlider
from playground.tabs.attention import bertviz_view, flow_view, heads_handlers, heads_view, roles_view, steps_view
from playground.tabs.shared.page_context import RUNS_MODEL, PageContext, while_open
from playground.tabs.shared.views import build_views, noted

NAME, TITLE = "attention", "Attention"
VIEWS = (heads_view, steps_view, flow_view, roles_view, bertviz_view)
"""In the order of the page; each has NAME, TITLE and build(view, chosen)."""


@dataclass
class Chosen:
    """The components that say which head is looked at. `given` are what most views' handlers start with."""

    layer: FollowingSlider
    head: FollowingSlider
    kind: FollowingRadio
    lens: PageContext
    another_kind: gr.State
    """Changes with the kind."""
    another: gr.State
    """Changes with any of the three."""

    @property
    def given(self) -> list:
        return [*self.lens.given, self.layer, self.head, self.kind]


def build(lens: PageContext) -> None:
    """Builds the tab and connects it."""
    with gr.Row(elem_classes="pg-controls"):
        kind = FollowingRadio(["self"], value="self", label="Kind", visible=False, elem_id="attention-kind")
        layer = FollowingSlider(0, 1, value=0, step=1, label="Layer", elem_id="attention-layer")
        head = FollowingSlider(0, 1, value=0, step=1, label="Head", elem_id="attention-head")
    another_kind = noted([kind.change])
    chosen = Chosen(layer, head, kind, lens, another_kind, noted([layer.change, head.change, kind.change]))
    shown, again = [kind, layer, head, lens.message], {"trigger_mode": "always_last", **RUNS_MODEL}
    gr.on(
        [lens.opened[NAME].change, *lens.triggers, another_kind.change],
        while_open((NAME,), heads_handlers.follow),
        [lens.active, *chosen.given],
        shown,
        **again,
    )
    build_views(lens, NAME, VIEWS, chosen)
