"""BertvizView: bertviz's head, model and neuron view, offline, in a sandboxed frame. Knows no models.

bertviz's own Python loads its scripts from a foreign host and puts tokens into markup; here its scripts are taken as they
are from the installed package, with d3 and jQuery from theirs, and tokens travel as data. What the browser does stands
in bertviz_view.js.
"""

import importlib.util
import json
from pathlib import Path
from typing import Any

import gradio as gr


def _package(name: str) -> Path:
    """Where a package lies, without importing it."""
    return Path(next(iter(importlib.util.find_spec(name).submodule_search_locations))).resolve()


FILES = [
    _package("mpld3") / "js" / "d3.v5.min.js",
    _package("xstatic") / "pkg" / "jquery" / "data" / "jquery.min.js",
    *(_package("bertviz") / f"{view}_view.js" for view in ("head", "model", "neuron")),
]
gr.set_static_paths(FILES)
_JS = f"const FILES = {json.dumps([file.as_posix() for file in FILES])};\n" + (
    Path(__file__).parent / "bertviz_view.js"
).read_text(encoding="utf-8")
DIGITS = 4
"""Digits of each number that are sent: more than a line's shade can show."""


class BertvizView(gr.HTML):
    """One of bertviz's views; its value is what `head_view`, `model_view` or `neuron_view` make, or None."""

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

    def postprocess(self, value: dict | None) -> str | None:
        return json.dumps(value, separators=(",", ":")) if value else None

    def preprocess(self, payload: str | None) -> str | None:
        return payload or None

    def api_info(self) -> dict[str, Any]:
        return {"type": "string", "description": "what bertviz draws, as JSON text"}


def rounded(numbers) -> list:
    """An array as nested lists, rounded to `DIGITS`; in float64, since a rounded float32 has many digits again."""
    return numbers.astype("float64").round(DIGITS).tolist()


def head_view(weights, layers: list[int], queries: list[str], keys: list[str], layer: int) -> dict:
    """bertviz's head view of weights (layers, heads, queries, keys), whose layers are called by `layers`; opens on one."""
    attention = {"name": None, "attn": rounded(weights), "left_text": queries, "right_text": keys}
    shown = {"attention": [attention], "default_filter": "0", "layer": layer, "heads": None, "include_layers": layers}
    return {"view": "head", "params": shown}


def model_view(weights, layers: list[int], queries: list[str], keys: list[str]) -> dict:
    """bertviz's model view: every head of the layers as a small picture."""
    heads = list(range(len(weights[0])))
    attention = {"name": None, "attn": rounded(weights), "left_text": queries, "right_text": keys}
    shown = {
        "attention": [attention],
        "default_filter": "0",
        "include_layers": layers,
        "include_heads": heads,
        "total_heads": len(heads),
    }
    return {"view": "model", "params": shown}


def neuron_view(weights, query, key, tokens: list[str], head: int, causal: bool) -> dict:
    """bertviz's neuron view of one layer: weights (heads, tokens, tokens), query and key (heads, tokens, width).

    It works with q·k / sqrt(width): queries of a model that scales otherwise come rescaled.
    """
    whole = {
        "attn": [rounded(weights)],
        "queries": [rounded(query)],
        "keys": [rounded(key)],
        "left_text": tokens,
        "right_text": tokens,
    }
    shown = {
        "attention": {"all": whole},
        "default_filter": "all",
        "bidirectional": not causal,
        "layer": 0,
        "head": head,
    }
    return {"view": "neuron", "params": shown}
