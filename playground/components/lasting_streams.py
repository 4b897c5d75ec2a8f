"""Streams of answers that last for as long as a page has events, and none that ends with an answer to come: see
`FairEventQueue.rest`."""

from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playground.components.event_queue import FairEventQueue

_END = b'"msg":"close_stream"'


class LastingStreams:
    """ASGI middleware: Gradio's /queue/data, which it ends when all events of a page are answered, goes on with the next
    event instead. (Gradio 6.31)"""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        queue = scope["app"].get_blocks()._queue if _is_stream(scope) else None
        if not isinstance(queue, FairEventQueue):
            await self._app(scope, receive, send)
            return
        visitor = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0]
        held: list[Message] = []  # the words that the stream ends, and its end
        has_started = False

        async def send_on(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                if not has_started:
                    has_started = True
                    await send(message)
            elif _END in message.get("body", b"") or not message.get("more_body", False):
                held.append(message)
            else:
                await send(message)

        async def leaves() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        while True:
            held.clear()
            await self._app(dict(scope), receive, send_on)
            if len(held) < 2 or not await queue.rest(visitor, leaves()):
                break
        for message in held:
            await send(message)


def _is_stream(scope: Scope) -> bool:
    return bool(scope["type"] == "http" and scope["path"].endswith("/queue/data"))
