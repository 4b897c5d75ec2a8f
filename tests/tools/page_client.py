"""A page as the server sees it: an HTTP client that sends what Gradio's page sends. For benchmarks with many visitors."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

Numbers = dict[str, tuple[int, dict[str, int]]]
"""A short name -> the event's number, and which component each of its outputs is."""


def numbers_of(app: Any, handlers: Mapping[str, tuple[str, str | None]]) -> Numbers:
    """The events of these handlers, short name -> the handler's module and name, and the trigger where there are several;
    and of the endpoints, by their paths, such as "/generate"."""
    numbers: Numbers = {}
    for number, event in app.fns.items():
        handler = getattr(event.fn, "handler", None)
        name = f"{handler.__module__}.{handler.__qualname__}" if handler else ""
        for key, (handler_name, trigger) in handlers.items():
            if name == handler_name and key not in numbers and trigger in (None, event.targets[0][1]):
                numbers[key] = number, {out: block._id for out, block in event.fn.targets.items()}
    assert numbers.keys() == handlers.keys(), handlers.keys() - numbers.keys()
    for number, event in app.fns.items():
        if isinstance(event.api_name, str) and not hasattr(event.fn, "handler"):
            numbers[f"/{event.api_name}"] = number, {}
    return numbers


class PageClient:
    """A session, and the values of its page's components."""

    def __init__(self, address: str, config: dict, numbers: Numbers, timeout: float = 120):
        """config: what the server answers at /config."""
        self._numbers = numbers
        self._events = {event["id"]: event for event in config["dependencies"]}
        self.components = {one["id"]: one for one in config["components"]}
        self.values = {number: one["props"].get("value") for number, one in self.components.items()}
        self.session = uuid4().hex[:11]
        self.http = httpx.Client(base_url=address, timeout=timeout, headers={"Origin": address.rstrip("/")})

    def call(self, name: str, *last: object, leaves: bool = False) -> dict[str, Any]:
        """Calls a handler with what the page holds, in place of its last inputs these; returns what it sets, by name.

        leaves: goes once the handler runs; nothing is returned."""
        number, outputs = self._numbers[name]
        data = [self.values.get(one) for one in self._events[number]["inputs"]]
        if last:
            data[-len(last) :] = last
        event = self.run(name, data, leaves)
        if leaves:
            return {}
        for place, value in zip(self._events[number]["outputs"], event["output"]["data"], strict=True):
            is_update = isinstance(value, dict) and value.get("__type__") == "update"
            if not is_update or "value" in value:
                self.values[place] = value["value"] if is_update else value
        return {key: self.values.get(place) for key, place in outputs.items()}

    def run(self, name: str, data: list, leaves: bool = False) -> dict:
        """The event that ends a call with these values; with `leaves` the one with which it begins. RuntimeError for a
        call that failed."""
        number, _ = self._numbers[name]
        body = {"data": data, "fn_index": number, "session_hash": self.session}
        self.note(name, self.http.post("gradio_api/queue/join", json=body).raise_for_status())
        with self.http.stream("GET", "gradio_api/queue/data", params={"session_hash": self.session}) as answer:
            for line in answer.iter_lines():
                if not line.startswith("data:"):
                    continue
                event: dict = json.loads(line[5:])
                if leaves and event["msg"] in ("process_starts", "process_generating"):
                    return event
                if event["msg"] == "process_completed":
                    self.note(name, answer)
                    if not event["success"]:
                        raise RuntimeError(str(event["output"])[:500])
                    return event
        raise RuntimeError("The stream ended before the answer.")

    def note(self, name: str, answer: httpx.Response) -> None:
        """Called with each answer of the server, for who counts them."""
