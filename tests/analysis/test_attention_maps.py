"""Pooling, overviews and what is said of a head, on maps small enough to check by eye."""

import weakref

import numpy as np
import pytest
import torch

from playground.analysis.attention import maps as maps
from playground.analysis.attention.head_summary import summarise_head
from playground.analysis.attention.maps import block_size, cells_for, overview, pool
from playground.analysis.attention.rollout_and_flow import rollout
from playground.errors import PlaygroundError

WORDS = ["The", " cat", " sat"]
CAUSAL = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.2, 0.7, 0.1]])


def test_pooling_by_hand():
    """Guards against blocks that are shifted, and against an edge block averaged as if it were full."""
    weights = torch.arange(9.0).reshape(3, 3)
    np.testing.assert_array_equal(pool(weights, 2), [[4, 5], [7, 8]])
    np.testing.assert_array_equal(pool(weights, 2, "mean"), [[2, 3.5], [6.5, 8]])


@pytest.mark.parametrize("tokens", [1, 2, 23, 24, 25, 48, 49, 500])
def test_never_more_cells_than_asked_and_the_maximum_survives(tokens):
    """Guards against a lost strong link and against an off-by-one in the number of cells."""
    weights = torch.rand(2, tokens, tokens, generator=torch.Generator().manual_seed(0))
    small = pool(weights, 24)
    assert small.shape[1:] == (-(-tokens // block_size(tokens, 24)),) * 2
    assert max(small.shape[1:]) <= 24
    np.testing.assert_array_equal(small.max((1, 2)), weights.amax((1, 2)))


def test_small_maps_and_narrow_types_come_through():
    """Guards against bfloat16, which numpy does not know."""
    small = pool(torch.tensor([[0.5, 0.25]], dtype=torch.bfloat16), 8)
    assert small.dtype == np.float32
    np.testing.assert_array_equal(small, [[0.5, 0.25]])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((torch.ones(2, 2), 0), "0"), ((torch.ones(2), 4), "shape"), ((torch.ones(2, 2), 4, "sum"), "sum")],
)
def test_pooling_refuses_what_it_can_not_do(arguments, words):
    """Guards against a traceback where a sentence belongs."""
    with pytest.raises(PlaygroundError, match=words):
        pool(*arguments)


def test_overview_asks_for_one_layer_at_a_time():
    """Guards against all layers' full weights being held at once: memory would grow with the number of layers."""
    made = []

    def layers():
        for _ in range(5):
            assert all(layer() is None for layer in made[:-1])  # only the last one may still be at work
            weights = torch.rand(2, 50, 50)
            made.append(weakref.ref(weights))
            yield weights

    result = overview(layers(), cells=10)
    assert result.maps.shape == (5, 2, 10, 10)
    assert (result.queries, result.keys, result.tokens_per_cell) == (50, 50, (5, 5))
    assert len(made) == 5


def test_overview_of_layers_with_different_heads():
    """Guards against pruned models: the missing head is NaN, not zero attention."""
    result = overview([torch.ones(2, 3, 3), torch.ones(1, 3, 3)])
    assert (result.layers, result.heads) == (2, 2)
    assert np.isnan(result.maps[1, 1]).all() and not np.isnan(result.maps[0]).any()


def test_overview_refuses_nothing_and_mixtures():
    """Guards against cross and self maps in one picture, and against an empty recording."""
    with pytest.raises(PlaygroundError, match="0 layers"):
        overview([])
    with pytest.raises(PlaygroundError, match=r"\(3, 4\).*\(3, 3\)"):
        overview([torch.ones(1, 3, 3), torch.ones(1, 3, 4)])


def test_cells_shrink_for_large_models():
    """Guards against megabytes of JSON for 80 layers × 64 heads."""
    assert cells_for(12, 12) == 24
    assert 4 <= cells_for(80, 64) < 8


def test_summary_by_hand():
    """Guards against counting the sink or the token itself as the discovery, and against swapped axes."""
    found = summarise_head(CAUSAL, WORDS, WORDS)
    assert found.pair == (2, 1)
    assert found.pair_weight == pytest.approx(0.7)
    assert found.first_share == pytest.approx((1 + 0.5 + 0.2) / 3)
    assert found.self_share == pytest.approx((1 + 0.5 + 0.1) / 3)
    assert found.previous_share == pytest.approx((0.5 + 0.7) / 3)
    assert found.entropy_bits == pytest.approx((0 + 1 + 1.156780) / 3, abs=1e-5)
    assert found.sink_share == pytest.approx(0, abs=1e-6)
    assert found.sentence(5, 1) == (
        "Layer 5, head 1: “sat” gives 70 % of its attention to “cat”; 57 % of all attention goes to the first token."
    )


def test_one_token():
    """Guards against -0 bits, an index error or "NaN %" for the shortest text."""
    found = summarise_head(torch.ones(1, 1), ["Hi"], ["Hi"])
    assert (found.pair, found.entropy_bits, found.first_share) == (None, 0.0, 1.0)
    assert found.sentence(0, 0) == "Layer 0, head 0: there is only one token to attend to."


def test_sinks_are_told():
    """Guards against rows that sum to less than 1 being stretched, or their missing mass going unsaid."""
    found = summarise_head(CAUSAL * 0.25, WORDS, WORDS)
    assert found.sink_share == pytest.approx(0.75)
    assert found.pair_weight == pytest.approx(0.175)
    assert found.entropy_bits == pytest.approx((0 + 1 + 1.156780) / 3, abs=1e-5)
    assert "75 % goes to no token" in found.sentence()


def test_cross_attention_has_no_self():
    """Guards against a diagonal where queries and keys are different texts: the first key is a word like others."""
    found = summarise_head(torch.tensor([[0.9, 0.1, 0.0]]), ["Katze"], WORDS)
    assert (found.self_share, found.previous_share, found.pair) == (None, None, (0, 0))
    assert "“Katze” gives 90 % of its attention to “The”" in found.sentence()
    square = summarise_head(CAUSAL, ["x", "y", "z"], WORDS, cross=True)
    assert square.self_share is None and square.pair == (0, 0)


def test_repeated_words_get_their_position():
    """Guards against "the" gives … to "the", which names nothing."""
    found = summarise_head(CAUSAL, ["a", " the", " the"], ["a", " the", " the"])
    assert found.pair_words == ("“the” (position 2)", "“the” (position 1)")


def test_nothing_stands_out():
    """Guards against a pair with weight 0 being announced as the strongest."""
    found = summarise_head(torch.eye(3), WORDS, WORDS)
    assert found.pair is None
    assert "no token looks at anything but the first token and itself" in found.sentence()
    assert found.entropy_bits == 0


def test_labels_must_fit():
    """Guards against a picture with the wrong words."""
    with pytest.raises(PlaygroundError, match="3 × 3.*2 × 3"):
        summarise_head(CAUSAL, WORDS[:2], WORDS)


def test_rollout_by_hand():
    """Guards against the residual stream left out and layers in the wrong order: two layers of one head over two tokens,
    each looking at the first token alone: (A + I) / 2 is [[1, 0], [1/2, 1/2]]; its square [[1, 0], [3/4, 1/4]]."""
    first = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    assert rollout([first]).tolist() == [[1.0, 0.0], [0.5, 0.5]]
    assert rollout([first, first]).tolist() == [[1.0, 0.0], [0.75, 0.25]]
    swap = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    assert rollout([first, swap]).tolist() == [[0.75, 0.25], [0.75, 0.25]]


def test_an_overview_that_is_not_whole():
    """Guards against layers to come that are drawn as zeros."""
    half = maps.stack_layers([np.ones((2, 3, 3), np.float32)], 3, 3, "max", layers=4)
    assert half.maps.shape == (4, 2, 3, 3) and np.isnan(half.maps[1:]).all() and (half.maps[0] == 1).all()


def test_without_the_first_token():
    """Guards against rows that no longer sum to 1, and against a division by zero in the first row."""
    rest, hidden = maps.drop_keys(torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.2, 0.3]]), [0])
    assert rest.tolist() == [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, pytest.approx(0.4), pytest.approx(0.6)]]
    assert hidden == pytest.approx(2 / 3)
