"""Where a click on a picture was. What a browser sends is hostile."""

import math

import gradio as gr


def whole(event: gr.EventData, name: str) -> int:
    """The whole number at or below an event's x or y; -1 for anything else."""
    value = event._data.get(name)
    return int(value) if isinstance(value, int | float) and math.isfinite(value) and value >= 0 else -1
