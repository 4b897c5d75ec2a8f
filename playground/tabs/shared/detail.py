"""List, picture, detail: where the answer to a click appears. Beside the list on wide screens, in a column that stays; on
a phone it slides over the page until it is closed. Knows no view.

All of it happens in the browser: assets/style.css says how the classes lie, the scripts here what opens and closes.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from playground.components import Panel
from playground.tabs.shared.events import QUIET

LIST = "pg-list"
"""Class of a long picture or column that scrolls in a box of its own beside the detail."""
BESIDE = "pg-beside"
"""Class of the row that holds both."""
LEADING = "pg-leading"
"""Class of the picture that leads a view: it ends above the fold (assets/style.css)."""
LEADS = "pg-leads"
"""Class of a detail that holds the leading picture: on a phone it stands above the list."""
MORE = "pg-more"
"""Class of what a phone shows of a detail only while it is open."""
SWIPE = "pg-swipe"
"""Class of a row or a column whose parts lie side by side on a phone, the next one's edge in sight."""
NARROW = 600
"""Pixels up to which a detail slides over; as in assets/style.css."""

_OPEN = """() => {
  const detail = document.getElementById(NAME), first = document.getElementById(FIRST) || detail;
  if (!detail) return;
  if (innerWidth <= NARROW_WIDTH && detail.classList.contains('pg-detail')) {
    if (detail.dataset.open) return;
    detail.style.minHeight = `${detail.offsetHeight}px`;     // what stands below stays where it is
    detail.dataset.open = 'true';
    const sheet = detail.querySelector('.pg-sheet');
    sheet.scrollTop = 0;
    sheet.querySelector('.pg-close').focus({preventScroll: true});
    return;
  }
  const at = first.getBoundingClientRect();
  const bars = parseFloat(getComputedStyle(document.body).getPropertyValue('--pg-bars')) || 0;
  if (!at.height) return;
  first.style.scrollMargin = `${bars + 8}px 0 8px`;            // of the tab bars, which stay on top
  if (at.top >= bars && at.top + Math.min(at.height, innerHeight / 2) <= innerHeight) return;
  first.scrollIntoView({block: at.height > innerHeight - bars - 16 || at.top < bars ? 'start' : 'nearest'});
}"""
_CLOSE = """() => {
  const detail = document.getElementById(NAME);
  delete detail.dataset.open;
  detail.style.minHeight = '';
}"""

_SCROLL = """(row) => {
  const list = document.getElementById(NAME), plot = list?.querySelector('.pv');
  const bring = (times) => {
    const axis = plot?._fullLayout?.yaxis;
    if (!axis || !list.clientHeight) return times && setTimeout(bring, 200, times - 1);
    const at = list.getBoundingClientRect(), on = plot.getBoundingClientRect();
    const y = on.top + (axis._offset + axis.d2p(row)) * on.width / plot.clientWidth;   // a wide screen enlarges pictures
    if (y < at.top + 40 || y > at.bottom - 40) list.scrollTop += y - (at.top + at.bottom) / 2;
  };
  bring(50);
}"""


def sentence_and_badge(name: str) -> tuple[Panel, Panel]:
    """The line above a view's pictures: what they say, and beside it how exact that is. Named `name`-sentence and -badge."""
    with gr.Row(elem_classes="pg-summary"):
        with gr.Column(scale=1, min_width=280):
            sentence = Panel(live=True, elem_id=f"{name}-sentence")
        with gr.Column(scale=0, min_width=250):
            badge = Panel(elem_id=f"{name}-badge")
    return sentence, badge


@contextmanager
def detail(name: str, *, leads: bool = False, **column: Any) -> Iterator[None]:
    """Builds the column of a detail, its element named `name`, around what is built inside. On a phone it has a button that
    closes it. leads: whether it holds the view's leading picture."""
    classes = ["pg-detail", *([LEADS] if leads else [])]
    with gr.Column(elem_id=name, elem_classes=classes, **column), gr.Column(elem_classes="pg-sheet"):
        close = gr.Button("Close ✕", size="sm", elem_classes="pg-close")
        yield
    close.click(None, None, None, js=_script(_CLOSE, name), **QUIET)


def show_detail(dependency: gr.events.Dependency, name: str, first: str = "") -> gr.events.Dependency:
    """After a click was answered: the detail `name` slides over on a phone; elsewhere, and where `name` is no detail, the
    page scrolls to `first`, the element of the answer, if that lies out of sight. Returns the dependency that does it."""
    return dependency.then(None, None, None, js=_script(_OPEN, name, first or name), **QUIET)


def show_in_list(name: str, row: Any) -> None:
    """Whenever `row` changes: the list `name`, which holds a picture, scrolls to this place of its vertical axis."""
    row.change(None, row, None, js=_script(_SCROLL, name), **QUIET)


def _script(script: str, name: str, first: str = "") -> str:
    return filled(script, NARROW_WIDTH=NARROW, NAME=json.dumps(name), FIRST=json.dumps(first))


def filled(script: str, **values: object) -> str:
    """A script for the browser with these words replaced by values."""
    for word, value in values.items():
        script = script.replace(word, str(value))
    return script
