"""The Tasks tab put together. A checkpoint with a task's head opens on its view."""

import json
import time
from dataclasses import dataclass

import gradio as gr

from playground.tabs.shared.events import QUIET, RUNS_MODEL
from playground.tabs.shared.page_context import PageContext, PageControls
from playground.tabs.shared.views import build_views
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.tasks import (
    answer_view,
    beside_view,
    classify_view,
    list_view,
    summarise_view,
    tag_view,
    translate_view,
)

NAME, TITLE = "tasks", "Tasks"
VIEWS = (classify_view, answer_view, translate_view, summarise_view, tag_view, beside_view, list_view)
"""In the order of the page; each has NAME, which is that of the head's task where it shows one, and TITLE."""
_OPEN = """(place) => {
  const title = TITLES[String(place).split(' ')[0]];
  const {open} = window.__playgroundLanguage;
  if (!title) return;
  open('tabs', TAB);
  const bring = (times) => document.querySelector('#tasks-views [role=tab]') ? open('tasks-views', title)
    : times && setTimeout(bring, 100, times - 1);
  bring(30);
}"""
OPEN_VIEW = _OPEN.replace("TITLES", json.dumps({view.NAME: view.TITLE for view in VIEWS})).replace(
    "TAB", json.dumps(TITLE)
)
"""Opens the view of a task, which is built in the browser only once its tab is open."""


@dataclass(frozen=True)
class OpenedRequest:
    """Nothing but the page."""


def build(page: PageControls) -> None:
    """Builds the tab and connects it."""
    opened = gr.Textbox("", visible="hidden", container=False)
    build_views(page, NAME, VIEWS)
    bind(page.model.change, open_for_head, page=page, outputs={"opened": opened}, request=OpenedRequest, **RUNS_MODEL)
    opened.change(None, opened, None, js=OPEN_VIEW, **QUIET)


def open_for_head(page: PageContext, request: OpenedRequest) -> Outputs:
    """After a checkpoint with a task's head was loaded: which view shows it. Of any other model nothing happens."""
    if not page.model_id:
        return {}
    head = page.model().head
    return {"opened": f"{head.task} {time.monotonic_ns()}"} if head else {}
