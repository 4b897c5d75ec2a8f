"""The Embeddings tab put together."""

import gradio as gr

from playground.tabs.embeddings import layers, sentences, vocabulary, words
from playground.tabs.lens import QUIET, Lens
from playground.tabs.views import View, opened

NAME, TITLE = "embeddings", "Embeddings"
VIEWS = (words, vocabulary, layers, sentences)
"""In the order of the page; each has NAME, TITLE and build(view)."""


def build(lens: Lens, tab: gr.Tab) -> None:
    """Builds the tab and connects it."""
    shown = gr.State(VIEWS[0].NAME)
    with gr.Tabs(elem_id="embeddings-views"):
        for part in VIEWS:
            with gr.Tab(part.TITLE, id=part.NAME) as item:
                part.build(View(lens, tab, item, shown, part.NAME, NAME))
            item.select(opened(part.NAME), None, shown, **QUIET)
