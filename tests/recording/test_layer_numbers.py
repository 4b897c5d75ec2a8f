"""Layers have the model's own numbers: in hybrids only some attend, and in a few families a layer attends twice."""

import pytest
import torch

import playground as pg
from playground.loading import prepare
from playground.models.differential import is_differential, lambdas
from tests.tools import every_family, zoo

TEXT = "the cat sat on the mat"
_HYBRID = zoo._GROUPED | {"num_hidden_layers": 4}
_LINEAR = {"linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8, "linear_value_head_dim": 8}
_EXPERTS = {"num_experts": 2, "num_experts_per_tok": 1}
HYBRIDS = {
    "lfm2": _HYBRID | {"layer_types": ["conv", "full_attention", "conv", "full_attention"]},
    "jamba": _HYBRID
    | _EXPERTS
    | {"attn_layer_period": 2, "attn_layer_offset": 1, "mamba_d_state": 8, "mamba_dt_rank": 4},
    "bamba": _HYBRID
    | {"attn_layer_indices": [1, 3], "mamba_n_heads": 8, "mamba_d_head": 8, "mamba_n_groups": 1, "mamba_d_state": 8},
    "qwen3_next": _HYBRID
    | _LINEAR
    | _EXPERTS
    | {"layer_types": ["linear_attention", "full_attention"] * 2}
    | {"moe_intermediate_size": 16, "shared_expert_intermediate_size": 16},
}
"""Families whose layers 1 and 3 of four attend."""


@pytest.fixture(scope="module", params=HYBRIDS)
def hybrid(request):
    return prepare(zoo.variant(request.param, **HYBRIDS[request.param]), zoo.byte_tokenizer(), request.param)


@pytest.mark.slow
def test_a_hybrids_layers_have_their_own_numbers(hybrid):
    """Guards against counting attention calls: "layer 0" was layer 1. The weights of layer 1 are those that transformers
    returns for it, and layer 0 is refused with the layers that there are."""
    recording = pg.record(hybrid, TEXT)
    assert recording.layer_numbers() == (1, 3) and recording.layers() == 2
    ids = torch.tensor([[token.id for token in recording.tokens]])
    network = zoo.variant(hybrid.model_id, **HYBRIDS[hybrid.model_id])
    with torch.inference_mode():
        own = [weights for weights in network(ids, output_attentions=True).attentions if weights is not None]
    for number, weights in zip((1, 3), own, strict=True):
        torch.testing.assert_close(recording.attention(number).weights, weights[0], atol=1e-5, rtol=0)
        assert recording.attention(number).layer == number
    for number in (0, 2, 4, -1):
        with pytest.raises(pg.PlaygroundError, match=r"Layers with attention: 1 and 3\."):
            recording.attention(number)
    assert recording.verify().passed


def test_a_single_layer_that_attends_is_named():
    """Guards "Layers count from 0 to 0", and a rollout through "all 1 layers", where layer 1 has no attention."""
    types = {"layer_types": ["full_attention", "conv"]}
    model = prepare(zoo.variant("lfm2", **zoo._GROUPED, **types), zoo.byte_tokenizer(), "lfm2")
    recording = pg.record(model, TEXT)
    assert recording.depth() == 2
    with pytest.raises(pg.PlaygroundError, match=r"but conv\. Layers with attention: 0\."):
        recording.attention(1)


def test_layers_with_two_mixers_say_so():
    """Guards "all paths" where each layer has Mamba beside its attention: card and rollout tell."""
    model = prepare(every_family.build("falcon_h1"), zoo.byte_tokenizer(), "falcon_h1")
    assert model.anatomy.mixed_layers == "attention and another mixer in 0 and 1"


def test_a_layers_steps_are_its_own(hybrid):
    """Guards against steps of another layer: its queries give the weights of the map."""
    recording = pg.record(hybrid, TEXT)
    for number in recording.layer_numbers():
        steps = recording.layer_steps(number)
        torch.testing.assert_close(steps.call.weights(), recording.attention(number).weights)


def test_the_card_says_which_layers_attend(hybrid):
    """Guards against a card that speaks of four layers alone."""
    assert hybrid.card["Layers"].startswith("4: attention in 1 and 3; ")


def test_albert_runs_one_layer_again_and_again(tiny):
    """Guards against one number for all runs of ALBERT's single layer."""
    assert pg.record(tiny("albert"), TEXT).layer_numbers() == (0, 1)


def test_a_layer_that_attends_twice_is_one_layer():
    """Guards against DiffLlama's two calls a layer taken for two layers: its layer 1 was shown as the model's layer 0."""
    settings = zoo._GROUPED
    model = prepare(zoo.variant("diffllama", **settings), zoo.byte_tokenizer())
    recording = pg.record(model, TEXT)
    assert recording.layer_numbers() == (0, 1)
    ids = torch.tensor([[token.id for token in recording.tokens]])
    with torch.inference_mode():
        own = zoo.variant("diffllama", **settings)(ids, output_attentions=True).attentions
    for number in (0, 1):
        torch.testing.assert_close(recording.attention(number).weights, own[number][0], atol=1e-5, rtol=0)
    assert not recording.verify().passed and "differential attention" in recording.verify().reason
    assert "differential attention" in model.capabilities.qk.reason


def test_the_lambda_on_the_card_is_the_one_that_a_layer_uses():
    """Guards against a λ by another formula, and against heads paired otherwise. What goes into a layer's group norm is
    (A[h] - λ A[h + 2]) · [V_0, V_1] for h = 0 and 1, all four heads having both value heads; λ is solved from that."""
    model = prepare(zoo.variant("diffllama", **zoo._GROUPED), zoo.byte_tokenizer())
    kept, values = [], []
    for module in model.model.modules():
        if is_differential(module):
            module.lambda_q1.add_(0.3)  # else λ is close to λinit
            module.lambda_k1.add_(0.2)
            module.groupnorm.register_forward_pre_hook(lambda module, args: kept.append(args[0][0]))
            module.v_proj.register_forward_hook(lambda module, args, output: values.append(output[0]))
    recording = pg.record(model, TEXT)
    shown = model.card["Differential"]
    for number, written in enumerate(lambdas(model.model)):
        first, second = recording.attention(number).weights.unflatten(0, (2, 2))  # (2, T, T): heads 0 and 1, 2 and 3
        plain, subtracted = first @ values[number], second @ values[number]
        difference = plain - kept[number].transpose(0, 1).reshape(plain.shape)
        measured = float((difference * subtracted).sum() / (subtracted**2).sum())
        assert measured == pytest.approx(written, abs=1e-4)
        torch.testing.assert_close(difference, measured * subtracted, atol=1e-5, rtol=0)
        assert f"{measured:.3f}" in shown
    assert "head h − λ · head h + 2, for h = 0 to 1" in shown
    assert lambdas(zoo.build("llama")) == ()
