"""A cache of values that were computed from an object and go with it. Knows nothing of either."""

import threading
import weakref
from collections import deque
from collections.abc import Callable, Hashable
from itertools import count
from typing import Any, TypeVar

from playground.concurrency.byte_budget_cache import ByteBudgetCache
from playground.concurrency.byte_size import byte_size

V = TypeVar("V")


class OwnedCache:
    """Values by owner and key, all together within a budget in bytes. An owner is held weakly and compared by identity;
    once it is gone, its values are dropped at the next access."""

    def __init__(self, budget: int):
        self._cache: ByteBudgetCache[tuple[int, Hashable], Any] = ByteBudgetCache(budget)
        self._lock = threading.Lock()
        self._numbers: weakref.WeakKeyDictionary[object, int] = weakref.WeakKeyDictionary()
        self._next_number = count()
        self._gone: deque[int] = deque()
        """Numbers of owners that were collected. The garbage collector may run while a lock is held, so it only notes
        the number here; the values go at the next access."""

    def get(self, owner: object, key: Hashable, make: Callable[[], V], size: Callable[[V], int] | None = None) -> V:
        """The owner's value of a key, made once by `make`, as in `ByteBudgetCache.get`. Without `size` a value is
        measured by `byte_size`, the owner excluded."""
        self._drop_values_of_the_gone()
        value: V = self._cache.get(
            (self._number(owner), key), make, size or (lambda value: byte_size(value, excluded=(owner,)))
        )
        return value

    def _number(self, owner: object) -> int:
        """A number for the owner that, unlike its id, no later object gets."""
        with self._lock:
            number = self._numbers.get(owner)
            if number is None:
                number = self._numbers[owner] = next(self._next_number)
                weakref.finalize(owner, self._gone.append, number).atexit = False
            return number

    def _drop_values_of_the_gone(self) -> None:
        gone = set()
        while self._gone:
            try:
                gone.add(self._gone.popleft())
            except IndexError:  # another thread took the last one
                break
        if gone:
            self._cache.forget(lambda key, value: key[0] in gone)

    def forget(self, owner: object) -> None:
        """Drops all values of an owner."""
        with self._lock:
            number = self._numbers.get(owner)
        if number is not None:
            self._cache.forget(lambda key, value: key[0] == number)

    def release(self, count: int) -> int:
        """Evicts values, the least recently used first, until `count` bytes are freed. Returns the bytes freed."""
        self._drop_values_of_the_gone()
        return self._cache.release(count)

    @property
    def used(self) -> int:
        """Bytes of the values kept."""
        self._drop_values_of_the_gone()
        return self._cache.used
