"""The Positions tab put together."""

from playground.tabs.lens import Lens
from playground.tabs.positions import broken, clocks, scheme, used
from playground.tabs.views import build_views

NAME, TITLE = "positions", "Positions"
VIEWS = (scheme, clocks, used, broken)
"""In the order of the page."""


def build(lens: Lens) -> None:
    """Builds the tab and connects it."""
    build_views(lens, NAME, VIEWS)
