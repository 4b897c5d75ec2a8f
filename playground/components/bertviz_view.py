"""BertvizView: bertviz's head, model and neuron view, offline, in a sandboxed frame. Knows no models.

bertviz's own Python loads its scripts from a foreign host and puts tokens into markup. Here its scripts come from
the installed package, unchanged but for the width of the head view's lines, d3 and jQuery from theirs, and tokens travel as
data. bertviz_view.js is the browser's part.
"""

import importlib.util
import json
from pathlib import Path
from typing import Any

import gradio as gr

from playground.components.shared_script import shared_script


def _package(name: str) -> Path:
    """The folder of a package, without importing it. ModuleNotFoundError where it is not installed."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"The package {name} is not installed.", name=name)
    return Path(next(iter(spec.submodule_search_locations))).resolve()


FILES = [
    _package("mpld3") / "js" / "d3.v5.min.js",
    _package("xstatic") / "pkg" / "jquery" / "data" / "jquery.min.js",
    *(_package("bertviz") / f"{view}_view.js" for view in ("head", "model", "neuron")),
]
_JS = shared_script([Path(__file__).parent / "bertviz_view.js"], libraries=FILES)


class BertvizView(gr.HTML):
    """One of bertviz's views. Its value comes from `figures.attention.bertviz`; None shows nothing."""

    def __init__(self, value: dict | None = None, *, label: str = "bertviz", **kwargs: Any):
        kwargs.setdefault("container", False)
        super().__init__(
            value,
            label=label,
            html_template=(
                '<div class="bv"><p class="bv-words"></p><iframe sandbox="allow-scripts" title="bertviz" hidden '
                'style="width:100%;border:0;height:120px"></iframe></div>'
            ),
            js_on_load=_JS,
            apply_default_css=False,
            **kwargs,
        )

    def postprocess(self, value: dict | None) -> str | None:  # type: ignore[override]  # a dict, not HTML's str
        return json.dumps(value, separators=(",", ":")) if value else None

    def preprocess(self, payload: str | None) -> str | None:
        return payload or None

    def api_info(self) -> dict[str, Any]:
        return {"type": "string", "description": "what bertviz draws, as JSON text"}
