"""Loading: what fits, what is whole, where it runs and why."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

import playground as pg
from playground.loading import parameter_counts
from playground.models import devices
from tests.tools import zoo

SETTINGS = replace(pg.Settings(), offline=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return zoo.save("llama", tmp_path_factory.mktemp("models") / "llama")


def changed(folder, tmp_path, change):
    """A copy of the model folder with other weights: change(dict of tensors)."""
    zoo.byte_tokenizer().save_pretrained(tmp_path)
    for name in ("config.json", "generation_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    return tmp_path


def test_a_local_folder_gives_the_model_that_was_saved(folder):
    """Guards the way from files to numbers: the same logits as the model in memory."""
    model = pg.load(str(folder), device="cpu", settings=SETTINGS)
    assert model.origin == "local folder" and model.on_interface and model.revision
    recording = pg.record(model, "abc")
    with torch.inference_mode():
        own = zoo.build("llama")(torch.tensor([[t.id for t in recording.tokens]])).logits[0]
    torch.testing.assert_close(recording.logits, own, atol=1e-5, rtol=1e-5)
    assert not any(parameter.requires_grad for parameter in model.model.parameters()) and not model.model.training


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "t5", "bloom"])
def test_other_kinds_get_their_own_head(family, tmp_path):
    """Guards the choice of class: a wrong one would give a random head, or none."""
    model = pg.load(str(zoo.save(family, tmp_path)), device="cpu", settings=SETTINGS)
    assert model.capabilities.logits
    assert type(model.model) is type(zoo.build(family))


def test_a_headless_checkpoint_has_no_logits(tmp_path):
    """Guards against a random head on top of weights that came without one (sentence encoders)."""
    zoo.build("bert").base_model.save_pretrained(tmp_path)
    zoo.byte_tokenizer().save_pretrained(tmp_path)
    model = pg.load(str(tmp_path), device="cpu", settings=SETTINGS)
    assert "without a language-model head" in model.capabilities.logits.reason and model.capabilities.attention


def test_a_decoder_without_its_head_is_still_causal(tmp_path):
    """Guards text embedders made of decoders: by name they look like encoders, but no token sees a later one."""
    zoo.build("qwen3").base_model.save_pretrained(tmp_path)
    zoo.byte_tokenizer().save_pretrained(tmp_path)
    model = pg.load(str(tmp_path), device="cpu", settings=SETTINGS)
    assert model.anatomy.kind == "decoder" and not model.capabilities.generate
    assert not pg.record(model, "abc").attention(0).weights.triu(1).any()


def test_a_discriminator_is_loaded_without_a_random_head(tmp_path):
    """Guards ELECTRA's published weights: named ForPreTraining, with no generator in them."""
    from transformers import ElectraForPreTraining

    ElectraForPreTraining(zoo.build("electra").config).save_pretrained(tmp_path)
    zoo.byte_tokenizer().save_pretrained(tmp_path)
    model = pg.load(str(tmp_path), device="cpu", settings=SETTINGS)
    assert not model.capabilities.logits and model.capabilities.attention


def test_missing_weights_are_refused_by_name(folder, tmp_path):
    """Guards the promise: transformers would fill a missing tensor with random numbers and only warn."""
    name = "model.layers.1.self_attn.q_proj.weight"
    broken = changed(folder, tmp_path, lambda tensors: tensors.pop(name))
    with pytest.raises(pg.PlaygroundError, match=f"1 of the model's weights.*{name}.*random"):
        pg.load(str(broken), device="cpu", settings=SETTINGS)


def test_a_folder_that_does_not_fit_together_is_refused(folder, tmp_path):
    """Guards against a stack trace from the depths of transformers where a sentence is due."""
    broken = changed(folder, tmp_path, lambda tensors: None)
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps(config | {"hidden_size": 48}))
    with pytest.raises(pg.PlaygroundError, match="could not be loaded"):
        pg.load(str(broken), device="cpu", settings=SETTINGS)


def test_a_model_too_large_is_refused_with_both_numbers(folder, monkeypatch):
    """Guards the server: a model that does not fit must not be read until the kernel ends the process."""
    count = sum(parameter_counts(folder))
    monkeypatch.setattr(devices, "free_memory", lambda device: 4 * count)  # the weights, and no room beside them
    with pytest.raises(pg.PlaygroundError, match=r"needs about .* KiB of memory; .* KiB are free on cpu"):
        pg.load(str(folder), device="cpu", settings=SETTINGS)
    monkeypatch.setattr(devices, "free_memory", lambda device: 5 * count)
    pg.load(str(folder), device="cpu", settings=SETTINGS)


def test_half_precision_needs_half_the_memory(folder, monkeypatch):
    """Guards the remedy in that message: a smaller number format is counted as such, and really used."""
    monkeypatch.setattr(devices, "free_memory", lambda device: 3 * sum(parameter_counts(folder)))
    model = pg.load(str(folder), device="cpu", dtype="bfloat16", settings=SETTINGS)
    assert model.model.dtype == torch.bfloat16 and model.dtype.reason == "chosen by the visitor"
    assert model.anatomy.weight_bytes == 2 * model.anatomy.parameters


def test_parameters_are_counted_from_the_headers(folder):
    """Guards the memory check: it reads sizes without reading weights, tied ones once."""
    assert sum(parameter_counts(folder)) == sum(p.numel() for p in zoo.build("llama").parameters())


def test_every_choice_has_its_reason():
    """Guards the card: device and number format are stated with why."""
    cpu = devices.choose_device("cpu")
    assert cpu.value == torch.device("cpu") and cpu.reason == "chosen by the visitor"
    auto = devices.choose_device("auto")
    assert auto.reason != "chosen by the visitor" and auto.value.type in {"cpu", "cuda", "mps"}
    assert devices.choose_dtype("auto", cpu.value).value == torch.float32
    assert devices.choose_dtype("float16", cpu.value).name == "float16"
    assert devices.available_devices()[:2] == ("auto", "cpu")


@pytest.mark.parametrize(("device", "dtype"), [("cuda:99", "auto"), ("tpu", "auto"), ("cpu", "int3"), ("", "auto")])
def test_unknown_choices_are_refused_with_those_there_are(device, dtype, folder):
    """Guards the API, where device and format are typed by hand."""
    with pytest.raises(pg.PlaygroundError, match=r"Choose one of: auto"):
        pg.load(str(folder), device=device, dtype=dtype, settings=SETTINGS)


def test_loading_ends_when_the_visitor_stops_it(folder):
    """Guards Stop: whatever progress raises ends the work and is not dressed up as another error."""

    def stop(what, share):
        raise pg.Cancelled

    with pytest.raises(pg.Cancelled):
        pg.load(str(folder), device="cpu", settings=SETTINGS, progress=stop)


def test_a_short_context_is_probed_with_a_short_text():
    """Guards tiny models of tests and classrooms: their context may be shorter than the probe's sentence."""
    from transformers import AutoConfig, AutoModelForCausalLM

    from playground.loading import prepare

    config = AutoConfig.for_model("gpt2", **zoo.FAMILIES["gpt2"] | {"n_positions": 8})
    model = prepare(AutoModelForCausalLM.from_config(config), zoo.byte_tokenizer())
    assert model.max_tokens == 8 and model.capabilities.attention
