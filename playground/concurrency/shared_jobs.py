"""Long work that any number of callers wait for together; it is cancelled when the last of them leaves. Knows nothing of
the work.
"""

import threading
import time
from collections.abc import Callable, Generator, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
Report = Callable[[str, float | None], None]
"""Called by the work as `report(message, share)`, share in 0..1 or None while unknown. Raises to end the work."""


@dataclass(frozen=True)
class JobStatus(Generic[T]):
    """How far a job is."""

    message: str
    """What is being done."""
    share: float | None
    """0..1, or None while unknown."""
    seconds: float
    """Since the job started."""
    result: T | None = None
    """In the last status."""


@dataclass
class _Job(Generic[T]):
    """One job and the number of callers that wait for it."""

    cancelled_error: type[Exception]
    message: str = "Waiting"
    share: float | None = None
    started: float = field(default_factory=time.monotonic)
    waiting: int = 0
    cancelled: threading.Event = field(default_factory=threading.Event)
    future: Future[T] = field(default_factory=Future)

    def report(self, message: str, share: float | None = None) -> None:
        if self.cancelled.is_set():
            raise self.cancelled_error()
        self.message, self.share = message, share

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started


class SharedJobs(Generic[T]):
    """Jobs by key, each in a thread of its own."""

    def __init__(self, cancelled_error: type[Exception]):
        """`cancelled_error` is raised inside the work of a job that nobody waits for any more. Work that raises it
        because another job was cancelled is started again."""
        self._cancelled_error = cancelled_error
        self._jobs: dict[Hashable, _Job[T]] = {}
        self._lock = threading.Lock()

    def follow(self, key: Hashable, work: Callable[[Report], T], every: float) -> Generator[JobStatus[T], None, None]:
        """Yields a status at once, then every so many seconds, and at last one with the result. Raises what the work
        raises.

        `work` is started unless a job of this key is running. A caller leaves by closing the iterator; when the last one
        leaves, the job is cancelled.
        """
        job = self._join(key, work)
        try:
            while not job.future.done():
                yield JobStatus(job.message, job.share, job.seconds)
                _wait(job.future, every)
            yield JobStatus("Ready", 1.0, job.seconds, job.future.result())
        finally:
            self._leave(key, job)

    def _join(self, key: Hashable, work: Callable[[Report], T]) -> _Job[T]:
        with self._lock:
            job = self._jobs.get(key)
            if job is None:
                job = self._jobs[key] = _Job(self._cancelled_error)
                threading.Thread(target=self._run, args=(job, key, work), daemon=True).start()
            job.waiting += 1
            return job

    def _leave(self, key: Hashable, job: _Job[T]) -> None:
        with self._lock:
            job.waiting -= 1
            if not job.waiting and not job.future.done():
                job.cancelled.set()
                self._drop(key, job)  # the next caller starts a new job

    def _run(self, job: _Job[T], key: Hashable, work: Callable[[Report], T]) -> None:
        try:
            while not job.future.done():
                try:
                    job.future.set_result(work(job.report))
                except self._cancelled_error:  # this job was cancelled, or another one that the work waited for
                    job.report(job.message)
        except BaseException as error:
            job.future.set_exception(error)
        finally:
            with self._lock:
                self._drop(key, job)

    def _drop(self, key: Hashable, job: _Job[T]) -> None:
        if self._jobs.get(key) is job:
            del self._jobs[key]


def _wait(future: Future[T], seconds: float) -> None:
    """Waits until the future is done, at most `seconds`; does not raise its exception."""
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    done.wait(seconds)
