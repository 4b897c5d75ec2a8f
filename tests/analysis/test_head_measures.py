"""What heads do, on weights small enough to work out by hand, and on the default model."""

import numpy as np
import pytest

import playground as pg
from playground.analysis.attention.head_measures import (
    COMPARED,
    MEASURES,
    induction,
    measure_heads,
    measure_profile,
    repeated_tokens,
)
from playground.analysis.attention.head_summary import summarise_head
from playground.analysis.positions.attention_distance import profile
from playground.figures.attention.head_roles import roles_figure

PREVIOUS = np.array([[[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]], np.float32)
"""One head in which every token looks at the one before (the first at itself)."""


def test_a_previous_token_head_by_hand():
    """Guards against rows and columns exchanged, and means over the wrong tokens: ids 7 8 7 8, so token 3 has an earlier
    place (1), which it does not look at; token 2's (0) is the first token. With that one set aside tokens 2 and 3 are left,
    each with all its weight on the token before, one token away."""
    found = measure_heads(PREVIOUS, [7, 8, 7, 8])
    assert found["previous"].tolist() == [1.0]
    assert found["self"].tolist() == [0.0]
    assert found["first"] == pytest.approx([1 / 3])
    assert found["duplicate"].tolist() == [0.0]
    assert found["distance"].tolist() == [1.0]
    assert found["entropy"].tolist() == [0.0]


def test_uniform_attention_by_hand():
    """Guards against nats for bits: over the three keys beside the first the entropy is log2 3 bits; token 3 gives a third
    to its earlier place; the distances of the four queries to keys 1, 2 and 3 are 2, 1, 2/3 and 1 on average."""
    found = measure_heads(np.full((1, 4, 4), 0.25, np.float32), [9, 7, 8, 7])
    assert found["entropy"] == pytest.approx([np.log2(3)])
    assert found["duplicate"] == pytest.approx([1 / 3])
    assert found["distance"] == pytest.approx([(2 + 1 + 2 / 3 + 1) / 4])


def test_the_first_token_set_aside_by_hand():
    """Guards against a head that is "most distant" in one view and "most local" in another: one that gives the first token
    60 % and the token before the rest is previous, local and 1 away; one that gives it over 99 % is a sink and nothing else,
    not even by what little is left; one of 90 % is none."""
    weights = np.zeros((3, 10, 10))
    weights[:, 0, 0] = weights[:, 1, 0] = 1
    for head, share in enumerate((0.6, 0.995, 0.9)):
        weights[head, range(2, 10), range(1, 9)], weights[head, 2:, 0] = 1 - share, share
    found = measure_heads(weights, range(10))
    assert found["first"] == pytest.approx([(1 + 8 * share) / 9 for share in (0.6, 0.995, 0.9)])
    for name, value in {"previous": 1, "self": 0, "distance": 1, "entropy": 0, "local": 1}.items():
        assert found[name][[0, 2]] == pytest.approx([value] * 2), name
        assert np.isnan(found[name][1]), name
    over_distance = profile(weights)
    assert over_distance.sinks.tolist() == [False, True, False]
    np.testing.assert_array_equal(found["local"], measure_profile(over_distance, "local"))
    tokens = [f"t{i}" for i in range(10)]
    words = [summarise_head(head, tokens, tokens).sentence() for head in weights]
    assert ["a sink" in sentence for sentence in words] == [False, True, False]


def test_induction_by_hand():
    """Guards against the score of the same token instead of the one after it: in a b a b the second a (place 2) should
    look at b (1), the second b (3) at what came after the first b (2)."""
    weights = np.zeros((1, 4, 4), np.float32)
    weights[0, 2, 1] = weights[0, 3, 2] = 1
    assert induction(weights, 2).tolist() == [1.0]
    assert induction(PREVIOUS, 2).tolist() == [1.0]
    assert induction(np.eye(4, dtype=np.float32)[None], 2).tolist() == [0.0]


def test_the_registry_measures_every_head():
    """Guards against a measure that is in the table and never computed, one outside the range that it states, and a legend
    whose colours move when the table's order does."""
    weights = np.tril(np.random.default_rng(0).random((3, 8, 8)))
    weights /= weights.sum(-1, keepdims=True)
    ids = [5, 6, 7, 8, 5, 6, 7, 8]
    values = measure_heads(weights, ids) | measure_heads(weights, ids, "repeated")
    assert set(values) == set(MEASURES)
    for name, measure in MEASURES.items():
        low, high = measure.range
        assert values[name].shape == (3,) and (values[name] >= low).all() and (values[name] <= high).all(), name
    rest = weights[:, 1:, 1:] / weights[:, 1:, 1:].sum(-1, keepdims=True)  # the first token set aside
    second = np.arange(3, 7)  # of the seven tokens left
    np.testing.assert_allclose(values["induction"], rest[:, second, second - 3].mean(1))
    assert COMPARED == ("previous", "first", "self", "duplicate", "induction")


def test_random_text_is_seeded_and_twice():
    """Guards against special tokens in it, and against another text at every visit."""
    ids = repeated_tokens(50, frozenset({0, 1}), 10)
    assert ids[:10] == ids[10:] and not {0, 1} & set(ids) and ids == repeated_tokens(50, frozenset({0, 1}), 10)


def test_the_default_model_has_induction_heads(smollm2):
    """Guards against a score that no head reaches: a trained model has heads that do it, an untrained one none."""
    ids = repeated_tokens(smollm2.anatomy.vocabulary, smollm2.vocabulary.special_ids, 24)
    recording = pg.record(smollm2, ids)
    scores = np.stack([induction(recording.attention(n).weights.numpy(), 24) for n in range(30)])
    assert scores.max() > 0.5 and np.median(scores) < 0.1


def test_figure_names_the_best_head():
    """Guards against axes exchanged."""
    values = np.zeros((3, 2))
    values[2, 1] = 0.5
    figure = roles_figure(values, "self")
    assert "layer 2, head 1: 0.500" in figure.layout.meta["description"]
