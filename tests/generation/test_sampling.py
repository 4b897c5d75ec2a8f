"""Rules: generation/sampling.py. What they are called, and in which order they stand, is tested in test_generate.py."""

import pytest
import torch
from transformers import (
    EpsilonLogitsWarper,
    EtaLogitsWarper,
    MinPLogitsWarper,
    TopHLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from playground.generation.nucleus import nucleus
from playground.generation.sampling import _after

RULES = [
    TopPLogitsWarper(0.6),
    MinPLogitsWarper(0.3),
    TypicalLogitsWarper(0.4),
    EpsilonLogitsWarper(0.03),
    EtaLogitsWarper(0.1),
    TopHLogitsWarper(0.4),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_rule_after_a_cut_gives_what_it_gives_of_all(rule):
    """Guards against other bits where a rule is given only the 50 tokens that are left, and against one that sees where
    they stand."""
    torch.manual_seed(0)
    for _ in range(20):
        scores = TopKLogitsWarper(50)(None, 3 * torch.randn(1, 5000))
        expected = rule(None, scores.clone())
        after = _after(rule, None, scores)
        assert torch.equal(after, expected)
        assert 1 <= int((after > -torch.inf).sum()) < 50


def test_numbers_that_are_none_are_not_cut():
    """Guards against NaN that a cut hides, so that a broken model writes on without a word."""
    scores = torch.full((1, 5000), -torch.inf)
    scores[0, :3] = torch.tensor([1.0, torch.nan, 2.0])
    assert _after(TopPLogitsWarper(0.9), None, scores).isnan().any()


@pytest.mark.parametrize("width", [0.1, 1, 3, 8])
@pytest.mark.parametrize("top_p", [0.0, 0.5, 0.95, 0.99])
def test_the_nucleus_is_that_of_a_sorted_vocabulary(width, top_p):
    """Guards against a token left out of the sort that belongs to the nucleus, and against a sum that leaves those out: of
    flat and of steep distributions, some with equal scores."""
    torch.manual_seed(0)
    for is_coarse in (False, True):
        scores = width * torch.randn(1, 5000)
        scores = (4 * scores).round() if is_coarse else scores
        expected, kept = TopPLogitsWarper(top_p)(None, scores)[0], nucleus(scores[0], top_p)
        assert torch.equal(kept.sort().values, expected.sort().values)
