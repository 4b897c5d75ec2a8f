"""What a server keeps of its visitors: python -m tests.benchmarks.endurance

A server with small budgets is started in a process of its own. --clients clients ask --interactions questions and pay
visits, each of a text of its own: endpoints, and pages that see X-ray, Generate, Attention, Projector and bertviz, a third
of which are closed while the answer is made. Texts have 1 to --longest characters. The models (--model and --other) are
exchanged every --exchange interactions; there is room for one. After every --exchange interactions the server's memory is
measured, and afterwards every answer of an endpoint is compared with the same function called alone in this process.
Then --visits visits of each kind, measured after the first ten and at the end. Memory is resident memory once garbage is
collected and malloc_trim() was called: what malloc keeps for later counts as free.
"""

import argparse
import random
import shutil
import statistics
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx

from playground.settings import MIB
from tests.benchmarks.endurance_server import own_temporary_folder, serve
from tests.benchmarks.endurance_visitors import VIEWS, Visitor, differs, own_text, question, visit
from tests.tools.ports import free_port

FIRST = 10
"""Visits of a kind after which memory is compared."""


@dataclass
class Crowd:
    """All clients, and what became of their interactions."""

    new: Any
    """Makes a Visitor."""
    models: list[str]
    options: argparse.Namespace
    answers: list[tuple[str, dict, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def interact(self, number: int) -> None:
        """One interaction: of three, two are questions."""
        draw = random.Random(number)
        model = self.models[number // self.options.exchange % len(self.models)]
        kind = draw.choice(list(VIEWS)) if number % 3 == 0 else ""
        try:
            if kind:
                self.kinds[kind] += 1
                text = own_text(draw, number, draw.randint(8, 100))
                visit(self.new(), kind, model, text, leaves=draw.random() < 1 / 3)
                return
            endpoint, named = question(draw, number, model, self.options.longest)
            self.kinds["/" + endpoint] += 1
            visitor = self.new()
            self.answers.append((endpoint, named, visitor.ask(endpoint, named)))
            visitor.http.close()
        except Exception as error:
            self.errors.append(f"{number} {kind}: {type(error).__name__}: {str(error)[:300]}")

    def mixed_up(self) -> list[str]:
        """The answers that differ from those computed alone."""
        from playground import api

        wrong = []
        for endpoint, named, answer in sorted(self.answers, key=lambda each: each[1]["model"]):
            if words := differs(answer, getattr(api, endpoint)(**named)):
                wrong.append(f"{endpoint} {str(named)[:80]}: {words}")
        return wrong


def level(measure: Any, crowd: Crowd, pool: ThreadPoolExecutor) -> list[dict]:
    """Memory after every --exchange interactions."""
    step, levels = crowd.options.exchange, []
    for begin in range(0, crowd.options.interactions, step):
        started = time.perf_counter()
        list(pool.map(crowd.interact, range(begin, min(begin + step, crowd.options.interactions))))
        seconds = time.perf_counter() - started
        levels.append(now := measure())
        print(f"{begin + step:5} interactions: {_memory(now)}  ({seconds:.0f} s)", flush=True)
    return levels


def _memory(now: dict) -> str:
    """What is resident; of that what malloc gave out, and of that what the caches and sessions keep within their budgets."""
    return f"{now['rss']:7.1f} MiB resident, {now['allocated']:7.1f} allocated, {now['kept']:6.1f} kept in budgets"


def visits(measure: Any, crowd: Crowd, pool: ThreadPoolExecutor) -> None:
    """Memory after the first visits of each kind, and after all."""
    for kind in VIEWS:

        def pay(number: int, kind: str = kind) -> None:
            try:
                visit(crowd.new(), kind, crowd.models[0], own_text(random.Random(number), 10**6 + number, 60))
            except Exception as error:
                crowd.errors.append(f"{kind}: {type(error).__name__}: {str(error)[:300]}")

        first = min(FIRST, crowd.options.visits)
        list(pool.map(pay, range(first)))
        before = measure()
        list(pool.map(pay, range(first, crowd.options.visits)))
        after = measure()
        change = after["rss"] / before["rss"] - 1
        print(
            f"{crowd.options.visits} visits, {kind} ({change:+.1%}):\n  {_memory(before)}\n  {_memory(after)}",
            flush=True,
        )
        grown(before, after, crowd.options.objects)


def grown(before: dict, after: dict, count: int) -> None:
    """Prints the types of which there are most more objects than before."""
    more = Counter(after["objects"])
    more.subtract(before["objects"])
    for name, number in more.most_common(count):
        print(f"      {number:+8} {name}", flush=True)


def report(levels: list[dict], end: dict, crowd: Crowd) -> None:
    """Prints how level memory was, and what is left."""
    after = levels[min(len(levels), max(1, 200 // crowd.options.exchange)) - 1]
    last = statistics.median(one["rss"] for one in levels[-2:])
    print(f"memory after the first 200: {after['rss']:.1f} MiB, at the end {last:.1f} ({last / after['rss'] - 1:+.1%})")
    grown(after, levels[-1], crowd.options.objects)
    for name in ("threads", "tasks", "children", "files", "sessions", "waiting"):
        print(f"{name}: {end[name]}")
    print(f"kinds: {dict(crowd.kinds)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--other", help="the model that it is exchanged with; without it, none is")
    parser.add_argument("--interactions", type=int, default=1000)
    parser.add_argument("--exchange", type=int, default=100)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--visits", type=int, default=100)
    parser.add_argument("--longest", type=int, default=3000)
    parser.add_argument("--budget", type=int, default=1024, help="of loaded models, in MiB")
    parser.add_argument(
        "--keep",
        type=int,
        default=48,
        help="of recordings, results, prefixes and sessions each, in MiB: full after 200",
    )
    parser.add_argument("--quiet", type=float, default=3.0, help="seconds without a visitor before a measurement")
    parser.add_argument("--objects", type=int, default=0, help="how many types that grew are printed")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="endurance-")
    own_temporary_folder(folder)
    port, (pipe, far) = free_port(), get_context("spawn").Pipe()
    server = get_context("spawn").Process(
        target=serve, args=(port, options.model, options.budget * MIB, options.keep * MIB, far)
    )
    server.start()
    try:
        numbers = pipe.recv()
        address = f"http://127.0.0.1:{port}/"
        config = httpx.get(f"{address}config", timeout=60).json()

        def measure() -> dict:
            time.sleep(options.quiet)
            pipe.send("measure")
            return pipe.recv()

        models = [options.model, *([options.other] if options.other else [])]
        crowd = Crowd(partial(Visitor, address, config, numbers), models, options)
        with ThreadPoolExecutor(options.clients) as pool:
            print(f"{', '.join(Path(one).name for one in models)}: {options.clients} clients", flush=True)
            levels = level(measure, crowd, pool)
            visits(measure, crowd, pool)
        report(levels, measure(), crowd)
        wrong = crowd.mixed_up()
        print(f"{len(crowd.answers)} answers compared, {len(wrong)} differ; {len(crowd.errors)} errors")
        print("\n".join([*wrong[:20], *crowd.errors[:20]]))
        pipe.send("end")
        server.join(20)
    finally:
        server.terminate()
        server.join()
        shutil.rmtree(folder, ignore_errors=True)
    if wrong or crowd.errors:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
