"""Two models beside each other: common cuts, distributions and heads, with numbers worked out by hand."""

import math

import numpy as np
import pytest
import torch

from playground.analysis.layers.head_matches import Heads, match_heads, merged, resting, set_aside
from playground.analysis.layers.token_units import common_units, unit_sums
from playground.analysis.layers.two_distributions import NO_TEXT, divergence, next_pair


def units(text, first, second):
    pieces = common_units(text, first, second)
    return [(text[unit.start : unit.end], unit.first, unit.second, unit.differs) for unit in pieces]


@pytest.mark.parametrize(
    ("text", "first", "second", "expected"),
    [
        ("ab cd", [(0, 2), (2, 5)], [(0, 2), (3, 5)], [("ab", (0,), (0,), False), ("cd", (1,), (1,), False)]),
        ("ab cd", [(0, 1), (1, 2), (2, 5)], [None, (0, 2), (3, 5), None],
         [("ab", (0, 1), (1,), True), ("cd", (2,), (2,), False)]),
        ("abc", [(0, 2), (2, 3)], [(0, 1), (1, 3)], [("abc", (0, 1), (0, 1), True)]),
        ("a\nb", [(0, 1), (1, 2), (2, 3)], [(0, 1), (2, 3)], [("a", (0,), (0,), False), ("b", (1, 2), (1,), True)]),
        ("月b", [(0, 1), (0, 1), (1, 2)], [(0, 1), (1, 2)], [("月", (0, 1), (0,), True), ("b", (2,), (1,), False)]),
        ("abc", [(0, 1), (1, 2), (2, 3)], [(0, 1), (2, 3)], [("ab", (0, 1), (0,), True), ("c", (2,), (1,), False)]),
        ("ab", [(0, 1), (1, 2)], [None], []),
        (" ", [(0, 1)], [(0, 1)], [(" ", (0,), (0,), False)]),
        ("ab", [(0, 9)], [(0, 2)], [("ab", (0,), (0,), False)]),
    ],
    ids=["space", "specials", "crossing", "newline", "pieces", "dropped", "nothing", "blank", "beyond"],
)  # fmt: skip
def test_common_units(text, first, second, expected):
    """Guards against a unit that a token reaches over, or that lacks one side's tokens; against white space that counts as a
    different cut; and against offsets of a hostile tokenizer beyond the text."""
    assert units(text, first, second) == expected


def test_sums_of_units():
    """Guards against a unit's surprisal without one of its tokens, which would look less than it is."""
    assert unit_sums([None, 1.0, 2.5, 0.5], [(0, 1), (2, 3)]) == (None, 3.0)


def test_divergence_by_hand():
    """Guards against nats, a missing half, and 0·log 0."""
    apart_by = divergence(np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    assert apart_by.total_variation == 0.5
    expected = (0.5 * math.log2(0.5 / 0.75) + 0.5 * math.log2(0.5 / 0.25) + math.log2(1 / 0.75)) / 2
    assert apart_by.jensen_shannon == pytest.approx(expected) == pytest.approx(0.3113, abs=1e-4)
    apart = divergence(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert (apart.total_variation, apart.jensen_shannon) == (1.0, 1.0)


def test_next_tokens_of_two_vocabularies():
    """Guards against comparing ids instead of what they stand for, against a divergence over tokens that one vocabulary
    lacks, and against several ids of one token that count once."""
    shares = np.array([0.25, 0.75]), np.array([0.5, 0.25, 0.25])
    pair = next_pair((["a", "b"], ["b", "c", "c"]), shares, ([97, 98], [98, 97, NO_TEXT]))
    assert pair.tokens is None and pair.covered == (0.75, 0.5)
    assert [(o.key, o.first, o.second) for o in pair.outcomes] == [
        ("b", 0.75, 0.5),
        ("c", None, 0.5),
        ("a", 0.25, None),
    ]
    assert pair.bytes.total_variation == 0.25  # b 0.75 and 0.5, a 0.25 and 0.25, no text 0 and 0.25
    turned = next_pair((["a", "b"], ["b", "a"]), (shares[0], np.array([0.75, 0.25])), ([97, 98], [98, 97]), count=1)
    assert turned.tokens is not None and turned.tokens.total_variation == 0 and turned.covered == (1, 1)
    assert len(turned.outcomes) == 1


def heads(rows, left_out=()):
    weights = torch.tensor(rows, dtype=torch.float32)
    rest = np.isin(np.arange(len(weights)), left_out)
    return Heads(tuple((0, head) for head in range(len(weights))), weights, rest)


def test_matches_by_hand():
    """Guards against a match by something else than the largest mean overlap, and against one match that excludes another:
    both heads have the same best one."""
    first, second = heads([[[1, 0]], [[0.5, 0.5]]]), heads([[[0.75, 0.25]], [[0, 1]]])
    done = []
    matches = match_heads(first, second, tick=done.append)
    assert matches.best.tolist() == [[0, 1, -1], [0, 1, -1]] and matches.mean == 0.5 and done == [1.0]
    assert matches.similarity[:, :2].tolist() == [[0.75, 0], [0.75, 0.5]] and np.isnan(matches.similarity[:, 2]).all()
    assert matches.pairs() == [((0, 0), (0, 0), 0.75), ((0, 1), (0, 0), 0.75)]
    assert matches.grid.tolist() == [[0.75, 0.75]]


def test_what_is_not_compared():
    """Guards against a query that gives nothing in one of two heads, which would count as half a difference; and against
    heads that rest on what was set aside."""
    one, other = heads([[[1, 0], [0, 0]]]), heads([[[0, 1], [1, 0]], [[1, 0], [0, 1]]], left_out=[1])
    matches = match_heads(one, other)
    assert matches.best[0].tolist() == [0, -1, -1] and matches.similarity[0, 0] == 0 and matches.left_out == (0, 1)
    nothing = match_heads(heads([[[0, 0], [0, 0]]]), other)
    assert nothing.pairs() == [] and math.isnan(nothing.mean)


def test_merged_and_set_aside_by_hand():
    """Guards against a mean over keys or a sum over queries: rows would no longer sum to 1."""
    weights = torch.tensor([[[1.0, 0, 0], [0.5, 0.5, 0], [0.25, 0.25, 0.5]]])
    both = merged(weights, [(0,), (1, 2)], [(0,), (1, 2)])
    assert both.tolist() == [[[1.0, 0.0], [0.375, 0.625]]]
    assert merged(weights, [(2,)], [(1,), (2,)]).tolist() == [[[0.25, 0.5]]]
    rest, share = set_aside(weights, [0])
    assert rest.tolist() == [[[0, 0, 0], [0, 1, 0], [0, pytest.approx(1 / 3), pytest.approx(2 / 3)]]]
    assert share.tolist() == [pytest.approx(1.75 / 3)] and not resting(share).any() and resting(torch.ones(1)).all()
