"""What a class's server sends: to pupils what the teacher shows, to the teacher how many answered; to nobody else."""

import asyncio
import json

import pytest

from playground.classroom import Classroom
from playground.classroom.events import MOST_BYTES, ClassroomEvents
from tests.tools.apart import run_apart


async def passed_on(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"passed on"})


class Server:
    """The middleware, asked without a network."""

    def __init__(self) -> None:
        self.room = Classroom()
        self.app = ClassroomEvents(passed_on, self.room)

    async def ask(self, method: str, path: str, query: str = "", body: bytes = b"", events: int = 0, then=None):
        """Status and body; of a stream the data of so many events, `then(number)` called after each."""
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": []}
        told, status, enough = [], [], asyncio.Event()
        parts = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive():
            if parts:
                return parts.pop()
            await enough.wait()
            return {"type": "http.disconnect"}

        async def send(message) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])
                return
            text = message.get("body", b"").decode()
            if not events:
                told.append(text)
            elif text.startswith("data: "):
                told.append(json.loads(text[6:]))
                if then:
                    then(len(told))
                if len(told) == events:
                    enough.set()

        await asyncio.wait_for(self.app(scope, receive, send), 20)
        return status[0], told if events else "".join(told)

    def tell(self, **said):
        body = json.dumps({"secret": self.room.secret, "address": "tab=layers", "lesson": "order", "step": 1, **said})
        return run_apart(self.ask("POST", "/sub/classroom/view", body=body.encode()))


@pytest.fixture
def server() -> Server:
    return Server()


def test_pupils_hear_what_the_teacher_shows(server):
    """Guards following: a pupil who comes late gets what is shown now, then each change, and nothing of answers; he counts
    as there until he goes."""
    assert server.tell()[0] == 204

    def then(number: int) -> None:
        assert server.room.pupils == 1
        server.room.take("pupil-anna", ("order", 1), 1.0)
        server.room.reveal()

    status, (first, second) = run_apart(server.ask("GET", "/classroom/events", events=2, then=then))
    assert status == 200 and first == {"address": "tab=layers", "lesson": "order", "step": 1, "revealed": False}
    assert second == first | {"revealed": True}
    assert server.room.pupils == 0


@pytest.mark.slow
def test_the_teacher_hears_how_many_answered(server):
    """Guards the histogram, which is drawn anew when this stream says that answers came."""
    server.tell()
    query = f"teacher={server.room.secret}"
    more = lambda number: server.room.take(f"pupil-{number:04}", ("order", 1), 1.0)  # noqa: E731
    _, told = run_apart(server.ask("GET", "/classroom/events", query, events=3, then=more))
    assert [event["answers"] for event in told] == [0, 1, 2] and {event["pupils"] for event in told} == {0}


def test_strangers_change_nothing(server):
    """Guards against a pupil who teaches: without the secret, or with what is no view, nothing is shown and nothing told."""
    assert server.tell(secret="x")[0] == server.tell(secret=None)[0] == server.tell(secret=["x"])[0] == 403
    wrong = [
        {"address": 5},
        {"lesson": "<b>"},
        {"step": True},
        {"step": 10**9},
        {"step": "1"},
        {"address": "x" * 20_000},
    ]
    assert {server.tell(**said)[0] for said in wrong} == {400}
    for body in (b"", b"[]", b"{", b"[" * 50_000, b'"' + b"x" * MOST_BYTES):
        assert run_apart(server.ask("POST", "/classroom/view", body=body))[0] in (400, 403)
    assert run_apart(server.ask("GET", "/classroom/events", "teacher=wrong"))[0] == 403
    assert server.room.view.address == "" and server.room.pupils == 0
    assert run_apart(server.ask("GET", "/classroom/view"))[0] == 299


def test_a_full_class_says_so(server, monkeypatch):
    """Guards against streams without number."""
    monkeypatch.setattr(server.room, "_pupils", 500)
    status, words = run_apart(server.ask("GET", "/classroom/events"))
    assert status == 503 and "500 pupils" in words and server.room.pupils == 500
