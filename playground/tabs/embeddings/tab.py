"""The Embeddings tab put together."""

from playground.tabs.embeddings import layers, projector, sentences, words
from playground.tabs.lens import Lens
from playground.tabs.views import build_views

NAME, TITLE = "embeddings", "Embeddings"
VIEWS = (words, projector, layers, sentences)
"""In the order of the page."""


def build(lens: Lens) -> None:
    """Builds the tab and connects it."""
    build_views(lens, NAME, VIEWS)
