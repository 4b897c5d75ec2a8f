"""What is learned: numerals, alignments, answers, and data of a visitor's own."""

import pytest
import torch

from playground.analysis.training.alignment import alignment_scores
from playground.errors import PlaygroundError
from playground.figures.training.columns import columns_words
from playground.training.recipe import Recipe
from playground.training.tasks import make_task
from playground.training.tasks.addition import addition
from playground.training.tasks.chinese_numerals import alignment, chinese, english
from playground.training.tasks.numbers import numbers
from playground.training.tasks.rearranging import reverse, sort
from playground.training.tasks.repeat import Repeat

TEXT = "It was the best of times, it was the worst of times. " * 20


@pytest.mark.parametrize(
    ("number", "words", "numerals", "places"),
    [
        (0, "zero", "零", [0]),
        (10, "ten", "十", [0]),
        (15, "fifteen", "十五", [0, 0]),
        (40, "forty", "四十", [0, 0]),
        (42, "forty two", "四十二", [0, 0, 1]),
        (300, "three hundred", "三百", [0, 1]),
        (805, "eight hundred and five", "八百零五", [0, 1, 2, 3]),
        (115, "one hundred and fifteen", "一百一十五", [0, 1, 3, 3, 3]),
        (845, "eight hundred and forty five", "八百四十五", [0, 1, 3, 3, 4]),
    ],
)
def test_numerals(number, words, numerals, places):
    """Guards the truth that a translation is measured by: 零 between hundreds and ones, 十 without 一 below a hundred."""
    assert (" ".join(english(number)), chinese(number), alignment(number)) == (words, numerals, places)


def test_every_numeral_is_aligned():
    """Guards against an alignment that is shorter than its numeral, or points beyond the words."""
    for number in range(1000):
        places = alignment(number)
        assert len(places) == len(chinese(number))
        assert max(places) < len(english(number))
    assert len({chinese(number) for number in range(1000)}) == 1000


def test_alignment_score():
    """Guards the score of a head with weights to be added up by hand: (0.5 + 0.25 + 0.25) / 2 queries with a source."""
    weights = torch.tensor([[[[0.5, 0.5, 0.0], [0.25, 0.5, 0.25], [1.0, 0.0, 0.0]]]])  # (1, 1, 3, 3)
    is_source = torch.tensor([[[True, False, False], [True, False, True], [False, False, False]]])
    assert alignment_scores(weights, is_source).tolist() == [0.5]


@pytest.mark.slow
@pytest.mark.parametrize("make", [numbers, addition, reverse, sort])
@pytest.mark.parametrize("encoder", [True, False])
def test_nothing_held_out_is_learned_from(make, encoder):
    """Guards the claim "numbers never seen"."""
    task = make(encoder)
    learned = {tuple(row) for row in task._learned["input_ids"].tolist()}
    held = {tuple(row) for row in task._held_out["input_ids"].tolist()}
    assert len(task._held_pairs) == 200 and not learned & held


@pytest.mark.slow
@pytest.mark.parametrize(("make", "letters", "answer"), [(reverse, "cab", "bac"), (sort, "cab", "abc")])
def test_rearranging(make, letters, answer):
    """Guards the two tasks against being each other, and the loss against counting the question."""
    task = make(False)
    pair = next(pair for pair in task._held_pairs if len(pair.question) == 3)
    text = "".join(pair.question)
    assert "".join(pair.answer) == (text[::-1] if make is reverse else "".join(sorted(text)))
    labels = task._tensors([pair])["labels"][0].tolist()
    assert labels[:4] == [-100] * 4 and labels[4:] == [*task._encoded(pair.answer), 2]


def test_periods_repeat_and_letters_are_distinct():
    """Guards the task of induction: letters twice in a period would make what follows ambiguous."""
    task = Repeat()
    for row, period in zip(task.held_out()["input_ids"], task._periods[:, 0].tolist(), strict=True):
        assert row[period:].tolist() == row[:-period].tolist()
        assert len(set(row[:period].tolist())) == period


def test_a_text_is_split_and_read_back():
    """Guards against a tokenizer that loses characters: emoji, control characters, combining accents, line ends."""
    text = TEXT + "a\u0301 \N{ZERO WIDTH JOINER}😀👩\u200d🚀\x07\tend\r\n"
    task = make_task(Recipe("text", data=text))
    read = text.replace("\r\n", "\n")
    ids = task.tokenizer(read)["input_ids"]
    assert task.tokenizer.decode(ids) == read
    assert len(ids) == len(read)


@pytest.mark.parametrize(
    ("lesson", "data", "words"),
    [
        ("text", "", "0 characters"),
        ("text", "x", "1 character;"),
        ("text", "x" * 10_000_000, "10,000,000 bytes"),
        ("table", "", "0 different pairs"),
        ("table", "a,b\n" * 20, "1 different pair;"),
        (
            "table",
            "\n".join(f"{n},{n},{n}" for n in range(20)),
            "Each of the 20 lines has 3 columns, such as line 1: '0",
        ),
        ("table", "one\n" * 20, "Line 1 has one column"),
        ("table", "one,\n" * 20, "Line 1 has an empty cell"),
        ("table", "one\ttwo\tthree\n" * 20, "Line 1 has 3 columns"),
        ("table", "\n".join(f"{n},{n}" for n in range(2001)), "2,001 different pairs; at most 2,000"),
        ("table", f"{'x' * 41},y\n", "41 characters"),
        ("repeat", "a,b", "repeat comes with its own data"),
        ("no such", "", "no lesson"),
    ],
)
def test_data_that_can_not_be_learned_from(lesson, data, words):
    """Guards against a Python error, or hours of work, for what a visitor pastes."""
    with pytest.raises(PlaygroundError, match=words):
        make_task(Recipe(lesson, data=data))


def test_what_a_table_s_lines_do_not_show_is_said():
    """Guards a table of one's own: repeated lines and a comma too many were read without a word. 12 lines and 2 of them
    again; line 3 has a comma in its question, line 15 another answer to the question of line 1."""
    lines = [f"{n},{2 * n}" for n in range(12)]
    lines[2] = "2, two,4"
    task = make_task(Recipe("table", data="\n".join([*lines, *lines[:2], "0,zero"]), encoder=True))
    columns = task.columns
    assert columns.repeated == 2 and len(columns.pairs) == 13 and columns.divided[0].number == 3
    words = columns_words(columns, "question", "answer")
    assert "Of 15 lines 2 repeat earlier ones and count once, so 13 different pairs are left." in words
    assert "1 line has more than two columns" in words and "“2, two” and “4” in line 3" in words
    assert "1 question has more than one answer, such as “0”" in words
    assert columns_words(make_task(Recipe("table", data="\n".join(f"{n};x" for n in range(12)))).columns, "", "") == ""


def test_a_table_with_hostile_cells():
    """Guards against cells that are read as special tokens, and twins that are learned from and held out."""
    rows = [f"<s>{n}\t</s><script>{n}" for n in range(20)]
    task = make_task(Recipe("table", data="\n".join(rows + rows), encoder=True))
    assert len(task._learned["labels"]) == 16 and len(task._held_pairs) == 4
    assert 1 not in task._learned["input_ids"].tolist()[0]  # the characters of <s>, not the token
