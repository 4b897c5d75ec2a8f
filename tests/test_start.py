"""The server as `python app.py` starts it: what it answers in its first second."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import pytest
from gradio import networking

from playground import workbench
from playground.page import create_app, launch_options
from tests.tools import zoo
from tests.tools.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.slow  # starts a process that imports gradio and torch


@contextmanager
def running(folder: Path, *options: str, **more: str) -> Iterator[str]:
    """The address of a server that was started just now and answers. more: of its environment."""
    port = free_port()
    environment = {**os.environ, "PLAYGROUND_CACHE": str(folder), "HF_HUB_CACHE": str(folder), "HF_HUB_OFFLINE": "1"}
    environment |= more
    command = [sys.executable, "app.py", "--port", str(port), *options]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.STDOUT, stdout=subprocess.PIPE)
    address = f"http://127.0.0.1:{port}"
    try:
        while process.poll() is None:
            try:
                urllib.request.urlopen(f"{address}/gradio_api/startup-events").close()
                break
            except URLError:
                time.sleep(0.05)
        assert process.poll() is None, process.communicate()[0].decode()
        yield address
    except URLError as error:
        process.terminate()
        pytest.fail(f"{error}; the server said: {process.communicate(timeout=30)[0].decode()}")
    finally:
        process.terminate()
        process.communicate(timeout=30)


def call(address: str, endpoint: str, *arguments: object) -> str:
    """The event stream of a call to an endpoint, to its end."""
    body = json.dumps({"data": arguments}).encode()
    request = urllib.request.Request(
        f"{address}/gradio_api/call/{endpoint}", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{address}/gradio_api/call/{endpoint}/{event}") as answer:
        return answer.read().decode()


def ended(stream: str) -> str:
    """The last event of a stream, after those that say that the work goes on."""
    return re.findall(r"^event: (\w+)", stream, re.MULTILINE)[-1]


def test_the_first_second_is_answered(tmp_path):
    """Guards the first request: of threads that imported transformers at once some found it empty. Five endpoints, whose
    files import different parts of it, are asked before any model was loaded. A stranger's folder is then refused with the
    reason, and others are answered as before."""
    folder = str(zoo.save("llama", tmp_path / "llama"))
    spoiled = Path(shutil.copytree(folder, tmp_path / "spoiled"))
    config = json.loads((spoiled / "config.json").read_text())
    (spoiled / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 100_000}))
    calls: dict[str, tuple] = {
        "attention": (folder, "abc", 0, 0, "", "", "auto", "", "", None),
        "next_tokens": (folder, "abc", 5, "auto", None),
        "verify": (folder, "abc", "", "auto"),
        "positions": (folder, 4, "auto"),
        "embeddings": (folder, ["abc"], 2, True, "auto"),
    }
    answers: dict[str, str] = {}
    with running(tmp_path / "cache") as address:

        def ask(endpoint: str) -> None:
            answers[endpoint] = call(address, endpoint, *calls[endpoint])

        threads = [threading.Thread(target=ask, args=(endpoint,)) for endpoint in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        hostile = call(address, "next_tokens", str(spoiled), "abc", 5, "auto", None)
        assert ended(call(address, "next_tokens", folder, "abcd", 5, "auto", None)) == "complete"
    assert ended(hostile) == "error" and "asks for 100,000 layers" in hostile
    assert {endpoint: ended(answer) for endpoint, answer in answers.items()} == dict.fromkeys(calls, "complete"), (
        answers
    )


ZERO_GPU = """
import os
from multiprocessing import get_context

import torch

wraps, NOTES = os.environ.get("SPACES_GRADIO_AUTO_WRAP") == "true", os.environ["ZERO_GPU_NOTES"]
torch.cuda.is_available, torch.cuda.device_count = lambda: True, lambda: 1


def note(words):
    with open(NOTES, "a") as notes:
        print(words, file=notes)


def no_gpu():
    raise RuntimeError("CUDA is reached outside of a lent GPU")


torch._C._cuda_init = no_gpu


def GPU(task):
    note("given")

    def forked(*given, **named):
        note("forked")
        context = get_context("fork")
        queue = context.SimpleQueue()
        process = context.Process(target=lambda: queue.put(task(*given, **named)))
        process.start()
        answer = queue.get()
        process.join()
        return answer

    return forked


def disable_gradio_auto_wrap():
    global wraps
    wraps = False


def gradio_auto_wrap(task):
    return GPU(task) if wraps and callable(task) else task
"""
"""What the package of ZeroGPU does to a server, in short: torch says that there is a GPU, which the server itself can't
reach; functions that the package is given, on request all handlers, run in a process that is forked for the call."""


def test_a_space_on_zero_gpu(tmp_path):
    """Guards against a Space that tries to keep a model on a GPU that is lent for single calls, whose handlers run in a
    forked process that loses what they keep, or that does not start because it gives the package no function."""
    folder, notes = str(zoo.save("llama", tmp_path / "llama")), tmp_path / "notes"
    (tmp_path / "spaces").mkdir()
    (tmp_path / "spaces" / "__init__.py").write_text(ZERO_GPU)
    more = {"SPACES_ZERO_GPU": "true", "SPACES_GRADIO_AUTO_WRAP": "true", "ZERO_GPU_NOTES": str(notes)}
    more |= {"PYTHONPATH": str(tmp_path), "PLAYGROUND_MODEL": folder}
    more |= {"SYSTEM": "spaces", "SPACE_ID": "me/lens", "PLAYGROUND_CATALOG_ONLY": "0"}
    with running(tmp_path / "cache", **more) as address:
        for text in ("abc", "abcd"):  # the second one finds the model that the first one loaded
            answer = call(address, "verify", folder, text, "", "auto")
            assert ended(answer) == "complete" and '"passed": true' in answer, answer
        assert "cuda" in call(address, "verify", folder, "abc", "", "cuda"), "no such device, and which there are"
    assert notes.read_text().split() == ["given"]


def test_a_late_answer_ends_no_server(monkeypatch):
    """Guards against launch() giving up on a server that is busy with first requests: it asks the page once, for at most
    3 s, and raised that localhost is not accessible."""
    before = workbench._shared
    monkeypatch.setattr(networking, "url_ok", lambda url: False)
    try:
        page = create_app()
        _, address, _ = page.launch(server_port=free_port(), prevent_thread_lock=True, quiet=True, **launch_options())
        try:
            assert urllib.request.urlopen(f"{address}gradio_api/startup-events").status == 200
        finally:
            page.close()
    finally:
        workbench.share(before)
