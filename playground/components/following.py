"""Lists and sliders whose choices follow the loaded model. They know nothing of models.

Gradio refuses a value that is not among a control's choices before any handler sees it, with a toast about the list.
When the model changes, two events may be on their way with what the page still holds of the former model, and the
second one finds the choices changed by the first. These controls hand every value on: the handler judges.
"""

from typing import Any

import gradio as gr


def _handed_on(self, payload: Any) -> Any:
    return payload


class FollowingDropdown(gr.Dropdown):
    """A list whose handler judges the value."""

    is_template = True  # drawn by the browser as the class above
    preprocess = _handed_on


class FollowingRadio(gr.Radio):
    """Options whose handler judges the value."""

    is_template = True
    preprocess = _handed_on


class FollowingSlider(gr.Slider):
    """A slider whose handler judges the value."""

    is_template = True
    preprocess = _handed_on


def numbered(name: str, value: int, count: int, *, moved: bool = True) -> gr.Slider:
    """An answer for such a slider: it stands at `value` and knows that there are `count` things, numbered from 0. Not
    `moved`, it stays where it is: a visitor may have moved it on while the answer was being made."""
    where = {"value": value} if moved else {}
    return gr.Slider(maximum=max(1, count - 1), label=f"{name} (0 to {count - 1})", **where)
