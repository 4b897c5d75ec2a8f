"""What every visitor shares: loaded models and recordings, each in a cache bounded in bytes.

Handlers are stateless: they come with plain values and ask here. The same question costs its work once, however
many ask at the same time; what was evicted is simply made again. Knows nothing of the page.
"""

import gc
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from playground.catalog import find
from playground.concurrency.byte_budget_cache import ByteBudgetCache
from playground.concurrency.fair_queue import FairQueue
from playground.concurrency.owned_cache import OwnedCache
from playground.concurrency.session_store import SessionStore
from playground.errors import Cancelled, NotEnoughMemory, PlaygroundError, Progress
from playground.settings import Settings

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording

V = TypeVar("V")


@dataclass
class LoadJob:
    """One loading that any number of visitors wait for; it is cancelled when the last one goes."""

    message: str = "Waiting"
    share: float | None = None
    started: float = field(default_factory=time.monotonic)
    waiting: int = 0
    cancelled: threading.Event = field(default_factory=threading.Event)
    future: Future = field(default_factory=Future)

    def progress(self, message: str, share: float | None = None) -> None:
        """What `load` calls; raises Cancelled once nobody waits any more."""
        if self.cancelled.is_set():
            raise Cancelled("Loading")
        self.message, self.share = message, share


@dataclass(frozen=True)
class LoadStatus:
    """How far a loading is: what is being done, its share 0..1 or None, seconds so far; the model at the end."""

    message: str
    share: float | None
    seconds: float
    model: Any = None


_loaded: WeakSet["LoadedModel"] = WeakSet()
"""Models that a workbench loaded; those made by hand are never evicted."""


def _remembered(model):
    """The model, known from now on as one that can be evicted."""
    _loaded.add(model)
    return model


class Workbench:
    """Models and recordings for all visitors of one server."""

    def __init__(self, settings: Settings | None = None):
        self.settings = settings or Settings()
        self._memo = OwnedCache(self.settings.memo_budget)
        self._recordings: ByteBudgetCache[Hashable, Any] = ByteBudgetCache(
            self.settings.recording_budget, self._memo.forget
        )
        self.sessions: SessionStore[Any] = SessionStore(self.settings.session_budget)
        """What visitors wrote in the Generate tab, by session id."""
        self._prefixes = None
        self._turns: dict[tuple[str, int], FairQueue] = defaultdict(FairQueue)
        self._models: ByteBudgetCache[Hashable, LoadedModel] = ByteBudgetCache(
            self.settings.model_budget, self._forget_results
        )
        self._jobs: dict[Hashable, LoadJob] = {}
        self._lock = threading.Lock()

    def model(self, model_id: str, device: str = "auto", dtype: str = "auto"):
        """The LoadedModel, loaded if need be. PlaygroundError if it can't be."""
        for status in self.loading(model_id, device, dtype):
            if status.model is not None:
                return status.model

    def loading(self, model_id: str, device: str = "auto", dtype: str = "auto", every=0.25) -> Iterator[LoadStatus]:
        """Yields LoadStatus every so many seconds until the model is there, which the last one holds. Closing the
        iterator leaves the loading; the last to leave cancels it."""
        key = self._key(model_id, device, dtype)
        if (model := self._models.peek(key)) is not None:
            yield LoadStatus("Ready", 1.0, 0.0, model)
            return
        job = self._join(key, model_id, device, dtype)
        try:
            while not job.future.done():
                yield LoadStatus(job.message, job.share, time.monotonic() - job.started)
                _wait(job.future, every)
            yield LoadStatus("Ready", 1.0, time.monotonic() - job.started, job.future.result())
        finally:
            with self._lock:
                job.waiting -= 1
                if not job.waiting and not job.future.done():
                    job.cancelled.set()
                    self._jobs.pop(key, None)  # whoever asks from now on starts afresh

    def _join(self, key: Hashable, model_id: str, device: str, dtype: str) -> LoadJob:
        with self._lock:
            job = self._jobs.get(key)
            if job is None:
                job = self._jobs[key] = LoadJob()
                threading.Thread(target=self._run, args=(job, key, model_id, device, dtype), daemon=True).start()
            job.waiting += 1
            return job

    def _run(self, job: LoadJob, key: Hashable, model_id: str, device: str, dtype: str) -> None:
        make = partial(self._load, model_id, device, dtype, job.progress)
        try:
            while not job.future.done():
                try:
                    job.future.set_result(self._models.get(key, make, lambda model: model.anatomy.weight_bytes))
                except Cancelled:  # by the visitors of an earlier loading, on which this one waited, or by its own
                    job.progress(job.message)
        except BaseException as error:
            job.future.set_exception(error)
        finally:
            with self._lock:
                if self._jobs.get(key) is job:
                    del self._jobs[key]

    def _load(self, model_id: str, device: str, dtype: str, progress: Progress):
        from playground.loading import load  # torch and transformers take seconds to import

        try:
            return _remembered(load(model_id, device, dtype, settings=self.settings, progress=progress))
        except NotEnoughMemory as error:
            missing = error.needed - error.free
            if missing > self._recordings.used + self._models.used:
                raise
        progress("Making room", None)
        missing -= self._recordings.release(missing)
        if missing > 0:
            self._models.release(missing)
        _return_memory()
        return _remembered(load(model_id, device, dtype, settings=self.settings, progress=progress))

    def _forget_results(self, model: "LoadedModel") -> None:
        """Drops what came from an evicted model. A recording holds its model, whose memory would stay taken."""
        self._recordings.forget(lambda key, recording: recording.model is model)
        self._memo.forget(model)
        if self._prefixes is not None:
            self._prefixes.forget(model)

    def _key(self, model_id: str, device: str, dtype: str) -> Hashable:
        """What a loaded model is known by: its canonical id (a folder's with its state), device, number format."""
        from playground.models.devices import available_devices, choose_device, choose_dtype

        if not isinstance(model_id, str) or not model_id.strip():
            raise PlaygroundError("No model was named.", "Choose one from the list.")
        model_id, chosen = model_id.strip(), choose_device(device).value
        entry = find(model_id)
        state = "" if entry or self.settings.catalog_only else _state(model_id)
        place = (
            "cuda:0" if str(chosen) == "cuda" and "cuda:1" not in available_devices() else str(chosen)
        )  # the only GPU
        return entry.name if entry else model_id, state, place, str(choose_dtype(dtype, chosen).value)

    def turns(self, model) -> FairQueue:
        """Of those who generate on the model's device; a GPU without a number is the first one."""
        device = model.device.value
        return self._turns[device.type, device.index or 0]

    def generate(self, model, prompt, generation, begun=(), readings=False):
        """`generation.generate`, in turns with the other visitors and without reading again what was read before."""
        from playground.generation.generate import generate

        return generate(
            model,
            prompt,
            generation,
            begun=begun,
            settings=self.settings,
            prefixes=self.prefixes,
            turns=self.turns(model),
            readings=readings,
        )

    def beams(self, model, ids, generation, begun=()):
        """`beams.beam_search`, in turns with the other visitors."""
        from playground.generation.beam_search import beam_search
        from playground.generation.generate import clamp_to_context

        generation = clamp_to_context(model, ids, begun, generation, self.settings)
        return beam_search(model, ids, generation, begun=begun, turns=self.turns(model))

    @property
    def prefixes(self):
        """Key-value caches of the texts that were continued last."""
        if self._prefixes is None:
            from playground.generation.decoder import PrefixCaches

            self._prefixes = PrefixCaches(self.settings.prefix_budget)
        return self._prefixes

    def recording(self, model, text: str | tuple[int, ...], target_text: str | None = None, pair: str | None = None):
        """The Recording of a text, or of token ids, made if need be."""
        from playground.recording.record import record

        return self._made(
            model,
            (text, target_text, pair),
            lambda: record(model, text, target_text, pair=pair, settings=self.settings),
        )

    def _made(self, model, question: Hashable, make: Callable[[], Any]):
        """What was asked of a model, made if need be. It is kept as long as its model is."""
        result = self._recordings.get((model.key, question), make, lambda result: result.nbytes)
        if self._is_evicted(model):  # meanwhile, when there was nothing yet to forget
            self._recordings.forget(lambda key, kept: kept is result)
        return result

    def _is_evicted(self, model) -> bool:
        """Whether a model that this server loaded is no longer kept; one made by hand never is."""
        if model not in _loaded:
            return False
        return self._models.peek(self._key(model.model_id, str(model.device.value), model.dtype.name)) is not model

    def memo(
        self,
        owner: "Recording | LoadedModel",
        key: Hashable,
        make: Callable[[], V],
        size: Callable[[V], int] | None = None,
    ) -> V:
        """What was computed from a recording or a model under this key, made by `make` if need be: once, however many ask
        at the same time. All results together stay within `Settings.memo_budget`; they go with their owner.

        `size` measures a result in bytes; without it `byte_size` does, the owner excluded. A result should not hold its
        owner: it would keep it in memory. If `make` raises, every caller that waits for it gets the exception, except
        for Cancelled: one visitor's Cancel leaves the work to the next.
        """
        is_maker = False

        def make_here() -> V:
            nonlocal is_maker
            is_maker = True
            return make()

        while True:
            try:
                result = self._memo.get(owner, key, make_here, size)
                break
            except Cancelled:
                if is_maker:
                    raise
        if self._is_evicted(_model_of(owner)):  # meanwhile, when there was nothing yet to forget
            self._memo.forget(owner)
        return result

    def experiment(self, recording, choices):
        """The Experiment of a recorded text, its order and positions broken in every way that the model allows, made if
        need be."""
        from playground.positions.perturbations import experiment

        question = "experiment", recording.tokens, recording.target_tokens, choices
        return self._made(recording.model, question, lambda: experiment(recording, choices))

    def sentences(
        self,
        model,
        lines: tuple[str, ...],
        pooling: str,
        tick: Callable[[float], None] = lambda share: None,
        layer: int | None = None,
    ):
        """The lines as vectors (`sentence_vectors.Encoded`), made if need be; tick as for `encode`."""
        from playground.embeddings.sentence_vectors import encode

        while True:
            try:
                question = "sentences", lines, pooling, layer
                return self._made(model, question, lambda: encode(model, lines, pooling, tick, layer))
            except Cancelled:  # by another visitor, on whose work this one waited, or by its own
                tick(0.0)


def _model_of(owner: "Recording | LoadedModel") -> "LoadedModel":
    from playground.models.loaded_model import LoadedModel

    return owner if isinstance(owner, LoadedModel) else owner.model


def _state(model_id: str) -> Hashable:
    """Names, sizes and times of a local model's files, so that a changed one is loaded afresh; "" if there is none."""
    try:
        path = Path(model_id).expanduser()
        files = [path] if path.is_file() else path.iterdir()
        return tuple(sorted((file.name, (state := file.lstat()).st_size, state.st_mtime_ns) for file in files))
    except (OSError, ValueError, RuntimeError):  # no such path, one too long, a zero byte, no such home
        return ""


def _return_memory() -> None:
    """Frees what is no longer used at once, that of modules that refer to themselves too."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _wait(future: Future, seconds: float) -> None:
    """Waits until the future is done, at most so long; its exception is raised later, by result()."""
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    done.wait(seconds)


_shared: Workbench | None = None


def shared() -> Workbench:
    """The workbench of this server: what the handlers use."""
    global _shared
    if _shared is None:
        _shared = Workbench()
    return _shared


def share(workbench: Workbench) -> None:
    """Makes a workbench the server's; `create_app` calls it once."""
    global _shared
    _shared = workbench
