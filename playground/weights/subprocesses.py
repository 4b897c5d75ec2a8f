"""Runs a command, or a job of worker.py, so that it can be watched and stopped at any moment."""

import errno
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from playground.errors import PlaygroundError, Progress, unforeseen

_TICK = 0.1
"""Seconds between two looks at a running process."""
MEMORY_VARIABLE = "PLAYGROUND_WORKER_MEMORY"
"""Tells worker.py how many bytes it may take."""
_WORKER = Path(__file__).with_name("worker.py")
_WORKER_ENV = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "TOKENIZERS_PARALLELISM": "false", "CUDA_VISIBLE_DEVICES": ""}


@dataclass(frozen=True)
class Limits:
    """What a job on a stranger's file may cost: seconds, and bytes of memory (limited on Linux alone)."""

    seconds: float
    memory: int


def run_worker(
    *arguments: str,
    what: str,
    progress: Progress,
    env: Mapping[str, str] | None = None,
    share: Callable[[], float] | None = None,
    raise_failure: Callable[[dict], None] | None = None,
    limits: Limits | None = None,
) -> dict:
    """Run one job of worker.py; returns its last message.

    what: the job in words, for `progress` and errors. `share()` replaces the share that the job reports.
    `raise_failure(message)` may raise an error of its own for the worker's report of a failure; otherwise
    PlaygroundError, or OSError where the disk is full. Of `limits` the seconds are by the clock.
    """
    started, last = time.monotonic(), {}
    if limits is not None:
        env = {**(env or {}), MEMORY_VARIABLE: str(limits.memory)}

    def report(line: str | None) -> None:
        if limits is not None and time.monotonic() - started > limits.seconds:
            raise PlaygroundError(f"{what} took more than {limits.seconds:,.0f} seconds.", "Choose another model.")
        if line and line.startswith("{"):
            last.update(json.loads(line))
        stage = f", {last['what']}" if "what" in last else ""
        progress(f"{what}{stage} ({time.monotonic() - started:.0f} s)", share() if share else last.get("share"))

    status, stderr = run(
        [sys.executable, "-P", str(_WORKER), *arguments], report, {**os.environ, **_WORKER_ENV, **(env or {})}
    )
    if status != 0:
        if limits is not None and (last.get("error") == "MemoryError" or status == -signal.SIGABRT):
            mib = limits.memory // 1024**2
            raise PlaygroundError(f"{what} needed more than {mib:,} MiB of memory.", "Choose another model.")
        text = last.get("text") or (stderr.strip().splitlines() or [f"exit status {status}"])[-1]
        if last.get("errno") == errno.ENOSPC or "No space left" in text or "os error 28" in text:
            raise OSError(errno.ENOSPC, text)
        if raise_failure and "error" in last:
            raise_failure(last)
        if last.get("remedy") is not None:
            raise PlaygroundError(last["text"], last["remedy"])
        raise unforeseen(f"{what} failed", f"{last.get('error', '')} {text}\n{stderr}", "Choose another model.")
    return last


def run(command: Sequence[str], report: Callable[[str | None], None], env: Mapping[str, str]) -> tuple[int, str]:
    """Run a command to its end; returns (exit status, the last 2,000 characters of standard error).

    `report` is called in this thread with each line of standard output, and with None about ten times a second
    while there is none. If it raises, the process is ended and the error goes on to the caller.
    The process sees its standard input close when this process ends, however that happens.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stderr:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=dict(env),
        )
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
        try:
            ended = False
            while not ended:
                try:
                    line = lines.get(timeout=_TICK)
                    ended = line is None
                except queue.Empty:
                    line = None
                report(line)
            process.wait()
        finally:
            _end(process)
        stderr.seek(0)
        return process.returncode, stderr.read()[-2000:]


def _read(stdout: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in stdout:
        lines.put(line.rstrip("\n"))
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    """Terminate the process, which lets it clean up; kill it a second later."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdin:
        process.stdin.close()
