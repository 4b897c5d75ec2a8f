"""What the browser keeps of a pupil's progress, and what it may give back."""

import json

import pytest

from playground.course.progress import Progress, read_progress

LESSONS = {"one": 3, "two": 2}


def test_progress_comes_back_as_it_was():
    """Guards against a place or an answer that a reload loses, a head among them; a second answer does not replace the
    first."""
    progress = Progress().opened("one").locked(0.5).at(1).locked((3, 4)).opened("two").at(1)
    assert read_progress(progress.written(), LESSONS).answers == {"one": {0: 0.5, 1: (3, 4)}}
    back = read_progress(progress.written(), LESSONS)
    assert (back.lesson, back.step, back.opened("one").step) == ("two", 1, 1)
    assert back.opened("one").answer == (3, 4) and back.opened("one").locked(7.0).answer == (3, 4)
    assert back.opened("one").again().answer is None and back.closed().is_open is False


@pytest.mark.parametrize(
    "words",
    [
        "", "{", "[]", "null", "1", "[" * 9_000, "x" * 30_000, '{"open": "yes", "lesson": {}, "steps": 3, "answers": []}',
        '{"lesson": "three", "steps": {"one": -4, "two": 1e400}, "answers": {"one": {"0": "a", "1": [1], "9": 2}}}',
        '{"lesson": ["one"], "steps": {"one": true}, "answers": {"one": {"0": NaN, "1": [-1, 2], "2": true}}}',
    ],
)  # fmt: skip
def test_a_strangers_text_is_no_progress(words):
    """Guards against a kept text that fails, or leads to a step, a lesson or an answer that there is not."""
    progress = read_progress(words, LESSONS)
    assert progress.lesson in ("", "one") and not progress.is_open
    assert all(0 <= step <= LESSONS[name] for name, step in progress.steps.items())
    assert all(not own for own in progress.answers.values())
    json.loads(progress.written())
