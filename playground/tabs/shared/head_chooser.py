"""The choice of layer and head, the same for the whole page: a head chosen in one view is the head of all others, unless
a view is unlinked. Knows no view.

All of it happens in the browser. What a visitor chooses is written to the page's SharedHead: by moving a slider, or by a
click whose dependency is given to `HeadChooser.publish`. When a tab or a view is opened, every linked chooser takes it
from there (`SharedHead.follow`), before the view is drawn. A slider that a handler moves back into its range is no choice.
"""

from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.components import Component

from playground.components import MOST_UNTIL_KNOWN, EmptyNumber, FollowingRadio, FollowingSlider
from playground.tabs.shared.events import QUIET

SAVE = """(linked, ...values) => {
  const count = (values.length - 1) / 2;
  return linked ? [...values.slice(0, count), true] : values.slice(count); }"""
"""Inputs: linked, the chooser's values, the page's values, whether a visitor chose them. Gives the last two, after a visitor
chose a layer or head."""
SAVE_KIND = SAVE.replace("true", "values.at(-1)")
"""The same after a visitor chose another kind of attention: that chooses no head."""


@dataclass
class HeadChooser:
    """The sliders of one view, and the choice of the kind of attention where a view has one."""

    layer: FollowingSlider
    head: FollowingSlider
    linked: gr.Checkbox
    shared: "SharedHead"
    kind: FollowingRadio | None = None

    @property
    def inputs(self) -> dict[str, FollowingSlider | FollowingRadio]:
        """By the names of a request's fields: layer, head, and kind where there is one."""
        kind: dict[str, FollowingSlider | FollowingRadio] = {"kind": self.kind} if self.kind else {}
        return {"layer": self.layer, "head": self.head, **kind}

    @property
    def moved(self) -> list:
        """The events of a visitor choosing another head."""
        return [component.input for component in self.inputs.values()]

    def publish(self, dependency: gr.events.Dependency) -> None:
        """After a dependency (a click on a head was answered): what the chooser shows is the page's head, chosen by a
        visitor."""
        dependency.then(None, *self._to_page(), js=SAVE, **QUIET)

    def _to_page(self) -> tuple[list[Component], list[Component]]:
        """The inputs and outputs of SAVE."""
        shared: list[Component] = [*(getattr(self.shared, name) for name in self.inputs), self.shared.chosen]
        return [self.linked, *self.inputs.values(), *shared], shared


@dataclass
class SharedHead:
    """Layer, head and kind of attention that the page looks at, and the choosers that follow them."""

    layer: gr.Number
    head: gr.Number
    kind: gr.Textbox
    chosen: gr.Checkbox
    """Whether a visitor chose the head; until then Attention opens on the most telling one of each text."""
    token: gr.Number
    """The token whose row of the head is looked at, counted from 0; None for the one of which the head tells most."""
    token_text: gr.State
    """The model and the text in which that token was chosen."""
    choosers: list[HeadChooser] = field(default_factory=list)

    @classmethod
    def build(cls) -> "SharedHead":
        """Builds the hidden components that hold the page's head."""
        hidden: dict[str, Any] = {"visible": "hidden", "container": False}
        head = gr.Number(0, **hidden), gr.Number(0, **hidden), gr.Textbox("self", **hidden)
        return cls(*head, gr.Checkbox(False, **hidden), EmptyNumber(precision=0, **hidden), gr.State(None))

    def chooser(self, name: str, *, kinds: bool = False, link: bool = True) -> HeadChooser:
        """Builds a chooser where it is called; its elements are named `{name}-layer`, `-head`, `-kind` and `-linked`.

        kinds: with a choice of the kind of attention, shown once a model has several. link: with a checkbox that
        unlinks it.
        """
        kind = None
        if kinds:
            kind = FollowingRadio(["self"], value="self", label="Kind", visible=False, elem_id=f"{name}-kind")
        layer, head = (
            FollowingSlider(0, MOST_UNTIL_KNOWN, value=0, step=1, label=label, elem_id=f"{name}-{label.lower()}")
            for label in ("Layer", "Head")
        )
        linked = gr.Checkbox(True, label="Same head in every tab", visible=link, elem_id=f"{name}-linked")
        chooser = HeadChooser(layer, head, linked, self, kind)
        self.choosers.append(chooser)
        gr.on([layer.input, head.input], None, *chooser._to_page(), js=SAVE, **QUIET)
        if kind is not None:
            kind.input(None, *chooser._to_page(), js=SAVE_KIND, **QUIET)
        return chooser

    def follow(self, dependency: gr.events.Dependency) -> gr.events.Dependency:
        """After a dependency (a tab or a view was opened): every linked chooser shows the page's head."""
        sources: list[Component] = [self.layer, self.head, self.kind]
        targets: list[Component] = []
        steps = []
        for chooser in self.choosers:
            place = len(sources)
            sources += [chooser.linked, *chooser.inputs.values()]
            for number, (name, component) in enumerate(chooser.inputs.items(), start=place + 1):
                page = ("layer", "head", "kind").index(name)
                steps.append(f"v[{place}] ? v[{page}] : v[{number}]")
                targets.append(component)
        if not targets:
            return dependency
        return dependency.then(None, sources, targets, js=f"(...v) => [{', '.join(steps)}]", **QUIET)
