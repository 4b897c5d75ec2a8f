"""The streams that a replica works on: a front takes one answer after the other, so nothing runs ahead of a slow reader, and
nothing waits for one that never reads but the stream itself."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


class UnknownStream(Exception):
    """There is no stream of this name, or it ended meanwhile."""


class StreamEnded(Exception):
    """The stream has no further answer."""


UNREAD = 600.0
"""Seconds after which a stream that nobody reads ends."""


@dataclass
class _Stream:
    answers: Iterator[Any]
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while an answer is computed: a generator can't be closed meanwhile."""
    read_at: float = field(default_factory=time.monotonic)


class KeptStreams:
    """Streams by the names that fronts give them."""

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._streams)

    def begin(self, name: str, make: Callable[[], Iterator[Any]]) -> None:
        """Keeps a new stream."""
        self._end_unread()
        answers = make()
        with self._lock:
            self._streams[name] = _Stream(answers)

    def take(self, name: str) -> Any:
        """The stream's next answer; or StreamEnded, UnknownStream, what the stream raises."""
        stream = self._streams.get(name)
        if stream is None:
            raise UnknownStream
        with stream.lock:
            if self._streams.get(name) is not stream:
                raise UnknownStream
            try:
                return next(stream.answers)
            except StopIteration:
                self._forget(name)
                raise StreamEnded from None
            except BaseException:
                self._forget(name)
                raise
            finally:
                stream.read_at = time.monotonic()

    def end(self, name: str) -> None:
        """Ends a stream once the answer is there that is being computed."""
        stream = self._forget(name)
        if stream is not None:
            with stream.lock, suppress(Exception):
                if isinstance(stream.answers, Generator):
                    stream.answers.close()

    def _forget(self, name: str) -> _Stream | None:
        with self._lock:
            return self._streams.pop(name, None)

    def _end_unread(self) -> None:
        now = time.monotonic()
        with self._lock:
            old = [name for name, stream in self._streams.items() if now - stream.read_at > UNREAD]
        for name in old:
            stream = self._streams.get(name)
            if stream is not None and not stream.lock.locked():
                self.end(name)
