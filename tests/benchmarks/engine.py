"""Pages and endpoints on replicas beside the same in one process: python -m tests.benchmarks.engine

Over loopback, first a server that runs the model itself, then a front with replicas on Ray. At each, one client asks a few
things one after another, for the time of a call; then all clients at once open a page, read their own text, write with
their own seed, look at the heads and ask an endpoint. In the middle of that a replica that writes is killed as by kill -9.
Every answer of the replicas is compared with that of the one process.
"""

import argparse
import base64
import json
import multiprocessing
import os
import re
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import numpy as np

from playground import api
from playground.links.address import address_of
from playground.links.experiment import Experiment
from tests.benchmarks import engine_front
from tests.benchmarks.endurance_server import arguments
from tests.tools.page_client import PageClient

NEAR = 1e-5
"""By how much two numbers may differ."""
COMPARED = {"prompt": ("strip", "chart"), "write": ("strip", "chart"), "heads": ("map", "overview")}
"""Outputs of a handler that hold numbers of the model, not times."""
QUICK: dict[str, dict] = {"next_tokens": {}, "attention": {"layer": 0, "head": 0}}


class Front:
    """A server in a process of its own."""

    def __init__(self, address: str, pipe: Any, numbers: dict):
        self.address, self._pipe, self.numbers = address, pipe, numbers
        self._config = httpx.get(f"{address}config", timeout=120).json()

    def client(self) -> PageClient:
        """A new page."""
        return PageClient(self.address, self._config, self.numbers, timeout=900)

    def tell(self, command: str) -> Any:
        """The answer to a command of `engine_front.serve`."""
        self._pipe.send(command)
        return self._pipe.recv()


@contextmanager
def front(model: str, replicas: int, port: int) -> Iterator[Front]:
    """Serves; prints how long the start took."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=engine_front.serve, args=(port, model, replicas, there))
    began = time.monotonic()
    process.start()
    try:
        served = Front(f"http://127.0.0.1:{port}/", here, here.recv())
        print(f"{'replicas' if replicas else 'one process':12} started in {time.monotonic() - began:.0f} s", flush=True)
        yield served
        served.tell("end")
    finally:
        process.join(60)
        process.kill()


def ask(client: PageClient, endpoint: str, **named: Any) -> Any:
    """The answer of an endpoint."""
    return client.run(f"/{endpoint}", arguments(getattr(api, endpoint), named))["output"]["data"][0]


def visit(client: PageClient, model: str, number: int, tokens: int) -> dict[str, Any]:
    """What one client sees of a text of its own: place -> answer."""
    text = f"Visitor {number} walks along the river, where"
    client.call("open", address_of(Experiment(model, text=text)))
    client.call("apply")
    for component in client.components.values():
        named = {"lens-text": text, "seed": number, "new-tokens": tokens}
        if (name := component["props"].get("elem_id")) in named:
            client.values[component["id"]] = named[name]
    seen: dict[str, Any] = {}
    for name, outputs in COMPARED.items():
        answer = client.call(name)
        if answer.get("message"):
            raise RuntimeError(f"{name}: {answer['message']}")
        # what the handler's last answer sets: after a replica was killed, more comes with it
        seen |= {f"{name} {output}": answer[output] for output in outputs if answer.get(output) is not None}
    return seen | {"next_tokens": ask(client, "next_tokens", model=model, text=text)}


def crowd(
    served: Front, model: str, clients: int, tokens: int, kills: bool
) -> tuple[dict[int, Any], dict[int, str], float]:
    """The clients' answers, the errors of those that got none, and the seconds of all together."""
    seen, lost = dict[int, Any](), dict[int, str]()

    def come(number: int) -> None:
        try:
            seen[number] = visit(served.client(), model, number, tokens)
        except Exception as error:
            lost[number] = f"{type(error).__name__}: {error}"[:300]

    began = time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        coming = [pool.submit(come, number) for number in range(clients)]
        if kills:
            while len(seen) < clients // 3 and not all(one.done() for one in coming):
                time.sleep(0.05)
            print(f"{'':12} kill -9 after {len(seen)} of {clients} clients: {served.tell('kill')}", flush=True)
    return seen, lost, time.monotonic() - began


def pace(served: Front, model: str, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of calls of one client alone whose result is kept, so that mostly the way is measured."""
    client, times = served.client(), dict[str, list[float]]()
    for number in range(rounds + 1):
        for name, more in QUICK.items():
            began = time.perf_counter()
            ask(client, name, model=model, text="The capital of Italy is", **more)
            if number:
                times.setdefault(name, []).append((time.perf_counter() - began) * 1000)
    return times


def far(one: Any, other: Any, place: str = "") -> list[str]:
    """Where two answers differ: words at all, numbers by more than NEAR."""
    one, other = opened(one), opened(other)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        one, other = dict(enumerate(one)), dict(enumerate(other))
    if isinstance(one, dict) and isinstance(other, dict):
        missing = [f"{place}/{name}" for name in one.keys() ^ other.keys()]
        both = [name for name in one if name in other]
        return missing + [words for name in both for words in far(one[name], other[name], f"{place}/{name}")]
    if isinstance(one, int | float) and isinstance(other, int | float):
        return [] if abs(one - other) <= NEAR or one != one != other else [f"{place}: {one} {other}"]
    return [] if one == other else [f"{place}: {one!r:.60} {other!r:.60}"]


def opened(value: Any) -> Any:
    """What is sent in a string as its parts: a figure in JSON, a strip in lines of JSON, an array in Plotly's base64. Other
    words without what every page has of its own."""
    if isinstance(value, dict) and value.keys() >= {"bdata", "dtype"}:
        return np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"]).tolist()
    if not isinstance(value, str):
        return value
    if value[:1] in ("{", "["):
        with suppress(ValueError):
            return [json.loads(line) for line in value.splitlines()]
    return re.sub(r"[0-9a-f]{32}", "", value)


def main() -> None:
    """Runs both servers and prints what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--port", type=int, default=7890)
    options = parser.parse_args()
    threads = max(1, (os.cpu_count() or 1) // options.replicas)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # another number adds in another order: a last bit differs
    print(f"{options.model}, {os.environ['OMP_NUM_THREADS']} thread(s) a process")
    results: dict[int, dict[int, Any]] = {}
    for replicas in (0, options.replicas):
        with front(options.model, replicas, options.port + replicas) as served:
            for name, times in pace(served, options.model, options.rounds).items():
                print(f"{'':12} {name}: {statistics.median(times):.1f} ms a call, fastest {min(times):.1f}", flush=True)
            seen, lost, seconds = crowd(served, options.model, options.clients, options.tokens, bool(replicas))
            facts = served.tell("measure")
            memory = ", ".join(f"{name} {facts[name]:,.0f} MiB" for name in ("front", "replicas", "Ray", "others"))
            print(f"{'':12} {len(seen)} of {options.clients} clients served in {seconds:.1f} s, {len(lost)} lost; {memory}; "
                  f"models at the front {facts['models']:.0f} MiB; begun again {facts['repeated']}", flush=True)  # fmt: skip
            for number, words in lost.items():
                print(f"{'':12} client {number}: {words}")
            results[replicas] = seen
    both = sorted(results[0].keys() & results[options.replicas].keys())
    pairs = [(number, results[0][number], results[options.replicas][number]) for number in both]
    places = [(n, name, one[name], other[name]) for n, one, other in pairs for name in one if name in other]
    differences = [f"client {n} {words}" for n, name, one, other in places for words in far(one, other, name)]
    print(f"{len(both)} clients, {len(places)} answers compared: {len(differences)} differences above {NEAR:.0e}")
    for words in differences[:10]:
        print(words)


if __name__ == "__main__":
    main()
