"""A front of the engine benchmark, in a process of its own: with its own workbench, or with replicas on Ray."""

import os
import signal
from dataclasses import replace
from typing import Any

import psutil

from playground.settings import MIB
from tests.tools.page_client import numbers_of

HANDLERS = {
    "open": ("playground.tabs.shared.sidebar.build.<locals>.open_page", None),
    "apply": ("playground.tabs.shared.links.apply", None),
    "prompt": ("playground.tabs.generate.prompt_view.draw", None),
    "write": ("playground.tabs.generate.tab.start_writing", None),
    "heads": ("playground.tabs.attention.heads_handlers.draw", "input"),
}
"""What a client's page calls, by the names of the handlers, and the trigger where there are several."""


def serve(port: int, model: str, replicas: int, pipe: Any) -> None:
    """Serves until the pipe says "end"; replicas: 0 for none. Sends the numbers of HANDLERS and of the endpoints; answers
    "measure" with `measured` and "kill" by killing a replica that works on a stream."""
    from playground.cluster.options import ClusterOptions
    from playground.components.event_queue import with_event_queue
    from playground.engine.engine import share, shared
    from playground.page import create_app, launch_options
    from playground.settings import Settings

    settings = replace(Settings(), default_model=model)
    if replicas:
        from playground.cluster.start import start_engine

        share(start_engine(settings, ClusterOptions(replicas, replicas)))
    app = create_app(settings)
    with_event_queue(app, max_size=512).launch(
        server_port=port, prevent_thread_lock=True, quiet=True, **launch_options()
    )
    pipe.send(numbers_of(app, HANDLERS))
    engine: Any = shared()
    while (command := pipe.recv()) != "end":
        pipe.send(_kill(engine) if command == "kill" else measured(engine))
    app.close()
    engine.close()
    pipe.send("closed")


def _kill(engine: Any) -> str:
    """Kills, as kill -9 does, the replica that works on most streams; returns what was killed."""
    busiest = max(engine.identities(), key=lambda one: one.streams)
    os.kill(busiest.process, signal.SIGKILL)
    return f"process {busiest.process}, {busiest.streams} streams"


def measured(engine: Any) -> dict[str, Any]:
    """MiB of this process and of its children by kind, each child's share of common pages counted once; what was begun
    again, and the bytes of models that this process holds."""
    from playground import workbench

    kinds = {"front": 0.0, "replicas": 0.0, "Ray": 0.0, "others": 0.0}
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            name = " ".join(process.cmdline())
            of_ray = "Ray" if "ray" in name else "others"  # processes of the weights' room
            kind = "front" if process.pid == os.getpid() else "replicas" if "ServeReplica" in name else of_ray
            kinds[kind] += process.memory_full_info().pss / MIB
        except psutil.Error:
            continue
    return kinds | {"repeated": getattr(engine, "repeated", 0), "models": workbench.shared().models.used / MIB}
