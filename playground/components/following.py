"""Lists and sliders whose choices follow the loaded model. They know nothing of models.

Gradio checks a value against a control's choices before the handler runs, and answers a stray one with a toast about the
list. When the model changes, two events may be under way with values of the former model, and the first one's answer
changes the choices before the second is checked. These controls pass every value to the handler, which checks it.
"""

from typing import Any

import gradio as gr

MOST_UNTIL_KNOWN = 512
"""Where a slider of layers or heads ends before there is a model. A link sets it before its end is known, and the browser
leaves the handle where a smaller end has held it. (Gradio 6.31)"""


def _pass_on(self: gr.components.Component, payload: Any) -> Any:
    return payload


class FollowingDropdown(gr.Dropdown):
    """A list whose handler checks the value."""

    is_template = True  # the browser draws it as its parent class
    preprocess = _pass_on


class TokenList(gr.Dropdown):
    """A FollowingDropdown of the text's tokens, which belong to an answer: once the text can't be read, none of another
    text's tokens is left. Not a subclass of it: Gradio takes a component's script by the name of its parent class."""

    is_template = True
    preprocess = _pass_on


class FollowingRadio(gr.Radio):
    """Options whose handler checks the value."""

    is_template = True
    preprocess = _pass_on


class FollowingSlider(gr.Slider):
    """A slider whose handler checks the value."""

    is_template = True
    preprocess = _pass_on


def numbered(name: str, value: int, count: int, *, moved: bool = True) -> gr.Slider:
    """An update of such a slider, for `count` things numbered from 0, set to `value`. Without `moved` the slider keeps its
    value: a visitor may have moved it while the update was computed."""
    maximum, label = max(1, count - 1), f"{name} (0 to {count - 1})"
    options: dict = {"value": value} if moved else {}
    return gr.Slider(maximum=maximum, label=label, interactive=True, **options)  # a refusal may have disabled it
