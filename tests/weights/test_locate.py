"""The names that visitors type: which are refused, and by which settings."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.hub import folder_bytes
from tests.weights.helpers import models_in, refused


@pytest.mark.slow
@pytest.mark.parametrize(
    "model_id",
    [
        "",
        "  ",
        "a\0b",
        "owner/na\nme",
        "\ud800",
        "../etc",
        "a/..",
        "a..b",
        "x" * 1001,
        "https://host/owner/name",
        "owner/name/more",
        "-x/y",
        "x" * 900,
        "/" + "x" * 900,
        "~nobody-of-this-name/x",
        "owner/",
        "a b/c",
        "owner/a--b",
        "ééé/name",
        None,
    ],
)
def test_malformed_names_are_refused_before_any_network(model_id, settings, server):
    """A name with control characters or dots reached the hub's library, which answered with a traceback."""
    refused(model_id, settings)
    assert server.requests == []


def test_names_are_shown_without_control_characters(settings, server):
    """A name was repeated raw in the message, so that an escape sequence reached the terminal."""
    assert "\x1b" not in str(refused("a\x1b[31mb", settings))


def test_importing_costs_no_heavy_library():
    """A module-level import of torch or transformers made every start of the app seconds slower."""
    code = (
        "import sys, playground.weights.locate as s; "
        "print([m for m in ('torch', 'transformers', 'huggingface_hub', 'gguf') if m in sys.modules], "
        "[m for m in sys.modules if m == 'gradio'], s.locate)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    ).stdout
    assert out.startswith("[] []")


def test_catalog_only_refuses_everything_else(folder, settings, server, monkeypatch):
    """On a public server a visitor could read folders of the machine or fill its disk from the hub."""
    closed = dataclasses.replace(settings, catalog_only=True)
    refused(str(folder), closed, "catalog")
    refused("owner/name", closed, "catalog")
    assert server.requests == []
    monkeypatch.chdir(folder.parent)
    folder.rename("gpt2")  # nor does a folder that happens to have a catalog name take its place
    refused("gpt2", closed, "no public model")


def test_offline_asks_nobody(settings, server, index, saved_llama):
    """HF_HUB_OFFLINE kept the hub from being asked, but pip went out."""
    name = index(folder_bytes(saved_llama))
    offline = dataclasses.replace(settings, offline=True)
    refused(name, offline, "offline")
    refused("owner/name", offline, "offline")
    assert server.requests == [] and models_in(settings) == []
