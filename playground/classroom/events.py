"""How a class hears from its teacher: one stream of events a page, a few hundred bytes for each change.

GET classroom/events: for pupils, what the teacher shows, now and after each change; a page that lost its connection gets
what is shown now. With the teacher's secret: how many pupils are there, and how many answers. POST classroom/view: the
teacher's page tells what it shows. Knows no page; all else is passed on.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import asdict

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from playground.classroom.addresses import TEACHER
from playground.classroom.session import MOST_ADDRESS, MOST_PUPILS, Classroom

EVENTS, VIEW = "/classroom/events", "/classroom/view"
MOST_BYTES = 4 * MOST_ADDRESS
"""Of a request that tells what the teacher shows."""
PULSE = 20.0
"""Seconds without news after which a stream says that it lives: proxies close silent ones."""
PAUSE = 0.2
"""Seconds between two events of a stream: thirty answers at once are one event."""
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""nginx would keep a stream back."""


class ClassroomEvents:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, classroom: Classroom):
        self._app, self._classroom = app, classroom

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path.endswith(EVENTS) and scope["method"] == "GET":
            await self._events(Request(scope), scope, receive, send)
        elif path.endswith(VIEW) and scope["method"] == "POST":
            await (await self._view(Request(scope, receive)))(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _events(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        secret = request.query_params.get(TEACHER)
        if secret is not None and not self._classroom.is_teacher(secret):
            await PlainTextResponse("This is not the teacher's address.", 403)(scope, receive, send)
        elif secret is not None:
            await _answer(self._stream(self._answers_event))(scope, receive, send)
        elif self._classroom.arrive():
            try:
                await _answer(self._stream(self._view_event))(scope, receive, send)
            finally:
                self._classroom.leave()
        else:
            await PlainTextResponse(f"The class is full: {MOST_PUPILS} pupils are here.", 503)(scope, receive, send)

    async def _view(self, request: Request) -> Response:
        try:
            said = await _json(request)
        except (ValueError, RecursionError, ClientDisconnect):
            return PlainTextResponse("This is nothing that a teacher's page shows.", 400)
        if not self._classroom.is_teacher(said.get("secret")):
            return PlainTextResponse("This is not the teacher's address.", 403)
        address, lesson, step = (said.get(name) for name in ("address", "lesson", "step"))
        try:
            if not (isinstance(address, str) and isinstance(lesson, str) and type(step) is int):
                raise ValueError
            self._classroom.show(address, lesson, step)
        except ValueError:
            return PlainTextResponse("This is nothing that a teacher's page shows.", 400)
        return Response(status_code=204)

    def _view_event(self) -> str:
        return json.dumps(asdict(self._classroom.view))

    def _answers_event(self) -> str:
        room = self._classroom
        return json.dumps({"pupils": room.pupils, "answers": len(room.answers), **asdict(room.view)} | {"address": ""})

    async def _stream(self, event: Callable[[], str]) -> AsyncIterator[str]:
        """What `event` gives, now and whenever it changes."""
        bell, loop = asyncio.Event(), asyncio.get_running_loop()
        stop = self._classroom.listen(lambda: _ring(loop, bell))
        former = ""
        try:
            yield "retry: 1000\n\n"
            while True:
                bell.clear()
                said = event()
                if said != former:
                    former = said
                    yield f"data: {said}\n\n"
                    await asyncio.sleep(PAUSE)
                try:
                    await asyncio.wait_for(bell.wait(), PULSE)
                except TimeoutError:
                    yield ": \n\n"
        finally:
            stop()


def _answer(stream: AsyncIterator[str]) -> Response:
    return StreamingResponse(stream, headers=_HEADERS, media_type="text/event-stream")


def _ring(loop: asyncio.AbstractEventLoop, bell: asyncio.Event) -> None:
    with suppress(RuntimeError):  # the server is gone
        loop.call_soon_threadsafe(bell.set)


async def _json(request: Request) -> dict:
    """The object in a request's body. ValueError for anything else, and for more than MOST_BYTES."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise ValueError("too long")
    said = json.loads(body)
    if not isinstance(said, dict):
        raise ValueError("no object")
    return said
