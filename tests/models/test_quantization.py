"""int8 weights: the rounding, the loss against float32, and models that go on working with them."""

import math
import time

import pytest
import torch
from torch import nn

import playground as pg
from playground.errors import PlaygroundError
from playground.generation.generate import generate
from playground.generation.token_entries import prompt_entries
from playground.loading import parameter_counts, prepare
from playground.models import devices, int8_linear, quantization
from playground.models.devices import DtypeChoice, choose_dtype
from playground.models.quantization import SAMPLE, Int8Linear, quantization_loss
from playground.recording.record import record
from tests.generation.test_generate import PROMPT, by_transformers, greedy, ids_of
from tests.tools import zoo

INT8 = DtypeChoice(torch.int8, "asked for by a test")


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
@pytest.mark.parametrize("rows", [1, 16, 17, 100])
def test_layer_is_near_the_one_it_stands_for(rows, width, monkeypatch):
    """Guards against the two ways of computing parting, against more error than rounding makes (half a step for each
    weight), and against digits that overflow at a row's largest number."""
    torch.manual_seed(0)
    plain = nn.Linear(width, 33).requires_grad_(False)
    layer = Int8Linear(plain.weight.data, plain.bias.data)
    step = layer.scale[:, None]
    assert ((plain.weight - layer.weight * step).abs() <= step * 0.50001).all()
    x = torch.randn(1, rows, width)
    exact = nn.functional.linear(x.double(), (layer.weight * step).double(), plain.bias.double()).float()
    for block in (width, 2**20):  # one output at a time, all at once
        for integers in (True, False):
            monkeypatch.setattr(int8_linear, "_BLOCK", block)
            monkeypatch.setattr(int8_linear, "has_integer_kernel", lambda there=integers: there)
            assert layer(x).shape == (1, rows, 33) and layer(x).dtype == torch.float32
            torch.testing.assert_close(layer(x), exact, atol=2e-6, rtol=1e-5)


def test_digits_by_hand():
    """Guards against a carry lost, and bytes in another order: of [1, -0.5] the unit is 1/(127·65536), and -0.5 is
    -63.5·65536 = -63·65536 - 128·256; of [127·65536, 385, -129] it is 1, and 385 = 256 + 129 = 2·256 - 127."""
    unit, digits = int8_linear.in_digits(torch.tensor([[1.0, -0.5, 0.0], [0.0, 0.0, 0.0], [127 * 65536.0, 385, -129]]))
    low, middle, high = digits.view(3, 3, 3).tolist()
    assert (low[0], middle[0], high[0]) == ([0, 0, 0], [0, -128, 0], [127, -63, 0])
    assert low[1] == middle[1] == high[1] == [0, 0, 0]
    assert (low[2], middle[2], high[2]) == ([0, -127, 127], [0, 2, -1], [127, 0, 0])
    assert unit[0].item() == pytest.approx(1 / (127 * 65536)) and unit[2].item() == 1


def test_a_row_does_not_depend_on_the_others(monkeypatch):
    """Guards against two kernels, one for a token that is written and one for a text that is read: the same row gives the
    same bits alone and among 300. By whole numbers, also where this processor is faster without."""
    monkeypatch.setattr(int8_linear, "has_integer_kernel", lambda: True)
    torch.manual_seed(0)
    layer, x = Int8Linear(torch.randn(50, 96), None), torch.randn(300, 96) * torch.logspace(-3, 3, 96)
    whole = layer(x)
    assert all(torch.equal(layer(x[i : i + 1]), whole[i : i + 1]) for i in (0, 7, 299))


@pytest.mark.slow
def test_a_slow_kernel_is_not_used(monkeypatch):
    """Guards against a product of int8 matrices that is exact but takes 20 times as long as that of unpacked weights, as on
    processors without VNNI: there int8 wrote a third of float32's tokens per second."""
    exact = torch._int_mm
    monkeypatch.setattr(torch, "_int_mm", lambda a, b: (time.sleep(0.05), exact(a, b))[1])
    assert not int8_linear.has_integer_kernel.__wrapped__()


def test_logits_have_finer_steps_than_bfloat16():
    """Guards against tokens of equal probability that are none: 27 + k/100 is 27 for k < 6 in bfloat16, whose steps
    are 1/8 there."""
    weight = torch.zeros(265, 16)
    weight[:, 0], weight[:6, 1] = 27, torch.arange(6) / 100
    layer, x = Int8Linear(weight, None), torch.ones(1, 16)
    exact = (layer.weight.double() * layer.scale.double()[:, None]).sum(1)
    torch.testing.assert_close(layer(x)[0].double(), exact, atol=1e-5, rtol=0)


def test_written_and_read_probabilities_agree(small):
    """Guards against two ways of computing: what a token was written with, over a cache and one row at a time, and what the
    finished text gives it; by bfloat16 kernels they differed by up to 14 %."""
    steps = list(generate(small, PROMPT, greedy(12)))
    ids = small.vocabulary.tokenize(PROMPT)[0]
    recording = record(small, [*ids, *ids_of(steps)])
    read = [entry["probability"] for entry in prompt_entries(recording)[len(ids) :]]
    assert [step.probability for step in steps] == pytest.approx(read, rel=1e-3)


def test_distance_by_hand():
    """Guards against nats, a sum instead of a mean, and the divergence the wrong way round: from (1/2, 1/2) to (1/4,
    3/4) it is 1/2 log2(2) + 1/2 log2(2/3) = 0.2075 bits; the second token is the same."""
    before = torch.log(torch.tensor([[0.5, 0.5], [0.9, 0.1]]))
    after = torch.log(torch.tensor([[0.25, 0.75], [0.9, 0.1]]))
    loss = quantization_loss(before, after, logits=True)
    assert loss.divergence == pytest.approx((0.5 + 0.5 * math.log2(2 / 3)) / 2)
    assert (loss.tokens, loss.agreement) == (2, 0.5)
    assert math.isnan(quantization_loss(before, after, logits=False).divergence)


@pytest.fixture(scope="module")
def small(smollm2):
    """SmolLM2 with int8 weights."""
    return pg.load("smollm2-135m-instruct", device="cpu", dtype="int8")


def test_the_distance_shown_is_the_models_own(smollm2, small):
    """Guards against a number from a table: worked out again from both models' logits; and it is small."""
    bits = []
    with torch.inference_mode():
        for text in SAMPLE:
            ids = torch.tensor([smollm2.vocabulary.tokenize(text)[0]])
            p, q = (m.model(ids).logits[0].double().log_softmax(-1) for m in (smollm2, small))
            bits += ((p.exp() * (p - q)).sum(-1) / math.log(2)).tolist()
    assert small.quantization_loss.tokens == len(bits)
    assert small.quantization_loss.divergence == pytest.approx(
        sum(bits) / len(bits), rel=0.1
    )  # rounded in another order
    assert 0 < small.quantization_loss.divergence < 0.1 and small.quantization_loss.agreement > 0.8
    assert f"{small.quantization_loss.divergence:#.2g} bits" in small.card["From float32"]


def test_masked_models_are_asked_for_what_is_masked(tiny):
    """Guards against a distance of BERT's trivial task, naming a word that it sees: every token but the special ones
    is masked once, every seventh at a time; worked out again from both models' logits."""
    plain, small, bits = tiny("bert"), int8("bert"), []
    mask = plain.tokenizer.mask_token_id
    with torch.inference_mode():
        for text in SAMPLE:
            ids = plain.vocabulary.tokenize(text)[0][: plain.anatomy.context_length]
            for turn in range(7):
                places = [i for i in range(len(ids)) if i % 7 == turn]
                masked = torch.tensor([[mask if i in places else token for i, token in enumerate(ids)]])
                p, q = (m.model(masked).logits[0, places].double().log_softmax(-1) for m in (plain, small))
                bits += ((p.exp() * (p - q)).sum(-1) / math.log(2)).tolist()
    assert small.quantization_loss.tokens == len(bits)
    assert small.quantization_loss.divergence == pytest.approx(sum(bits) / len(bits), rel=0.1)


def test_bytes_and_parameters(smollm2, small):
    """Guards against weights kept twice: 106 million of 135 million parameters take a quarter, the embedding stays,
    the head, which was tied to it, is one more int8 matrix."""
    assert small.anatomy.parameters == smollm2.anatomy.parameters
    embedding = smollm2.model.get_input_embeddings().weight.numel()
    linear = smollm2.anatomy.parameters - embedding
    assert small.anatomy.weight_bytes == pytest.approx(4 * embedding + linear + embedding, rel=0.01)
    assert small.card["Embeddings"].startswith("tied; for the output a copy in int8")
    assert smollm2.card["Embeddings"] == "tied (input = output)"


def test_greedy_ids_are_those_of_transformers(small):
    """Guards against a loop that reads another model than the one loaded."""
    steps = list(generate(small, PROMPT, greedy(12)))
    assert ids_of(steps) == by_transformers(small, PROMPT, 12)


def test_the_recording_is_the_quantised_models(small, smollm2):
    """Guards against attention of the float32 model: it would verify as well."""
    recording = record(small, PROMPT)
    assert recording.verify().passed
    assert not torch.equal(recording.attention(3).weights, record(smollm2, PROMPT).attention(3).weights)


@pytest.mark.slow
@pytest.mark.parametrize("family", zoo.FAMILIES)
def test_every_kind_of_model(family, tiny):
    """Guards against families whose layers are no nn.Linear, or who look at a layer's weights themselves: they would
    give something else, or fail; and against queries and keys of the float32 model."""
    plain, model = tiny(family), int8(family)
    assert model.capabilities == plain.capabilities and model.anatomy.kind == plain.anatomy.kind
    assert (
        model.quantization_loss.divergence < 0.3
        and model.quantization_loss.agreement > 0.8
        and model.quantization_loss.cosine > 0.99
    )
    left = [m for m in model.model.modules() if isinstance(m, nn.Linear) or type(m).__name__ == "Conv1D"]
    assert not left and model.quantization_loss.float32_parameters < model.anatomy.parameters
    if model.capabilities.qk:
        assert record(model, "The cat", "un" if model.model.config.is_encoder_decoder else None).verify().passed
    if model.capabilities.generate:
        assert ids_of(list(generate(model, PROMPT, greedy(4)))) == by_transformers(model, PROMPT, 4)


class Doubled(nn.Linear):
    """A layer that is no nn.Linear, whatever it inherits from."""

    def forward(self, x):
        return 2 * super().forward(x)


def test_layers_of_other_kinds_are_left_alone():
    """Guards against rounding what computes something else, or reads its weights past its layers' own way."""
    torch.manual_seed(0)
    layers = {"doubled": Doubled(16, 4), "plain": nn.Linear(16, 4), "heads": nn.MultiheadAttention(16, 2)}
    network = nn.ModuleDict(layers)
    x = torch.randn(2, 16)
    before = network["doubled"](x), network["heads"](x, x, x)[0]
    quantization.replace_linear_layers(network)
    assert isinstance(network["plain"], Int8Linear)
    assert torch.equal(network["doubled"](x), before[0]) and torch.equal(network["heads"](x, x, x)[0], before[1])


def test_experts_are_left_and_it_is_said(tiny):
    """Guards against a card that promises int8 for a mixture whose experts, most of its weights, are float32."""
    mixture, plain = int8("mixtral"), int8("llama")
    experts = [p.numel() for n, p in mixture.model.named_parameters() if "experts" in n or n.endswith("gate.weight")]
    assert mixture.quantization_loss.float32_weights == sum(experts) > 0
    assert f"{sum(experts):,} weights that are in no linear layer" in mixture.card["From float32"]
    assert plain.quantization_loss.float32_weights == 0 and "no linear layer" not in plain.card["From float32"]


def test_loading_needs_the_memory_of_float32(tmp_path, monkeypatch):
    """Guards the server: int8 is rounded from float32, so a model that fits only once it is rounded ends the process."""
    folder = zoo.save("llama", tmp_path)
    count = sum(parameter_counts(folder))
    monkeypatch.setattr(devices, "free_memory", lambda device: 3 * count)
    with pytest.raises(PlaygroundError, match="of memory to be rounded from float32; .* are free"):
        pg.load(str(folder), device="cpu", dtype="int8")
    monkeypatch.setattr(devices, "free_memory", lambda device: 5 * count)
    assert pg.load(str(folder), device="cpu", dtype="int8").anatomy.weight_bytes < 2.5 * count


def test_a_model_without_words(minilm):
    """Guards against a divergence of what are no distributions."""
    model = pg.load("all-minilm-l6-v2", device="cpu", dtype="int8")
    assert math.isnan(model.quantization_loss.divergence) and model.quantization_loss.cosine > 0.99
    assert "cosine" in model.card["From float32"]


def test_only_on_the_cpu():
    """Guards against a kernel that a GPU lacks."""
    with pytest.raises(PlaygroundError, match="int8 weights are for the CPU, not for cuda"):
        choose_dtype("int8", torch.device("cuda"))


def test_the_sidebar_offers_it_and_tells_the_distance(smollm2, small):
    """Guards against a format that only Python users reach, and a card that keeps its distance to itself."""
    from playground.tabs.shared import sidebar
    from playground.tabs.shared.model_card import model_card

    assert sidebar._DTYPES == devices.DTYPE_CHOICES
    card = model_card(small)
    assert "From float32" in card and "same first choice for" in card and "237 MiB" in card
    assert "From float32" not in model_card(smollm2)
