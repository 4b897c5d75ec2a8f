"""The benchmark of the page runs, with the least that it can measure, on a tiny model."""

import sys

from tests.benchmarks import page
from tests.tools import zoo


def test_the_pages_benchmark_runs(playwright_driver, chromium_path, tmp_path, monkeypatch, capsys):
    """Guards against a benchmark that waits for names the page no longer has. It runs on the session's Playwright: a
    second one in the same process is refused, so the test failed whenever a browser test had run before it."""
    folder = zoo.save("llama", tmp_path / "tiny-llama")
    monkeypatch.setattr(sys, "argv", ["page", "--model", str(folder), "--rounds", "1", "--views", "2", "--fresh", "0"])
    page.run(playwright_driver)
    assert "tiny-llama" in (output := capsys.readouterr().out)
    assert "a click on a head to its sentence" in output
