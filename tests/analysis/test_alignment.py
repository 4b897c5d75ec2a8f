"""Two rows of tokens side by side, with numbers that can be worked out by hand."""

import pytest

from playground.analysis.generation.alignment import compare
from playground.figures.generation.alignment import comparison_figure


def test_columns_by_hand():
    """Guards against tokens paired by their place alone: an insertion would make everything behind it differ."""
    columns = compare([1, 2, 3], [1, 9, 2, 4], [None, 0.5, 0.25], [None, 0.125, 0.5, 0.5])
    assert [(c.first, c.second) for c in columns] == [(0, 0), (None, 1), (1, 2), (2, 3)]
    assert [c.first_bits for c in columns] == [None, None, 1.0, 2.0]
    assert [c.second_bits for c in columns] == [None, 3.0, 1.0, 1.0]
    assert [c.difference for c in columns] == [None, None, 0.0, -1.0]


def test_a_replaced_stretch_is_paired_as_far_as_it_goes():
    """Guards against columns lost where one stretch is longer."""
    columns = compare([1, 2, 3, 4], [1, 8, 4], [0.5] * 4, [0.5] * 3)
    assert [(c.first, c.second) for c in columns] == [(0, 0), (1, 1), (2, None), (3, 2)]


def test_long_repetitions_are_paired_by_place():
    """Guards against a minute of searching in two long texts of one word."""
    columns = compare([7] * 3000, [7] * 2999, [0.5] * 3000, [0.5] * 2999)
    assert len(columns) == 3000 and (columns[-1].first, columns[-1].second) == (2999, None)


def test_empty_rows():
    """Guards against an exception where a continuation has no token."""
    assert compare([], [], [], []) == ()
    assert [(c.first, c.second) for c in compare([], [5], [], [1.0])] == [(None, 0)]


def test_figure_shows_both_rows_and_the_difference():
    """Guards against bars of the wrong row, a sign the wrong way round, and tokens read as markup."""
    columns = compare([1, 2], [1, 3], [0.5, 0.25], [0.5, 0.125])
    figure = comparison_figure(columns, ["a", "<b>"], ["a", "<img src=x>"], names=("one", "two"))
    first, second, difference = figure.data
    assert list(first.y) == [1, 2] and list(second.y) == [-1, -3] and list(difference.y) == [0, 1]
    labels = [*figure.layout.xaxis.ticktext, *figure.layout.xaxis.labelalias.values()]
    assert any("&lt;img" in text for text in labels) and not any("<" in text for text in labels)
    assert "more surprising in the two" in figure.layout.meta["description"]


@pytest.mark.parametrize("count", [0, 1, 300])
def test_figure_of_any_length(count):
    """Guards against an exception for a text of one token, which has no surprisal, and a picture too heavy to send."""
    columns = compare([7] * count, [7] * count, [None] * count, [None] * count)
    figure = comparison_figure(columns, ["x"] * count, ["x"] * count, names=("one", "two"))
    assert len(figure.to_json()) < 100_000
