"""GGUF files become safetensors, once, in a process that can be stopped."""

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.errors import Cancelled, PlaygroundError
from playground.weights.locate import fetch, locate
from tests.tools import zoo
from tests.tools.hub import COMMIT
from tests.weights.helpers import Recorder, change_one_byte, models_in, refused

pytestmark = pytest.mark.slow  # the first two start processes that import torch and transformers


@pytest.mark.slow
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


def test_local_gguf(settings, server, gguf_bytes, tmp_path, warm_converter):
    """A GGUF file beside nothing else was refused for want of a config.json; or converted anew at every start."""
    path = tmp_path / "tiny-F32.gguf"
    path.write_bytes(gguf_bytes)
    for model_id in (str(path), str(tmp_path)):
        source = locate(model_id, settings)
        assert source.origin == "local folder"
        folder = fetch(source, settings)
        assert (folder / "model.safetensors").exists()
    assert locate(str(path), settings).folder == fetch(locate(str(path), settings), settings)
    path.write_bytes(b"rubbish")
    refused(str(path), settings, "not a GGUF")


def test_gguf_from_the_hub(settings, server, gguf_bytes, warm_converter):
    """Of a repository with twelve quantizations all twelve were downloaded."""
    server.repositories["owner/tiny-GGUF"] = {"tiny-Q2_K.gguf": b"GGUF", "tiny-F16.gguf": gguf_bytes}
    source = locate("owner/tiny-GGUF", settings)
    folder = fetch(source, settings)
    assert server.requested_files() == {"tiny-F16.gguf"}
    assert json.loads((folder / "config.json").read_text())["model_type"] == "llama"
    assert fetch(locate("owner/tiny-GGUF", settings), settings) == folder
    shutil.rmtree(constants.HF_HUB_CACHE)
    again = locate("owner/tiny-GGUF", dataclasses.replace(settings, offline=True))
    assert (again.origin, again.revision, again.folder) == ("converted", COMMIT, folder)
    change_one_byte(folder / "model.safetensors")
    assert fetch(again, settings) == folder
    assert locate("owner/tiny-GGUF", settings).folder is not None


def test_cancelling_a_conversion_ends_it(settings, gguf_bytes, tmp_path, warm_converter):
    """The converting went on in its thread after Stop, and its folder appeared later."""
    path = tmp_path / "tiny-F32.gguf"
    path.write_bytes(gguf_bytes)
    started = time.monotonic()
    with pytest.raises(Cancelled):
        fetch(locate(str(path), settings), settings, Recorder(lambda what, share: "Converting" in what))
    assert time.monotonic() - started < 5 and models_in(settings) == []


def test_a_killed_server_leaves_no_process_and_no_model(settings, gguf_bytes, tmp_path, warm_converter):
    """The converter outlived the server that had started it, and wrote into a folder that nobody would rename."""
    path = tmp_path / "tiny-F32.gguf"
    path.write_bytes(gguf_bytes)
    code = (
        "import sys; from playground.weights.locate import fetch, locate; from playground.settings import Settings\n"
        "settings = Settings(catalog_only=False); source = locate(sys.argv[1], settings)\n"
        "fetch(source, settings, lambda what, share: print(what, flush=True))"
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


def test_a_disk_that_fills_up_while_converting(settings, gguf_bytes, tmp_path, monkeypatch, warm_converter):
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


def test_a_gguf_that_cannot_be_read(settings, tmp_path, warm_converter):
    """A conversion that fails raised whatever the library raised, and left its folder."""
    path = tmp_path / "tiny-F32.gguf"
    path.write_bytes(b"GGUF" + b"\3\0\0\0" + b"\xff" * 50)
    with pytest.raises(PlaygroundError, match="tiny-F32.gguf .* is cut off or damaged"):
        fetch(locate(str(path), settings), settings)
    assert models_in(settings) == []
