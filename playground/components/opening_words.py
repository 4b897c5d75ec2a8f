"""Writes words into the page's own HTML that stand there until Gradio's scripts, which take seconds, have built the page.

Gradio's `head` arrives with its configuration and is put in place by those very scripts, so it can't say that they load.
Knows nothing of the page but the mark by which the words know that it is built.
"""

import json
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEAD = b"<head>"


def opening_style(*lines: str, built: str) -> str:
    """Markup that shows the words in the middle of the window, light or dark as the visitor's system is, until the body has
    the class `built`. lines: plain text."""
    text = r'"\a "'.join(json.dumps(line, ensure_ascii=False).replace("<", r"\3c ") for line in lines)
    return (
        f"<style>body:not(.{built})::before {{ content: {text}; position: fixed; inset: 0; z-index: 9; display: grid; "
        "place-items: center; padding: 0 24px; text-align: center; white-space: pre-line; "
        "font: 18px/1.6 system-ui, sans-serif; color-scheme: light dark; color: CanvasText; background: Canvas; }</style>"
    )


class OpeningWords:
    """ASGI middleware: markup behind the first <head> of every HTML answer."""

    def __init__(self, app: ASGIApp, markup: str):
        self._app, self._markup = app, markup.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start: MutableMapping[str, Any] | None = None

        async def send_with_words(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_html(message):
                start = message  # its length is known with the first part of the body
                return
            if start is not None:
                body = message.get("body", b"")
                if _HEAD in body:
                    message = {**message, "body": body.replace(_HEAD, _HEAD + self._markup, 1)}
                    start["headers"] = [_longer(pair, len(self._markup)) for pair in start["headers"]]
                await send(start)
                start = None
            await send(message)

        await self._app(scope, receive, send_with_words)


def _is_html(start: Message) -> bool:
    return any(name.lower() == b"content-type" and b"text/html" in value for name, value in start.get("headers", ()))


def _longer(header: tuple[bytes, bytes], by: int) -> tuple[bytes, bytes]:
    name, value = header
    return (name, str(int(value) + by).encode()) if name.lower() == b"content-length" else header
