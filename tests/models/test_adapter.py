"""Adapters (LoRA) beside their base model and alone: merged by peft, or refused; never left out without a word."""

import importlib.util
import json
import shutil

import pytest
import torch
from safetensors.torch import save_file

import playground as pg
from playground.models import adapter, untrusted
from tests.tools import zoo

pytestmark = pytest.mark.slow

SETTINGS = pg.Settings(offline=True, catalog_only=False)
CONFIG = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "r": 4,
    "lora_alpha": 8,
    "target_modules": ["q_proj", "v_proj"],
}
IDS = torch.tensor([[5, 6, 7]])
needs_peft = pytest.mark.skipif(importlib.util.find_spec("peft") is None, reason="peft merges adapters")


def write_adapter(folder, base="", **changes):
    """A LoRA of the zoo's Llama. Returns its matrices: name of the weight -> scaled B·A, with scale 8 / 4 = 2."""
    torch.manual_seed(1)
    tensors, deltas = {}, {}
    for layer in range(2):
        for name, out in (("q_proj", 32), ("v_proj", 16)):
            a, b = torch.randn(4, 32), torch.randn(out, 4)
            path = f"model.layers.{layer}.self_attn.{name}"
            tensors |= {f"base_model.model.{path}.lora_{x}.weight": m for x, m in (("A", a), ("B", b))}
            deltas[f"{path}.weight"] = 2 * b @ a
    save_file(tensors | changes.pop("tensors", {}), folder / "adapter_model.safetensors", metadata={"format": "pt"})
    (folder / "adapter_config.json").write_text(json.dumps(CONFIG | {"base_model_name_or_path": base} | changes))
    return deltas


def merged_by_hand(deltas):
    model = zoo.build("llama")
    with torch.no_grad():
        for name, delta in deltas.items():
            model.get_parameter(name).add_(delta)
        return model(IDS).logits


@pytest.fixture
def base(tmp_path):
    return zoo.save("llama", tmp_path / "base")


@pytest.fixture
def alone(tmp_path):
    (tmp_path / "adapter").mkdir()
    return tmp_path / "adapter"


@needs_peft
@pytest.mark.parametrize("place", ["beside", "alone"])
def test_an_adapter_is_merged(place, base, alone):
    """Guards against base weights passed off as the fine-tuned ones: W + 2·B·A, worked out by hand."""
    folder = base if place == "beside" else alone
    deltas = write_adapter(folder, str(base))
    model = pg.load(str(folder), device="cpu", settings=SETTINGS)
    with torch.inference_mode():
        torch.testing.assert_close(model.model(IDS).logits, merged_by_hand(deltas), atol=1e-4, rtol=1e-4)
    assert "LORA of rank 4, merged" in model.card["Adapter"] and "LORA" in model.source_text
    assert type(model.model) is type(zoo.build("llama")) and model.capabilities.qk


@needs_peft
def test_an_adapter_that_fits_in_part_is_refused(base):
    """Guards against tensors of an adapter that peft leaves out."""
    write_adapter(base, tensors={"base_model.model.model.layers.7.self_attn.q_proj.lora_A.weight": torch.zeros(4, 32)})
    with pytest.raises(pg.PlaygroundError, match=r"only in part: .*layers\.7.*merge_and_unload"):
        pg.load(str(base), device="cpu", settings=SETTINGS)


def test_without_peft_an_adapter_is_refused(base, alone, monkeypatch):
    """Guards against an adapter that is ignored, as transformers does without peft."""
    monkeypatch.setattr(adapter.importlib.util, "find_spec", lambda name: None)
    for folder in (base, alone):
        write_adapter(folder, str(base))
        with pytest.raises(pg.PlaygroundError, match=r"holds an adapter \(LORA\).*pip install peft.*merge_and_unload"):
            pg.load(str(folder), device="cpu", settings=SETTINGS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"peft_type": "PREFIX_TUNING"}, "PREFIX_TUNING"),
        ({"r": -1}, "rank r .* -1"),
        ({"r": 10**9}, "rank r"),
        ({"megatron_config": {"a": 1}}, "settings that are not read"),
        ({"target_modules": "(a+)+" * 100}, "settings that are not read"),
    ],
)
def test_what_cannot_be_merged_is_named(change, words, base):
    """Guards against prompts passed off as weights, and against a stranger's configuration."""
    write_adapter(base, **change)
    with pytest.raises(pg.PlaygroundError, match=words):
        pg.load(str(base), device="cpu", settings=SETTINGS)


@needs_peft
@pytest.mark.parametrize(
    "change",
    [{"target_modules": "(([a-z0-9_.])+.)+!"}, {"rank_pattern": {"(([a-z0-9_.])+.)+!": 4}}],
    ids=["target", "rank"],
)
def test_a_pattern_that_never_ends(change, base, monkeypatch):
    """Guards the whole server, which stands still while a regular expression is matched."""
    monkeypatch.setitem(untrusted.TOKENIZING, "seconds", 0.3)
    write_adapter(base, **change)
    with pytest.raises(pg.PlaygroundError, match=r"Matching the adapter's patterns .* took more than 0.3 seconds"):
        pg.load(str(base), device="cpu", settings=SETTINGS)


@needs_peft
def test_oft_states_no_rank(base):
    """Guards "The rank r is 0" for OFT, which states the size of its blocks instead."""
    import peft

    adapted = peft.get_peft_model(zoo.build("llama"), peft.OFTConfig(r=0, oft_block_size=4, target_modules=["q_proj"]))
    torch.nn.init.normal_(next(weight for name, weight in adapted.named_parameters() if "oft_R" in name))
    adapted.save_pretrained(base)
    expected = adapted.merge_and_unload()(IDS).logits
    model = pg.load(str(base), device="cpu", settings=SETTINGS)
    torch.testing.assert_close(model.model(IDS).logits, expected, atol=1e-5, rtol=1e-5)
    assert model.card["Adapter"].startswith("OFT, merged")


def test_half_an_adapter_is_refused(base):
    """Guards against the base model alone where the adapter's weights or its configuration did not come along."""
    write_adapter(base)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        copy = shutil.copytree(base, base.with_name(f"without {name}"))
        (copy / name).unlink()
        with pytest.raises(pg.PlaygroundError, match=f"part of an adapter: {name} is missing"):
            pg.load(str(copy), device="cpu", settings=SETTINGS)
    (copy / "adapter_model.bin").write_bytes(b"pickle")
    with pytest.raises(pg.PlaygroundError, match="pickle"):
        pg.load(str(copy), device="cpu", settings=SETTINGS)


@needs_peft
def test_an_adapter_without_its_base(alone):
    """Guards the message: both the adapter and the model that it needs are named."""
    write_adapter(alone, "owner/base")
    with pytest.raises(pg.PlaygroundError, match=r"adapter of owner/base.*same folder"):
        pg.load(str(alone), device="cpu", settings=SETTINGS)


@needs_peft
def test_a_setting_that_peft_does_not_know(base):
    """Guards an adapter of a newer peft, whose further settings this release leaves out."""
    write_adapter(base, use_newer_way=False)
    pg.load(str(base), device="cpu", settings=SETTINGS)
    write_adapter(base, use_newer_way=True)
    with pytest.raises(pg.PlaygroundError, match=r"sets use_newer_way, which this release of peft does not know"):
        pg.load(str(base), device="cpu", settings=SETTINGS)


@needs_peft
def test_an_adapter_that_is_no_number(base):
    """Guards against "a setting in config.json is wrong" where the adapter holds NaN."""
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
    write_adapter(base, tensors={name: torch.full((4, 32), torch.nan)})
    with pytest.raises(pg.PlaygroundError, match=r"adapter in .* makes model.layers.0.self_attn.q_proj.weight numbers"):
        pg.load(str(base), device="cpu", settings=SETTINGS)
