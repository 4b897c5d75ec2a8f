"""What the server streams, compressed."""

import zlib

import pytest

from playground.components.compressed_streams import CompressedStreams
from tests.tools.apart import run_apart

EVENTS = [b"data: one\n\n" * 50, b"data: two\n\n", b""]


async def app(scope, receive, send):
    kind = scope["path"].encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    for number, body in enumerate(EVENTS, start=1):
        await send({"type": "http.response.body", "body": body, "more_body": number < len(EVENTS)})


def answer(kind: str, accepts: bytes) -> tuple[dict, list[bytes]]:
    """The headers and the parts of the body, as they are sent."""
    sent: list[dict] = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": kind, "headers": [(b"accept-encoding", accepts)]}
    run_apart(CompressedStreams(app)(scope, None, send))
    return dict(sent[0]["headers"]), [message["body"] for message in sent[1:]]


def test_each_event_arrives_by_itself():
    """Guards against events that are held back until the stream ends, and against streams that are not packed."""
    headers, bodies = answer("text/event-stream; charset=utf-8", b"gzip, br")
    assert headers[b"content-encoding"] == b"gzip" and headers[b"vary"] == b"Accept-Encoding"
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert [unpack.decompress(body) for body in bodies] == EVENTS and unpack.eof
    assert len(bodies[0]) < 100


@pytest.mark.parametrize(("kind", "accepts"), [("text/event-stream", b"br"), ("application/json", b"gzip")])
def test_what_stays_as_it_is(kind, accepts):
    """Guards against bytes that a client can't read, and against packing twice what another middleware packs."""
    headers, bodies = answer(kind, accepts)
    assert b"content-encoding" not in headers and bodies == EVENTS
