"""What the hub answers about a model: against a hub on this machine, over real HTTP."""

import dataclasses
import json
import time

import pytest
import torch

import playground as pg
from playground.embeddings.sentence_vectors import OWN, encode
from playground.weights import hub
from playground.weights.locate import fetch, locate
from tests.tools.hub import folder_bytes
from tests.weights.helpers import refused


def test_unknown_model(settings, server):
    """The hub's 404 was shown as a traceback with a URL."""
    error = refused("owner/name", settings, "no public model", "owner/name", "HF_TOKEN")
    assert not isinstance(error, hub.Unreachable)


def test_gated_model_without_a_token(settings, server, saved_llama):
    """A gated model looked like an unknown one; the visitor didn't learn that a licence is to be accepted."""
    server.repositories["owner/gated"] = folder_bytes(saved_llama)
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


@pytest.mark.slow
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
    started, count = time.monotonic(), len(server.requests)
    assert isinstance(refused("owner/other", impatient), hub.Unreachable)
    assert time.monotonic() - started < 0.4 and len(server.requests) == count


def test_hub_pickles_and_programs_are_refused_without_a_download(settings, server, saved_llama):
    """The refusal came only after gigabytes had been downloaded."""
    files = folder_bytes(saved_llama)
    server.repositories["owner/pickle"] = {"config.json": b"{}", "pytorch_model.bin": b"x"}
    server.repositories["owner/adapter"] = {"adapter_config.json": b"{}", "model.safetensors": b"x"}
    config = json.loads(files["config.json"])
    server.repositories["owner/program"] = files | {
        "config.json": json.dumps({**config, "model_type": "own", "auto_map": {}}).encode()
    }
    refused("owner/pickle", settings, "pickle")
    refused("owner/adapter", settings, "config.json")
    refused("owner/program", settings, "own", "program")
    assert server.requested_files() <= {"config.json"}


@pytest.mark.slow
def test_safetensors_from_the_conversion_bot(settings, server, saved_llama):
    """Older catalog models whose owner never merged the bot's safetensors could not be had at all."""
    files = folder_bytes(saved_llama)
    weights = {"model.safetensors": files.pop("model.safetensors")}
    server.repositories["owner/old"] = files | {"pytorch_model.bin": b"pickle"}
    server.offers["owner/old"] = weights
    folder = fetch(locate("owner/old", settings), settings)
    assert (folder / "model.safetensors").read_bytes() == weights["model.safetensors"]
    assert not (folder / "pytorch_model.bin").exists()


@pytest.mark.slow
def test_a_transformer_in_a_folder_of_its_own(settings, server, saved_llama):
    """Guards repositories of sentence-transformers with the transformer in 0_Transformer alone: "has no weights". From the
    hub, and from its cache on a machine without a network."""
    modules = [("0_Transformer", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    entries = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in modules]
    files = {f"0_Transformer/{name}": data for name, data in folder_bytes(saved_llama).items()}
    files["1_Pooling/config.json"] = b'{"pooling_mode_mean_tokens": true}'
    server.repositories["owner/inner"] = files | {"modules.json": json.dumps(entries).encode()}
    for offline in (False, True):
        source = locate("owner/inner", dataclasses.replace(settings, offline=offline))
        assert source.weight_bytes == len(files["0_Transformer/model.safetensors"])
        assert fetch(source, settings).name == "0_Transformer"
    model = pg.load("owner/inner", "cpu", "float32", settings=settings)
    with torch.inference_mode():
        ids = torch.tensor([model.tokenizer("The cat")["input_ids"]])
        mean = model.model.base_model(ids).last_hidden_state[0].mean(0)
    torch.testing.assert_close(encode(model, ["The cat"], OWN).vectors[0], mean / mean.norm(), atol=1e-5, rtol=1e-5)
