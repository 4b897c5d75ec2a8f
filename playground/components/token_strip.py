"""TokenStrip: tokens as buttons. Knows no tokenizer: it shows texts.

token_strip.js is the browser's part. It sets every token as text, so no token can become HTML or script.
"""

from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

import gradio as gr
from gradio.events import EventListener

_HERE = Path(__file__).parent
_JS = (_HERE / "token_strip.js").read_text(encoding="utf-8")
_CSS = (_HERE / "token_strip.css").read_text(encoding="utf-8")


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
        label: str | None = None,
        lines: int | None = None,
        **kwargs: Any,
    ):
        """
        Parameters:
            value: the tokens, in reading order.
            selected: index of the selected token. A visitor's own selection stays until Python sends another index.
            label: the strip's name for screen readers, "Tokens" if missing.
            lines: how many are shown at most; a longer strip scrolls inside, and follows its end while it grows.
        """
        self.selected = selected
        self.lines = lines
        kwargs.setdefault("container", False)
        style = f' style="--strip-lines:{int(lines)}"' if lines else ""
        super().__init__(
            value,
            label=label,
            html_template=f'<div class="tok" role="listbox" aria-orientation="horizontal"{style}></div>',
            css_template=_CSS,
            js_on_load=_JS,
            apply_default_css=False,
            selected=selected,
            **kwargs,
        )

    def postprocess(self, value: list[TokenItem] | None) -> list[TokenItem]:  # type: ignore[override]  # not HTML's str
        """The tokens unchanged. They travel as data and need no escaping: nothing parses them."""
        return list(value or [])

    def preprocess(self, payload: list[TokenItem] | None) -> list[TokenItem]:  # type: ignore[override]
        """The strip's tokens, for handlers that take it as an input."""
        return payload or []

    def api_info(self) -> dict[str, Any]:
        return {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string"},
                    "label": {"type": "string"},
                    "shade": {"type": "number"},
                    "kind": {"type": "string"},
                    "title": {"type": "string"},
                    "pieces": {"type": "integer"},
                },
            },
        }

    def example_payload(self) -> list[TokenItem]:
        return [{"text": "Hello"}, {"text": " world"}]

    def example_value(self) -> list[TokenItem]:
        return self.example_payload()
