"""Updates that the browser gets whole. Works round Gradio's streams: see `send_updates_whole`."""

from typing import Any

import gradio.utils

_diff = gradio.utils.diff


def send_updates_whole() -> None:
    """Lets a streaming handler's next answer replace an update of its former one, where it lacks one of its properties.

    Of each output Gradio sends how the next answer differs from the former one, and the browser changes the former one
    in place, even if it has not applied it yet: where a picture's update {value, source} is followed by "no change", value
    and source are deleted before the picture is drawn, which then shows the numbers of another text. (Gradio 6.31)
    """
    gradio.utils.diff = difference


def difference(old: Any, new: Any) -> list:
    """The edits, each [action, path, value], that make `new` of `old` in the browser."""
    if _is_update(old) and _is_update(new) and old.keys() - new.keys():
        return [["replace", [], new]]
    return _diff(old, new)


def _is_update(value: Any) -> bool:
    return isinstance(value, dict) and value.get("__type__") == "update"
