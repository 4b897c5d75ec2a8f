"""The choice of layer, head and kind of attention that the tab's views share. Knows no view."""

from dataclasses import dataclass

import gradio as gr

from playground.components import FollowingRadio, FollowingSlider
from playground.tabs.shared.page_context import PageControls
from playground.tabs.shared.views import changes_with


@dataclass(frozen=True)
class TabChooser:
    """The components by the names of HeadChoice's fields, and the States after which views are drawn anew."""

    inputs: dict[str, FollowingSlider | FollowingRadio]
    """layer, head and kind."""
    another_kind: gr.State
    """Changes with the kind."""
    another_head: gr.State
    """Changes with layer, head or kind."""

    @classmethod
    def build(cls, page: PageControls) -> "TabChooser":
        """Builds the chooser where it is called."""
        with gr.Row(elem_classes="pg-controls"):
            inputs = page.head.chooser("attention", kinds=True, link=False).inputs
        changes = {name: component.change for name, component in inputs.items()}
        return cls(inputs, changes_with([changes["kind"]]), changes_with(list(changes.values())))
