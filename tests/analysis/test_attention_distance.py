"""Attention over distance: by hand, and on heads whose habit is known."""

import numpy as np
import pytest

import playground as pg
from playground.analysis.positions.attention_distance import profile


def causal(rows) -> np.ndarray:
    return np.asarray(rows, np.float32)[None]


def test_the_mean_by_hand():
    """Guards against a mean over all queries where only some have a key so far away, and against swapped signs."""
    found = profile(causal([[1, 0, 0], [0.4, 0.6, 0], [0.2, 0.3, 0.5]]))
    np.testing.assert_array_equal(found.distances, [0, 1, 2])
    np.testing.assert_allclose(found.mean[0], [(1 + 0.6 + 0.5) / 3, (0.4 + 0.3) / 2, 0.2], rtol=1e-6)
    np.testing.assert_allclose(found.rest[0], [(1 + 0.5 / 0.8) / 2, 0.3 / 0.8, 0], rtol=1e-6)
    both = profile(causal([[0.1, 0.9], [0.7, 0.3]]))
    np.testing.assert_array_equal(both.distances, [-1, 0, 1])
    np.testing.assert_allclose(both.mean[0], [0.9, 0.2, 0.7], rtol=1e-6)


def test_habits_are_told_apart():
    """Guards against a measure that calls every head local: the token before, an even spread, every sixth token back,
    always the same two tokens."""
    count = 120
    back = np.arange(count)[:, None] - np.arange(count)
    before = (back == 1).astype(np.float32)
    even = np.tril(np.ones((count, count), np.float32))
    sixth = np.where((back >= 0) & (back % 6 == 0), 1, 0).astype(np.float32)
    same = np.zeros((count, count), np.float32)
    same[40:, [20, 40]] = 1
    weights = np.stack([before, even, sixth, same])
    weights[:, 0, 0] = 1
    weights[:, :, 0] = np.where(weights.sum(-1) == 0, 1, weights[:, :, 0])
    found = profile(weights / weights.sum(-1, keepdims=True))
    assert found.near[0] == pytest.approx(1) and found.near[1] < 0.15 and found.near[3] < 0.1
    assert found.local[0] == pytest.approx(1) and found.local[1] == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose([found.rest[3, 0], found.mean[3, 0]], [0.5 / 119, 1.5 / 120], rtol=1e-5)
    assert found.explained[0] > 0.7 and found.explained[1] < 1e-6
    assert found.explained[2] > 0.3 and found.explained[3] < 0.15
    assert found.period[2] % 6 == 0 and found.periodic[2] > 0.5
    assert found.periodic[1] < 0.5 and found.periodic[0] < 0.5


def test_near_counts_up_to_three_both_ways():
    """Guards against an edge off by one: 3 tokens away counts, 4 does not."""
    weights = np.zeros((2, 9, 9), np.float32)
    weights[:, :, 0] = 1
    weights[0, 5], weights[1, 5] = 0, 0
    weights[0, 5, 8], weights[1, 4, 0], weights[1, 4, 8] = 1, 0, 1
    assert profile(weights).near.tolist() == [1, 0]


@pytest.mark.parametrize("tokens", [1, 2, 5])
def test_short_texts(tokens):
    """Guards against a division by nothing where there is only the first token, and a period found in five tokens."""
    weights = np.tril(np.ones((2, tokens, tokens), np.float32))
    found = profile(weights / weights.sum(-1, keepdims=True))
    for values in (found.mean, found.rest, found.local, found.explained, found.periodic):
        assert np.isfinite(values).all()
    assert not found.period.any()


def test_a_models_own_weights(smollm2):
    """Guards against the skew that sums diagonals: numpy's own diagonals of the recorded weights are the judge."""
    weights = pg.record(smollm2, "The cat sat on the mat and the dog sat on the cat").attention(3).weights.numpy()
    found = profile(weights)
    for distance in found.distances:
        np.testing.assert_allclose(found.mean[:, distance], np.diagonal(weights, -distance, 1, 2).mean(-1), atol=1e-6)
