"""Updates that several views send to their controls and pictures."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.analysis.text_display import plain_mark

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def token_choices(labels: Sequence[str], value: int | None) -> dict[str, Any]:
    """An update for a list of tokens, each with its position; `value` is the chosen position."""
    choices = [(f"{position}: {plain_mark(label, 24)}", position) for position, label in enumerate(labels)]
    return gr.update(choices=choices, value=value)


def figure_or_nothing(figure: "Figure | None") -> dict[str, Any]:
    """An update that shows the figure; without one the picture goes and leaves no empty frame."""
    return gr.update(value=figure, visible=figure is not None)


def typed(*numbers: gr.Number) -> list[Callable]:
    """The events of a visitor having typed into number fields: Enter, and leaving the field."""
    return [event for number in numbers for event in (number.submit, number.blur)]
