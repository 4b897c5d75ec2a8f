"""A playground of its own process, as `python app.py` starts it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.tools.ports import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 180
"""Seconds until it answers, on a machine that is busy."""


@contextmanager
def other_server(*options: str) -> Iterator[str]:
    """The address of a server that runs meanwhile, started with these options of app.py."""
    port = str(free_port())
    command = [sys.executable, "app.py", "--port", port, "--offline", *options]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ}
    )
    try:
        address = f"http://127.0.0.1:{port}/"
        _wait(process, address)
        yield address
    finally:
        process.terminate()
        process.wait(60)


def _wait(process: subprocess.Popen, address: str) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(address, timeout=20):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    raise AssertionError(f"app.py does not answer; it ended with {process.poll()}")
