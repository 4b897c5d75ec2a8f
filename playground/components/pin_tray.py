"""PinTray: the pictures that a visitor pinned, at the bottom of the page. Knows no models and sends nothing: pin_tray.js
keeps the pictures in the browser, and subtracts them (figure_numbers.js, figure_difference.js)."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from playground.components.shared_script import shared_script
from playground.scripts.difference import BARS, BETWEEN, LINES, MAPS, SHOW
from playground.texts.pins import DIFFERENCE, PARTS, TRAY

_HERE = Path(__file__).parent
_NAMES = "figure_numbers", "plotly_view_lists", "figure_difference", "short_text", "pin_tray"
_SCRIPTS = [_HERE / f"{name}.js" for name in _NAMES]
_JS = shared_script(_SCRIPTS, libraries=[], styles=[_HERE / "pin_tray.css"])
_WORDS = {"tray": TRAY, "parts": PARTS, "difference": DIFFERENCE}
_TEMPLATE = f"""
<section class="pins" aria-label="{escape(TRAY["name"])}" hidden>
<div class="pins-grip" role="separator" aria-orientation="horizontal" tabindex="0"
aria-label="{escape(TRAY["height"])}"></div>
<div class="pins-top"><button type="button" class="pins-fold" aria-expanded="false"></button>
<span class="pins-minus" hidden><select class="pins-from" aria-label="{escape(TRAY["from"])}"></select>
<span>{escape(TRAY["minus"])}</span><select class="pins-take" aria-label="{escape(TRAY["take"])}"></select>
<button type="button" class="pins-go">{escape(TRAY["subtract"])}</button></span>
<p class="pins-status" role="status"></p>
<button type="button" class="pins-all" hidden>{escape(TRAY["unpin_all"])}</button></div>
<ol class="pins-list"></ol></section>
"""


class PinTray(gr.HTML):
    """The tray; once a page, after everything else. Without it “Pin” below a picture does nothing.

    diverging: the colours of differences, [place 0..1, colour] from the lowest to the highest, the middle one at zero.
    """

    def __init__(self, diverging: Sequence[Sequence[Any]], **kwargs: Any):
        self.diverging = [list(stop) for stop in diverging]
        kwargs.setdefault("container", False)
        kwargs.setdefault("padding", False)
        kwargs.setdefault("elem_id", "pins")
        super().__init__(
            None,
            html_template=_TEMPLATE,
            js_on_load=_JS,
            apply_default_css=False,
            words=_WORDS,
            diverging=self.diverging,
            script={"between": BETWEEN, "maps": MAPS, "bars": BARS, "lines": LINES, "show": SHOW},
            **kwargs,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "string"}
