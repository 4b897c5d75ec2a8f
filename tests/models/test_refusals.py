"""Folders that can't be loaded: the message names the file and the cause, and no library's error text."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

import playground as pg
from tests.tools import zoo

SETTINGS = pg.Settings(offline=True, catalog_only=False)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return zoo.save("llama", tmp_path_factory.mktemp("saved"))


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of a tiny Llama's folder, for a test to change."""
    for path in saved.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def refused(folder, *words):
    """Loading is refused with a remedy and these words, in which no library speaks."""
    with pytest.raises(pg.PlaygroundError) as raised:
        pg.load(str(folder), device="cpu", settings=SETTINGS)
    assert raised.value.remedy
    assert all(word in str(raised.value) for word in words), str(raised.value)
    assert not any(
        raw in str(raised.value) for raw in ("Traceback", "struct", "JSONDecodeError", "Expecting", "NoneType")
    )


def configure(folder, **settings):
    config = json.loads((folder / "config.json").read_text()) | settings
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("method", ["bitsandbytes", "gptq", "awq", "compressed-tensors", "fp8"])
def test_quantized_weights_are_named(folder, method):
    """Guards against "install this package" for formats that a CPU can't read, and against random weights."""
    configure(folder, quantization_config={"quant_method": method, "bits": 4})
    refused(folder, method, "config.json", "quantized from")


def test_quantized_weights_of_an_older_form(folder):
    """Guards bitsandbytes' settings before it wrote its own name."""
    configure(folder, quantization_config={"load_in_8bit": True})
    refused(folder, "bitsandbytes 8bit")


@pytest.mark.parametrize(
    ("key", "settings", "words"),
    [
        ("quantization_config", {"_load_in_4bit": True}, "bitsandbytes 4bit"),
        ("compression_config", {"format": "pack-quantized"}, "compressed-tensors (compression_config"),
        ("quantization", {"group_size": 64, "bits": 4}, "MLX (quantization in"),
    ],
)
def test_quantizations_that_do_not_say_their_method(folder, key, settings, words):
    """Guards "an unknown method" where the key or its settings name it, and MLX's codes read by no one."""
    configure(folder, **{key: settings})
    refused(folder, words)


@pytest.mark.parametrize("settings", [None, {"quant_method": "gguf"}])
def test_codes_that_the_configuration_does_not_explain(folder, settings):
    """Guards "14 weights are missing" for GPTQ's codes beside settings that say nothing of them."""
    tensors = load_file(folder / "model.safetensors")
    tensors["model.layers.0.mlp.up_proj.qweight"] = tensors.pop("model.layers.0.mlp.up_proj.weight").int()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    configure(folder, quantization_config=settings)
    refused(folder, "GPTQ or AWQ (model.layers.0.mlp.up_proj.qweight)")


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "base_model.model."])
def test_names_of_wrapped_models(folder, prefix):
    """Guards against "20 weights are missing": they are there, under the names of a wrapper."""
    tensors = {prefix + name: tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    refused(folder, "model.safetensors", f"named {prefix}", "save `model")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["my-finetune.safetensors"], ["my-finetune.safetensors", "Rename the file to model.safetensors"]),
        (["model.fp16.safetensors"], ["model.fp16.safetensors", "Rename"]),
        (["consolidated.safetensors"], ["Mistral's own format"]),
        (["model-00001-of-00001.safetensors"], ["Rename the file to model.safetensors"]),
        (
            ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
            ["2 parts", "index.json, which says"],
        ),
    ],
)
def test_weights_under_other_names(folder, names, words):
    """Guards against "no weights" beside a file of weights."""
    for name in names:
        (folder / name).write_bytes((folder / "model.safetensors").read_bytes())
    (folder / "model.safetensors").unlink()
    refused(folder, *words)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_size", -32),
        ("num_attention_heads", 2.5),
        ("num_hidden_layers", "2"),
        ("vocab_size", 0),
        ("num_key_value_heads", True),
        ("intermediate_size", [16, -1]),
    ],
)
def test_sizes_that_are_no_counts(folder, name, value):
    """Guards against errors from the depths of torch, and against a negative size that becomes an empty matrix."""
    configure(folder, **{name: value})
    refused(folder, f"{name} in config.json", repr(value), "whole number of at least 1")


def test_sizes_of_a_nested_configuration(folder):
    """Guards the text part of a larger model's configuration."""
    configure(folder, text_config={"hidden_size": 0.5})
    refused(folder, "hidden_size in config.json, text_config,", "0.5")


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "tokenizer_config.json"])
@pytest.mark.parametrize("text", ['{"a": 1,', "[]", "", "\x00", '{"a":' * 3000])
def test_broken_json_is_named(folder, name, text):
    """Guards against a parser's words, and against a generation_config.json that is ignored without a word."""
    (folder / name).write_text(text)
    refused(folder, name)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(folder, number):
    """Guards against pictures of NaN: tensor and file are named, with how many of how many numbers."""
    tensors = load_file(folder / "model.safetensors")
    tensors["model.layers.1.mlp.up_proj.weight"][3, :5] = number
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    refused(folder, "model.layers.1.mlp.up_proj.weight in model.safetensors", "5 of 1,536", "float32")


def test_numbers_too_large_for_a_format(folder):
    """Guards float16, which ends at 65,504: the remedy is another number format."""
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"][0] = 1e6
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(pg.PlaygroundError, match=r"model.norm.weight .* 1 of 32 .* float16.*another number format"):
        pg.load(str(folder), device="cpu", dtype="float16", settings=SETTINGS)
    assert torch.isfinite(pg.load(str(folder), device="cpu", settings=SETTINGS).model.model.norm.weight).all()


def test_files_beside_the_weights_are_not_counted(folder):
    """Guards card and memory check: of a file that is not loaded neither numbers nor format count."""
    save_file({"x": torch.zeros(9, dtype=torch.float16)}, folder / "other.safetensors")
    model = pg.load(str(folder), device="cpu", settings=SETTINGS)
    assert model.provenance.file == "model.safetensors" and model.provenance.formats == {"F32": 1.0}
