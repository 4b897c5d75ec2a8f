"""The stages of a choice, by numbers that a reader can work out by hand."""

import math
from collections import Counter
from dataclasses import replace

import pytest
import torch

from playground.analysis.generation.sampling_stages import TokenChoice, candidates_of, draw, stage
from playground.figures.generation.sampling_stages import stages_figure

LOG = torch.tensor([0.5, 0.25, 0.125, 0.125]).log()


def test_stage_probabilities_are_of_the_whole_vocabulary():
    """Guards against probabilities renormalised among the candidates that happen to be shown."""
    told = stage("logits", LOG, torch.tensor([0, 2]))
    assert told.probabilities == pytest.approx((0.5, 0.125))
    assert told.kept == 4


def test_what_is_cut_has_no_probability():
    """Guards against a cut token that still shows a share."""
    cut = LOG.clone()
    cut[2:] = -math.inf
    told = stage("top-k 2", cut, torch.tensor([0, 1, 2]))
    assert told.probabilities == pytest.approx((2 / 3, 1 / 3, 0))
    assert told.logits[2] == -math.inf
    assert told.kept == 2


@pytest.mark.parametrize(
    ("number", "token", "start", "end"),
    [(0.0, 0, 0, 0.5), (0.49, 0, 0, 0.5), (0.51, 1, 0.5, 0.75), (0.76, 2, 0.75, 0.875), (0.99, 3, 0.875, 1)],
)
def test_draw_lands_where_the_eye_sees_it(number, token, start, end):
    """Guards against a marker on the page that points at another token than the one drawn."""
    picked, place = draw(LOG, number)
    assert picked == token
    assert (place.start, place.end) == pytest.approx((start, end))


def test_draw_never_picks_what_was_cut():
    """Guards against rounding at the end of the scale handing the draw to a token of probability 0."""
    cut = LOG.clone()
    cut[0] = cut[3] = -math.inf
    assert {draw(cut, number)[0] for number in (0.0, 0.5, 0.999999, 1.0)} == {1, 2}


def test_draw_follows_the_distribution():
    """Guards against a draw that favours some tokens; 4 standard errors of 4,000 draws."""
    random = torch.Generator().manual_seed(0)
    numbers = torch.rand(4000, generator=random, dtype=torch.float64).tolist()
    counts = Counter(draw(LOG, number)[0] for number in numbers)
    for token, share in enumerate((0.5, 0.25, 0.125, 0.125)):
        assert abs(counts[token] / 4000 - share) < 4 * math.sqrt(share * (1 - share) / 4000)


def test_candidates_hold_the_chosen_one():
    """Guards against a choice whose own row is missing from its picture."""
    assert candidates_of([0, 1], also=[3]) == [0, 1, 3]
    assert candidates_of([0, 1], also=[1]) == [0, 1]


def choice_by_hand() -> TokenChoice:
    """Of four tokens the last two are cut; 0.8 falls on the second, whose stretch is 2/3 to 1."""
    cut = LOG.clone()
    cut[2:] = -math.inf
    ids = torch.tensor([0, 1, 2])
    picked, place = draw(cut, 0.8)
    return TokenChoice(picked, 1 / 3, (0, 1, 2), (0, 1), (stage("logits", LOG, ids), stage("top-k 2", cut, ids)), place)


def test_figure_says_what_was_cut_and_where_the_draw_fell():
    """Guards against a picture that shows a cut token's share, frames another token, or moves the draw."""
    figure = stages_figure(choice_by_hand(), ["a", "b", "<b>c"])
    heat = figure.data[0]
    assert [list(row) for row in heat.text] == [["50 %", "67 %"], ["25 %", "33 %"], ["12 %", ""]]
    cut = next(trace for trace in figure.data if trace.type == "scatter" and trace.mode == "text")
    assert (list(cut.text), list(cut.x), list(cut.y)) == (["cut"], [1], [2])
    assert math.isnan(heat.z[2][1])
    assert figure.layout.shapes[0].y0 == 0.5
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert (bars[0].base[0], bars[0].x[0]) == pytest.approx((0, 2 / 3))
    assert (bars[1].base[0], bars[1].x[0]) == pytest.approx((2 / 3, 1 / 3))
    assert "<b>c" not in figure.to_json()


def test_greedy_draws_nothing():
    """Guards against a random number shown where none was drawn."""
    told = choice_by_hand()
    figure = stages_figure(replace(told, token_id=0, draw=None), ["a", "b", "c"])
    assert not [trace for trace in figure.data if trace.type == "bar"]
    assert "was taken without dice" in figure.layout.meta["description"]
