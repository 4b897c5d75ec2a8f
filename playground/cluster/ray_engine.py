"""The engine of a front whose work is done by replicas on Ray Serve. Holds no model."""

import asyncio
import logging
import pickle
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

from ray.exceptions import ActorDiedError, ActorUnavailableError, NodeDiedError, ObjectLostError, WorkerCrashedError
from ray.serve.exceptions import DeploymentUnavailableError, ReplicaUnavailableError
from ray.serve.handle import DeploymentHandle

from playground.cluster.messages import Reply, packed_work, unpacked_reply
from playground.cluster.seeds import with_seeds
from playground.engine.work import Work
from playground.errors import PlaygroundError
from playground.texts import engine as texts

T = TypeVar("T")
GONE = (
    ActorDiedError, ActorUnavailableError, NodeDiedError, ObjectLostError, WorkerCrashedError, ReplicaUnavailableError,
    DeploymentUnavailableError,
)  # fmt: skip
"""What Ray says of a replica that died in the middle."""
PATIENCE = 120.0
"""Seconds for which work is tried again: as long as a new replica takes to load its model."""
PAUSE = 0.25
"""Seconds between two tries."""
_log = logging.getLogger(__name__)


@dataclass
class RayEngine:
    """Sends work to replicas; what a replica that died did not finish is done again by another."""

    handle: DeploymentHandle
    stop: Callable[[], None]
    """Ends what was started for this engine."""
    name: str = "Ray Serve"
    repeated: int = 0
    """Calls and streams that were begun again because their replica died."""
    _weights: dict[str, str] = field(default_factory=dict)
    """Of each model, the mark of the weights with which a replica answered first."""

    def call(self, work: Work) -> Any:
        """The answer of the visitor's replica, or of one that holds the model."""
        work = with_seeds(work)
        content = packed_work(work)
        if work.everywhere:
            return self._call_all(content)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                reply = self._send("call", work, content, self._weights.get(work.model, ""))
                return self._answer(work, reply)
            except GONE as error:
                self._wait_for_another(work, error, until)

    def stream(self, work: Work) -> Generator[Any, None, None]:
        """The answers, each taken from the replica when it is asked for here. A stream whose replica died begins again, with
        the same request and seed; of it what was delivered is left out."""
        work = with_seeds(work)
        content, delivered = packed_work(work), 0
        name, ended, until = "", False, 0.0
        try:
            while True:
                begins = not name
                name = name or uuid4().hex
                try:
                    expected = self._weights.get(work.model, "")
                    reply = self._send(
                        "take", work, name, content if begins else b"", expected, delivered if begins else 0
                    )
                except GONE as error:
                    until = until or time.monotonic() + PATIENCE
                    self._wait_for_another(work, error, until)
                    name = ""
                    continue
                if reply.unknown:
                    self.repeated, name = self.repeated + 1, ""
                    continue
                until, ended = 0.0, reply.ended or reply.error is not None
                if reply.ended:
                    return
                answer = self._answer(work, reply)
                delivered += 1
                yield answer
        finally:
            if name and not ended:
                with suppress(*GONE):
                    self._sender("end", work).remote(name)

    def identities(self) -> list[Any]:
        """What each replica says of itself, see `replica.Identity`."""
        contents = _awaited(lambda: self.handle.broadcast("identify").results(timeout_s=30))
        return [pickle.loads(content) for content in contents]

    def close(self) -> None:
        """Ends the replicas that were started for this engine."""
        self.stop()

    def _sender(self, method: str, work: Work) -> Any:
        return self.handle.options(method_name=method, session_id=work.visitor, multiplexed_model_id=work.model)

    def _send(self, method: str, work: Work, *arguments: Any) -> Reply:
        return unpacked_reply(_awaited(lambda: self._sender(method, work).remote(*arguments).result()))

    def _call_all(self, content: bytes) -> Any:
        replies = _awaited(lambda: self.handle.broadcast("call", content).results(timeout_s=30, return_exceptions=True))
        kept = [unpacked_reply(reply) for reply in replies if isinstance(reply, bytes)]
        return kept[0].answer if kept else None

    def _answer(self, work: Work, reply: Reply) -> Any:
        if reply.error is not None:
            raise reply.error
        if reply.weights:
            self._weights.setdefault(work.model, reply.weights)
        return reply.answer

    def _wait_for_another(self, work: Work, error: Exception, until: float) -> None:
        """Returns when the work is to be sent again. PlaygroundError once it was tried for long enough."""
        self.repeated += 1
        _log.warning("%s is done again: %s", work.function, type(error).__name__)
        if time.monotonic() > until:
            raise PlaygroundError(texts.WORKER_GONE, texts.AGAIN) from error
        time.sleep(PAUSE)


def _awaited(wait: Callable[[], T]) -> T:
    """What `wait` returns, in another thread where this one runs an event loop: Serve refuses to wait there."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return wait()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(wait).result()
