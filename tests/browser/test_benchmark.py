"""The benchmark of the page runs, with the least that it can measure, on a tiny model."""

import subprocess
import sys

from tests.tools import zoo


def test_the_pages_benchmark_runs(chromium_path, tmp_path):
    """Guards against a benchmark that waits for names the page no longer has. It runs as README's command does: a second
    Playwright in one process is refused."""
    folder = zoo.save("llama", tmp_path / "tiny-llama")
    least = ["--model", str(folder), "--rounds", "1", "--views", "2", "--fresh", "0"]
    command = [sys.executable, "-m", "tests.benchmarks.page", *least]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert "a click on a head to its sentence" in done.stdout, done.stderr[-2000:]
