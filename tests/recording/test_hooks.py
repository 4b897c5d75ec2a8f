"""The recorder's way in: a family is recorded under a name of ours only where it stays the same model."""

import threading

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM

import playground as pg
from playground.generation.cached_steps import cached_steps
from playground.loading import prepare
from playground.recording.hooks import EAGER, FAST, capture_attention
from playground.recording.module_hooks import patch_modules
from tests.tools import zoo

_INDEX = zoo._DEEPSEEK | {"index_n_heads": 2, "index_head_dim": 8, "index_topk": 4}
WARY = {
    "bigbird_pegasus": zoo._BART | {"attention_type": "original_full"},
    "nllb-moe": zoo._BART | {"num_experts": 4, "encoder_sparse_step": 2, "decoder_sparse_step": 2},
    "splinter": zoo._PLAIN,
    "deepseek_v32": _INDEX,
    "glm_moe_dsa": _INDEX,
    "a wide index": _INDEX | {"index_topk": 2048},
}
"""Families that compute something else under another name than their own, or without a mask."""
RECORDED = {"bigbird_pegasus": EAGER, "nllb-moe": EAGER}
"""Those that are themselves again once they are given whole masks."""
IDS = torch.tensor([[17, 40, 9, 101, 33, 56, 78, 250, 12]])


def build(family: str):
    """The family's model with random weights, as the zoo makes its own."""
    torch.manual_seed(0)
    config = AutoConfig.for_model("deepseek_v32" if family == "a wide index" else family, **WARY[family])
    auto = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    auto = AutoModel if family == "splinter" else auto
    model = auto.from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return model


def answer(network) -> torch.Tensor:
    with torch.inference_mode():
        return network(
            input_ids=IDS, **({"decoder_input_ids": IDS[:, :5]} if network.config.is_encoder_decoder else {})
        )[0]


@pytest.mark.slow
@pytest.mark.parametrize("family", WARY)
def test_it_stays_the_same_model(family):
    """Guards against another model's numbers: Splinter and BigBird-Pegasus ran causally, NLLB-MoE as well, DeepSeek 3.2
    and GLM's kin without their index, all by more than a third of the largest logit and without a warning. An index that
    is wider than the text it is tried on shows only in longer ones."""
    own = answer(build(family))
    model = prepare(build(family), zoo.byte_tokenizer(), family)
    assert model.on_interface == (family in RECORDED)
    assert model.model.config._attn_implementation == RECORDED.get(family, "eager")
    torch.testing.assert_close(answer(model.model), own, atol=1e-4, rtol=1e-4)
    two = model.model.config.is_encoder_decoder
    recording = pg.record(model, "the cat sat on the mat", "a dog" if two else None)
    assert recording.verify().passed == model.on_interface
    if family == "splinter":
        assert recording.attention(0).weights.triu(1).any(), "it reads both ways"


@pytest.mark.parametrize("family", zoo.ON_INTERFACE)
def test_others_stay_recorded(family, tiny):
    """Guards against families that fall off the interface because of rounding, or that lose the fast masks: only caps
    and sinks, which scaled_dot_product_attention lacks, need the others."""
    name = tiny(family).model.config._attn_implementation
    assert tiny(family).on_interface and name == (EAGER if family in ("gemma2", "gpt_oss") else FAST)


def test_a_short_context_stays_recorded():
    """Guards models that read fewer tokens than are tried."""
    config = AutoConfig.for_model("gpt2", **zoo.FAMILIES["gpt2"] | {"n_positions": 8})
    assert prepare(AutoModelForCausalLM.from_config(config), zoo.byte_tokenizer()).on_interface


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "t5", "bart", "mixtral", "deepseek_v3"])
@pytest.mark.parametrize("number_format", [torch.bfloat16, torch.float16])
def test_half_formats_stay_recorded(family, number_format):
    """Guards against rounding in a half format that is taken for another model."""
    model = prepare(zoo.build(family).to(number_format), zoo.byte_tokenizer(), family)
    assert model.on_interface and model.capabilities.qk


def test_calls_of_a_wrong_shape_leave_the_interface(monkeypatch):
    """Guards the way back: where what is recorded is no attention of the text at all, the model's own eager weights are
    shown, not nothing."""
    from playground.recording import capability_probe

    own = capability_probe.check_attention
    monkeypatch.setattr(
        capability_probe,
        "check_attention",
        lambda model, recording: (
            capability_probe.Capability("rows are no shares") if model.on_interface else own(model, recording)
        ),
    )
    model = prepare(zoo.build("llama"), zoo.byte_tokenizer())
    assert not model.on_interface and model.model.config._attn_implementation == "eager"
    assert model.capabilities.attention and "no shares" in model.capabilities.qk.reason


def test_loading_runs_few_passes():
    """Guards against trials that each run the model for themselves: the default model was run 19 times, for over two
    seconds of the first visitor's wait. One of the nine asks whether attention matters, which no other pass can tell."""
    network, passes = zoo.build("llama"), []
    network.register_forward_hook(lambda *_: passes.append(1))
    model = prepare(network, zoo.byte_tokenizer())
    assert model.capabilities.qk and len(model.projections) == 2 and cached_steps(model).in_chunks
    assert len(passes) <= 9


def test_attention_that_does_nothing_is_off():
    """Guards against weights shown of layers whose output reaches nothing: here the output projections are zero."""
    network = zoo.build("llama")
    for layer in network.model.layers:
        layer.self_attn.o_proj.weight.data.zero_()
    model = prepare(network, zoo.byte_tokenizer())
    reason = "changing the attention does not change the model's output"
    assert model.capabilities.attention.reason == model.capabilities.qk.reason == reason


def test_a_context_in_another_receives_calls_as_well():
    """Guards against a recording that hides its calls from the trial around it, which numbers the layers."""
    model, outer, inner = prepare(zoo.build("llama"), zoo.byte_tokenizer()), [], []
    with capture_attention(lambda *call: outer.append(call[0])):
        with capture_attention(lambda *call: inner.append(call[0])):
            model.model(torch.tensor([[5, 6, 7]]))
        model.model(torch.tensor([[5, 6, 7]]))
    assert len(inner) == 2 and outer == inner * 2


@pytest.mark.parametrize("change", ["inputs", "output"])
def test_other_threads_notice_no_hook_that_comes_or_goes(change):
    """Guards another visitor's pass: torch takes note that a hook wants keyword arguments after the hook itself, and forgets
    it after that; in between it calls the hook without them. Here that moment lasts."""
    module, other = torch.nn.Linear(2, 2), []
    expected, hooks = module(torch.ones(2)), {"inputs": "_forward_pre_hooks", "output": "_forward_hooks"}[change]
    changes = {"inputs": lambda args, kwargs: ((args[0] + 1,), kwargs), "output": lambda args, kwargs, result: -result}
    with patch_modules([module], **{change: changes[change]}):
        assert not torch.equal(module(torch.ones(2)), expected)
        getattr(module, f"{hooks}_with_kwargs").clear()
        thread = threading.Thread(target=lambda: other.append(module(torch.ones(2))))
        thread.start()
        thread.join()
    assert torch.equal(other[0], expected)
