"""Position formulas against their papers, against transformers, and by hand."""

import numpy as np
import pytest
import torch

from playground.analysis.positions import schemes
from playground.errors import PlaygroundError


def test_sinusoids_by_hand():
    """Guards against sines and cosines in two halves, and against exponents without the 2."""
    table = schemes.sinusoidal(3, 4)
    assert table.dtype == np.float32
    np.testing.assert_allclose(table[0], [0, 1, 0, 1])
    np.testing.assert_allclose(table[1], [np.sin(1), np.cos(1), np.sin(0.01), np.cos(0.01)], rtol=1e-6)
    np.testing.assert_allclose(table[2, 2], np.sin(0.02), rtol=1e-6)


def test_sinusoids_repeat_after_their_wavelength():
    """Guards against wavelengths that belong to another formula: 2π·base^(2i/d), with base 16 by hand."""
    np.testing.assert_allclose(schemes.sinusoidal_wavelengths(4, 16), [2 * np.pi, 8 * np.pi])
    assert schemes.sinusoidal(5, 5).shape == (5, 5)
    np.testing.assert_allclose(schemes.sinusoidal(2, 1)[:, 0], [0, np.sin(1)], rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        ((0, 4), "0"),
        ((8193, 4), "8,192"),
        ((4, 0), "0"),
        ((4, 4097), "4,096"),
        ((4, 4, 1.0), "base"),
        ((4, 4, float("nan")), "base"),
    ],
)
def test_sinusoids_refuse_with_numbers(arguments, number):
    """Guards against a slider that asks for gigabytes, and against base 1, whose waves are all alike."""
    with pytest.raises(PlaygroundError, match=number):
        schemes.sinusoidal(*arguments)


def test_rotary_by_hand():
    """Guards against angles per radian in place of per token, and against division by a frequency of 0."""
    frequencies = torch.tensor([1.0, 0.5, 0.0])
    np.testing.assert_allclose(schemes.rotary_angles(frequencies, 3), [[0, 0, 0], [1, 0.5, 0], [2, 1, 0]])
    np.testing.assert_allclose(schemes.rotary_wavelengths(frequencies), [2 * np.pi, 4 * np.pi, np.inf])


def test_alibi_slopes_as_published():
    """Guards against an off-by-one in the exponents: for 8 heads the paper gives 1/2, 1/4, … 1/256."""
    np.testing.assert_array_equal(schemes.alibi_slopes(8), [2.0**-i for i in range(1, 9)])
    np.testing.assert_allclose(schemes.alibi_slopes(16)[:2], [2**-0.5, 2**-1])


@pytest.mark.parametrize("heads", [1, 2, 3, 6, 12, 16, 20, 71])
def test_alibi_slopes_as_in_transformers(heads):
    """Guards against another order for head counts that are no power of two: transformers' own BLOOM is the judge."""
    from transformers.models.bloom.modeling_bloom import build_alibi_tensor

    bias = build_alibi_tensor(torch.ones(1, 2), heads, torch.float32)  # (heads, 1, 2), slope at position 1
    np.testing.assert_allclose(schemes.alibi_slopes(heads), bias[:, 0, 1], rtol=1e-6)


def test_alibi_bias_by_hand():
    """Guards against a bias that rewards distance, and against -0.0 on the page."""
    bias = schemes.alibi_bias([0.5, 0.25], 3)
    np.testing.assert_array_equal(bias, [[0, -0.5, -1], [0, -0.25, -0.5]])
    assert not np.signbit(bias[:, 0]).any()


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(("buckets", "most"), [(32, 128), (32, 20), (8, 16), (31, 100), (64, 1000)])
def test_buckets_are_those_of_transformers(bidirectional, buckets, most):
    """Guards against edges of logarithmic buckets that round to the other side, and against the swapped sign."""
    from transformers.models.t5.modeling_t5 import T5Attention

    distance = torch.arange(-1500, 1501)
    expected = T5Attention._relative_position_bucket(distance, bidirectional, buckets, most)
    actual = schemes.relative_bucket(distance.numpy(), bidirectional, buckets, most)
    np.testing.assert_array_equal(actual, expected)
    assert actual.min() >= 0 and actual.max() < buckets


def test_relative_bias_by_hand():
    """Guards against keys before and after the query changing places: 8 buckets, keys after have 4..7."""
    table = torch.arange(8.0)[:, None] * torch.tensor([[1.0, 10.0]])  # (buckets, heads)
    bias = schemes.relative_bias(table, [-1, 0, 1], max_distance=16)
    np.testing.assert_array_equal(bias, [[1, 0, 5], [10, 0, 50]])


@pytest.mark.parametrize(("buckets", "most"), [(2, 128), (32, 8)])
def test_impossible_buckets_are_refused(buckets, most):
    """Guards against a division by zero in the logarithm."""
    with pytest.raises(PlaygroundError):
        schemes.relative_bucket([1], True, buckets, most)


def test_similarity_by_hand():
    """Guards against NaN for an empty row (padding), and against values beyond 1."""
    found = schemes.table_similarity(torch.tensor([[3.0, 4.0], [6.0, 8.0], [-4.0, 3.0], [0.0, 0.0]]))
    np.testing.assert_allclose(found.norms, [5, 10, 5, 0])
    np.testing.assert_allclose(found.cosine, [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]], atol=1e-6)
    assert np.abs(found.cosine).max() <= 1


@pytest.mark.parametrize("shift", [0, 1, 7])
def test_a_shift_is_one_rotation(shift):
    """Guards against a rotation the wrong way round: it takes every position to the one `shift` later, and is orthogonal."""
    turn = schemes.sinusoidal_shift(8, shift, 100.0)
    table = schemes.sinusoidal(20, 8, 100.0)
    np.testing.assert_allclose(table[: 20 - shift] @ turn.T, table[shift:], atol=1e-5)
    np.testing.assert_allclose(turn @ turn.T, np.eye(8), atol=1e-6)
    with pytest.raises(PlaygroundError, match="7"):
        schemes.sinusoidal_shift(7, shift)


def test_sinusoidal_tables_of_transformers():
    """Guards against a table compared with the wrong formula: M2M-100's has another exponent than Marian's, and an empty
    row for padding."""
    from transformers.models.m2m_100.modeling_m2m_100 import M2M100SinusoidalPositionalEmbedding

    name, _, error = schemes.nearest_sinusoidal(M2M100SinusoidalPositionalEmbedding.get_embedding(30, 16, None))
    assert error < 1e-5 and "i/(d/2 − 1)" in name and "all sines" in name
    name, _, error = schemes.nearest_sinusoidal(schemes.sinusoidal(30, 16))
    assert (name, error < 1e-6) == ("sine and cosine in turn", True)
    table = M2M100SinusoidalPositionalEmbedding.get_embedding(30, 16, 1)
    assert schemes.nearest_sinusoidal(table[2:], 2)[2] < 1e-5 < 0.5 < schemes.nearest_sinusoidal(table[2:])[2]


def test_sinusoids_from_a_later_position_on():
    """Guards against a far shift that is cut off at the longest table."""
    np.testing.assert_allclose(schemes.sinusoidal(3, 6, first=40), schemes.sinusoidal(43, 6)[40:], atol=1e-7)


@pytest.mark.parametrize("padding", [0, 1])
def test_the_table_of_m2m_100(monkeypatch, padding):
    """Guards against M2M-100's table taken from the wrong row, and against its own numbers called wrong by 1.7: what the
    model adds to its embeddings is the judge. Its position 0 reads the row after that for padding."""
    from playground.loading import prepare
    from playground.positions.schemes import position_facts
    from tests.tools import zoo

    monkeypatch.setitem(zoo.FAMILIES, "m2m_100", zoo._BART | {"pad_token_id": padding, "bos_token_id": 1 - padding})
    model = prepare(zoo.build("m2m_100"), zoo.byte_tokenizer(), "m2m_100")
    facts, used = position_facts(model), []
    table = model.model.get_encoder().embed_positions
    handle = table.register_forward_hook(lambda module, given, output: used.append(output))
    ids = torch.tensor([[7, 8, 9, 10, 11]])
    with torch.inference_mode():
        model.model(input_ids=ids, decoder_input_ids=ids)
    handle.remove()
    np.testing.assert_array_equal(facts.table[:5], used[0][0])
    assert facts.scheme == "sinusoidal" and facts.first == padding + 1
    name, values, error = schemes.nearest_sinusoidal(facts.table, facts.first)
    assert error < 1e-5 and "i/(d/2 − 1)" in name
    np.testing.assert_allclose(values[:5], used[0][0], atol=1e-5)


@pytest.mark.parametrize(("family", "first"), [("ctrl", 0), ("ibert", 1)])
def test_a_table_that_is_no_embedding_of_torch(family, first):
    """Guards tables in a buffer and in a class of the family: they are drawn as the model reads them, and overridden."""
    from playground.loading import prepare
    from playground.positions.position_override import override_of
    from playground.positions.schemes import position_facts
    from tests.tools import every_family, zoo

    model = prepare(every_family.build(family), zoo.byte_tokenizer())
    facts, network = position_facts(model), model.model.base_model
    own = network.pos_encoding if family == "ctrl" else network.embeddings.position_embeddings.weight
    assert facts.first == first and torch.equal(facts.table, own[first:])
    assert override_of(model).reason == ""


def test_every_detected_scheme_is_registered():
    """Guards against a scheme that is detected and has no tensors, pictures or statement of what must hold."""
    from playground.figures.positions.scheme_pictures import OTHER, PICTURES
    from playground.models.position_scheme import DETECTORS
    from playground.positions.position_override import PositionOverride
    from playground.positions.schemes import SCHEMES

    assert set(SCHEMES) == {detector.name for detector in DETECTORS}
    assert set(PICTURES) - {OTHER} <= set(SCHEMES)
    assert {name for name, scheme in SCHEMES.items() if scheme.distance_only} == {"rotary", "alibi", "relative"}
    assert {name for name, scheme in SCHEMES.items() if scheme.added_to_embeddings} == {"learned", "sinusoidal"}
    biases = [scheme.carrier for scheme in SCHEMES.values() if scheme.carrier and scheme.carrier.biases_scores]
    assert biases and not any(PositionOverride(carriers=(carrier,)).batched for carrier in biases)
