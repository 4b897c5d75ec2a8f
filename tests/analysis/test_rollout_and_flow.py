"""Rollout and flow through the layers, and masks in words, on numbers that can be checked by hand and by networkx."""

import networkx
import numpy as np
import pytest
import torch

from playground.analysis.attention.masks import describe_mask
from playground.analysis.attention.rollout_and_flow import add_residual, flow_to, rollout, rollout_to, strongest_source
from playground.errors import PlaygroundError
from playground.recording.record import record

LAYER = torch.tensor([[[1.0, 0.0], [0.5, 0.5]]])


def test_rollout_by_hand():
    """Guards against layers multiplied in the wrong order: two layers that halve, then a row of the product."""
    shares = rollout_to(add_residual([LAYER, LAYER]), 1)
    np.testing.assert_allclose(shares, [[0.25, 0.75], [0.4375, 0.5625]])
    assert strongest_source(shares, 1) == (0.5625, 0, 0.4375)


def test_rollout_is_the_map_of_the_heads_view(smollm2):
    """Guards against two rollouts on one page."""
    recording = record(smollm2, "The cat sat on the mat.")
    layers = [recording.attention(n).weights for n in range(5)]
    np.testing.assert_allclose(rollout_to(add_residual(layers), 4)[-1], rollout(layers)[4], atol=1e-6)


def test_flow_by_hand():
    """Guards against flow that multiplies: through two layers the narrowest pipe counts, and paths add up."""
    flow = flow_to(add_residual([LAYER, LAYER]), 1)
    np.testing.assert_allclose(flow[0], [0.25, 0.75], atol=2e-6)
    np.testing.assert_allclose(flow[1], [0.5, 0.75], atol=2e-6)  # 0.25 by token 0 and 0.25 by token 1; 0.75 straight


def test_flow_is_networkx_maximum_flow():
    """Guards against an edge to the wrong layer, on random weights of three layers."""
    draw = np.random.default_rng(0)
    weights = np.tril(draw.random((3, 2, 5, 5)))
    weights /= weights.sum(-1, keepdims=True)
    layers = add_residual(torch.from_numpy(weights))
    graph = networkx.DiGraph()
    for layer, to, of in zip(*np.nonzero(layers), strict=True):
        graph.add_edge((layer, of), (layer + 1, to), capacity=layers[layer, to, of])
    flow = flow_to(layers, 3)
    for last in range(3):
        for source in range(5):
            expected = 0.0
            if source <= 3:
                expected = networkx.maximum_flow_value(graph, (0, source), (last + 1, 3))
            assert flow[last, source] == pytest.approx(expected, abs=1e-5)


def test_without_the_first_token():
    """Guards against rows that no longer sum to 1 and a first token that has nothing left."""
    layers = add_residual([torch.tensor([[[1.0, 0.0, 0.0], [0.6, 0.4, 0.0], [0.5, 0.1, 0.4]]])], drop_first=True)
    np.testing.assert_allclose(layers[0], [[1, 0, 0], [0, 1, 0], [0, 0.1, 0.9]])


def test_a_token_that_is_not_there():
    """Guards against an index error on the page."""
    for way in (rollout_to, flow_to):
        with pytest.raises(PlaygroundError, match="2"):
            way(add_residual([LAYER]), 2)


def square(count, back, ahead=0):
    distance = np.arange(count)[:, None] - np.arange(count)
    return (distance <= back) & (distance >= -ahead)


@pytest.mark.parametrize(
    ("allowed", "cross", "name", "words"),
    [
        (np.ones((4, 4), bool), False, "bidirectional", "before and after"),
        (np.ones((2, 4), bool), True, "bidirectional", "of the source"),
        (np.tril(np.ones((4, 4), bool)), False, "causal", "none sees what follows"),
        (square(6, 2), False, "sliding window", "window of 3 tokens"),
        (square(6, 1, 1), False, "bidirectional window", "1 tokens before it and 1 after"),
        (np.ones((4, 4), bool) & (np.arange(4) < 3), False, "padded", "1 of 4 keys are hidden"),
        (np.eye(4, dtype=bool)[::-1], False, "other", "25 %"),
    ],
)
def test_masks_in_words(allowed, cross, name, words):
    """Guards against a window off by one, and a name for a pattern that has none."""
    mask = describe_mask(allowed, cross)
    assert mask.name == name and words in mask.words and mask.share == allowed.mean()


def test_one_token_masks_nothing():
    """Guards against a division or an empty range on a text of one token."""
    assert describe_mask(np.ones((1, 1), bool)).name == "bidirectional"
