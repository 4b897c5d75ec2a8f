"""Updates that several views send to their controls and pictures."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.events import Dependency

from playground.analysis.text_display import listed, plain_mark
from playground.components import FollowingDropdown, numbered
from playground.tabs.shared.events import QUIET

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from playground.recording.recording import Recording

WIDE = 320
"""Pixels that a slider with its label, number and both ends needs in a line of controls; in a narrower line it takes the
next one."""


def token_choices(labels: Sequence[str], value: int | None) -> dict[str, Any]:
    """An update for a list of tokens, each with its position; `value` is the chosen position."""
    choices = [(f"{position}: {plain_mark(label, 24)}", position) for position, label in enumerate(labels)]
    return gr.update(choices=choices, value=value)


def choices_of_text(label: str, name: str, min_width: int = 160, visible: bool = True) -> FollowingDropdown:
    """A list, empty so far, whose choices a model or a visitor wrote: a page in another language leaves them as they are
    (components/page_translation.js). name: of its element."""
    look: dict[str, Any] = {"min_width": min_width, "visible": visible, "elem_classes": "pg-choices-of-text"}
    return FollowingDropdown([], label=label, elem_id=name, **look)


def chips(texts: Mapping[str, str], box: gr.Textbox) -> list[Dependency]:
    """Builds a row of small buttons, a name for each text, that write the text into the box; returns their dependencies."""
    with gr.Row(elem_classes="pg-chips"):
        classes = {name: ["pg-chip", *(["notranslate"] if name == text else [])] for name, text in texts.items()}
        buttons = [gr.Button(name, size="sm", min_width=40, elem_classes=classes[name]) for name in texts]
    return [
        button.click(None, None, box, js=f"() => {json.dumps(text)}", **QUIET)
        for button, text in zip(buttons, texts.values(), strict=True)
    ]


def figure_or_nothing(figure: "Figure | None") -> dict[str, Any]:
    """An update that shows the figure; without one the picture goes and leaves no empty frame."""
    return gr.update(value=figure, visible=figure is not None)


def typed(*fields: gr.Number | gr.Textbox) -> list[Callable]:
    """The events of a visitor having typed into fields: Enter, and leaving the field."""
    return [event for field in fields for event in (field.submit, field.blur)]


def head_sliders(recording: "Recording", layer: int, head: int, kind: str | None = None) -> dict[str, Any]:
    """Updates for the sliders of a head that exists, by the names of a request's fields."""
    heads = recording.attention(layer, kind).heads if recording.kinds else 1
    return {"layer": layer_slider(recording, layer, kind), "head": numbered("Head", head, heads)}


def layer_slider(recording: "Recording", layer: int, kind: str | None = None, *, moved: bool = True) -> gr.Slider:
    """An update of a slider over the layers that attend, set to `layer`. Of a hybrid it names them, and stops at them
    alone where they lie evenly. Without `moved` it keeps its value, which a visitor may have moved meanwhile."""
    if not recording.kinds:
        return numbered("Layer", layer, 1, moved=moved)
    numbers, depth = recording.layer_numbers(kind), recording.depth(kind)
    gaps = {second - first for first, second in zip(numbers, numbers[1:], strict=False)}
    step = gaps.pop() if len(gaps) == 1 else 1
    words = f"{numbers[0]} to {numbers[-1]}"
    if len(numbers) < depth:
        words = f"attention in {listed(numbers)} of {depth}"
    value: dict[str, Any] = {"value": layer} if moved else {}
    value |= {"minimum": numbers[0], "maximum": max(numbers[-1], numbers[0] + 1), "interactive": True}
    return gr.Slider(step=step, label=f"Layer ({words})", **value)
