"""One replica: the playground without a page, on a workbench of its own. Ray Serve makes it, fronts send it work."""

import asyncio
import os
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ray import serve

from playground import workbench
from playground.cluster.kept_streams import KeptStreams, StreamEnded, UnknownStream
from playground.cluster.messages import Reply, packed_reply
from playground.cluster.proof import Proof
from playground.cluster.proving_workbench import ProvingWorkbench
from playground.cluster.version import check_version, version_mark
from playground.engine.engine import LocalEngine, share
from playground.engine.functions import function_named
from playground.engine.work import Work
from playground.errors import PlaygroundError, unforeseen
from playground.page import create_app
from playground.settings import Settings
from playground.tabs.shared.engine_handler import portable
from playground.texts import engine as texts

THREADS = 128
"""Works that a replica does at once, most of which wait for their turn; as the page's own, see `page.launch_options`."""
MAX_MODELS = 64
"""Ids of models that a replica tells the fronts it holds."""


@dataclass(frozen=True)
class Identity:
    """What a replica is."""

    version: str
    process: int
    proof: Proof
    """Of the model that pages open with."""
    loaded_bytes: int
    streams: int
    """That it works on."""


class Replica:
    """Does the work of pages and endpoints. Ready once the model that pages open with is loaded and proved."""

    def __init__(self, settings: Settings, version: str, name: str = ""):
        """version: the front's mark. PlaygroundError for another playground, and for a model that fails its proof."""
        check_version(version, version_mark())
        name = name or serve.get_replica_context().replica_id.unique_id
        create_app(settings)  # whose handlers have the names that fronts send
        share(LocalEngine(texts.ON_REPLICA.format(name=name)))
        self._bench = ProvingWorkbench(settings)
        workbench.share(self._bench)
        self._bench.model(settings.default_model)
        self._streams, self._threads = KeptStreams(), ThreadPoolExecutor(THREADS, "work")

    @serve.multiplexed(max_num_models_per_replica=MAX_MODELS)
    async def hold(self, model_id: str) -> str:
        """Tells the fronts that this replica holds a model; its work loads it, on the device that the work names."""
        return model_id

    async def identify(self) -> bytes:
        """An Identity."""
        proof = self._bench.proof(self._bench.settings.default_model)
        return pickle.dumps(Identity(version_mark(), os.getpid(), proof, self._bench.models.used, len(self._streams)))

    async def call(self, content: bytes, expected: str = "") -> bytes:
        """The Reply to a piece of work. expected: the mark of the weights of its model, where the front has seen it."""
        work: Work = pickle.loads(content)
        if work.model:
            await self.hold(work.model)
        return await self._in_thread(lambda: self._reply(work, expected, lambda: self._function(work)))

    async def take(self, name: str, content: bytes, expected: str = "", skip: int = 0) -> bytes:
        """The Reply with a stream's next answer. content: the work, with which the stream of this name begins; empty for one
        that goes on. skip: how many of its answers a replica that is gone delivered; they come as one with the next."""
        work: Work | None = pickle.loads(content) if content else None
        return await self._in_thread(lambda: self._take(name, work, expected, skip))

    async def end(self, name: str) -> None:
        """Ends a stream whose reader left."""
        await self._in_thread(lambda: self._streams.end(name))

    def _take(self, name: str, work: Work | None, expected: str, skip: int) -> bytes:
        def answer() -> Any:
            if work is not None:
                self._streams.begin(name, lambda: resumed(self._function(work), skip))
            return self._streams.take(name)

        return self._reply(work, expected, answer)

    def _function(self, work: Work) -> Any:
        return function_named(work.function)(*work.arguments)

    def _reply(self, work: Work | None, expected: str, answer: Callable[[], Any]) -> bytes:
        try:
            if work is not None:
                self._bench.expect(work.model, expected)
            content = portable(answer())
            return packed_reply(Reply(content, weights=self._bench.mark(work.model if work else "")))
        except PlaygroundError as error:
            return packed_reply(Reply(error=error))
        except StreamEnded:
            return packed_reply(Reply(ended=True))
        except UnknownStream:
            return packed_reply(Reply(unknown=True))
        except Exception as error:
            return packed_reply(Reply(error=unforeseen(texts.FAILED, error)))

    async def _in_thread(self, function: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)


def resumed(answers: Iterator[Any], skip: int) -> Iterator[Any]:
    """The answers, the first `skip` of which come together with the one after them, or at the end: outputs by name, of which
    the latest counts."""
    withheld: dict[str, Any] = {}
    for number, answer in enumerate(answers):
        if number < skip:
            withheld |= answer
        else:
            yield withheld | answer
            withheld = {}
    if withheld:
        yield withheld
