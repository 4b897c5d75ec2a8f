"""Probabilities, ranks and entropy, with numbers to be worked out by hand."""

import numpy as np
import pytest
import torch

from playground.analysis.generation.next_token import (
    entropy_bits,
    expectation,
    probabilities,
    rank_of,
    token_scores,
    top,
)
from playground.errors import PlaygroundError

LOGITS = torch.log(torch.tensor([0.125, 0.5, 0.25, 0.125]))


def test_top_by_hand():
    """Guards against probabilities of the shown tokens alone: they are shares of the whole vocabulary."""
    ids, p = top(LOGITS, 2)
    assert ids.tolist() == [1, 2]
    np.testing.assert_allclose(p, [0.5, 0.25], rtol=1e-6)
    assert len(top(LOGITS, 99)[0]) == 4


def test_entropy_by_hand():
    """Guards against nats in place of bits, and 0·log 0 = NaN."""
    assert entropy_bits(LOGITS) == pytest.approx(1.75)
    assert entropy_bits(torch.zeros(8)) == pytest.approx(3)
    assert entropy_bits(torch.tensor([0.0, -torch.inf])) == 0


def test_rank_and_top_agree_even_on_ties():
    """Guards against rank 0, and against two tokens sharing a rank that `top` tells apart."""
    ids, _ = top(LOGITS, 4)
    assert ids.tolist() == [1, 2, 0, 3]
    assert [rank_of(LOGITS, int(i)) for i in ids] == [1, 2, 3, 4]


def test_large_and_narrow_logits():
    """Guards against overflow of exp and against bfloat16."""
    p = probabilities(torch.tensor([1e4, 0.0, -torch.inf], dtype=torch.bfloat16))
    assert p.tolist() == [1, 0, 0]
    assert p.sum() == 1


@pytest.mark.parametrize("bad", [[float("nan"), 1.0], [float("inf"), 1.0], [float("-inf")] * 2])
def test_broken_logits_are_refused(bad):
    """Guards against a chart full of NaN when a model overflows."""
    with pytest.raises(PlaygroundError, match="float32"):
        top(torch.tensor(bad))


def test_ids_outside_the_vocabulary_are_refused():
    """Guards against id -1 meaning the last token."""
    with pytest.raises(PlaygroundError, match="-1"):
        rank_of(LOGITS, -1)


def test_one_pass_tells_what_the_exact_functions_tell():
    """Guards against a fast path that disagrees with the exact one, or with what a token of a finished text is told: on
    ties, at -inf, in bfloat16, in a large vocabulary."""
    torch.manual_seed(0)
    large = 3 * torch.randn(50_000)
    ties = torch.tensor([1.0, 2.0, 1.0, 2.0, 1.0, 0.0])
    cut = torch.tensor([0.0, -torch.inf, 1.0, -torch.inf])
    coarse = torch.randn(3000).round()  # equal ones in many blocks, the last of which is not whole
    for logits in (LOGITS, large, ties, cut, torch.zeros(9), large.to(torch.bfloat16), coarse, coarse.flip(0)):
        for count in (1, 2, 3, 10):
            for chosen in (0, 2, 3):
                told = expectation(logits, count, chosen)
                ids, p = top(logits, count)
                assert told.ids == tuple(ids.tolist())
                np.testing.assert_allclose(told.probabilities, p, rtol=1e-6)  # `top` gives float32
                assert told.entropy == pytest.approx(entropy_bits(logits), rel=1e-9, abs=1e-12)
                assert told.chosen_rank == rank_of(logits, chosen)
                assert told.chosen_probability == pytest.approx(float(probabilities(logits)[chosen]), rel=1e-9)
                assert token_scores(logits[None], [chosen])[0][0] == pytest.approx(told.chosen_probability, rel=1e-12)
    assert expectation(LOGITS, 2).chosen_rank is None


@pytest.mark.parametrize("bad", [[float("nan"), 1.0], [float("inf"), 1.0], [float("-inf")] * 2])
def test_one_pass_refuses_broken_logits(bad):
    """Guards against drawing a token from NaN, which torch answers with an error that helps nobody."""
    with pytest.raises(PlaygroundError, match="float32"):
        expectation(torch.tensor(bad))
    with pytest.raises(PlaygroundError, match="-1"):
        expectation(LOGITS, 3, -1)
