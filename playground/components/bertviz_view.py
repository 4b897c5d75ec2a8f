"""BertvizView: bertviz's head, model and neuron view, offline, in a sandboxed frame. Knows no models.

bertviz's own Python loads its scripts from a foreign host and puts tokens into markup. Here its scripts come unchanged from
the installed package, d3 and jQuery from theirs, and tokens travel as data. bertviz_view.js is the browser's part.
"""

import importlib.util
import json
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np


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
gr.set_static_paths(FILES)
_JS = f"const FILES = {json.dumps([file.as_posix() for file in FILES])};\n" + (
    Path(__file__).parent / "bertviz_view.js"
).read_text(encoding="utf-8")
DIGITS = 4
"""Decimal places of each number sent: more than a line's shade can show."""


class BertvizView(gr.HTML):
    """One of bertviz's views. Its value comes from `head_view`, `model_view` or `neuron_view`; None shows nothing."""

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


def rounded(numbers: np.ndarray) -> list:
    """An array as nested lists, rounded to `DIGITS` in float64: a rounded float32 would print many digits again."""
    return numbers.astype("float64").round(DIGITS).tolist()


def head_view(weights: np.ndarray, layers: list[int], queries: list[str], keys: list[str], layer: int) -> dict:
    """bertviz's head view of weights (layers, heads, queries, keys), opened at `layer`. `layers` are the layers' numbers."""
    attention = {"name": None, "attn": rounded(weights), "left_text": queries, "right_text": keys}
    params = {"attention": [attention], "default_filter": "0", "layer": layer, "heads": None, "include_layers": layers}
    return {"view": "head", "params": params}


def model_view(weights: np.ndarray, layers: list[int], queries: list[str], keys: list[str]) -> dict:
    """bertviz's model view of weights (layers, heads, queries, keys): every head as a small picture."""
    heads = list(range(len(weights[0])))
    attention = {"name": None, "attn": rounded(weights), "left_text": queries, "right_text": keys}
    params = {
        "attention": [attention],
        "default_filter": "0",
        "include_layers": layers,
        "include_heads": heads,
        "total_heads": len(heads),
    }
    return {"view": "model", "params": params}


def neuron_view(
    weights: np.ndarray, query: np.ndarray, key: np.ndarray, tokens: list[str], head: int, causal: bool
) -> dict:
    """bertviz's neuron view of one layer: weights (heads, tokens, tokens), query and key (heads, tokens, width).

    bertviz computes q·k / sqrt(width): rescale the queries of a model with another scaling before.
    """
    whole = {
        "attn": [rounded(weights)],
        "queries": [rounded(query)],
        "keys": [rounded(key)],
        "left_text": tokens,
        "right_text": tokens,
    }
    params = {
        "attention": {"all": whole},
        "default_filter": "all",
        "bidirectional": not causal,
        "layer": 0,
        "head": head,
    }
    return {"view": "neuron", "params": params}
