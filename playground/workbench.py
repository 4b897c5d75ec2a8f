"""What every visitor shares: loaded models and recordings, each in a cache bounded in bytes.

Handlers are stateless: they come with plain values and ask here. The same question costs its work once, however
many ask at the same time; what was evicted is simply made again. Knows nothing of the page.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playground.catalog import find
from playground.errors import Cancelled, NotEnoughMemory, PlaygroundError, Progress, no_progress
from playground.settings import Settings


class ByteBudgetCache:
    """Keeps the values used last, within a budget in bytes; makes each value once, also for many threads."""

    def __init__(self, budget: int):
        self.budget = budget
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()  # the one used last is last
        self._making: dict[Hashable, Future] = {}

    def get(self, key: Hashable, make: Callable[[], Any], size: Callable[[Any], int]) -> Any:
        """The value of a key, made by `make` if it is not there; others who ask meanwhile wait for it and get
        the same value, or the same exception."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key][0]
            future, maker = self._making.get(key), False
            if future is None:
                future, maker = self._making.setdefault(key, Future()), True
        if not maker:
            return future.result()
        try:
            value = make()
        except BaseException as error:
            with self._lock:
                del self._making[key]
            future.set_exception(error)
            raise
        with self._lock:
            self._entries[key] = value, size(value)
            del self._making[key]
            while self.used > self.budget and len(self._entries) > 1:
                self._entries.popitem(last=False)
        future.set_result(value)
        return value

    def peek(self, key: Hashable) -> Any | None:
        """The value if it is there."""
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    @property
    def used(self) -> int:
        """Bytes of what is kept."""
        return sum(size for _, size in self._entries.values())

    def clear(self) -> None:
        """Forgets everything, so that the memory is free as soon as nobody uses it."""
        with self._lock:
            self._entries.clear()


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


class Workbench:
    """Models and recordings for all visitors of one server."""

    def __init__(self, settings: Settings | None = None):
        self.settings = settings or Settings()
        self._models = ByteBudgetCache(self.settings.model_budget)
        self._recordings = ByteBudgetCache(self.settings.recording_budget)
        self._jobs: dict[Hashable, LoadJob] = {}
        self._lock = threading.Lock()

    def model(self, model_id: str, device: str = "auto", dtype: str = "auto", progress: Progress = no_progress):
        """The LoadedModel, loaded if need be. PlaygroundError if it can't be."""
        key = self._key(model_id, device, dtype)
        return self._models.get(
            key, lambda: self._load(model_id, device, dtype, progress), lambda model: model.anatomy.weight_bytes
        )

    def loading(self, model_id: str, device: str = "auto", dtype: str = "auto", every: float = 0.25) -> Iterator[LoadStatus]:
        """Yields LoadStatus until the model is there, which the last one holds. Closing the iterator leaves the
        loading; the last to leave cancels it."""
        key = self._key(model_id, device, dtype)
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
        try:
            try:
                model = self.model(model_id, device, dtype, job.progress)
            except Cancelled:  # perhaps an earlier visitor's loading, on which this one waited
                job.progress(job.message)
                model = self.model(model_id, device, dtype, job.progress)
            job.future.set_result(model)
        except BaseException as error:
            job.future.set_exception(error)
        finally:
            with self._lock:
                if self._jobs.get(key) is job:
                    del self._jobs[key]

    def _load(self, model_id: str, device: str, dtype: str, progress: Progress):
        from playground.models.loading import load  # torch and transformers take seconds to import

        try:
            return load(model_id, device, dtype, settings=self.settings, progress=progress)
        except NotEnoughMemory as error:
            if error.needed > error.free + self._models.used:
                raise
        self._models.clear()
        self._recordings.clear()
        return load(model_id, device, dtype, settings=self.settings, progress=progress)

    def _key(self, model_id: str, device: str, dtype: str) -> Hashable:
        """What a loaded model is known by: its canonical id (a folder's with its state), device, number format."""
        from playground.models.devices import choose_device, choose_dtype

        if not isinstance(model_id, str) or not model_id.strip():
            raise PlaygroundError("No model was named.", "Choose one from the list.")
        chosen = choose_device(device).value
        name = entry.name if (entry := find(model_id)) else model_id
        state = ""
        if entry is None and not self.settings.catalog_only and _is_folder(model_id):
            state = str(max((p.stat().st_mtime_ns for p in Path(model_id).iterdir()), default=0))
        return name, state, str(chosen), str(choose_dtype(dtype, chosen).value)

    def recording(self, model, text: str, target_text: str | None = None, pair: str | None = None):
        """The Recording of a text, made if need be."""
        from playground.recording import record

        return self._recordings.get(
            (model.key, text, target_text, pair),
            lambda: record(model, text, target_text, pair=pair, settings=self.settings),
            lambda recording: recording.nbytes,
        )


def _is_folder(model_id: str) -> bool:
    try:
        return Path(model_id).is_dir()
    except (OSError, ValueError):  # names too long for a path, or with a zero byte
        return False


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
