"""Objects of one page that handlers change in place, such as what Stop sets. They travel by name: at a worker a name is
always the same object, so that the work that goes on there sees what a later call changes."""

import copy
import threading
from collections import OrderedDict
from typing import Any
from uuid import uuid4

MAX_KEPT = 20_000
"""Objects of pages that a worker keeps; the least recently used goes first."""


class PageState:
    """Base of such classes, each made without arguments. A copy is another object with another name: Gradio copies a State's
    first value for each page."""

    @property
    def key(self) -> str:
        """The object's name, made at its first use."""
        with _lock:
            return self.__dict__.setdefault("_key", uuid4().hex)

    def __deepcopy__(self, memo: dict) -> "PageState":
        values = {name: value for name, value in self.__dict__.items() if name != "_key"}
        other = object.__new__(type(self))
        other.__dict__.update(copy.deepcopy(values, memo))
        return other

    def __reduce__(self) -> tuple:
        return _named, (type(self), self.key)


_lock = threading.Lock()
_kept: "OrderedDict[str, PageState]" = OrderedDict()


def _named(kind: type[PageState], key: str) -> PageState:
    """The object of this name, made where it is new here."""
    with _lock:
        state: Any = _kept.pop(key, None)
        if type(state) is not kind:
            state = kind()
            state.__dict__["_key"] = key
        _kept[key] = state
        while len(_kept) > MAX_KEPT:
            _kept.popitem(last=False)
        return state
