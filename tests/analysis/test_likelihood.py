"""Scores of a text, by numbers that a reader can work out by hand."""

import math

import pytest

from playground.analysis.generation.likelihood import score


def test_score_by_hand():
    """Guards against a base of logarithms or a count mixed up: probabilities 1/2, 1/4 and 1/8 are 1, 2, 3 bits."""
    told = score([None, 0.5, 0.25, 0.125], [3, 1, 2, 3])
    assert told.surprisals == (None, pytest.approx(1), pytest.approx(2), pytest.approx(3))
    assert told.predicted == 3
    assert told.log_likelihood == pytest.approx(-6 * math.log(2))
    assert told.loss == pytest.approx(2 * math.log(2))
    assert told.perplexity == pytest.approx(4)
    assert told.bits_per_byte == pytest.approx(1)


def test_one_token_has_no_score():
    """Guards against a division by zero where nothing was predicted."""
    told = score([None], [4])
    assert told.predicted == 0
    assert math.isnan(told.perplexity) and math.isnan(told.bits_per_byte)
