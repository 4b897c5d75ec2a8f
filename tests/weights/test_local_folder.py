"""Folders and files that the visitor names by their path."""

import json
import os

import pytest

from playground.weights.locate import fetch, locate
from tests.tools import zoo
from tests.weights.helpers import models_in, refused


def test_local_folder_is_taken_as_it_is(folder, settings, server):
    """A folder's size was taken from the file, header included, or the folder was copied."""
    source = locate(str(folder), settings)
    assert (source.origin, source.hub_id, source.folder) == ("local folder", None, folder)
    parameters = sum(p.numel() for p in zoo.build("llama").parameters())
    assert 4 * parameters <= source.weight_bytes <= 4 * parameters + 10_000
    assert fetch(source, settings) == folder
    assert server.requests == [] and models_in(settings) == []


def test_revision_of_a_local_folder_changes_with_its_files(folder, settings):
    """A cached recording of the old weights was shown after the visitor had trained on and saved again."""
    before = locate(str(folder), settings).revision
    assert locate(str(folder), settings).revision == before
    os.utime(folder / "model.safetensors", ns=(1, 1))
    assert locate(str(folder), settings).revision != before


def test_cut_off_weights_are_refused_with_both_lengths(folder, settings):
    """A half-copied file was loaded by mapping it, and the process died of a bus error."""
    weights = folder / "model.safetensors"
    whole = weights.stat().st_size
    with weights.open("r+b") as file:
        file.truncate(whole - 100)
    refused(str(folder), settings, f"{whole - 100:,}", f"{whole:,}")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234567",
        b"\xff" * 64,
        (5).to_bytes(8, "little") + b"not j",
        (2).to_bytes(8, "little") + b"[]",
        (11).to_bytes(8, "little") + b'{"a":{"b":1}',
    ],
)
def test_files_that_only_claim_to_be_safetensors_are_refused(folder, settings, data):
    """Rubbish in the header came out as KeyError or MemoryError."""
    (folder / "model.safetensors").write_bytes(data)
    refused(str(folder), settings, "model.safetensors")


def test_folder_without_a_model(tmp_path, settings):
    """An empty folder was sent on to the hub as if it were a name."""
    refused(str(tmp_path), settings, "no config.json")
    refused(str(tmp_path / "nowhere"), settings, "no folder")


def test_names_in_capitals(folder, settings):
    """Guards "no weights" and "no config.json" beside files whose names differ from transformers' by capitals alone."""
    (folder / "model.safetensors").rename(folder / "Model.Safetensors")
    refused(str(folder), settings, "holds Model.Safetensors", "Rename the file to model.safetensors")
    (folder / "config.json").rename(folder / "Config.JSON")
    refused(str(folder), settings, "no config.json", "Rename Config.JSON")


def test_pickles_are_refused(folder, settings):
    """A pickle was read because the family's loader falls back to pytorch_model.bin."""
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    refused(str(folder), settings, "pickle", "safetensors")


def test_a_model_that_brings_its_own_program_is_refused(folder, settings):
    """Loading asked on the server's terminal whether to run the model's program, and hung there."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps({**config, "model_type": "my_own", "auto_map": {"AutoModelForCausalLM": "m.M"}})
    )
    refused(str(folder), settings, "my_own")


def test_auto_map_of_a_known_family_is_no_program(folder, settings):
    """Models that transformers has learnt since were refused for a leftover auto_map."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModelForCausalLM": "m.M"}}))
    assert locate(str(folder), settings).folder == folder


def test_a_missing_shard_is_named(folder, settings):
    """With a shard missing, transformers filled its weights with random numbers."""
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    refused(str(folder), settings, "1 of the 2", "model-00002-of-00002")


def test_an_index_that_names_pickles_is_refused(folder, settings):
    """A safetensors index may name any file, and transformers reads what it names."""
    (folder / "model.safetensors").rename(folder / "shard.bin")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "shard.bin"}}))
    refused(str(folder), settings, "other files than safetensors")


def test_relative_folder_with_a_hub_like_name(folder, settings, server, monkeypatch):
    """`my/model` in the working folder was looked up on the hub."""
    monkeypatch.chdir(folder.parent)
    folder.rename("tiny")
    assert locate("tiny", settings).origin == "local folder"
