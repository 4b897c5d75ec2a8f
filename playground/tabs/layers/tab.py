"""The Layers tab put together."""

from playground.tabs.layers import (
    contributions_view,
    exchange_view,
    lens_view,
    neurons_view,
    push_view,
    two_models_view,
    without_view,
)
from playground.tabs.layers.parts_controls import PartsControls
from playground.tabs.shared.page_context import PageControls
from playground.tabs.shared.views import build_views

NAME, TITLE = "layers", "Layers"
VIEWS = (lens_view, contributions_view, without_view, exchange_view, push_view, neurons_view, two_models_view)
"""In the order of the page; each has NAME, TITLE and build(view, controls)."""


def build(page: PageControls) -> None:
    """Builds the tab and connects it."""
    build_views(page, NAME, VIEWS, PartsControls.build())
