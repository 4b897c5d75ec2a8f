"""Downloads from the hub into its cache, and damage there."""

import dataclasses

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.errors import Cancelled, PlaygroundError
from playground.weights.locate import fetch, locate
from tests.tools import zoo
from tests.tools.hub import COMMIT, folder_bytes
from tests.weights.helpers import Recorder, change_one_byte

pytestmark = pytest.mark.slow


def test_download_takes_what_transformers_needs_and_nothing_else(settings, server, saved_llama):
    """A repository with old formats beside safetensors was downloaded three times over, pickles included."""
    extra = {
        "pytorch_model.bin": b"pickle",
        "onnx/model.onnx": b"onnx",
        "consolidated.safetensors": b"twice",
        "onnx/config.json": b"{}",
        "README.md": b"#",
        "source.spm": b"spm",
        "1_Pooling/config.json": b"{}",
    }
    server.repositories["owner/tiny"] = folder_bytes(saved_llama) | extra
    source = locate("owner/tiny", settings)
    assert (source.origin, source.revision, source.folder) == ("hub", COMMIT, None)
    assert source.weight_bytes == (saved_llama / "model.safetensors").stat().st_size
    assert "model.safetensors" not in server.requested_files()  # locating downloads no weights
    progress = Recorder()
    folder = fetch(source, settings, progress)
    assert progress.saw("Downloading")
    taken = server.requested_files()
    assert taken == {path.name for path in saved_llama.iterdir()} | {"source.spm", "1_Pooling/config.json"}
    ids = torch.arange(5, 15)[None]
    assert torch.equal(
        AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")(ids).logits,
        zoo.build("llama")(ids).logits,
    )
    assert AutoTokenizer.from_pretrained(folder)("hi").input_ids == zoo.byte_tokenizer()("hi").input_ids
    server.requests.clear()
    again = locate("owner/tiny", settings)
    assert (again.origin, again.revision, again.folder) == ("hub cache", COMMIT, folder)
    assert fetch(again, settings) == folder and server.requests == []


def test_shards_instead_of_a_consolidated_file(settings, server, tmp_path):
    """The size of a sharded model counted the consolidated copy as well, so it seemed not to fit."""
    zoo.build("llama").save_pretrained(tmp_path / "shards", max_shard_size="40KB")
    zoo.byte_tokenizer().save_pretrained(tmp_path / "shards")
    files = folder_bytes(tmp_path / "shards")
    server.repositories["owner/shards"] = files | {"consolidated.safetensors": b"x" * 10**6}
    shards = [name for name in files if name.endswith(".safetensors")]
    assert len(shards) > 1
    source = locate("owner/shards", settings)
    assert source.weight_bytes == sum(len(files[name]) for name in shards)
    assert AutoModelForCausalLM.from_pretrained(fetch(source, settings)).num_parameters() > 0


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
@pytest.mark.parametrize("damage", ["byte", "cut", "missing"])
def test_a_damaged_blob_is_fetched_again(settings, server, saved_llama, downloaded_llama, name, damage):
    """A bad sector or a killed machine left wrong weights in the hub's cache, and they were used for ever."""
    blob = (downloaded_llama / name).resolve()
    if damage == "byte":
        change_one_byte(blob)
        with pytest.raises(PlaygroundError, match="damaged.*HF_HUB_OFFLINE"):
            fetch(locate("owner/tiny", settings), dataclasses.replace(settings, offline=True))
    elif damage == "cut":
        blob.write_bytes(blob.read_bytes()[:-20])
    else:
        blob.unlink()
    server.requests.clear()
    assert (fetch(locate("owner/tiny", settings), settings) / name).read_bytes() == (saved_llama / name).read_bytes()
    assert server.requested_files() == {name}


def test_a_file_damaged_on_the_way_is_not_used(settings, server, saved_llama, monkeypatch):
    """A proxy that changes files was trusted, as the hub's library compares lengths only."""
    files = folder_bytes(saved_llama)
    server.repositories["owner/tiny"] = files
    source = locate("owner/tiny", settings)
    honest = {file.name: file.etag for file in source.files}
    monkeypatch.setattr("tests.tools.hub.etag", lambda name, data: honest[name])
    weights = files["model.safetensors"]
    files["model.safetensors"] = weights[:-1] + bytes([weights[-1] ^ 1])
    with pytest.raises(PlaygroundError, match="model.safetensors arrived damaged"):
        fetch(source, settings)
    assert locate("owner/tiny", settings).origin == "hub"


def test_cancelling_a_download_leaves_nothing(settings, server, saved_llama, tmp_path):
    """Stop was noticed only between two files, or left gigabytes of half a file behind."""
    server.repositories["owner/tiny"] = folder_bytes(saved_llama) | {"vocab.txt": b"x" * 8 * 1024**2}
    server.pause = 0.05
    source = locate("owner/tiny", settings)
    stopped = Recorder(lambda what, share: bool(share and share > 0.2))
    with pytest.raises(Cancelled):
        fetch(source, settings, stopped)
    assert not [path for path in (tmp_path / "hub").rglob("*") if "incomplete" in path.name]
    server.pause = 0
    assert locate("owner/tiny", settings).origin == "hub"
    assert fetch(locate("owner/tiny", settings), settings).is_dir()


def test_an_interrupted_snapshot_is_not_whole(settings, downloaded_llama):
    """A snapshot with weights and no tokenizer was taken for a model, offline even."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (downloaded_llama / name).unlink()
    assert locate("owner/tiny", settings).origin == "hub"
    assert (fetch(locate("owner/tiny", settings), settings) / "tokenizer.json").exists()
