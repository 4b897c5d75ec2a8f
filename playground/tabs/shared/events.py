"""Options of Gradio's events: how an event waits, in which queue, and what is shown meanwhile."""

from typing import Any

QUIET: dict[str, Any] = {"show_progress": "hidden", "show_progress_on": [], "api_visibility": "private"}
"""Options of every event that answers at once."""
RUNS_MODEL: dict[str, Any] = {
    "show_progress": "minimal",
    "api_visibility": "private",
    "concurrency_id": "model",
    "concurrency_limit": 4,
}
"""Options of every event that runs a model: they share one queue."""
LATEST: dict[str, Any] = RUNS_MODEL | {"trigger_mode": "always_last"}
"""The same for controls that are moved quickly: of the events that wait, only the last one runs."""
WRITES: dict[str, Any] = RUNS_MODEL | {"concurrency_id": "write", "concurrency_limit": 64}
"""Options of every event that writes, as many as a class has pupils: they take turns, token by token, and see their
place in the queue."""
GENERATES: dict[str, Any] = RUNS_MODEL | {"concurrency_id": "generate", "concurrency_limit": 8}
"""Options of long work, such as a projection: a queue of its own, so that it holds up nobody who only looks."""
