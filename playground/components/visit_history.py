"""VisitHistory: what a visitor looked at since the page was opened, each entry a link. Knows no models and sends nothing:
visit_history.js keeps the list in the browser."""

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from playground.components.shared_script import shared_script
from playground.texts.pins import VISITS

_HERE = Path(__file__).parent
_SCRIPTS = [_HERE / name for name in ("visit_history.js", "short_text.js")]
_JS = shared_script(_SCRIPTS, libraries=[], styles=[_HERE / "visit_history.css"])
_TEMPLATE = f"""
<nav class="visits" aria-label="{escape(VISITS["title"])}" hidden>
<div class="visits-top"><div><h2>{escape(VISITS["title"])}</h2><p>{escape(VISITS["lead"])}</p></div>
<button type="button" class="visits-close">{escape(VISITS["close"])}</button></div>
<ol></ol></nav>
"""
TOGGLE_VISITS = "() => { window.__playgroundVisits?.toggle(); }"
"""For a button: shows the list, or takes it away."""


class VisitHistory(gr.HTML):
    """The list, hidden until it is toggled; once a page."""

    def __init__(self, **kwargs: Any):
        kwargs.setdefault("container", False)
        kwargs.setdefault("padding", False)
        kwargs.setdefault("elem_id", "visits")
        super().__init__(None, html_template=_TEMPLATE, js_on_load=_JS, apply_default_css=False, words=VISITS, **kwargs)

    def api_info(self) -> dict[str, Any]:
        return {"type": "string"}
