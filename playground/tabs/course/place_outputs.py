"""What the page shows at a step: its text, head, controls, tab and view, as outputs of a handler, and the script that opens
the tab."""

import json
import time
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.blocks import Block

from playground.course.lesson import Place
from playground.course.measures.places import place_of
from playground.errors import PlaygroundError
from playground.tabs.course.shelf import Shelf
from playground.tabs.shared.events import QUIET
from playground.tabs.shared.page_context import PageContext, PageControls
from playground.tabs.shared.wiring import Outputs

HEAD = ("layer", "head", "kind")
OPEN = """(said) => {
  const {tab, view, bar} = JSON.parse(said);
  const bring = (times = 30) => {
    const picture = [...document.querySelectorAll('#tabs :is(.pg-leading, #xray-picture) .pv[data-rendered]')]
      .find((one) => one.offsetParent && one.clientHeight > 40)?.closest('.pv-frame');
    if (!picture) { if (times) setTimeout(bring, 200, times - 1); return; }
    picture.style.scrollMarginTop = '48px';
    picture.scrollIntoView({block: 'start'});
  };
  const go = ([[bar, title], ...others], times = 60) => {
    const item = window.__playgroundLanguage.tab(bar, title);
    if (!item) { if (times) setTimeout(go, 50, [[bar, title], ...others], times - 1); return; }
    if (item.ariaSelected !== 'true') item.click();
    if (others.length) { go(others); return; }
    if (innerWidth <= NARROW) setTimeout(bring, 400);
  };
  go([['tabs', tab], ...(view ? [[bar, view]] : [])]);
}"""
"""Opens a tab and its view. On a phone its picture then comes to the top, above the sheet."""


def place_targets(page: PageControls, shelf: Shelf, opens: Block) -> dict[str, Block]:
    """All that a place may set, by the names that `place_outputs` gives."""
    targets: dict[str, Block] = {"text": page.text, "applied": page.applied, "chosen": page.head.chosen, "opens": opens}
    targets |= {name: getattr(page.head, name) for name in HEAD}
    targets |= {"row": page.head.token, "row_of": page.head.token_text}
    for number, chooser in enumerate(page.head.choosers):
        targets |= {f"chooser {number} {name}": block for name, block in chooser.inputs.items() if name != "kind"}
    return targets | {f"control {name}": block for name, block in shelf.controls.items()}


def redraws_open_views(page: PageControls, shelf: Shelf, opens: gr.Textbox) -> None:
    """Has what a place is about drawn anew where it is open already: after the answer that set its controls. Together with
    them the browser would ask for the drawing first, and send the values that the controls had before. (Gradio 6.31)"""
    names = sorted({redraw_name(place) for place in shelf.places()} & set(page.redraw))

    def stamp(said: str) -> list[Any]:
        drawn = _drawn(said)
        return [time.monotonic_ns() if name == drawn else gr.skip() for name in names]

    opens.change(stamp, opens, [page.redraw[name] for name in names], **QUIET)


def _drawn(said: str) -> str:
    """What a place is about, of its script's text as the browser sends it."""
    try:
        place = json.loads(said)
    except ValueError:
        return ""
    return str(place.get("draws", "")) if isinstance(place, dict) else ""


def redraw_name(place: Place) -> str:
    """Which drawing a place is about."""
    return f"{place.tab}/{place.view}" if place.view else place.tab


def place_outputs(page: PageContext, place: Place | None, targets: dict[str, Block], shelf: Shelf) -> Outputs:
    """The outputs that set the page to a place; none without one."""
    if place is None:
        return {}
    outputs: Outputs = {f"control {name}": value for name, value in place.controls.items()}
    if place.text is not None:
        outputs |= {"text": place.text, "applied": place.text}
    if place.layer is not None and place.head is not None:
        outputs |= {"layer": place.layer, "head": place.head, "kind": "self", "chosen": True}
        outputs |= _row(page, place)
        for name in targets:
            if name.startswith("chooser "):
                outputs[name] = place.layer if name.endswith("layer") else place.head
    view = shelf.titles.views.get(place.tab, {}).get(place.view, "")
    opened: dict[str, Any] = {"tab": shelf.titles.tabs[place.tab], "view": view, "bar": f"{place.tab}-views"}
    opened |= {"draws": redraw_name(place), "at": time.monotonic_ns()}  # another one, so that it is a change
    return outputs | {"opens": json.dumps(opened)}


def _row(page: PageContext, place: Place) -> Outputs:
    """The token whose row is shown; none where this model reads no such token."""
    there = replace(page, text=page.text if place.text is None else place.text)
    try:
        row = place_of(there.recording().tokens, place.row) if place.row else None
    except PlaygroundError:
        row = None
    return {"row": row, "row_of": None if row is None else there.reading}
