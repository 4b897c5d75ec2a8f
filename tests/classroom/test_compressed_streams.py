"""The streams of Gradio's answers, compressed."""

import asyncio
import zlib

from playground.components.compressed_streams import CompressedStreams

EVENTS = [b'data: {"msg": "estimation"}\n\n', b"data: " + b"0.25," * 5000 + b"\n\n", "data: ¡fin!\n\n".encode()]


async def stream(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for event in EVENTS:
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def ask(path: str, accepts: bytes) -> tuple[dict, list[bytes]]:
    sent: list[dict] = []

    async def send(message) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "headers": [(b"accept-encoding", accepts)]}
    asyncio.run(CompressedStreams(stream)(scope, None, send))
    return dict(sent[0]["headers"]), [message["body"] for message in sent[1:]]


def test_each_event_arrives_whole_and_at_once():
    """Guards against an event that waits in the compressor for the next one: a page would stand still."""
    headers, parts = ask("/sub/gradio_api/queue/data", b"gzip, br")
    assert headers[b"content-encoding"] == b"gzip" and len(b"".join(parts)) < 1000
    reader = zlib.decompressobj(wbits=31)
    assert [reader.decompress(part) for part in parts] == [*EVENTS, b""] and reader.eof


def test_others_are_left_alone():
    """Guards programs that read no gzip, and every other answer of the server."""
    for path, accepts in (("/gradio_api/queue/data", b"identity"), ("/gradio_api/queue/join", b"gzip")):
        headers, parts = ask(path, accepts)
        assert b"content-encoding" not in headers and parts == [*EVENTS, b""]
