"""What fronts and replicas send each other: work one way, replies the other, as bytes of a bounded size."""

import pickle
import zlib
from dataclasses import dataclass
from typing import Any

from playground.engine.work import SentFile, Work
from playground.errors import PlaygroundError
from playground.texts import engine as texts

MAX_REQUEST = 4 * 1024**2
MAX_ANSWER = 1024**2
"""Bytes as they are sent, without the file that a visitor takes away, which has a bound of its own."""
MAX_UNPACKED = 16 * 1024**2
"""Bytes of an answer in memory."""
COMPRESSED_FROM = 64 * 1024
"""Bytes; pictures of many points become a third to a quarter."""
_PLAIN, _COMPRESSED = b"p", b"z"


@dataclass(frozen=True)
class Reply:
    """What a replica replies."""

    answer: Any = None
    error: PlaygroundError | None = None
    ended: bool = False
    """Of a stream: there is no further answer."""
    unknown: bool = False
    """Of a stream: this replica has none of that name."""
    weights: str = ""
    """The mark of the weights that were used."""


def packed_work(work: Work) -> bytes:
    """PlaygroundError, with both numbers, for work that is too large to be sent."""
    content = pickle.dumps(work, pickle.HIGHEST_PROTOCOL)
    if len(content) > MAX_REQUEST:
        words = texts.REQUEST_TOO_LARGE.format(size=f"{len(content):,}", most=f"{MAX_REQUEST:,}")
        raise PlaygroundError(words, texts.ASK_FOR_LESS)
    return content


def packed_reply(reply: Reply) -> bytes:
    """The reply; in place of an answer that is too large, the refusal with both numbers."""
    content = pickle.dumps(reply, pickle.HIGHEST_PROTOCOL)
    files = _bytes_of_files(reply.answer)
    plain = len(content) - files
    sent = _PLAIN + content if len(content) <= COMPRESSED_FROM else _COMPRESSED + zlib.compress(content, 1)
    if plain <= MAX_UNPACKED and len(sent) - files <= MAX_ANSWER:
        return sent
    most = MAX_UNPACKED if plain > MAX_UNPACKED else MAX_ANSWER
    size = plain if plain > MAX_UNPACKED else len(sent) - files
    words = texts.ANSWER_TOO_LARGE.format(size=f"{size:,}", most=f"{most:,}")
    return packed_reply(Reply(error=PlaygroundError(words, texts.ASK_FOR_LESS), weights=reply.weights))


def unpacked_reply(content: bytes) -> Reply:
    """What `packed_reply` packed."""
    packed = zlib.decompress(content[1:]) if content[:1] == _COMPRESSED else content[1:]
    reply: Reply = pickle.loads(packed)
    return reply


def _bytes_of_files(answer: Any) -> int:
    if not isinstance(answer, dict):
        return 0
    values = [value.get("value") for value in answer.values() if isinstance(value, dict)]
    return sum(len(value.content) for value in values if isinstance(value, SentFile))
