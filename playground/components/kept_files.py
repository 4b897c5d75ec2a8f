"""Keeps the compressed answers for files that never change while the server runs: Gradio's scripts and the libraries. Else
each visit compresses six megabytes anew, and reads a hundred small files. Gradio's styles select by whole classes, not by
parts of them. Knows no page.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST = 16 * 2**20
"""Bytes of all that is kept; what comes later is compressed each time."""
_SMALL = 2000
"""Bytes that are kept and sent as they are."""
_ASSET = re.compile(r"(/[^=]*)?/assets/[\w.-]+\.(js|css)")
"""The path of a script or style sheet of Gradio's own; no path of a file that a visitor named has this form."""
_NOT_PASSED_ON = (b"accept-encoding", b"range", b"if-range", b"if-none-match", b"if-modified-since")
"""Headers of requests that are answered here: the application, which has the file as it was before its styles were changed,
would send that, or a part of it."""
_PART_OF_CLASS = re.compile(rb'\[class\*="?([\w-]+)"?\]')
"""A selector by part of a class: with one in use, the browser styles all that an element holds anew whenever any of the
element's classes changes. At 1,500 tokens that took half a second, several times a second, while text was written."""
_FOR_GOOD = "public, max-age=31536000, immutable"
"""How long browsers keep a file whose address changes with what is in it."""


class MadeFile(NamedTuple):
    """A file that lies in memory alone."""

    kind: str
    """Its content type."""
    body: bytes


class KeptFiles:
    """ASGI middleware. libraries: further files, by their resolved paths, that Gradio serves as `file=…`. made: files that
    are served from here, by their addresses below the page's, which change with what is in them."""

    def __init__(self, app: ASGIApp, libraries: Sequence[Path], made: Mapping[str, MadeFile] | None = None):
        self._app = app
        self._made_files = {f"/{address}": file for address, file in (made or {}).items()}
        self._ends = (*(f"/gradio_api/file={path.as_posix()}" for path in libraries), *self._made_files)
        self._kept: dict[str, tuple[Message, bytes]] = {}
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_for_keeping(scope):
            await self._app(scope, receive, send)
            return
        start, body = self._kept.get(scope["path"]) or await self._made(scope, receive)
        request, headers = Headers(scope=scope), MutableHeaders(raw=list(start["headers"]))
        status = start["status"]
        if "etag" in headers and headers["etag"] in request.get("if-none-match", ""):
            status, body = 304, b""
            del headers["content-length"]
        elif headers.get("content-encoding") == "gzip" and "gzip" not in request.get("accept-encoding", ""):
            body = await run_in_threadpool(gzip.decompress, body)
            del headers["content-encoding"]
            headers["content-length"] = str(len(body))
        await send({**start, "status": status, "headers": headers.raw})
        await send({"type": "http.response.body", "body": body})

    def _is_for_keeping(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] != "GET":
            return False
        return bool(_ASSET.fullmatch(scope["path"])) or scope["path"].endswith(self._ends)

    async def _made(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """The file as it is sent from now on, kept where there is room; or the application's answer that it has none."""
        start, body = await self._answer(scope, receive)
        headers = MutableHeaders(raw=list(start["headers"]))
        if start["status"] != 200 or not {"content-encoding", "set-cookie"}.isdisjoint(headers.keys()):
            return start, body
        path = scope["path"]
        if path.endswith(".css"):
            body = _PART_OF_CLASS.sub(rb".\1", body)
        headers["ETag"] = f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
        if len(body) >= _SMALL:
            body = await run_in_threadpool(gzip.compress, body, 6, mtime=0)
            headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(body))
        headers.add_vary_header("Accept-Encoding")
        del headers["accept-ranges"]
        start = {**start, "headers": headers.raw}
        if path not in self._kept and self._bytes + len(body) <= MOST:
            self._kept[path] = start, body
            self._bytes += len(body)
        return start, body

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """The application's own answer, or a made file: whole and uncompressed."""
        for end, file in self._made_files.items():
            if scope["path"].endswith(end):
                headers = Headers({"content-type": file.kind, "cache-control": _FOR_GOOD})
                return {"type": "http.response.start", "status": 200, "headers": headers.raw}, file.body
        plain = [pair for pair in scope["headers"] if pair[0].lower() not in _NOT_PASSED_ON]
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        await self._app({**scope, "headers": plain}, receive, collect)
        start = next(message for message in messages if message["type"] == "http.response.start")
        return start, b"".join(message.get("body", b"") for message in messages)
