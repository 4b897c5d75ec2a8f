"""Keeps the page as Gradio wrote it, as compressed as the middleware within has it. Else each visit copies the page's whole
configuration three times, writes it anew and compresses 2 MB, 0.2 s of a core before a browser has read anything. Knows no
tabs.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST = 8
"""Pages that are kept: one for each address under which the server is reached, and each theme."""
_QUERIES = frozenset({b"", b"present", b"__theme=dark", b"__theme=light", b"__language=en", b"__language=zh"})
"""Those that Gradio's page does not depend on. All others are answered anew."""
_OF_BROWSERS = ("accept", "cache-control", "connection", "dnt", "if-", "pragma", "priority", "referer", "sec-", "te",
                "upgrade-insecure-requests", "user-agent")  # fmt: skip
"""Beginnings of the names of headers that differ from browser to browser and that Gradio's page does not depend on."""
Answer = tuple[Message, bytes]


class KeptPage:
    """ASGI middleware. What it keeps never changes while the server runs: Gradio fixes the configuration at launch."""

    def __init__(self, app: ASGIApp):
        self._app = app
        self._kept: dict[tuple, Answer] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("GET", "/"):
            await self._app(scope, receive, send)
            return
        if scope["query_string"] not in _QUERIES:
            await self._app(scope, receive, send)
            return
        key = _key(scope)
        start, body = self._kept.get(key) or await self._answer(scope, receive)
        headers = Headers(raw=start["headers"])
        is_page = start["status"] == 200 and headers.get("content-type", "").startswith("text/html")
        if is_page and "set-cookie" not in headers and len(self._kept) < MOST:
            self._kept[key] = start, body
        await send({**start, "headers": list(start["headers"])})  # middleware around this one adds to them
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, collect)
        start = next(message for message in messages if message["type"] == "http.response.start")
        return start, b"".join(message.get("body", b"") for message in messages)


def _key(scope: Scope) -> tuple:
    """All of a request that the page may depend on: where it went to, proxies' headers, cookies, and whether it may be
    compressed."""
    headers = sorted(
        pair for pair in scope["headers"] if not pair[0].decode("latin-1").lower().startswith(_OF_BROWSERS)
    )
    packed = "gzip" in Headers(scope=scope).get("accept-encoding", "")
    return scope.get("scheme"), scope.get("root_path"), scope["query_string"], packed, tuple(headers)
