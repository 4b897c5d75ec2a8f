"""What a checkpoint holds and transformers would leave out, or read as something else, without a word."""

import json
import os
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import playground as pg
from tests.models.test_refusals import SETTINGS, configure, refused
from tests.tools import zoo


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return zoo.save("llama", tmp_path_factory.mktemp("saved"))


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of a tiny Llama's folder, for a test to change."""
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    return tmp_path


def rewrite(folder, change):
    tensors = {name: tensor.clone() for name, tensor in change(load_file(folder / "model.safetensors")).items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("model.layers.0.", "model.layers.0._orig_mod.", ["torch.compile", "9 of 21", "model.layers.0._orig_mod.…"]),
        ("model.", "module.model.", ["20 of 21", "named module.…", "DataParallel"]),
        ("model.layers.1.", "model.layers.1._checkpoint_wrapped_module.", ["activation checkpoints"]),
    ],
)
def test_a_wrapper_of_a_part(folder, old, new, words):
    """Guards against "9 weights are missing" where a wrapper stands in some names, or everywhere but in the head."""
    rewrite(folder, lambda tensors: {name.replace(old, new, 1): tensor for name, tensor in tensors.items()})
    refused(folder, *words)


def test_weights_under_a_strangers_names(folder):
    """Guards against "missing" alone: what the file holds instead is named."""
    rewrite(folder, lambda tensors: {f"llm.{name}": tensor for name, tensor in tensors.items()})
    refused(folder, "lm_head.weight", "hold llm.lm_head.weight instead")


def fp8(tensors):
    scales = {f"{name}_scale_inv": torch.ones(1, 1) for name in tensors if "proj" in name}
    return {name: t.to(torch.float8_e4m3fn) if "proj" in name else t for name, t in tensors.items()} | scales


def int8(tensors):
    return {name: t.to(torch.int8) if "q_proj" in name else t for name, t in tensors.items()}


def gptq(tensors):
    codes = {name.replace(".weight", ".qweight"): t.to(torch.int32) for name, t in tensors.items() if "proj" in name}
    return {name: t for name, t in tensors.items() if "proj" not in name} | codes


@pytest.mark.parametrize(
    ("kind", "words"), [(torch.bool, "true or false (BOOL)"), (torch.complex64, "complex numbers")]
)
def test_weights_that_are_no_real_numbers(folder, kind, words):
    """Guards against torch's conversion: of a complex weight the real part alone was read, of a bool 0 and 1, and the badge
    was green."""
    rewrite(folder, lambda tensors: {n: t.to(kind) if "q_proj" in n else t for n, t in tensors.items()})
    refused(folder, "q_proj.weight in model.safetensors", words)


@pytest.mark.parametrize(("codes", "method"), [(fp8, "fp8"), (int8, "whole numbers (I8)"), (gptq, "GPTQ")])
def test_codes_that_config_says_nothing_of(folder, codes, method):
    """Guards codes read as if they were the weights: the logits were those of another model, the badge was amber."""
    rewrite(folder, codes)
    refused(folder, "model.safetensors", method, "config.json does not say how")


@pytest.mark.parametrize(
    "settings",
    [
        {"compression_config": {"quant_method": "compressed-tensors"}},
        {"text_config": {"quantization_config": {"quant_method": "hqq"}}},
        {"quantization_config": {"quant_algo": "NVFP4", "producer": {"name": "modelopt"}}},
        {"quantization_config": "eetq"},
    ],
)
def test_quantization_in_other_places(folder, settings):
    """Guards the older name, a part's own configuration, and settings of another form."""
    configure(folder, **settings)
    refused(folder, "are quantized by", "config.json")


def test_an_adapter_among_the_weights(folder):
    """Guards a LoRA that was saved with its base under peft's names: the base alone was shown as the fine-tuned model."""
    rewrite(
        folder, lambda tensors: tensors | {"model.layers.0.self_attn.q_proj.lora_A.default.weight": torch.ones(2, 32)}
    )
    refused(folder, "an adapter", "lora_A", "merge_and_unload")


def test_tensors_without_a_place_are_listed(folder):
    """Guards a configuration of fewer layers than the file has, and a bias that the family does not know: the card names
    them, and the badge is not green."""
    rewrite(folder, lambda tensors: tensors | {"model.layers.0.self_attn.q_proj.bias": torch.ones(32)})
    configure(folder, num_hidden_layers=1)
    model = pg.load(str(folder), device="cpu", settings=SETTINGS)
    assert len(model.provenance.unread) == 1 + 9
    assert "model.layers.0.self_attn.q_proj.bias" in model.card["Not read"]
    assert model.provenance.verdict("float32")[0] == "warn"


def test_heads_of_other_tasks_are_no_part_of_the_model(tmp_path):
    """Guards an amber badge on every classifier: what its class leaves out does not change what is shown."""
    model = zoo.build("bert")
    model.save_pretrained(tmp_path)
    zoo.pair_tokenizer().save_pretrained(tmp_path)
    rewrite(
        tmp_path,
        lambda tensors: tensors | {"cls.seq_relationship.weight": torch.ones(2, 64), "classifier.bias": torch.ones(2)},
    )
    assert pg.load(str(tmp_path), device="cpu", settings=SETTINGS).provenance.unread == ()


@pytest.mark.slow
@pytest.mark.parametrize("architectures", ["LlamaForCausalLM", None, ["MyOwnLlamaForCausalLM"], [5]])
def test_a_class_that_is_not_stated(folder, architectures):
    """Guards "without a language-model head" where the weights of one are there."""
    configure(folder, architectures=architectures)
    assert pg.load(str(folder), device="cpu", settings=SETTINGS).capabilities.generate


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"hidden_size": 64}, ["260 × 32", "260 × 64", "tensors differ so"]),
        ({"rms_norm_eps": "abc"}, ["rms_norm_eps in config.json", "'abc'"]),
        ({"hidden_act": "nosuch"}, ["hidden_act in config.json", "'nosuch'"]),
        ({"rope_parameters": {"rope_type": "nosuch", "rope_theta": 1e4}}, ["rope_parameters.rope_type", "'nosuch'"]),
        ({"model_type": None}, ["does not say of which family"]),
        ({"model_type": "hyena"}, ["“hyena”, which transformers does not know", "has no program for it"]),
        ({"num_attention_heads": 5}, ["num_attention_heads in config.json", "is 5", "from the other settings"]),
        ({"rms_norm_eps": float("nan")}, ["not numbers (NaN) in float32"]),
    ],
)
def test_settings_that_no_model_can_be_built_with(folder, settings, words):
    """Guards "config.json and the weights do not fit together" for whatever is wrong with the configuration alone."""
    configure(folder, **settings)
    refused(folder, *words)


def test_a_pipe_in_the_folder(folder):
    """Guards against waiting forever for what nobody writes into it."""
    (folder / "generation_config.json").unlink()
    os.mkfifo(folder / "generation_config.json")
    refused(folder, "generation_config.json", "a pipe or a device")


def test_a_byte_order_mark(folder):
    """Guards a file that Python's parser reads and transformers does not."""
    (folder / "config.json").write_bytes(b"\xef\xbb\xbf" + (folder / "config.json").read_bytes())
    refused(folder, "config.json", "byte order mark")


def test_an_index_without_metadata(folder):
    """Guards transformers' KeyError."""
    (folder / "model.safetensors").rename(folder / "a.safetensors")
    names = dict.fromkeys(load_file(folder / "a.safetensors"), "a.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    refused(folder, "model.safetensors.index.json", "lacks metadata")
