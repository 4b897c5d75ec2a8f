"""The Attention tab put together: the choice of layer and head that all views share, and the views."""

from dataclasses import dataclass

import gradio as gr

from playground.components import FollowingRadio, FollowingSlider
from playground.tabs.attention import bertviz, drawing, heads, maths, roles, through
from playground.tabs.lens import RUNS_MODEL, Lens, only_when_active
from playground.tabs.views import build_views

NAME, TITLE = "attention", "Attention"
VIEWS = (heads, maths, through, roles, bertviz)
"""In the order of the page; each has NAME, TITLE and build(view, chosen)."""


@dataclass
class Chosen:
    """The components that say which head is looked at. `given` are what most views' handlers start with."""

    layer: FollowingSlider
    head: FollowingSlider
    kind: FollowingRadio
    lens: Lens

    @property
    def given(self) -> list:
        return [*self.lens.given, self.layer, self.head, self.kind]

    @property
    def changes(self) -> list:
        """The events of another choice."""
        return [self.layer.change, self.head.change, self.kind.change]


def build(lens: Lens, tab: gr.Tab) -> None:
    """Builds the tab and connects it."""
    with gr.Row(elem_classes="pg-controls"):
        kind = FollowingRadio(["self"], value="self", label="Kind", visible=False, elem_id="attention-kind")
        layer = FollowingSlider(0, 1, value=0, step=1, label="Layer", elem_id="attention-layer")
        head = FollowingSlider(0, 1, value=0, step=1, label="Head", elem_id="attention-head")
    chosen = Chosen(layer, head, kind, lens)
    shown, again = [kind, layer, head, lens.message], {"trigger_mode": "always_last", **RUNS_MODEL}
    gr.on([tab.select, kind.input], drawing.follow, chosen.given, shown, **again)
    gr.on(lens.triggers, only_when_active(NAME, drawing.follow), [lens.active, *chosen.given], shown, **again)
    build_views(lens, tab, NAME, VIEWS, chosen)
