"""The choice of layer, head and kind of attention that the tab's views share. Knows no view."""

import json
import time
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from playground.components import FollowingRadio, FollowingSlider
from playground.recording.head_choice import HeadChoice
from playground.tabs.shared.events import QUIET
from playground.tabs.shared.head_chooser import HeadChooser
from playground.tabs.shared.language_chooser import build_language_chooser
from playground.tabs.shared.page_context import PageControls

PARTS = "kind", "layer", "head"
OPEN = """(opening, isChosen, ...now) => {
  if (!opening) return now;
  const {chosen, of, to} = JSON.parse(opening), own = now.slice(0, of.length), page = now.slice(of.length);
  const same = chosen === isChosen && of.every((value, n) => value === own[n]);
  return same ? [...to, ...(chosen ? page : to)] : now; }"""
"""Inputs: what `opening_of` says, whether a visitor chose the page's head, the parts of the sliders' head and of the page's.
Gives the parts of both."""


@dataclass(frozen=True)
class TabChooser:
    """The chooser, and what goes with the choice."""

    sliders: HeadChooser
    opened: gr.Textbox
    """The server's word on which head to show: `opening_of`."""
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
    def another_kind(self) -> list:
        """The event of another kind."""
        return [self.controls["kind"].change]

    @property
    def another_head(self) -> list:
        """The events of another layer, head or kind."""
        return [control.change for control in self.controls.values()]

    def follow_openings(self) -> None:
        """Whenever the server has said which head to show: the sliders show it, unless they hold another choice by now than
        the one that it answers. A late answer never undoes a visitor's choice."""
        shared, controls = self.sliders.shared, self.controls
        heads: list[Component] = [controls[name] for name in PARTS] + [getattr(shared, name) for name in PARTS]
        self.opened.change(None, [self.opened, shared.chosen, *heads], heads, js=OPEN, **QUIET)

    @classmethod
    def build(cls, page: PageControls) -> "TabChooser":
        """Builds the chooser where it is called."""
        with gr.Row(elem_classes="pg-controls pg-slim"):
            sliders = page.head.chooser("attention", kinds=True, link=False)
            build_language_chooser(page, "attention")
        row: dict[str, Component] = {"token": page.head.token, "text": page.head.token_text}
        opened = gr.Textbox("", visible="hidden", container=False, elem_id="attention-opened")
        return cls(sliders, opened, row)


def opening_of(choice: HeadChoice, opened: HeadChoice) -> str:
    """Which head to show, for OPEN: `opened` in place of `choice`, as JSON; of the whole page too where no visitor chose."""
    of, to = ([getattr(one, name) for name in PARTS] for one in (choice, opened))
    return json.dumps({"chosen": choice.chosen, "of": of, "to": to, "at": time.monotonic_ns()})
