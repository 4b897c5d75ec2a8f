"""Who looks from one token at another, with numbers to be worked out by hand."""

import numpy as np
import pytest

from playground.analysis.attention.pair_ranking import RankedHead, rank_heads
from playground.errors import PlaygroundError

ROWS = [
    np.array([[0.5, 0.25, 0.25, 0.0], [0.1, 0.8, 0.1, 0.0]], np.float32),  # layer 2 has two heads
    np.array([[0.2, 0.25, 0.55, 0.0]], np.float32),  # layer 5 has one
]


def test_heads_are_ranked_by_one_weight():
    """Guards against a rank by another key, layers counted from 0 in a hybrid, and an order of equals that changes: 0.8,
    then 0.25 of layer 2, head 0 before 0.25 of layer 5; the mean is 1.3 / 3, and of four keys three are seen."""
    ranking = rank_heads(ROWS, 1, (2, 5))
    assert [(head.layer, head.head) for head in ranking.heads] == [(2, 1), (2, 0), (5, 0)]
    assert ranking.heads[0] == RankedHead(2, 1, pytest.approx(0.8), True)
    assert [head.most for head in ranking.heads] == [True, False, False] and ranking.firm == 1
    assert ranking.mean == pytest.approx(1.3 / 3) and ranking.even == pytest.approx(1 / 3)


def test_a_hidden_key_gets_nothing():
    """Guards against a masked key that a head "gives most", and a place beyond the text."""
    ranking = rank_heads(ROWS, 3)
    assert ranking.firm == 0 and ranking.mean == 0 and {head.weight for head in ranking.heads} == {0.0}
    with pytest.raises(PlaygroundError, match="no key token 4"):
        rank_heads(ROWS, 4)
