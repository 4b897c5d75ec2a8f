"""The benchmarks run: each with the least that it can be asked for, on a tiny model."""

import importlib
import sys

import pytest

from tests.tools import zoo

pytestmark = pytest.mark.slow

LEAST = {
    "crowd": ["--formats", "float32", "--visitors", "1", "2", "--tokens", "4", "--rounds", "1"],
    "attention": ["--lengths", "16", "--bertviz-up-to", "16", "--rounds", "1"],
    "classroom": ["--pupils", "2", "--steps", "1"],
    "embeddings": ["--points", "0", "--lines", "5", "--rounds", "1"],
    "endurance": ["--interactions", "6", "--exchange", "3", "--visits", "1", "--longest", "40", "--quiet", "0"],
    "generation": ["--tokens", "3", "--rounds", "1", "--branch", "20"],
    "layers": ["--tokens", "8", "--long", "40", "--rounds", "1"],
    "positions": ["--lengths", "16", "--rounds", "1"],
    "recording": ["--lengths", "16", "--visitors", "2", "--repetitions", "1"],
    "tasks": ["--layers", "1", "--rows", "2", "--rounds", "1"],
    "training": ["--lessons", "repeat", "--seeds", "1", "--most", "3", "--tokens", "3"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny Llama with the layers, tokens and positions that the benchmarks name."""
    folder = tmp_path_factory.mktemp("models") / "tiny-llama"
    zoo.variant("llama", num_hidden_layers=4, vocab_size=1100, max_position_embeddings=4096).save_pretrained(folder)
    zoo.byte_tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", LEAST)
def test_a_benchmark_runs(name, folder, monkeypatch, capsys):
    """Guards against a benchmark that calls functions as they once were, so that README's figures can't be had again."""
    monkeypatch.setattr(sys, "argv", [name, "--model", str(folder), *LEAST[name]])
    importlib.import_module(f"tests.benchmarks.{name}").main()
    assert "tiny-llama" in capsys.readouterr().out
