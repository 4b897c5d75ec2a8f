"""The Attention tab put together: the choice of layer and head that all views share, and the views."""

from dataclasses import dataclass, field

import gradio as gr

from playground.components import FollowingRadio, FollowingSlider
from playground.tabs.attention import bertviz, heads, maths, roles, through
from playground.tabs.lens import QUIET, Lens
from playground.tabs.views import opened

NAME, TITLE = "attention", "Attention"
VIEWS = (heads, maths, through, roles, bertviz)
"""In the order of the page; each has NAME, TITLE and build(lens, tab, chosen)."""


@dataclass
class Chosen:
    """The components that say which head is looked at. `given` are what every view's handlers start with."""

    layer: FollowingSlider
    head: FollowingSlider
    kind: FollowingRadio
    view: gr.State
    lens: Lens
    asked: list = field(default_factory=list)
    """Inputs of the first view: these, and its own controls."""
    everything: list = field(default_factory=list)
    """Outputs of the first view's drawing."""

    @property
    def given(self) -> list:
        return [*self.lens.given, self.layer, self.head, self.kind]


def build(lens: Lens, tab: gr.Tab) -> None:
    """Builds the tab and connects it."""
    with gr.Row(elem_classes="pg-controls"):
        kind = FollowingRadio(["self"], value="self", label="Kind", visible=False, elem_id="attention-kind")
        layer = FollowingSlider(0, 1, value=0, step=1, label="Layer", elem_id="attention-layer")
        head = FollowingSlider(0, 1, value=0, step=1, label="Head", elem_id="attention-head")
    chosen = Chosen(layer, head, kind, gr.State(heads.NAME), lens)
    with gr.Tabs(elem_id="attention-views"):
        for view in VIEWS:
            with gr.Tab(view.TITLE, id=view.NAME) as item:
                view.build(lens, item, chosen)
            item.select(opened(view.NAME), None, chosen.view, **QUIET)
    heads.connect(tab, chosen)
