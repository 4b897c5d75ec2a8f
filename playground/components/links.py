"""The script that keeps the page's address current, and the calls of it that Gradio's events make. Knows nothing of what the
address says: see links.js, and links/ for the keys."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_SCRIPT = (Path(__file__).parent / "links.js").read_text(encoding="utf-8")
LINKS_HEAD = f"<script>{_SCRIPT}</script>"
"""For the page's head: the calls are there before Gradio's first event."""
_CALL = "(...v) => window.__playgroundLinks.{call}"
OPENING = _CALL.format(call="opening()").replace(" => ", " => [...v.slice(0, -1), ") + "]"
"""Inputs of an event of the page's opening, of which the last becomes what the address says; empty without a link."""
PLACE = _CALL.format(call="place(...v)")
SHOW = _CALL.format(call="show(...v)")
CURRENT = _CALL.format(call="current(...v)")
SETTLED = _CALL.format(call="settled(...v)")
ADDRESS = _CALL.format(call="address()")


def write(places: Sequence[int]) -> str:
    """After a change: the inputs are the latest values of these places in the script's `values`."""
    return _CALL.format(call=f"write({json.dumps(list(places))}, ...v)")


def again(keys: Mapping[str, str]) -> str:
    """After values came that replace a link's: gives the link's back. The first input is JSON of the model's own values by
    name, empty for the page's own defaults; then the controls. keys: of these, by name, in their order."""
    return _CALL.format(call=f"again({json.dumps(keys)}, ...v)")


def configure(config: dict[str, Any]) -> str:
    """Tells the script what the page holds."""
    return f"() => window.__playgroundLinks.configure({json.dumps(config, ensure_ascii=False)})"
