"""A cache bounded in bytes, for many threads. Knows nothing of what it keeps."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ByteBudgetCache(Generic[K, V]):
    """Keeps the most recently used values within a budget in bytes; makes each value once, whatever the number of
    threads that ask for it."""

    def __init__(self, budget: int, on_evict: Callable[[V], None] = lambda value: None):
        """
        Parameters:
            budget: bytes kept at most; a single larger value is kept until the next one comes.
            on_evict: called with every value that leaves the cache, outside the lock.
        """
        self.budget = budget
        self._on_evict = on_evict
        self._lock = threading.Lock()
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()  # least recently used first
        self._pending: dict[K, Future[V]] = {}

    def get(
        self, key: K, make: Callable[[], V], size: Callable[[V], int], stays: Callable[[V], bool] = lambda value: False
    ) -> V:
        """The value of a key, made by `make` if it is not there. Threads that ask for a value in the making wait for
        it and get the same value, or the same exception; after one whose `of_one_caller` is true, which says that its
        caller stopped it, the next of them makes the value. `size` measures a new value in bytes. stays: which values are
        not evicted for a new one."""
        while True:
            with self._lock:
                if key in self._entries:
                    self._entries.move_to_end(key)
                    return self._entries[key][0]
                future, is_maker = self._pending.get(key), False
                if future is None:
                    future, is_maker = self._pending.setdefault(key, Future()), True
            if is_maker:
                return self._made(key, future, make, size, stays)
            try:
                return future.result()
            except Exception as error:
                if not getattr(error, "of_one_caller", False):
                    raise

    def _made(
        self, key: K, future: Future[V], make: Callable[[], V], size: Callable[[V], int], stays: Callable[[V], bool]
    ) -> V:
        """Makes the value that others may wait for."""
        try:
            value = make()
            entry = value, size(value)
        except BaseException as error:
            with self._lock:
                del self._pending[key]
            future.set_exception(error)
            raise
        with self._lock:
            self._entries[key] = entry
            del self._pending[key]
        future.set_result(value)
        self._evict_while(lambda entries, used: used > self.budget and len(entries) > 1, stays)
        return value

    def peek(self, key: K) -> V | None:
        """The value if it is there, which counts as a use."""
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def _evict_while(
        self, over_budget: Callable[[OrderedDict[K, tuple[V, int]], int], bool], stays: Callable[[V], bool]
    ) -> None:
        while True:
            with self._lock:
                if not over_budget(self._entries, self._used()):
                    return
                key = next((key for key, (value, _) in self._entries.items() if not stays(value)), None)
                if key is None:
                    return
                value, _ = self._entries.pop(key)
            self._on_evict(value)

    def _used(self) -> int:
        return sum(size for _, size in self._entries.values())

    @property
    def used(self) -> int:
        """Bytes of the values kept."""
        with self._lock:
            return self._used()

    def release(self, count: int, stays: Callable[[V], bool] = lambda value: False) -> int:
        """Evicts values, the least recently used first, until `count` bytes are freed or none is left but those that
        stay. Returns the bytes freed."""
        before = self.used
        self._evict_while(lambda entries, used: used > before - count, stays)
        return before - self.used

    def keys(self) -> list[K]:
        """Keys of the values kept, the least recently used first."""
        with self._lock:
            return list(self._entries)

    def forget(self, matches: Callable[[K, V], bool]) -> None:
        """Drops every entry whose key and value match."""
        with self._lock:
            keys = [key for key, (value, _) in self._entries.items() if matches(key, value)]
            values = [self._entries.pop(key)[0] for key in keys]
        for value in values:
            self._on_evict(value)
