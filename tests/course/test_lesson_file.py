"""A lesson's file: what is read of it, and what is refused."""

import re
import tomllib

import pytest

from playground.course.lesson_file import Page, lesson_files, read_lesson
from playground.course.measures import MEASURES
from playground.errors import PlaygroundError

PAGE = Page({"xray": [], "attention": ["heads", "roles"]}, ["temperature"])
STEP = """
[[steps]]
words = "w"
ask = "a?"
kind = "number"
tolerance = 5
measure = "probability"
reveal = "It has {value}, {token}."
with = { text = "t", token = " u" }
"""
LESSON = 'title = "T"\nminutes = 8\norder = 1\nknows = "k"\n' + STEP


def read(tmp_path, words: str):
    path = tmp_path / "mine.toml"
    path.write_text(words, encoding="utf-8")
    return read_lesson(path, PAGE)


def test_a_teachers_file_is_read(tmp_path):
    """Guards against a key that is read into the wrong field."""
    lesson = read(tmp_path, LESSON + 'before = { tab = "attention", view = "roles", layer = 1, head = 2 }\n')
    (step,) = lesson.steps
    assert (lesson.name, lesson.title, lesson.minutes, lesson.knows) == ("mine", "T", 8, "k")
    assert (step.measure, step.arguments, step.question.tolerance) == ("probability", {"text": "t", "token": " u"}, 5)
    assert step.before and (step.before.tab, step.before.view, step.before.layer, step.before.head) == (
        "attention", "roles", 1, 2,
    )  # fmt: skip


@pytest.mark.parametrize(
    "old, new, named",
    [
        ('"probability"', '"luck"', "measure 'luck'"),
        ('kind = "number"', 'kind = "essay"', "kind 'essay'"),
        ('kind = "number"', 'kind = "head"', "answers no head"),
        ("tolerance = 5\n", "", "needs a tolerance"),
        ("tolerance = 5\n", 'tolerance = "much"\n', "tolerance"),
        (', token = " u"', "", "needs token"),
        ('token = " u"', 'token = 7', "argument token"),
        ('token = " u"', 'token = " u", hat = 1', "'hat'"),
        ("{token}", "{tok}", "word in reveal 'tok'"),
        ('words = "w"', 'words = "w"\ncolour = "red"', "key 'colour'"),
        ("minutes = 8\n", "", "minutes is missing"),
        ("title =", "title", "can't be read"),
        (STEP, STEP + 'before = { tab = "kitchen" }', "tab 'kitchen'"),
        (STEP, STEP + 'after = { tab = "attention", view = "sink" }', "view of attention 'sink'"),
        (STEP, STEP + 'after = { tab = "xray", controls = { heat = 1 } }', "control 'heat'"),
        (STEP, STEP + 'after = { tab = "xray", layer = 1 }', "layer and head are named together"),
        (STEP, STEP + 'choices = [{ words = "x", below = 1 }]', "a choice, and nothing else, has choices"),
        (STEP, STEP.replace("number", "choice") + 'choices = [{ words = "x", below = 1 }]', "two at least"),
        (STEP, "steps = []", "has no steps"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, old, new, named):
    """Guards against a file that is read in part, and against an error that does not say where: each names the file and
    what is not known, or missing."""
    assert old in LESSON
    with pytest.raises(PlaygroundError) as refused:
        read(tmp_path, LESSON.replace(old, new, 1))
    assert "mine.toml" in refused.value.message and named in str(refused.value)


@pytest.mark.parametrize("path", lesson_files(), ids=lambda path: path.stem)
def test_no_answer_is_in_the_file(path):
    """Guards the promise that the model answers: a lesson has no key for an answer, takes 8 to 12 minutes, and says in each
    step what the model's number means."""
    lesson = read_lesson(path)
    assert 8 <= lesson.minutes <= 12 and len(lesson.steps) >= 5
    for step, plain in zip(lesson.steps, tomllib.loads(path.read_text(encoding="utf-8"))["steps"], strict=True):
        assert not {"answer", "right", "value"} & set(plain)
        assert re.search(r"{\w+}", step.reveal), step.question.ask
        assert step.measure in MEASURES


def test_there_are_lessons_in_order():
    """Guards against two lessons of one place in the list."""
    orders = [read_lesson(path).order for path in lesson_files()]
    assert len(set(orders)) == len(orders) >= 3
