"""Fields for the numbers of a recipe, and how long a text a field takes."""

from collections.abc import Mapping

import gradio as gr
from gradio.components import Component

MOST_CHARACTERS = 1_000_000
"""That a field for a visitor's own text takes: more than is learned from, so that this is said, and less than a request or
a browser is burdened by."""


def number_fields(ranges: Mapping[str, tuple[float, float]], recipe: object, prefix: str) -> dict[str, Component]:
    """A field for each name of ranges, with its least and largest value, by name. recipe: has the first values. prefix: of
    the fields' ids in the page."""
    return {
        name: gr.Number(
            getattr(recipe, name), label=name.replace("_", " ").capitalize(), min_width=100,
            info=f"{least:g} to {most:,.10g}", elem_id=f"{prefix}-{name.replace('_', '-')}",
        )
        for name, (least, most) in ranges.items()
    }  # fmt: skip
