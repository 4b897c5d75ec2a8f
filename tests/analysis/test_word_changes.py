"""What differs between two texts, by hand."""

import pytest

from playground.analysis.tasks.word_changes import word_changes


@pytest.mark.parametrize(
    ("one", "two", "places"),
    [
        ("It was not good.", "It was good.", ([(7, 10)], [])),
        ("a b c", "a x y c", ([(2, 3)], [(2, 5)])),
        ("菜不好吃", "菜好吃", ([(1, 2)], [])),
        ("same", "same", ([], [])),
        ("", "new word", ([], [(0, 8)])),
    ],
)
def test_changed_words(one, two, places):
    """Guards a whole sentence marked for one word, and Chinese taken for one word."""
    assert word_changes(one, two) == places
