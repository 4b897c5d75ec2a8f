"""A gr.Number that may be empty when the page opens."""

import math
from typing import Any

import gradio as gr
from gradio.blocks import Block


class EmptyNumber(gr.Number):
    """A field for a number that is None until somebody types one.

    The value None of a plain Number is left out of the page's configuration, and the browser shows and sends 0 instead:
    nobody can tell that from a typed 0. (Gradio 6.31)
    """

    is_template = True  # the browser knows it as a Number

    def get_config(self, cls: type[Block] | None = None) -> dict[str, Any]:
        """As of a Number; an empty value is NaN here, which is written as null."""
        config = super().get_config(cls)
        return config | {"value": math.nan} if config.get("value") is None else config
