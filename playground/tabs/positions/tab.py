"""The Positions tab put together."""

import gradio as gr

from playground.tabs.lens import QUIET, Lens
from playground.tabs.positions import broken, clocks, scheme, used
from playground.tabs.positions.views import TAB, View

NAME, TITLE = TAB, "Positions"
VIEWS = (scheme, clocks, used, broken)
"""In the order of the page; each has NAME, TITLE and build(view)."""


def build(lens: Lens, tab: gr.Tab) -> None:
    """Builds the tab and connects it."""
    opened = gr.State(VIEWS[0].NAME)
    with gr.Tabs(elem_id="positions-views"):
        for part in VIEWS:
            with gr.Tab(part.TITLE, id=part.NAME) as item:
                part.build(View(lens, tab, item, opened, part.NAME))
            item.select(_opened(part.NAME), None, opened, **QUIET)


def _opened(name: str):
    def now() -> str:
        return name

    return now
