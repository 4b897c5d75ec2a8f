"""The maths of the Layers tab, on numbers that can be worked out by hand."""

import math

import numpy as np
import pytest
import torch

from playground.analysis.layers.contributions import Direction, PartAtToken, contributions, split_part
from playground.analysis.layers.lens import LensRequest, read_lens
from playground.analysis.layers.lens_rows import DIVERGENCE, ENTROPY, ranks_of, top_of
from playground.analysis.layers.neurons import Activations, most_active
from playground.analysis.layers.norms import fit_norm
from playground.analysis.layers.sums import adds_up
from playground.errors import PlaygroundError


def test_a_layer_norm_by_hand():
    """Guards against a norm without its mean, and a scale that is not the input's own: of (1, 3) LayerNorm makes
    (-1, 1) · gain + bias, and of the parts (1, 0) and (0, 3), at that scale, (0.5, -0.5) and (-1.5, 1.5)."""
    weight, bias = torch.tensor([2.0, 4.0]), torch.tensor([0.5, 0.0])
    inputs = torch.tensor([[1.0, 3.0], [5.0, 1.0]])
    outputs = torch.tensor([[-1.0, 1.0], [1.0, -1.0]]) * weight + bias
    norm = fit_norm(inputs, outputs, weight, bias)
    assert norm.centred and norm.error < 1e-12 and torch.equal(norm.gain, weight.double())
    assert norm.scale(inputs, outputs).tolist() == pytest.approx([1.0, 0.5])
    direction = norm.back(torch.tensor([1.0, 0.0], dtype=torch.float64), 1.0)  # the first number of the output
    assert float(direction @ torch.tensor([1.0, 0.0]).double()) == pytest.approx(2 * 0.5)
    assert float(direction @ torch.tensor([0.0, 3.0]).double()) == pytest.approx(2 * -1.5)


@pytest.mark.parametrize("offset", [0, 1])
def test_an_rms_norm_by_hand(offset):
    """Guards against Gemma's gain, 1 + weight, read as weight: of (3, 4), whose root mean square is √12.5."""
    weight = torch.tensor([2.0, 0.5])
    inputs = torch.tensor([[3.0, 4.0], [-1.0, 2.0]])
    outputs = inputs / inputs.pow(2).mean(-1, keepdim=True).sqrt() * (offset + weight)
    norm = fit_norm(inputs, outputs, weight, None)
    assert not norm.centred and norm.error < 1e-6 and torch.allclose(norm.gain, (offset + weight).double())
    assert float(norm.scale(inputs, outputs)[0]) == pytest.approx(12.5**-0.5)


def test_another_function_is_no_norm():
    """Guards against a check that passes everything: tanh has no scale."""
    inputs = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    assert fit_norm(inputs, inputs.tanh(), torch.ones(8), None).error > 0.01


def test_which_parts_add_up():
    """Guards against a sum with parts that are not in it, and a multiplier taken for 1: whole = a + 0.25 b, beside two
    tensors that have nothing to do with it."""
    a, b, c, d = torch.randn(4, 6, 5, generator=torch.Generator().manual_seed(1))
    whole = a + 0.25 * b
    found = adds_up(whole, [c, b, d, a], torch.ones(6), 1e-6)
    assert found.parts == (1, 3) and found.factors == (pytest.approx(0.25), 1.0) and found.error < 1e-6
    without = adds_up(whole, [c, d, a], torch.ones(6), 1e-6)
    assert without.error > 0.1
    assert adds_up(whole, [], torch.ones(6), 1e-6) is None


def whole(states, first):
    """The states themselves as logits, in one block."""
    return [(0, states.clone())]


def in_blocks(size):
    """The states themselves as logits, in blocks of a size."""

    def blocks(states, first):
        starts = list(range(0, states.shape[1], size))
        if first is not None:
            starts.sort(key=lambda start: not start <= first < start + size)
        return [(start, states[:, start : start + size].clone()) for start in starts]

    return blocks


@pytest.mark.slow
@pytest.mark.parametrize("size", [7, 64, 300, 1000])
@pytest.mark.parametrize("top", [1, 5, 40])
def test_a_lens_in_blocks(size, top):
    """Guards against sums, largest logits and ranks that depend on how the vocabulary is cut: each of them by torch's own
    softmax, over logits that lie far apart, that are equal, or minus infinity; and against a bound below the largest logit
    that is too near, so that what lies under it counts: 999 tokens at the bound would add to the sum."""
    states = 20 * torch.randn(3, 9, 1000, generator=torch.Generator().manual_seed(5))
    states[0, 0, 100:] = -math.inf
    states[1, 1, 40:50] = states[1, 1].max() + 1  # ten equal ones
    states[2, 2] += 300
    states[1, 3] = torch.cat([torch.zeros(1), torch.linspace(-300, -400, 999)])
    request = LensRequest(top, (ENTROPY, DIVERGENCE), chosen=44)
    lens = read_lens(("a", "b", "c"), range(9), states, in_blocks(size), states[-1], 12, request)
    wide = states.double()
    shares = wide.softmax(-1)
    assert lens.error == 0 and np.allclose(lens.probabilities, shares.topk(top).values, atol=1e-6)
    rows = [(s, n) for s in range(3) for n in range(9) if (s, n) != (1, 1)]
    assert all(lens.ids[s, n].tolist() == wide[s, n].topk(top).indices.tolist() for s, n in rows)
    assert set(lens.ids[1, 1, : min(top, 10)].tolist()) <= set(range(40, 50))
    assert np.array_equal(lens.ranks, ranks_of(states, 44)) and lens.ranks[1, 1] == 5
    assert lens.probabilities[1, 3, 0] == 1 and lens.measures[ENTROPY][1, 3] < 1e-28
    logs = shares.clamp_min(1e-300).log()
    assert np.allclose(lens.measures[ENTROPY], -(shares * logs).sum(-1) / math.log(2), atol=1e-4)
    divergence = (shares[-1] * (wide[-1].log_softmax(-1) - wide.log_softmax(-1))).sum(-1) / math.log(2)
    finite = torch.isfinite(divergence)
    assert np.allclose(lens.measures[DIVERGENCE][finite.numpy()], divergence[finite], rtol=1e-4, atol=1e-4)
    plain = read_lens(("a", "b", "c"), range(9), states, in_blocks(size), states[-1], 12, LensRequest(top))
    assert np.allclose(plain.probabilities, lens.probabilities, atol=1e-7)
    assert all(np.array_equal(plain.ids[place], lens.ids[place]) for place in rows)


def test_a_lens_by_hand():
    """Guards against nats for bits, divergence in the wrong direction, and ranks from 0: p = (1/2, 1/4, 1/8, 1/8) has 1.75
    bits; the last, uniform one is 0.25 (-1 + 0 + 1 + 1) = 0.25 bits from it."""
    logits = torch.tensor([4.0, 2.0, 1.0, 1.0]).log() + 3
    states = torch.stack([logits, torch.zeros(4)])[:, None]  # S = 2, N = 1
    request = LensRequest(2, (ENTROPY, DIVERGENCE), chosen=2)
    lens = read_lens(("embedding", "0"), range(7, 8), states, whole, torch.zeros(1, 4), 128, request)
    assert lens.ids[0, 0].tolist() == [0, 1] and lens.probabilities[0, 0].tolist() == pytest.approx([0.5, 0.25])
    assert lens.measures[ENTROPY][:, 0].tolist() == pytest.approx([1.75, 2.0])
    assert lens.measures[DIVERGENCE][:, 0].tolist() == pytest.approx([0.25, 0.0])
    assert lens.ranks[:, 0].tolist() == [3, 3] and lens.error == 0
    assert ranks_of(torch.tensor([[1.0, 5.0, 1.0]]), 2).tolist() == [3]


def test_a_lens_of_many_tokens_is_read_in_blocks():
    """Guards against blocks put together along the wrong axis: 3 states of 200 tokens against each read alone."""
    states = torch.randn(3, 200, 6, generator=torch.Generator().manual_seed(2))
    lens = read_lens(("a", "b", "c"), range(200), states, whole, states[-1], 128, LensRequest(3, (DIVERGENCE,)))
    shares = states.softmax(-1)
    assert np.array_equal(lens.ids, states.topk(3).indices.numpy())
    assert np.allclose(lens.probabilities, shares.topk(3).values)
    expected = (shares[-1] * (shares[-1].log() - shares.log())).sum(-1) / math.log(2)
    assert np.allclose(lens.measures[DIVERGENCE], expected, atol=1e-5)


def test_the_largest_logits_lie_in_any_chunk():
    """Guards against a largest logit that is missed: two in one chunk, one in the rest that fills no chunk, one far below
    all others of its chunk; and as many as there are chunks."""
    logits = torch.randn(3, 5, 1000, generator=torch.Generator().manual_seed(3))
    logits[0, 0, [70, 71, 999]] = torch.tensor([9.0, 8.0, 7.0])
    for count in (1, 3, 5, 14, 15, 16, 40):
        values, ids = top_of(logits, count)
        assert torch.equal(ids, logits.topk(count).indices) and torch.equal(values, logits.topk(count).values)


def test_a_lens_of_nan_is_refused():
    """Guards against NaN shown as a probability."""
    with pytest.raises(PlaygroundError, match="NaN"):
        read_lens(("a",), range(1), torch.full((1, 1, 3), math.nan), whole, torch.zeros(1, 3), 128)
    hidden = torch.zeros(1, 1, 200)
    hidden[0, 0, 150] = math.nan
    with pytest.raises(PlaygroundError, match="NaN"):
        read_lens(("a",), range(1), hidden, in_blocks(64), torch.zeros(1, 200), 128)


def test_heads_and_neurons_by_hand():
    """Guards against heads cut at other places, a bias that is lost, and a multiplier that reaches one of them alone. Inputs
    (1, 2 | 3, 4), two heads; W adds up each head: W x + b = (3 + 1, 7); times 0.5, along (10, 1): 15 + 3.5, and 5 for b."""
    weight, bias = torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1]]), torch.tensor([1.0, 0.0])
    inputs = torch.tensor([1.0, 2.0, 3.0, 4.0])
    product = weight @ inputs + bias
    part = PartAtToken("attention", product * 0.5, 0.5, inputs, product, weight, bias, heads=2)
    direction = torch.tensor([10.0, 1.0], dtype=torch.float64)
    split = split_part(part, direction)
    assert split.pieces.tolist() == [15.0, 3.5] and split.bias == 5.0 and split.whole == 23.5 and split.error == 0
    neurons = split_part(PartAtToken("mlp", product, 1.0, inputs, product, weight, bias), direction)
    assert neurons.pieces.tolist() == [10.0, 20.0, 3.0, 4.0]
    result = contributions(torch.tensor([1.0, -1.0]), [[part]], Direction(direction, 0.25, 0.5), (3, 7, None))
    assert result.embedding == 9 and result.heads.tolist() == [[15.0, 3.5]] and result.biases == 5.75
    assert result.total == result.embedding + result.heads.sum() + result.mlps.sum() + result.biases == 33.25


def test_a_wrong_matrix_leaves_an_error():
    """Guards against an identity that can't fail: with the matrix of another layer its error is no rounding."""
    inputs, weight = torch.ones(4), torch.eye(4)
    split = split_part(
        PartAtToken("mlp", torch.ones(4), 1.0, inputs, torch.ones(4), 2 * weight), torch.ones(4).double()
    )
    assert split.error == 1.0


def test_the_most_active_neurons_by_hand():
    """Guards against a first token that outshines all others, and against a ranking by signed numbers: neuron 1 writes -3
    at token 1, neuron 2 writes 2 there, and neuron 0 writes 100 at the text's first token alone."""
    lengths = np.array([[100.0, 0.0, 0.0], [0.5, -3.0, 2.0], [1.0, 0.1, -0.2]], np.float32)
    at_start = Activations(0, range(3), lengths, lengths, 0.0)
    assert most_active(at_start, 2).tolist() == [1, 2]
    assert most_active(at_start, 3, 0).tolist() == [0, 1, 2] and most_active(at_start, 1, 2).tolist() == [0]
    assert most_active(Activations(0, range(4, 7), lengths, lengths, 0.0), 1).tolist() == [0]
    assert most_active(Activations(0, range(1), lengths[:1], lengths[:1], 0.0), 1).tolist() == [0]
