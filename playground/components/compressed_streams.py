"""Compresses the streams by which Gradio answers, for thirty pupils who open one picture at once through a school's wireless
network. Each event is sent at once, as without. Knows no page.
"""

import zlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PATH = "/gradio_api/queue/data"
_GZIP = 31
"""zlib's number for a window of 32 kB in gzip's format."""


class CompressedStreams:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith(_PATH):
            await self._app(scope, receive, send)
            return
        if "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            await self._app(scope, receive, send)
            return
        packer = zlib.compressobj(wbits=_GZIP)

        async def send_packed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Encoding"] = "gzip"
                headers.add_vary_header("Accept-Encoding")
                del headers["Content-Length"]
            elif message["type"] == "http.response.body":
                ends = not message.get("more_body")
                packed = packer.compress(message.get("body", b""))
                packed += packer.flush(zlib.Z_FINISH if ends else zlib.Z_SYNC_FLUSH)
                message = {**message, "body": packed}
            await send(message)

        await self._app(scope, receive, send_packed)
