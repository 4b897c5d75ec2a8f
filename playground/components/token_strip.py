"""TokenStrip: tokens as buttons. Knows no tokenizer: it shows texts.

token_strip.js is the browser's part. It sets every token as text, so no token can become HTML or script.
"""

from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

import gradio as gr
import orjson
from gradio.events import EventListener

from playground.components.shared_script import shared_script

_HERE = Path(__file__).parent
_JS = shared_script([_HERE / "token_strip.js"], libraries=[], styles=[_HERE / "token_strip.css"])
_PAGE = 64


class TokenItem(TypedDict):
    """One token of a strip."""

    text: str
    """The token's own text; a line break in it ends the line."""
    label: NotRequired[str | None]
    """The text on the button, with marks for a leading space or a line break; made from `text` if missing."""
    shade: NotRequired[float | None]
    """Strength of the background, 0 to 1; none without it."""
    kind: NotRequired[Literal["prompt", "generated", "special", "mask"] | None]
    title: NotRequired[str]
    """Shown on hover and read aloud."""
    pieces: NotRequired[int]
    """How many ids were joined into this text; more than one is marked."""


class TokenStrip(gr.HTML):
    """Tokens as buttons, for mouse, finger and keyboard; grows without rebuilding while text streams.

    Event: `select`; `gr.EventData._data` (or gr.SelectData) holds `index` and `value`, the token's text.
    """

    EVENTS = [EventListener("select")]

    def __init__(
        self,
        value: list[TokenItem] | None = None,
        *,
        selected: int | None = None,
        fixed: bool = False,
        label: str | None = None,
        lines: int | None = None,
        **kwargs: Any,
    ):
        """
        Parameters:
            value: the tokens, in reading order.
            selected: index of the selected token. A visitor's own selection stays until Python sends another index.
            fixed: whether the selection stays as it is, whatever a visitor clicks.
            label: the strip's name for screen readers, "Tokens" if missing.
            lines: how many are shown at most; a longer strip scrolls inside, and follows its end while it grows.
        """
        self.selected = selected
        self.fixed = fixed
        self.lines = lines
        kwargs.setdefault("container", False)
        style = f' style="--strip-lines:{int(lines)}"' if lines else ""
        super().__init__(
            value,
            label=label,
            html_template=f'<div class="tok" translate="no" role="listbox" aria-orientation="horizontal"{style}></div>',
            js_on_load=_JS,
            apply_default_css=False,
            selected=selected,
            fixed=fixed,
            **kwargs,
        )

    def postprocess(self, value: list[TokenItem] | None) -> list[str]:  # type: ignore[override]  # not HTML's str
        """Pages of `_PAGE` tokens, each a text with one token's JSON a line. While text streams, the last page grows by
        what is new, and the browser reads a few texts where a list of objects would cost it seconds at 1,500 tokens."""
        lines = [orjson.dumps(token).decode() for token in value or []]
        return ["\n".join(lines[start : start + _PAGE]) for start in range(0, len(lines), _PAGE)]

    def preprocess(self, payload: list[str] | None) -> list[TokenItem]:  # type: ignore[override]
        """The strip's tokens, for handlers that take it as an input."""
        return [orjson.loads(line) for page in payload or [] for line in page.split("\n")]

    def api_info(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string"}, "description": "Tokens as JSON, one a line"}

    def example_payload(self) -> list[str]:
        return self.postprocess(self.example_value())

    def example_value(self) -> list[TokenItem]:
        return [{"text": "Hello"}, {"text": " world"}]
