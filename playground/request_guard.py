"""Which requests the server answers at all, and the headers that its answers carry. Knows nothing of the page.

A browser sends whatever any site asks it to, to this server too. So a request that says it comes from another site is
refused, and one for another name: a site may point its own name at this machine once the browser trusts it (DNS rebinding).
"""

import ipaddress
import json
import socket
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playground.settings import MIB, Settings

MOST_BYTES = 32 * MIB
"""Of one request."""
_CALLS = ("queue/join", "run/", "api/", "call/")
"""Ways to call a handler, below gradio_api/."""
_OWN_THINGS = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; media-src 'self' data: blob:; "
    "worker-src 'self' blob:; frame-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
)
"""Scripts, styles and pictures come from this server alone; Gradio and Plotly need inline scripts, eval and blobs."""


class RequestGuard:
    """Middleware in front of Gradio's application."""

    def __init__(self, app: ASGIApp, settings: Settings):
        self._app = app
        self._named = {name.lower() for name in settings.allowed_hosts}
        frames = " ".join(("'self'", *settings.frame_ancestors))
        self._headers = {
            "Content-Security-Policy": f"{_OWN_THINGS}frame-ancestors {frames}",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if not settings.frame_ancestors:
            self._headers["X-Frame-Options"] = "SAMEORIGIN"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or passes it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope["method"], headers)
        scope = self._without_foreign_name(scope, headers)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        try:
            if refusal is None and scope["method"] == "POST":
                receive = _bounded(receive)
                if "origin" not in headers and (call := _call(scope["path"])) is not None:
                    body, receive = await _read(receive)
                    refusal = _refusal_of_call(scope["app"].get_blocks(), call, body)
            if refusal is not None:
                await PlainTextResponse(refusal[1], refusal[0])(scope, receive, send_with_headers)
            else:
                await self._app(scope, receive, send_with_headers)
        except _TooLong:
            text = f"A request has at most {MOST_BYTES:,} bytes."
            await PlainTextResponse(text, 413)(scope, receive, send_with_headers)

    def _refusal(self, method: str, headers: Headers) -> tuple[int, str] | None:
        """Status and words for a request that is not answered."""
        host, origin = headers.get("host", ""), headers.get("origin")
        name = _host_name(f"//{host}")
        if not (name in self._named or _is_this_machine(name)):
            return 421, (
                f"This server does not answer to the name {name[:100]!r}. If it is one of its names, start it with "
                f"--allow-host and the name, or set PLAYGROUND_HOSTS."
            )
        if origin is not None and not self._is_own(origin, host):
            return 403, f"This server answers no requests that come from {origin[:100]!r}."
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return 403, "This server answers no requests that come from another site."
        if method == "POST" and int(headers.get("content-length") or 0) > MOST_BYTES:
            return 413, f"A request has at most {MOST_BYTES:,} bytes."
        return None

    def _without_foreign_name(self, scope: Scope, headers: Headers) -> Scope:
        """The request without the name that a proxy says it was asked for, if that is none of this server's: Gradio's pages
        would load their scripts from there."""
        names = [_host_name(f"//{name.strip()}") for name in headers.get("x-forwarded-host", "").split(",")]
        if all(name in self._named or _is_this_machine(name) for name in names if name):
            return scope
        return {**scope, "headers": [(key, value) for key, value in scope["headers"] if key != b"x-forwarded-host"]}

    def _is_own(self, origin: str, host: str) -> bool:
        """Whether a page of this server asks. Behind a proxy that hides the host, its name has to be an allowed one."""
        try:
            place = urlsplit(origin)
        except ValueError:
            return False
        return place.netloc.lower() == host.lower() or (_host_name(origin) in self._named and place.scheme != "")


def _host_name(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower().removesuffix(".")
    except ValueError:
        return ""


def _is_this_machine(name: str) -> bool:
    """Whether a host's name is an address, which no foreign site can have, or this machine's own name."""
    try:
        ipaddress.ip_address(name.split("%")[0])
        return True
    except ValueError:
        return name in _own_names()


@cache
def _own_names() -> frozenset[str]:
    short = socket.gethostname().lower()
    return frozenset({"localhost", short, f"{short}.local", socket.getfqdn().lower()})


class _TooLong(Exception):
    """A request without a length that turns out too long."""


def _bounded(receive: Receive) -> Receive:
    count = 0

    async def bounded() -> Message:
        nonlocal count
        message = await receive()
        count += len(message.get("body", b""))
        if count > MOST_BYTES:
            raise _TooLong
        return message

    return bounded


def _call(path: str) -> str | None:
    """What stands behind the way of calling in a path: a handler's name, or nothing; None for other requests."""
    _, _, rest = path.partition("/gradio_api/")
    return next((rest.removeprefix(way).strip("/") for way in _CALLS if rest.startswith(way)), None)


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    """The body of a request, and a receiver that gives it once more."""
    messages: list[Message] = []
    while not messages or messages[-1].get("more_body"):
        messages.append(await receive())
    body, waiting = b"".join(message.get("body", b"") for message in messages), iter(messages)

    async def again() -> Message:
        return next(waiting, None) or await receive()

    return body, again


def _refusal_of_call(blocks: Any, name: str, body: bytes) -> tuple[int, str] | None:
    """A program that is no browser calls the endpoints, never the page's own handlers."""
    try:
        content = json.loads(body)
        number = content.get("fn_index")
    except (ValueError, AttributeError, RecursionError):
        return 400, "The request's body is no JSON object."
    if number is not None and type(number) is not int:  # Gradio would take "3" for 3
        return 400, "fn_index has to be a whole number."
    name = name.removeprefix("v2/")
    if number is None and name and all(handler.api_name != name for handler in blocks.fns.values()):
        return 404, f"There is no endpoint {name[:60]!r}; gradio_api/info lists those that there are."
    for handler in blocks.fns.values():
        is_called = handler._id == number if number is not None else handler.api_name == name
        if is_called and handler.api_visibility == "private":
            return 403, "This handler belongs to the page; programs call the endpoints."
    return None
