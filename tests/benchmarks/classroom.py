"""What a class costs its server: python -m tests.benchmarks.classroom

A class's server is started in a process of its own. A teacher and --pupils pupils, HTTP clients that send what pages send,
play --steps steps of a lesson, each with a text of its own in X-ray: the teacher's page tells its address and step; each
pupil hears of it, opens both, has the picture drawn, and locks an answer; the teacher's page hears of the answers and draws
them; the teacher reveals, and each pupil's page shows the model's answer. The median of the steps, the largest in brackets:
- heard: from the teacher's request until the last pupil's stream told it;
- opened: until the last pupil has the step and the picture;
- counted: from the last answer's arrival until the teacher has the bars of all answers;
- revealed: from the teacher's reveal until the last pupil has the model's answer;
- bytes: what one pupil receives and sends, headers included, all of it and by what is called;
- cpu: the server's processor time over the whole step, per pupil;
- passes: how often the model ran from the teacher's request until the last pupil had the picture.
The first visit of each page is left out. --model may name a folder.
"""

import argparse
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

import httpx
import psutil

from tests.tools.page_client import Numbers, PageClient, numbers_of
from tests.tools.ports import free_port

LESSON = "what_comes_next"
HANDLERS = {
    "first": ("playground.tabs.shared.sidebar.build.<locals>.open_page", None),
    "restore": ("playground.tabs.shared.sidebar.build.<locals>.restore", None),
    "apply": ("playground.tabs.shared.links.apply", None),
    "xray": ("playground.tabs.xray.tab.draw", None),
    "follow": ("playground.tabs.course.handlers.Handlers.follow", None),
    "lock": ("playground.tabs.course.handlers.Handlers.lock", None),
    "draw": ("playground.tabs.classroom.handlers.Teacher.draw", None),
    "reveal": ("playground.tabs.classroom.handlers.Teacher.reveal", None),
}
"""What a page calls, by the names of the handlers."""


def serve(port: int, model: str, said: Any, passes: Any, end: Any) -> None:
    """A class's server. said: gets the teacher's secret, the numbers of HANDLERS, and which inputs and outputs they name."""
    from playground.components.event_queue import with_event_queue
    from playground.page import create_app, launch_options
    from playground.settings import Settings
    from playground.workbench import shared

    app = create_app(replace(Settings(), classroom=True, default_model=model))
    with_event_queue(app, max_size=128).launch(
        server_port=port, prevent_thread_lock=True, quiet=True, **launch_options()
    )
    loaded, room = shared().model(model), shared().classroom
    assert room is not None

    def count(*_: object) -> None:
        with passes.get_lock():
            passes.value += 1

    loaded.model.register_forward_hook(count)
    said.put((room.secret, numbers_of(app, HANDLERS)))
    end.wait()


class Client(PageClient):
    """A page of a class, with its stream and the bytes of all that it calls."""

    def __init__(self, address: str, config: dict, numbers: Numbers, secret: str = ""):
        super().__init__(address, config, numbers)
        self.secret = secret
        self.pupil = f"pupil-{time.monotonic_ns()}"
        self.heard: list[tuple[float, dict]] = []
        self.news = threading.Condition()
        self.bytes: Counter[str] = Counter()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        query = {"teacher": self.secret} if self.secret else {}
        with (
            suppress(httpx.TransportError),
            self.http.stream("GET", "classroom/events", params=query, timeout=None) as answer,
        ):
            for line in answer.iter_lines():
                self.bytes["events"] += len(line) + 2
                if line.startswith("data:"):
                    with self.news:
                        self.heard.append((time.perf_counter(), json.loads(line[5:])))
                        self.news.notify_all()

    def wait(self, holds: Callable[[dict], bool]) -> float:
        """When the stream told something of which this holds; waits for it."""
        with self.news:
            self.news.wait_for(lambda: any(holds(said) for _, said in self.heard), 60)
            return next(when for when, said in self.heard if holds(said))

    def note(self, name: str, answer: httpx.Response) -> None:
        """Counts the bytes of a call."""
        request = answer.request
        sent = sum(len(a) + len(b) + 4 for a, b in request.headers.raw) + len(request.content) + len(str(request.url))
        got = sum(len(a) + len(b) + 4 for a, b in answer.headers.raw) + answer.num_bytes_downloaded
        self.bytes[name] += sent + got


def report(name: str, numbers: Sequence[float], unit: str, digits: int = 2) -> None:
    print(f"{name:<12} {statistics.median(numbers):8.{digits}f} {unit}  [{max(numbers):.{digits}f}]", flush=True)


def play(step: int, fragment: str, pupils: Sequence[Client], teacher: Client, passes: Any) -> dict[str, float]:
    """One step of the lesson; seconds, bytes of the pupil who had most, passes."""

    def is_here(said: dict) -> bool:
        return said["lesson"] == LESSON and said["step"] == step

    def open_step(client: Client) -> tuple[float, float]:
        heard = client.wait(lambda said: is_here(said) and said["address"] == fragment)
        client.call("restore", fragment)
        client.call("apply")
        client.call("xray")
        client.call("follow", client.pupil, True)
        return heard, time.perf_counter()

    def answer(client: Client) -> float:
        client.call(
            "lock", "0", 5.0, None, 0, 0, client.pupil, True
        )  # a choice or a number, whatever the step asks for
        return time.perf_counter()

    def see_answer(client: Client) -> float:
        client.wait(lambda said: is_here(said) and said["revealed"])
        client.call("follow", client.pupil, True)
        return time.perf_counter()

    with ThreadPoolExecutor(len(pupils)) as pool:
        before, read = [Counter(client.bytes) for client in pupils], passes.value
        shown = time.perf_counter()
        view = {"secret": teacher.secret, "address": fragment, "lesson": LESSON, "step": step}
        teacher.http.post("classroom/view", json=view).raise_for_status()
        opened = list(pool.map(open_step, pupils))
        read = passes.value - read
        answered = max(pool.map(answer, pupils))
        teacher.wait(lambda said: is_here(said) and said["answers"] == len(pupils))
        teacher.call("draw", teacher.secret, "")
        counted = max(answered, time.perf_counter())
        ends = time.perf_counter()
        teacher.call("reveal", teacher.secret, "")
        seen = max(pool.map(see_answer, pupils))
        return {
            "heard": max(heard for heard, _ in opened) - shown,
            "opened": max(end for _, end in opened) - shown,
            "counted": counted - answered,
            "revealed": seen - ends,
            "passes": read,
            **_most([client.bytes - start for client, start in zip(pupils, before, strict=True)]),
        }


def _most(bytes_of: Sequence[Counter[str]]) -> dict[str, float]:
    """kB of the pupil who had most."""
    most = max(bytes_of, key=lambda each: each.total())
    return {"bytes": most.total() / 1000} | {f"  {name}": count / 1000 for name, count in most.items()}


def main() -> None:
    from playground.links.address import address_of
    from playground.links.experiment import Experiment

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--pupils", type=int, default=30)
    parser.add_argument("--steps", type=int, default=3)
    options = parser.parse_args()
    context, port = get_context("spawn"), free_port()
    said, passes, end = context.Queue(), context.Value("i", 0), context.Event()
    server = context.Process(target=serve, args=(port, options.model, said, passes, end))
    server.start()
    try:
        secret, numbers = said.get(timeout=300)
        address = f"http://127.0.0.1:{port}/"
        config = httpx.get(f"{address}config", timeout=60).json()
        teacher, *pupils = [
            Client(address, config, numbers, secret if number == 0 else "") for number in range(options.pupils + 1)
        ]
        with ThreadPoolExecutor(options.pupils + 1) as pool:
            list(pool.map(lambda client: client.call("first", ""), [teacher, *pupils]))
        steps, process = [], psutil.Process(server.pid)
        for step in range(options.steps):
            experiment = Experiment(options.model, text=f"Step {step} of the class: the cat sat on the mat and the dog")
            before = process.cpu_times()
            steps.append(play(step, address_of(experiment), pupils, teacher, passes))
            after = process.cpu_times()
            steps[-1]["cpu"] = (after.user + after.system - before.user - before.system) / options.pupils
        print(f"{options.model}: {options.pupils} pupils, {options.steps} steps")
        for name in ("heard", "opened", "counted", "revealed", "cpu"):
            report(name, [step[name] for step in steps], "s")
        report("passes", [step["passes"] for step in steps], "", 0)
        for name in steps[0]:
            if name == "bytes" or name.startswith("  "):
                report(name, [step[name] for step in steps], "kB", 1)
    finally:
        end.set()
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
