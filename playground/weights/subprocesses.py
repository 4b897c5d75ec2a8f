"""Runs a command so that it can be watched and stopped at any moment. Knows nothing of models."""

import queue
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence

_TICK = 0.1
"""Seconds between two looks at a running process."""


def run(command: Sequence[str], watch: Callable[[str | None], None], env: Mapping[str, str]) -> tuple[int, str]:
    """Run to the end; returns (exit status, the last 2,000 characters of standard error).

    `watch` is called in this thread with each line of standard output, and with None about ten times a second
    while there is none. Whatever it raises ends the process, then goes on to the caller.
    The process sees its standard input close when this process ends, however that happens.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
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
                watch(line)
            process.wait()
        finally:
            _end(process)
        complaints.seek(0)
        return process.returncode, complaints.read()[-2000:]


def _read(stream, lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line.rstrip("\n"))
    lines.put(None)


def _end(process: subprocess.Popen) -> None:
    """A polite request, which lets it clean up, and the end a second later."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    process.stdin.close()
