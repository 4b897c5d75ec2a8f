"""Compresses what the server streams, each event as it goes out: a picture arrives in a stream, 100 kB that pack to a third.
Starlette's own compression leaves streams out, because it holds back what it compresses. Knows no page.
"""

import zlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_GZIP = 16 + zlib.MAX_WBITS
"""For zlib: with the header and the checksum of gzip."""
_LEVEL = 5


class CompressedStreams:
    """ASGI middleware: answers of the type text/event-stream, for clients that read gzip."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            await self._app(scope, receive, send)
            return
        compressor = None

        async def send_compressed(message: Message) -> None:
            nonlocal compressor
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message["headers"]))
                if (
                    headers.get("content-type", "").startswith("text/event-stream")
                    and "content-encoding" not in headers
                ):
                    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
                    headers["Content-Encoding"] = "gzip"
                    headers.add_vary_header("Accept-Encoding")
                    del headers["Content-Length"]
                    message = {**message, "headers": headers.raw}
            elif compressor is not None and message["type"] == "http.response.body":
                goes_on = message.get("more_body", False)
                body = compressor.compress(message.get("body", b""))
                body += compressor.flush(zlib.Z_SYNC_FLUSH if goes_on else zlib.Z_FINISH)
                message = {**message, "body": body}
            await send(message)

        await self._app(scope, receive, send_compressed)
