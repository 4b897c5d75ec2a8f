"""The choice of layer, head and kind of attention that the tab's views share. Knows no view."""

from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from playground.components import FollowingRadio, FollowingSlider
from playground.tabs.shared.head_chooser import HeadChooser
from playground.tabs.shared.language_chooser import build_language_chooser
from playground.tabs.shared.page_context import PageControls
from playground.tabs.shared.views import changes_with


@dataclass(frozen=True)
class TabChooser:
    """The chooser, and the States after which views are drawn anew."""

    sliders: HeadChooser
    another_kind: gr.State
    """Changes with the kind."""
    another_head: gr.State
    """Changes with layer, head or kind."""
    row: dict[str, Component]
    """The query token that a visitor chose, here or in X-ray, and the model and text in which he did: token and text."""

    @property
    def controls(self) -> dict[str, FollowingSlider | FollowingRadio]:
        """layer, head and kind."""
        return self.sliders.inputs

    @property
    def inputs(self) -> dict[str, Component]:
        """The fields of a HeadChoice: the controls, and whether a visitor chose the head."""
        return {**self.sliders.inputs, "chosen": self.sliders.shared.chosen}

    @property
    def page_head(self) -> dict[str, Component]:
        """The head of the whole page, by the names of `follow`'s outputs."""
        shared = self.sliders.shared
        return {"page_layer": shared.layer, "page_head": shared.head, "page_kind": shared.kind}

    @classmethod
    def build(cls, page: PageControls) -> "TabChooser":
        """Builds the chooser where it is called."""
        with gr.Row(elem_classes="pg-controls pg-slim"):
            sliders = page.head.chooser("attention", kinds=True, link=False)
            build_language_chooser(page, "attention")
        row: dict[str, Component] = {"token": page.head.token, "text": page.head.token_text}
        changes = {name: component.change for name, component in sliders.inputs.items()}
        return cls(sliders, changes_with([changes["kind"]]), changes_with(list(changes.values())), row)
