"""PlotlyView: a Plotly figure on the page, with plotly.py's own plotly.js. Knows no models and no figures' meaning.

It stands in for gr.Plot, whose older plotly.js drops frames, ignores dark mode, has no click events and rebuilds its
node at every update. The browser's part is made by the scripts plotly_view_<name>.js, one a task; see SCRIPTS.
"""

import json
import re
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import plotly
import plotly.graph_objects as go
import plotly.io as pio
from gradio.events import EventListener

from playground.components.plotly_library import KINDS, WEBGL_KINDS, cut_libraries
from playground.components.shared_script import early_files, shared_script
from playground.texts.pins import PIN, PIN_TITLE

PLOTLY_JS = (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").resolve()
SMALL_JS, WEBGL_JS = cut_libraries(PLOTLY_JS, {"small": KINDS, "webgl": WEBGL_KINDS})
"""What most pages draw with; the next file is loaded with the first figure that needs it, or before, where one will come."""
LIBRARIES = SMALL_JS, WEBGL_JS, PLOTLY_JS
_HERE = Path(__file__).parent
SCRIPTS = (
    "theme",
    "lists",
    "cells",
    "names",
    "webgl",
    "table",
    "files",
    "keyboard",
    "gestures",
    "html",
    "python",
    "pin",
    "waiting",
    "stage",
    "drawing",
)
"""Joined in this order: the elements of a view come first, and the last one begins to draw."""
_FILES = [_HERE / f"plotly_view_{name}.js" for name in SCRIPTS]
_STYLES = [_HERE / "plotly_view.css"]
_HTML_FILE = _HERE / "html_file.js"
"""The script of the HTML files that a visitor takes away."""
_JS = shared_script(_FILES, libraries=[*LIBRARIES, _HTML_FILE], styles=_STYLES)
EARLY = early_files(SMALL_JS, [*_STYLES, *_FILES])
"""For the head of a page that opens with a picture."""
_TEMPLATE = """
<div class="pv-frame" style="--pv-height:HEIGHT" data-blank>
<div class="pv-wrap"><p class="pv-title" hidden></p><div class="pv" translate="no"></div>
<div class="pv-cursor" hidden></div><p class="pv-words"></p><div class="pv-live" aria-live="polite"></div></div>
<p class="pv-waiting"><span class="pv-waiting-model">Loading the model…</span><span class="pv-waiting-work"></span><span
class="pv-waiting-failed"></span></p>
</div>
<p class="pv-note" hidden></p>
<p class="pv-tools" hidden>
<button type="button" data-tool="zoom-in" aria-label="Zoom in" hidden>+</button>
<button type="button" data-tool="zoom-out" aria-label="Zoom out" hidden>−</button>
<button type="button" data-tool="lasso" aria-pressed="false" hidden>Lasso</button>
<button type="button" data-tool="reset" hidden>Reset view</button>
<button type="button" data-tool="pin" title="PIN_TITLE">PIN_WORD</button>
<button type="button" data-tool="png" title="Picture file">PNG</button>
<button type="button" data-tool="html" title="Interactive file that needs no network">HTML</button>
<button type="button" data-tool="python" aria-expanded="false" title="A script that computes and draws this">Python</button>
<button type="button" data-tool="full">Full screen</button>
</p>
<p class="pv-remark" role="status" hidden></p>
<div class="pv-python" hidden><p class="pv-why"></p>
<p class="pv-save"><button type="button" data-save="py">Script (.py)</button>
<button type="button" data-save="ipynb">Notebook (.ipynb)</button></p>
<pre class="pv-code" tabindex="0"></pre></div>
<details class="pv-table" hidden><summary>Numbers as a table</summary>
<p class="pv-save"><button type="button" data-kind="csv">CSV</button>
<button type="button" data-kind="json">JSON</button></p>
<div class="pv-cells" tabindex="0"></div></details>
"""
_TEMPLATE = _TEMPLATE.replace("PIN_TITLE", escape(PIN_TITLE)).replace("PIN_WORD", escape(PIN))
_SLASH = re.compile(r"(\\\\)|\\u002f")
"""An escaped backslash, which is kept, or an escaped slash."""
_STOCK_TEMPLATE = pio.templates["plotly"].to_plotly_json()


def figure_json(figure: go.Figure) -> str:
    """The figure as JSON. numpy arrays become base64 of their own dtype, so send float32.

    Leaves out plotly.py's stock template (7 kB, light colours only): the view adds the page's own.
    """
    content = figure.to_dict()
    layout = content.get("layout", {})
    if layout.get("template") == _STOCK_TEMPLATE:
        del layout["template"]
    # plotly escapes "/", one letter in 64 of base64, as six characters, for JSON inside HTML. Ours is never inside HTML.
    return _SLASH.sub(lambda match: match[1] or "/", pio.to_json(content, validate=False))


def words_in_place(words: str) -> str:
    """A value of a PlotlyView without a picture: plain words in its place, such as why there is none."""
    return json.dumps({"words": words})


def has_picture(value: Any) -> bool:
    """Whether a value of a PlotlyView is a picture, not nothing or words in its place."""
    return value is not None and value != "" and not (isinstance(value, str) and value.startswith('{"words"'))


class PlotlyView(gr.HTML):
    """A figure that keeps its node and its zoom when updated, and follows light and dark.

    Events: `select` (a click, or Enter at the keyboard's cursor; `gr.EventData._data` holds x, y, z, text,
    customdata, trace, index, value), `lasso` (box or lasso selection: indices, points) and `zoom` (x0, x1, y0, y1: the
    ranges of the axes after a visitor has moved them). Below a picture the browser offers it as files and on the whole
    screen, and of a heat map or bars the numbers, as a table and as files.
    """

    EVENTS = [EventListener("select"), EventListener("lasso"), EventListener("zoom")]

    def __init__(
        self,
        value: go.Figure | None = None,
        *,
        height: int = 420,
        label: str | None = None,
        mark: dict | None = None,
        view: dict | None = None,
        waiting: str | None = None,
        with_lasso: bool = False,
        source: dict | None = None,
        python: dict | None = None,
        **kwargs: Any,
    ):
        """
        Parameters:
            value: the figure. Screen readers read `layout.meta.description`, plain text. Labels made of tokens must be
                escaped for HTML by whoever draws them: Plotly reads a little HTML.
            height: in pixels, title included, reserved before the figure is drawn. A figure's own `layout.height` wins.
            label: the picture's name when the figure has neither description nor title.
            mark: one more Plotly shape over the figure; gr.update(mark=…) moves it without sending the figure again.
            view: changes of the layout (ranges, camera, shapes) as {path: value}, applied without sending the figure
                again. "_" is a new name for each change; "of" is the figure's `uirevision`: later figures with the same
                one keep the change.
            waiting: what stands there while the first figure is computed; "Reading the text…" if None.
            with_lasso: whether a visitor can draw round points (the event `lasso`).
            source: what the figure's numbers come from, for files; plain JSON. See `tabs/shared/sources.py`.
            python: {"code": a script that computes and draws the figure} or {"why": why there is none}.
        """
        self.height = height
        self.mark = mark
        self.view = view
        self.waiting = waiting
        self.with_lasso = with_lasso
        self.source = source
        self.python = python
        kwargs.setdefault("container", False)
        super().__init__(
            value,
            label=label,
            mark=mark,
            view=view,
            html_template=_TEMPLATE.replace("HEIGHT", f"{int(height)}px"),
            js_on_load=_JS,
            apply_default_css=False,
            height=height,
            waiting=waiting,
            with_lasso=with_lasso,
            source=source,
            python=python,
            **kwargs,
        )

    def postprocess(self, value: go.Figure | dict | str | None) -> str | None:
        """A figure (or its dict, or JSON made by `figure_json` or `words_in_place`) as the JSON text that the browser
        parses."""
        if value is None or value == "":
            return None
        if isinstance(value, str):
            return value
        return figure_json(value if isinstance(value, go.Figure) else go.Figure(value))

    def preprocess(self, payload: str | None) -> str | None:
        """The figure's JSON text, for handlers that take the view as an input."""
        return payload or None

    def api_info(self) -> dict[str, Any]:
        return {"type": "string", "description": "a Plotly figure as JSON text"}

    def example_payload(self) -> str:
        return '{"data": [], "layout": {}}'

    def example_value(self) -> str:
        return '{"data": [], "layout": {}}'
