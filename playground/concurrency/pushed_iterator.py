"""Turns a function that pushes its results into an iterator. Knows nothing of what is computed."""

import threading
from collections.abc import Callable, Generator
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class _ConsumerGone(Exception):
    """Nobody reads the iterator any more."""


def pushed_iterator(work: Callable[[Callable[[T], None]], None]) -> Generator[T, None, None]:
    """Yields what `work` passes to its `push` function.

    `work` runs in a thread of its own, in step with the consumer: `push` returns once the consumer asks for the next
    item. If the consumer closes the iterator, `push` raises and ends the work. What `work` raises is raised here.
    """
    queue: SimpleQueue[tuple[T] | BaseException] = SimpleQueue()
    demand, closed = threading.Semaphore(0), threading.Event()

    def push(item: T) -> None:
        queue.put((item,))
        demand.acquire()
        if closed.is_set():
            raise _ConsumerGone

    def run() -> None:
        try:
            work(push)
            queue.put(StopIteration())
        except BaseException as error:
            queue.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        while True:
            message = queue.get()
            if isinstance(message, StopIteration):
                return
            if isinstance(message, BaseException):
                raise message
            yield message[0]
            demand.release()
    finally:
        closed.set()
        demand.release()
