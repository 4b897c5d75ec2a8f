"""A gr.State for listeners of its change."""

import math
from typing import Any

import gradio as gr
from gradio.blocks import Block


class WatchedState(gr.State):
    """A State whose `change` happens when its value changes, and at no other time.

    Of a plain State the browser knows no value, and it takes the first answer that names the State among its outputs for
    a change, though the handler left it as it was. (Gradio 6.31)
    """

    is_template = True  # the browser knows it as a State

    def get_config(self, cls: type[Block] | None = None) -> dict[str, Any]:
        """As of a State, with the value that answers carry in place of the real one: null, which is how NaN is written;
        None would be left out."""
        return {**super().get_config(), "value": math.nan}
