"""int8 weights: the rounding, the distance from float32, and models that go on working with them."""

import math

import pytest
import torch
from torch import nn

from playground.errors import PlaygroundError
from playground.generation import generate
from playground.models.devices import Choice, choose_dtype
from playground.models.loading import prepare
from playground.models.quantised import FEW_ROWS, SAMPLE, Int8Linear, distance
from playground.recording import record
from tests import zoo
from tests.test_generation import PROMPT, by_transformers, greedy, ids_of

INT8 = Choice(torch.int8, "asked for by a test")


def int8(family: str):
    """A tiny model of a family with int8 weights."""
    return prepare(zoo.build(family), zoo.byte_tokenizer(), family, dtype=INT8)


def test_rounding_by_hand():
    """Guards against a scale over the wrong axis: rows [127, -63.5, 1] and [0, 0, 0] have scales 1 and 0, so the first
    becomes 127, -64 (half to even), 1."""
    layer = Int8Linear(torch.tensor([[127.0, -63.5, 1.0], [0.0, 0.0, 0.0]]), torch.tensor([0.5, 0.25]))
    assert layer.weight.tolist() == [[127, -64, 1], [0, 0, 0]] and layer.scale.tolist() == [1.0, 0.0]
    assert layer(torch.tensor([[1.0, 1.0, 2.0]])).tolist() == [[127 - 64 + 2 + 0.5, 0.25]]


@pytest.mark.parametrize("width", [64, 100, 3])
@pytest.mark.parametrize("rows", [1, FEW_ROWS, FEW_ROWS + 1, 100])
def test_layer_is_near_the_one_it_stands_for(rows, width):
    """Guards against the two ways of computing parting, against more error than rounding makes (half a step for each
    weight), and against torch's kernel, which gives nonsense or crashes where the width is no multiple of 8."""
    torch.manual_seed(0)
    plain = nn.Linear(width, 33).requires_grad_(False)
    layer = Int8Linear(plain.weight.data, plain.bias.data)
    step = layer.scale.float()[:, None]
    assert ((plain.weight - layer.weight * step).abs() <= step * 0.51).all()
    x = torch.randn(1, rows, width)
    exact = nn.functional.linear(x, layer.weight * step, plain.bias)
    assert layer(x).shape == (1, rows, 33)
    assert torch.allclose(layer(x), exact, atol=0.02 * float(exact.abs().max()))


def test_distance_by_hand():
    """Guards against nats, a sum instead of a mean, and the divergence the wrong way round: from (1/2, 1/2) to (1/4,
    3/4) it is 1/2 log2(2) + 1/2 log2(2/3) = 0.2075 bits; the second token is the same."""
    before = torch.log(torch.tensor([[0.5, 0.5], [0.9, 0.1]]))
    after = torch.log(torch.tensor([[0.25, 0.75], [0.9, 0.1]]))
    found = distance(before, after, logits=True)
    assert found.divergence == pytest.approx((0.5 + 0.5 * math.log2(2 / 3)) / 2)
    assert (found.tokens, found.agreement) == (2, 0.5)
    assert math.isnan(distance(before, after, logits=False).divergence)


@pytest.fixture(scope="module")
def small(smollm2):
    """SmolLM2 with int8 weights."""
    import playground as pg

    return pg.load("smollm2-135m-instruct", device="cpu", dtype="int8")


def test_the_distance_shown_is_the_models_own(smollm2, small):
    """Guards against a number from a table: worked out again from both models' logits; and it is small."""
    bits = []
    with torch.inference_mode():
        for text in SAMPLE:
            ids = torch.tensor([smollm2.vocabulary.tokenize(text)[0]])
            p, q = (m.model(ids).logits[0].double().log_softmax(-1) for m in (smollm2, small))
            bits += ((p.exp() * (p - q)).sum(-1) / math.log(2)).tolist()
    assert small.distance.tokens == len(bits)
    assert small.distance.divergence == pytest.approx(sum(bits) / len(bits), rel=0.1)  # rounded in another order
    assert 0 < small.distance.divergence < 0.1 and small.distance.agreement > 0.8
    assert f"{small.distance.divergence:.3g} bits" in small.card["From float32"]


def test_bytes_and_parameters(smollm2, small):
    """Guards against weights kept twice: 106 million of 135 million parameters take a quarter, the embedding stays,
    the head, which was tied to it, is one more int8 matrix."""
    assert small.anatomy.parameters == smollm2.anatomy.parameters
    embedding = smollm2.model.get_input_embeddings().weight.numel()
    linear = smollm2.anatomy.parameters - embedding
    assert small.anatomy.weight_bytes == pytest.approx(4 * embedding + linear + embedding, rel=0.01)


def test_greedy_ids_are_those_of_transformers(small):
    """Guards against a loop that reads another model than the one loaded."""
    steps = list(generate(small, PROMPT, greedy(12)))
    assert ids_of(steps) == by_transformers(small, PROMPT, 12)


def test_the_recording_is_the_quantised_models(small, smollm2):
    """Guards against maths shown from the float32 model: it verifies, and it is another model's."""
    recording = record(small, PROMPT)
    assert recording.verify().passed
    assert not torch.equal(recording.attention(3).weights, record(smollm2, PROMPT).attention(3).weights)


@pytest.mark.parametrize("family", ["gpt2", "llama", "bert", "t5", "bart", "mixtral", "bloom", "gemma2"])
def test_every_kind_of_model(family):
    """Guards against families whose layers are no nn.Linear, or who look at a layer's weights themselves."""
    model = int8(family)
    assert model.capabilities.attention and model.distance.tokens > 0
    assert any(isinstance(module, Int8Linear) for module in model.model.modules())
    if model.on_interface and model.capabilities.maths:
        assert record(model, "The cat").verify().passed
    if model.capabilities.generate:
        assert list(generate(model, PROMPT, greedy(4)))


def test_a_model_without_words(minilm):
    """Guards against a divergence of what are no distributions."""
    import playground as pg

    model = pg.load("all-minilm-l6-v2", device="cpu", dtype="int8")
    assert math.isnan(model.distance.divergence) and model.distance.cosine > 0.99
    assert "cosine" in model.card["From float32"]


def test_only_on_the_cpu():
    """Guards against a kernel that a GPU lacks."""
    with pytest.raises(PlaygroundError, match="int8 weights are for the CPU, not for cuda"):
        choose_dtype("int8", torch.device("cuda"))
