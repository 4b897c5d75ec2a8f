"""Streams, arcs and guesses of X-ray, with numbers to be worked out by hand."""

import numpy as np
import pytest
import torch

from playground.analysis.xray.arcs import telling_arcs
from playground.analysis.xray.guesses import read_guesses
from playground.analysis.xray.streams import NARROWEST, stream_widths


def test_widths_grow_with_the_logarithm():
    """Guards against a first layer that dwarfs all others: of changes 0.1, 1, 10, 100 each step is as wide as the next."""
    changes = np.repeat(np.array([[0.1], [1.0], [10.0], [100.0]]), 3, axis=1)
    widths = stream_widths(changes)
    assert widths.shape == (4, 3) and widths.min() == pytest.approx(NARROWEST) and widths.max() == 1
    steps = np.diff(widths[:, 1])
    assert steps[1] == pytest.approx(steps.max()) and steps.min() > 0.2


def test_the_first_token_sets_no_scale():
    """Guards against all streams being thin because the first token's state, a hundred times as long, hardly changes."""
    usual = np.array([[0.2, 0.2, 0.4], [0.4, 0.8, 0.8]])
    odd = usual.copy()
    odd[:, 0] = 1e-6, 1e6
    assert np.array_equal(stream_widths(usual)[:, 1:], stream_widths(odd)[:, 1:])


@pytest.mark.parametrize("changes", [np.zeros((2, 1)), np.full((3, 4), 0.3), np.full((2, 2), np.nan), np.zeros((0, 2))])
def test_widths_of_equal_changes_are_equal(changes):
    """Guards against a division by zero: equal tokens, one token, states that are zero or no number, no layer."""
    widths = stream_widths(changes)
    assert np.isfinite(widths).all() and len(set(widths.ravel().tolist())) <= 1


def _weights(tokens: int, **cells: float) -> np.ndarray:
    """(1, T, T): weights of one head; "q4k1"=0.8 gives a cell, all other weight of a row rests on the first token."""
    weights = np.zeros((1, tokens, tokens), np.float32)
    for name, value in cells.items():
        query, key = (int(number) for number in name[1:].split("k"))
        weights[0, query, key] = value
    weights[0, :, 0] += 1 - weights[0].sum(1)
    return weights


def test_an_arc_leads_far_and_not_to_the_first_token():
    """Guards against arcs that rest on the first token, on a special one, on a neighbour, or that are faint."""
    weights = _weights(6, q5k2=0.8, q4k3=0.9, q3k1=0.2, q5k1=0.1)
    (arc,) = telling_arcs([weights])
    assert (arc.layer, arc.head, arc.query, arc.key, arc.weight) == (0, 0, 5, 2, pytest.approx(0.8))
    assert telling_arcs([weights], resting=(0, 2)) == []


def test_a_key_that_all_look_at_tells_little():
    """Guards against a resting place other than the first token (a full stop) being taken for a finding: where three queries
    give 0.9 to one key, each tells 0.9 - 0.9 = 0; a single look of 0.5 comes first."""
    resting = _weights(6, q3k1=0.9, q4k1=0.9, q5k1=0.9)
    single = _weights(6, q5k2=0.5)
    first, *rest = telling_arcs([resting, single])
    assert (first.layer, first.key, first.telling) == (1, 2, pytest.approx(0.5))
    assert all(arc.telling == pytest.approx(0, abs=1e-6) for arc in rest)


def test_arcs_are_bounded_and_one_a_pair():
    """Guards against a picture of thousands of lines, and against the same pair drawn for every head that shows it."""
    heads = np.concatenate([_weights(12, q9k3=0.5), _weights(12, q9k3=0.7)])
    (arc,) = telling_arcs([heads])
    assert arc.head == 1
    many = np.eye(40, k=-3)[None].repeat(2, 0)
    assert len(telling_arcs([many], count=7)) == 7


def test_the_tokens_own_arcs_come_first():
    """Guards against a picture that does not show where the answer's token looks, because others look more firmly."""
    weights = _weights(12, q4k1=0.9, q6k2=0.9, q7k3=0.9, q8k4=0.9, q11k5=0.4)
    assert 11 not in {arc.query for arc in telling_arcs([weights], count=3)}
    assert 11 in {arc.query for arc in telling_arcs([weights], count=3, focus=11)}


def test_ranks_and_where_the_answer_takes_over():
    """Guards against a rank counted from 0, and against a place where the answer was first only for a while."""
    rows = torch.tensor([[3.0, 2, 1], [0, 1, 2], [5, 1, 4], [0, 2, 9], [1, 0, 7]])
    guesses = read_guesses(rows, 2)
    assert (guesses.answer, guesses.ranks, guesses.takes_over) == (2, [3, 1, 2, 1, 1], 3)
    assert guesses.layers[0].ids == (0, 1)
    assert read_guesses(rows[3:]).takes_over == 0


def test_ranks_do_not_underflow():
    """Guards against ranks of probabilities: in float32 e^-150 is 0, so all tokens from there on would share a rank."""
    guesses = read_guesses(torch.tensor([[0.0, -150.0, -160.0, -170.0], [0, 0, 0, 5.0]]))
    assert guesses.ranks == [4, 1]
