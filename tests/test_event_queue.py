"""The queue of a page's events."""

import json
import threading
import time
from collections.abc import Iterator

import gradio as gr
import httpx
import pytest
from gradio.queueing import Queue
from gradio_client import Client
from starlette.middleware import Middleware

from playground.components.event_queue import ENDING, with_event_queue
from playground.components.lasting_streams import LastingStreams
from tests.tools.ports import free_port
from tests.tools.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
def served():
    """The address of a page with one endpoint, of which two run at a time, the texts that it was called with, in order, and
    what lets it go on."""
    called, gate = list[str](), threading.Semaphore(0)

    def note(text: str) -> str:
        called.append(text)
        gate.acquire(timeout=20)
        return text

    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.api(note, api_name="note", concurrency_limit=2)
    address = {"server_name": "127.0.0.1", "server_port": free_port()}
    lasting = {"middleware": [Middleware(LastingStreams)]}
    with_event_queue(blocks, max_size=16).launch(prevent_thread_lock=True, quiet=True, app_kwargs=lasting, **address)
    yield f"{blocks.local_url}gradio_api/", called, gate
    gate.release(50)
    blocks.close(verbose=False)


def join(address: str, text: str, visitor: str) -> httpx.Response:
    """Has a page call the endpoint, without waiting for the answer."""
    body = {"fn_index": 0, "data": [text], "session_hash": visitor}
    return httpx.post(f"{address}queue/join", json=body)


def test_a_visitor_who_sends_many_requests_keeps_nobody_waiting(served):
    """Guards against a queue in order of arrival, where a page that sends five requests is answered five times before the
    next visitor is once; and against all that may run being one visitor's."""
    address, called, gate = served
    for number in range(5):
        assert join(address, f"many {number}", "many").status_code == 200
    until(lambda: called)
    for text in ("first", "second"):
        join(address, text, text)
    until(lambda: len(called) == 2)
    assert called == ["many 0", "first"]
    gate.release(7)
    until(lambda: len(called) == 7)
    assert called.index("second") <= 3
    assert [text for text in called if text.startswith("many")] == [f"many {number}" for number in range(5)]


def test_a_full_queue_is_not_one_visitors(served):
    """Guards against one page, or one program that calls in many sessions, that takes all places: 4 of 16 wait for a page,
    12 for an address, and the refusal says so."""
    address, called, gate = served
    answers = [join(address, str(number), "many") for number in range(9)]
    until(lambda: called)
    assert [answer.status_code for answer in answers] == [200] * 5 + [503] * 4
    assert (
        answers[-1].json()["detail"]
        == "Busy: 4 requests of this visitor wait, and 4 may. Try again when some are answered."
    )
    others = [join(address, "", f"page {number}").status_code for number in range(10)]
    assert others == [200] * 9 + [503], "one of them runs, 12 of the address wait"
    program = httpx.post(f"{address}call/note", json={"data": [""]})
    assert program.status_code == 503 and "12 requests of this address wait" in program.text


def messages(address: str, visitor: str) -> Iterator[dict]:
    """What arrives in a page's stream of answers."""
    with httpx.stream("GET", f"{address}queue/data", params={"session_hash": visitor}, timeout=20) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def test_an_answer_is_not_lost_with_the_stream_that_ends(served):
    """Guards against a click that does nothing: a page that sent an event before it read that its stream ends opened no
    other, and the answer waited for the next click."""
    address, called, gate = served
    gate.release(2)
    join(address, "first", "page")
    stream = messages(address, "page")
    first = next(message for message in stream if message["msg"] == "process_completed")
    second = join(address, "second", "page").json()["event_id"]
    done = next(message for message in stream if message["msg"] in ("process_completed", "close_stream"))
    assert (done["msg"], done["event_id"]) == ("process_completed", second) != (done["msg"], first["event_id"])
    assert done["output"]["data"] == ["second"]
    assert [message["msg"] for message in stream] == ["close_stream"]


def test_an_event_is_confirmed_when_the_page_has_read_that_its_stream_ended(served):
    """Guards against the same, of an event that the server gets after it ended the stream."""
    address, called, gate = served
    gate.release(2)
    join(address, "first", "page")
    *_, last = messages(address, "page")
    ended = time.monotonic()
    assert last["msg"] == "close_stream"
    join(address, "second", "page")
    assert ENDING / 2 < time.monotonic() - ended < 20 * ENDING
    answers = [message["output"]["data"] for message in messages(address, "page") if "output" in message]
    assert answers == [["second"]]


def test_a_stream_that_is_closed_takes_no_answers(served):
    """Guards against a program that closes its stream with each answer: the former one, which waits for a further event,
    must not take that one's answer."""
    address, called, gate = served
    gate.release(3)
    for text in ("first", "second", "third"):
        join(address, text, "program")
        stream = messages(address, "program")
        assert next(m for m in stream if m["msg"] == "process_completed")["output"]["data"] == [text]
        stream.close()


def test_an_idle_queue_rests_and_answers(monkeypatch):
    """Guards against a twentieth of a core for nothing, and against a pause that visitors notice."""
    looks = []
    monkeypatch.setattr(Queue, "__len__", lambda queue, own=Queue.__len__: looks.append(id(queue)) or own(queue))
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.Textbox().change(lambda text: text.upper(), gr.Textbox(), gr.Textbox(), api_name="upper")
    address = {"server_name": "127.0.0.1", "server_port": free_port()}
    with_event_queue(blocks, max_size=2).launch(prevent_thread_lock=True, quiet=True, **address)
    try:
        looks.clear()
        time.sleep(0.5)
        assert 0 < looks.count(id(blocks._queue)) <= 60, "at most 100 looks a second"
        assert Client(blocks.local_url, verbose=False).predict("lens", api_name="/upper") == "LENS"
    finally:
        blocks.close(verbose=False)
