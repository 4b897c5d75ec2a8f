"""The Train tab put together."""

from playground.tabs.shared.page_context import PageControls
from playground.tabs.shared.views import build_views
from playground.tabs.training import classifier_view, finetune_view, lesson_view, scratch_view
from playground.tabs.training.requests import NAME, WatchControls

TITLE = "Train"
VIEWS = (lesson_view, finetune_view, classifier_view, scratch_view)
"""In the order of the page; the lesson first, whose run From scratch looks at."""


def build(page: PageControls) -> None:
    """Builds the tab and connects it."""
    build_views(page, NAME, VIEWS, WatchControls())
