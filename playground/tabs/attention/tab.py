"""The Attention tab put together: the choice of layer and head that its views share, and the views."""

from playground.recording.head_choice import HeadChoice
from playground.tabs.attention import bertviz_view, flow_view, heads_view, roles_view, steps_view
from playground.tabs.attention.heads_handlers import follow
from playground.tabs.attention.tab_chooser import TabChooser
from playground.tabs.shared.events import LATEST
from playground.tabs.shared.page_context import PageControls
from playground.tabs.shared.views import build_views, changes_while_open
from playground.tabs.shared.wiring import bind

NAME, TITLE = "attention", "Attention"
VIEWS = (heads_view, steps_view, flow_view, roles_view, bertviz_view)
"""In the order of the page; each has NAME, TITLE and build(view, chooser)."""


def build(page: PageControls) -> None:
    """Builds the tab and connects it."""
    chooser = TabChooser.build(page)
    bind(
        [page.redraw[NAME].change, changes_while_open(page, chooser.another_kind, NAME).change],
        follow,
        page=page,
        inputs=chooser.inputs,
        request=HeadChoice,
        outputs={**chooser.controls, "opened": chooser.opened},
        only_while={page.active: NAME},
        **LATEST,
    )
    chooser.follow_openings()
    build_views(page, NAME, VIEWS, chooser)
