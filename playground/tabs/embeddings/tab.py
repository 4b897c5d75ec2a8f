"""The Embeddings tab put together."""

from playground.tabs.embeddings import layers_view, projector_view, sentences_view, words_view
from playground.tabs.shared.page_context import PageControls
from playground.tabs.shared.views import build_views

NAME, TITLE = "embeddings", "Embeddings"
VIEWS = (words_view, projector_view, layers_view, sentences_view)
"""In the order of the page."""


def build(page: PageControls) -> None:
    """Builds the tab and connects it."""
    build_views(page, NAME, VIEWS)
