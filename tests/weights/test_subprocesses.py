"""A job of worker.py that costs more than it may."""

import pytest

from playground.errors import PlaygroundError, no_progress
from playground.weights import subprocesses
from playground.weights.subprocesses import Limits, run_worker


@pytest.mark.slow
@pytest.mark.parametrize(
    ("job", "words"),
    [
        ("fill", "needed more than 256 MiB of memory"),
        ("wait", "took more than 1 seconds"),
        ("abort", "needed more than 256 MiB"),
    ],
)
def test_limits_end_a_job(tmp_path, monkeypatch, job, words):
    """Guards against a stranger's GGUF file whose conversion takes all memory or never ends."""
    script = tmp_path / "jobs.py"
    script.write_text(
        f"import os, sys, time\nsys.path.insert(0, {str(subprocesses._WORKER.parent)!r})\nimport worker as own\n"
        "jobs = {'fill': lambda: bytearray(10**9), 'wait': lambda: time.sleep(60), 'abort': os.abort}\n"
        "own.JOBS.update(jobs)\nsys.exit(own.main(sys.argv[1:]))"
    )
    monkeypatch.setattr(subprocesses, "_WORKER", script)
    limits = Limits(seconds=1 if job == "wait" else 60, memory=256 * 2**20)
    with pytest.raises(PlaygroundError, match=f"Converting x {words}"):
        run_worker(job, what="Converting x", progress=no_progress, limits=limits)
