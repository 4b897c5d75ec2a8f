"""Imports a library in one thread while all others wait. Knows no library.

A library may put another object in its place in `sys.modules` at the end of its import, as transformers does. A thread
that asks for it meanwhile gets the first object, which has none of the library's names: "cannot import name …".
"""

import threading
from importlib import import_module

_alone = threading.RLock()
_complete: set[str] = set()


def import_alone(library: str, *names: str) -> None:
    """Imports a library, and those of its names that it imports lazily. Returns when they are all there, in whichever
    thread the import runs; costs nothing after that. Raises what the import raises, and is tried again next time."""
    if library in _complete:
        return
    with _alone:
        if library not in _complete:
            module = import_module(library)
            for name in names:
                getattr(module, name)
            _complete.add(library)
