"""The server of the endurance benchmark, in a process of its own, and what is measured in it."""

import asyncio
import ctypes
import gc
import inspect
import os
import tempfile
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from playground.concurrency.byte_budget_cache import ByteBudgetCache
from playground.concurrency.session_store import SessionStore
from playground.settings import MIB
from tests.tools.page_client import numbers_of

HANDLERS = {
    "open": ("playground.tabs.shared.sidebar.build.<locals>.open_page", None),
    "restore": ("playground.tabs.shared.sidebar.build.<locals>.restore", None),
    "apply": ("playground.tabs.shared.links.apply", None),
    "xray": ("playground.tabs.xray.tab.draw", "input"),
    "prompt": ("playground.tabs.generate.prompt_view.draw", None),
    "write": ("playground.tabs.generate.tab.start_writing", None),
    "follow": ("playground.tabs.attention.heads_handlers.follow", None),
    "heads": ("playground.tabs.attention.heads_handlers.draw", "input"),
    "head": ("playground.tabs.attention.heads_handlers.draw_head", "input"),
    "bertviz": ("playground.tabs.attention.bertviz_view.draw", "input"),
    "projector": ("playground.tabs.embeddings.projector_view.draw", "click"),
}
"""What a page calls, by the names of the handlers, and the trigger where there are several."""


def serve(port: int, model: str, model_budget: int, budget: int, pipe: Any) -> None:
    """Serves until the pipe says "end". To "measure" it answers with `measured`. First it sends the numbers of HANDLERS and
    of the endpoints. model_budget and budget are bytes: of loaded models, and of recordings, results, prefixes and sessions
    each."""
    from playground.components.event_queue import with_event_queue
    from playground.page import create_app, launch_options
    from playground.settings import Settings

    budgets = dict.fromkeys(("recording_budget", "prefix_budget", "memo_budget", "session_budget"), budget)
    app = create_app(replace(Settings(), default_model=model, model_budget=model_budget, **budgets))
    with_event_queue(app, max_size=128).launch(
        server_port=port, prevent_thread_lock=True, quiet=True, **launch_options()
    )
    pipe.send(numbers_of(app, HANDLERS))
    while pipe.recv() == "measure":
        pipe.send(measured(app))
    app.close()


def measured(app: Any) -> dict[str, Any]:
    """What the process holds: memory in MiB after what malloc keeps for later was given back, and what runs in it."""
    gc.collect()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
    objects = gc.get_objects()
    caches = [one for one in objects if issubclass(type(one), (ByteBudgetCache, SessionStore))]
    tasks = [one for one in asyncio.tasks._all_tasks if not one.done()]
    return {
        "rss": psutil.Process().memory_info().rss / MIB,
        "allocated": _allocated(libc) / MIB,
        "kept": sum(cache.used for cache in caches) / MIB,
        "threads": dict(Counter(_kind(thread.name) for thread in threading.enumerate())),
        "tasks": dict(Counter(getattr(one.get_coro(), "__qualname__", "?") for one in tasks)),
        "children": len(psutil.Process().children(recursive=True)),
        "files": sum(path.is_file() for path in Path(tempfile.gettempdir()).rglob("*")),
        "sessions": len(app.state_holder.session_data),
        "waiting": len(app._queue),
        "objects": dict(Counter(_type(one) for one in objects).most_common(300)),
    }


_BEFORE, _BETWEEN, _AFTER = ("arena", "ordblks", "smblks", "hblks"), ("usmblks", "fsmblks"), ("fordblks", "keepcost")


class _Mallinfo(ctypes.Structure):
    """glibc's struct mallinfo2."""

    _fields_ = [(name, ctypes.c_size_t) for name in (*_BEFORE, "hblkhd", *_BETWEEN, "uordblks", *_AFTER)]


def _allocated(libc: ctypes.CDLL) -> int:
    """Bytes that malloc has given out, of all its arenas; 0 where it does not tell."""
    if not hasattr(libc, "mallinfo2"):
        return 0
    libc.mallinfo2.restype = _Mallinfo
    info = libc.mallinfo2()
    return int(info.uordblks + info.hblkhd)


def _kind(thread: str) -> str:
    """A thread's name without its number."""
    return thread.rstrip("0123456789").rstrip("-_") or thread


def _type(thing: object) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def arguments(endpoint: Any, named: dict[str, Any]) -> list[Any]:
    """The values that an endpoint is called with, in its order."""
    bound = inspect.signature(endpoint).bind(**named)
    bound.apply_defaults()
    return list(bound.arguments.values())


def own_temporary_folder(folder: str) -> None:
    """Puts the temporary files of a process started from now on into this folder."""
    os.environ["TMPDIR"], os.environ["GRADIO_TEMP_DIR"] = folder, f"{folder}/gradio"
    tempfile.tempdir = None
