"""The benchmarks run: each with the least that it can be asked for."""

import importlib
import sys

import pytest

LEAST = {
    "attention": ["--lengths", "16", "--bertviz-up-to", "16", "--rounds", "1"],
    "embeddings": ["--points", "0", "--lines", "5", "--rounds", "1"],
    "generation": ["--tokens", "3", "--rounds", "1", "--branch", "20"],
    "positions": ["--lengths", "16", "--rounds", "1"],
    "recording": ["--lengths", "16", "--repetitions", "1"],
}


@pytest.mark.weights
@pytest.mark.parametrize("name", LEAST)
def test_a_benchmark_runs(name, monkeypatch, capsys):
    """Guards against a benchmark that calls functions as they once were, so that README's figures can't be had again."""
    monkeypatch.setattr(sys, "argv", [name, *LEAST[name]])
    importlib.import_module(f"tests.benchmarks.{name}").main()
    assert "smollm2-135m-instruct" in capsys.readouterr().out
