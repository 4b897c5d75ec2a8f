"""A cache bounded in bytes, for many threads. Knows nothing of what it keeps."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any


class ByteBudgetCache:
    """Keeps the values used last, within a budget in bytes; makes each value once, also for many threads."""

    def __init__(self, budget: int, on_evict: Callable[[Any], None] = lambda value: None):
        self.budget = budget
        self._on_evict = on_evict
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
            entry = value, size(value)
        except BaseException as error:
            with self._lock:
                del self._making[key]
            future.set_exception(error)
            raise
        with self._lock:
            self._entries[key] = entry
            del self._making[key]
        future.set_result(value)
        self._evict(lambda entries, used: used > self.budget and len(entries) > 1)
        return value

    def peek(self, key: Hashable) -> Any | None:
        """The value if it is there."""
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def _evict(self, too_much: Callable[[OrderedDict, int], bool]) -> None:
        while True:
            with self._lock:
                if not self._entries or not too_much(self._entries, self._used()):
                    return
                value, _ = self._entries.popitem(last=False)[1]
            self._on_evict(value)

    def _used(self) -> int:
        return sum(size for _, size in self._entries.values())

    @property
    def used(self) -> int:
        """Bytes of what is kept."""
        with self._lock:
            return self._used()

    def release(self, count: int) -> int:
        """Forgets values, the one used least recently first, until so many bytes less are kept, or nothing. Returns
        the bytes released."""
        before = self.used
        self._evict(lambda entries, used: used > before - count)
        return before - self.used

    def known(self) -> list[Hashable]:
        """Of all values that are there."""
        with self._lock:
            return list(self._entries)

    def forget(self, unwanted: Callable[[Hashable, Any], bool]) -> None:
        """Forgets every key and value that is unwanted."""
        with self._lock:
            for key in [key for key, (value, _) in self._entries.items() if unwanted(key, value)]:
                del self._entries[key]
