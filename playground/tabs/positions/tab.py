"""The Positions tab put together."""

from playground.tabs.positions import attention_distance_view, perturbation_view, rotary_view, scheme_view
from playground.tabs.shared.page_context import PageControls
from playground.tabs.shared.views import build_views

NAME, TITLE = "positions", "Positions"
VIEWS = (scheme_view, rotary_view, attention_distance_view, perturbation_view)
"""In the order of the page."""


def build(page: PageControls) -> None:
    """Builds the tab and connects it."""
    build_views(page, NAME, VIEWS)
