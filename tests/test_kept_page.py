"""The page that is written once: components/kept_page.py, and what Gradio counts of events."""

import os

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import playground.page  # noqa: F401 (sets what Gradio reads when it is launched)
from playground.components.kept_page import MOST, KeptPage


@pytest.fixture
def served():
    """A client of an application whose page names the address that it was asked for, and how often it was written."""
    calls = []

    async def page(request):
        calls.append(request.url.path)
        answer = HTMLResponse(f"<html>{request.headers['host']} {request.headers.get('x-forwarded-proto', '')}</html>")
        if "cookie" in request.headers:
            answer.set_cookie("visitor", "one")
        return answer

    application = Starlette(routes=[Route("/{path:path}", page)], middleware=[Middleware(KeptPage)])
    with TestClient(application) as client:
        yield client, calls


def test_the_page_is_written_once(served):
    """Guards against 0.2 s of a core for every visit and reload, whatever the browser is called."""
    client, calls = served
    first = client.get("/", headers={"User-Agent": "a", "Accept-Language": "fr", "Sec-Fetch-Mode": "navigate"})
    second = client.get("/", headers={"User-Agent": "b", "If-None-Match": "x"})
    assert len(calls) == 1 and first.content == second.content and first.headers == second.headers


def test_a_page_of_another_address_is_another_page(served):
    """Guards against scripts fetched from the wrong host, behind a proxy or under two names, against one visitor's cookie
    given to another, and against keeping whatever a stranger asks for."""
    client, calls = served
    for headers in ({"Host": "one"}, {"Host": "two"}, {"Host": "one", "X-Forwarded-Proto": "https"}):
        text = client.get("/", headers=headers).text
        assert text == f"<html>{headers['Host']} {headers.get('X-Forwarded-Proto', '')}</html>"
        assert client.get("/", headers=headers).text == text
    assert len(calls) == 3
    for path in ("/?deep_link=x", "/config", "/?page=a"):
        client.get(path), client.get(path)
    assert len(calls) == 9
    client.get("/", headers={"Cookie": "a=b"}), client.get("/", headers={"Cookie": "a=b"})
    assert len(calls) == 11
    for number in range(2 * MOST):
        client.get("/", headers={"Host": f"host{number}"})
    client.get("/", headers={"Host": f"host{2 * MOST - 1}"})
    assert len(calls) == 12 + 2 * MOST


def test_the_page_is_compressed_once():
    """Guards against 2 MB that each visit compresses anew, and against packed bytes for who reads none."""
    calls = []

    async def page(request):
        calls.append(request.url.path)
        return HTMLResponse("<html>" + "word " * 1000)

    packing = [Middleware(KeptPage), Middleware(GZipMiddleware)]
    with TestClient(Starlette(routes=[Route("/", page)], middleware=packing)) as client:
        for encoding in ("gzip", "identity", "gzip", "identity"):
            answer = client.get("/", headers={"Accept-Encoding": encoding})
            assert answer.headers.get("content-encoding", "identity") == encoding and answer.text.count("word") == 1000
            assert int(answer.headers["content-length"]) < 1000 or encoding == "identity"
    assert len(calls) == 2


def test_gradio_makes_no_statistics_after_each_event():
    """Guards against a table of the last 10,000 events after every single one, 0.08 s of a core."""
    assert int(os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"]) > 10**6
