"""What the numbers of an answer come from: model, revision, precision, text and settings, as plain JSON. It goes with every
picture, and into every file. Knows no view."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from playground.components.plotly_view import has_picture
from playground.engine.page_state import PageState
from playground.scripts.script import Script
from playground.tabs.shared.page_context import PageContext

Source = dict[str, Any]
MAX_TEXT = 20_000
"""Characters of the text; a longer one ends with its length."""
MAX_SETTING = 500
"""Characters of a setting, such as the words to place."""
_PAGE_FIELDS = ("text", "search")
"""Fields of requests that say what the page says too, or what a visitor looks for."""


def source_of(
    page: PageContext, request: object | None, place: Sequence[str], outputs: Mapping[str, Any] | None = None
) -> Source:
    """model, revision, precision, source (the weight file), tab, view, text, settings. place: the titles of tab and view.

    settings are the controls' values: numbers, switches and texts of the request, seeds among them; where the answer's
    outputs move a control, such as a click on another head does, its new value.
    """
    model = page.awaited_model()  # work that waited for the first model was begun without one
    tab, view, *_ = [*place, "", ""]
    text = page.text
    edited = {"edited": page.edited[2]} if page.edited is not None and page.edits_on(text) else {}
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}… ({len(text):,} characters)"
    return {
        "model": model.model_id,
        "revision": model.revision,
        "precision": model.dtype.name,
        "source": model.source_text,
        "tab": tab,
        "view": view,
        "text": text,
        "settings": _moved(_settings(request), outputs or {}) | edited,
    }


def _moved(settings: dict[str, Any], outputs: Mapping[str, Any]) -> dict[str, Any]:
    for name in settings.keys() & outputs.keys():
        value = outputs[name]
        if isinstance(value, Component):  # an update written as the component that it makes
            value = value.constructor_args
        if isinstance(value, dict):
            value = value.get("value")
        if isinstance(value, bool | int | float | str):
            settings[name] = value
    return settings


def _settings(request: object | None) -> dict[str, Any]:
    """The plain values of a request and of the requests in it. A session's name is a class of its own and stays secret."""
    if not dataclasses.is_dataclass(request):
        return {}
    settings: dict[str, Any] = {}
    for field in dataclasses.fields(request):
        value = getattr(request, field.name)
        if field.name in _PAGE_FIELDS or isinstance(value, PageState):  # which says how far work is
            continue
        if dataclasses.is_dataclass(value):
            settings |= _settings(value)
        elif type(value) in (bool, int, float):
            settings[field.name] = value
        elif type(value) is str and value:
            settings[field.name] = value[:MAX_SETTING]
    more: dict[str, Any] = getattr(request, "more_settings", dict)()
    return settings | {name: value for name, value in more.items() if type(value) in (bool, int, float, str)}


def has_figure(output: Any) -> bool:
    """Whether a picture's output, a figure or an update, draws a figure."""
    return has_picture(output.get("value") if isinstance(output, dict) else output)


def with_source(outputs: Mapping[str, Any], pictures: Mapping[str, Script], source: Source) -> dict[str, Any]:
    """The outputs, `source` and its script beside the figure of each of these pictures."""
    updates = {
        name: value if isinstance(value, dict) else gr.update(value=value)
        for name, value in outputs.items()
        if name in pictures
    }
    beside = {name: {"source": source, "python": script.plain} for name, script in pictures.items()}
    return {**outputs} | {name: update | beside[name] for name, update in updates.items()}
