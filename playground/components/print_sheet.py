"""PrintSheet: what the page prints. Knows no models; print_sheet.js finds pictures, sentences and settings in the page."""

from pathlib import Path
from typing import Any

import gradio as gr

from playground.components.shared_script import shared_script

_HERE = Path(__file__).parent
_JS = shared_script([_HERE / "print_sheet.js"], libraries=[], styles=[_HERE / "print_sheet.css"])


class PrintSheet(gr.HTML):
    """The heading of a printed page: the open view's name, model, text and settings. Once a page; nothing on the screen.
    Its value is the text that the pictures show."""

    def __init__(self, value: str = "", **kwargs: Any):
        kwargs.setdefault("container", False)
        kwargs.setdefault("padding", False)
        kwargs.setdefault("elem_classes", "pg-print-sheet")
        super().__init__(
            value,
            html_template='<div class="pg-print" dir="auto"></div>',
            js_on_load=_JS,
            apply_default_css=False,
            **kwargs,
        )
