"""Attention step by step: by hand, and against what the models really used."""

import numpy as np
import pytest
import torch

import playground as pg
from playground.analysis.attention.head_steps import HAND_SIZED, HeadInputs, edited_steps, head_steps, softmax
from tests.tools import zoo


def test_the_hand_sized_example():
    """Guards against an example that a pupil's pencil refutes."""
    steps = head_steps(HAND_SIZED)
    assert steps.scores == pytest.approx([0, np.log(2), np.log(3)], abs=1e-3)
    assert np.exp(steps.scores) == pytest.approx([1, 2, 3], abs=2e-3)
    assert steps.weights == pytest.approx([1 / 6, 2 / 6, 3 / 6], abs=1e-3)
    assert steps.output == pytest.approx([2, 2], abs=5e-3)
    assert steps.weights.sum() == pytest.approx(1)


def test_every_stage_in_its_order():
    """Guards against a cap after the bias, or a mask that only lowers a score: s = 2·1 = 2, capped at 1: tanh(2) =
    0.964, plus 0.5; the second key is hidden."""
    one = HeadInputs(
        np.array([2.0], np.float32),
        np.ones((2, 1), np.float32),
        np.array([[1.0], [5.0]], np.float32),
        scaling=1.0,
        softcap=1.0,
        bias=np.array([0.5, 0.5], np.float32),
        allowed=np.array([True, False]),
    )
    steps = head_steps(one)
    assert list(steps.stages) == ["q·k", "scaled", "capped", "biased", "masked"]
    capped = np.tanh(2)
    assert [stage[0] for stage in steps.stages.values()] == pytest.approx([2, 2, capped, capped + 0.5, capped + 0.5])
    assert steps.weights.tolist() == [1.0, 0.0] and steps.output.tolist() == [1.0]


def test_a_sink_takes_its_share():
    """Guards against rows that sum to 1 where the model's do not: three equal scores, one of them the sink's."""
    weights, sink = softmax(np.zeros(2, np.float32), 0.0)
    assert weights == pytest.approx([1 / 3, 1 / 3]) and sink == pytest.approx(1 / 3)


def test_what_a_visitor_changes():
    """Guards against a change that is not the one asked for: a score of ln 2 where 0 stood gives e^s = 2, 2, 3; with the
    last key hidden 1, 2; with twice the scaling the squares 1, 4, 9."""
    assert edited_steps(HAND_SIZED, key=0, score=float(np.log(2))).weights == pytest.approx(
        [2 / 7, 2 / 7, 3 / 7], abs=1e-3
    )
    assert edited_steps(HAND_SIZED, key=2, hide=True).weights == pytest.approx([1 / 3, 2 / 3, 0], abs=1e-3)
    assert edited_steps(HAND_SIZED, scaling_factor=2).weights == pytest.approx([1 / 14, 4 / 14, 9 / 14], abs=1e-3)
    assert edited_steps(HAND_SIZED).weights == pytest.approx(head_steps(HAND_SIZED).weights)


def layers_of(model, text: str):
    """(recording, kind, layer, its steps) for every layer of a recording of the text."""
    recording = pg.record(model, text, "ab" if model.model.config.is_encoder_decoder else None)
    for kind in recording.kinds:
        for layer in range(recording.layers(kind)):
            yield recording, kind, layer, recording.layer_steps(layer, kind)


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(zoo.ON_INTERFACE))
def test_every_family_is_reproduced(tiny, family):
    """Guards against a step that a family does otherwise (scaling, cap, bias, mask, sink, groups): each head's weights
    are those of the recording, its output what the model used."""
    model = tiny(family)
    assert model.capabilities.qk
    for recording, kind, layer, layer_steps in layers_of(model, "Hello you"):
        weights = recording.attention(layer, kind).weights
        heads, queries, _ = weights.shape
        for head, query in {(0, 0), (heads - 1, queries - 1), (heads // 2, queries // 2)}:
            steps = head_steps(layer_steps.inputs(head, query))
            assert steps.weights == pytest.approx(weights[head, query].numpy(), abs=1e-5), (kind, layer, head)
            assert steps.output == pytest.approx(layer_steps.head_output(head, query), abs=1e-5), (kind, layer, head)


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(zoo.ON_INTERFACE))
def test_heads_add_up_to_the_layers_output(tiny, family):
    """Guards against another matrix taken for W^O: the heads' shares and its bias add up to what the projection gives for
    all of them together."""
    model = tiny(family)
    checked = 0
    for _, kind, layer, layer_steps in layers_of(model, "Hello you"):
        shares = layer_steps.head_contributions(1)
        if shares is not None:
            whole, bias = layer_steps.layer_output(1)
            assert shares.sum(0) + bias == pytest.approx(whole, abs=1e-5), (kind, layer)
            assert len(shares) == layer_steps.call.query.shape[0]
            checked += 1
    assert checked, "no layer's projection was found"


def test_the_projection_is_the_models_own(smollm2):
    """Guards against a linear layer that happens to have the same input: SmolLM2's are called o_proj."""
    for layer, block in enumerate(smollm2.model.model.layers):
        assert smollm2.projections[id(block.self_attn)] is block.self_attn.o_proj, layer


@pytest.mark.parametrize("family", ["llama", "gpt_neox", "phi", "gemma3_text", "qwen3", "smollm2"])
def test_before_rotary_is_what_the_projection_gave(request, tiny, family):
    """Guards against a rotation turned the wrong way, by another layer's angles (Gemma 3 has two), or over dimensions that
    are not rotated: compared with the queries caught where they are made."""
    model = request.getfixturevalue("smollm2") if family == "smollm2" else tiny(family)
    recording = pg.record(model, "The cat sat on")
    for layer in (0, 1):
        made: list[torch.Tensor] = []
        endings = f"layers.{layer}.self_attn", f"layers.{layer}.attention"
        block = next(module for name, module in model.model.named_modules() if name.endswith(endings))
        source = next(m for n, m in block.named_children() if n in ("q_norm", "q_proj", "query_key_value"))
        if family in ("gemma3_text", "qwen3"):
            source = block.q_norm
        hook = source.register_forward_hook(lambda module, inputs, output, made=made: made.append(output))
        layer_steps = recording.layer_steps(layer)
        hook.remove()
        query = layer_steps.before_rotary[0]
        heads, tokens, width = query.shape
        caught = made[0][0]
        if family == "gpt_neox":
            caught = caught.reshape(tokens, heads, 3 * width)[..., :width].transpose(0, 1)
        elif caught.shape != query.shape:
            caught = caught.reshape(tokens, heads, width).transpose(0, 1)
        assert torch.allclose(query, caught, atol=1e-4)


def test_no_rotation_no_before(tiny):
    """Guards against turning back what was never turned."""
    for family in ("gpt2", "bert", "t5"):
        assert all(layer_steps.before_rotary is None for *_, layer_steps in layers_of(tiny(family), "Hello"))


def test_long_texts_and_families_off_the_interface(smollm2, tiny):
    """Guards against steps without values where a long recording keeps none, and against a crash where there are no
    queries."""
    long = pg.record(smollm2, " word" * 300)
    assert head_steps(long.layer_steps(2).inputs(1, 299)).output == pytest.approx(
        long.layer_steps(2).head_output(1, 299), abs=1e-5
    )
    with pytest.raises(pg.PlaygroundError, match="can't be shown"):
        pg.record(tiny("bloom"), "Hello").layer_steps(0)
