"""Each lesson learns what it promises."""

import pytest

from playground.training.lessons import LESSONS
from tests.benchmarks.training import to_target

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("lesson", [name for name, lesson in LESSONS.items() if lesson.target])
def test_a_lesson_reaches_its_target(lesson):
    """Guards the sentence beside each lesson, "Target: …, within … steps", on one seed until it is reached; and that the
    heads take up the roles that the lesson says to watch."""
    result = to_target(lesson, seed=0)
    last = result.last
    assert result.step is not None, (last.step, last.held_out_loss, last.scores)
    if "whole answers" in last.scores:  # counted in one pass; written token by token they are as many
        assert result.run.task.whole_answers(result.run.net) == last.scores["whole answers"]
    if lesson.startswith("repeat"):
        assert last.heads["induction"].max() > 0.5
        previous = last.heads["previous"]  # in the GPT-2 the heads of layer 0 share the look at the token before
        assert previous.max() > 0.3 if lesson == "repeat" else previous[0].sum() > 0.5
    if lesson in ("numbers", "reverse"):
        assert last.heads["alignment"].max() > 0.5


@pytest.mark.parametrize("lesson", ["reverse", "sort"])
def test_one_stack_reaches_it_too(lesson):
    """Guards the words beside Reverse and Sort: a GPT-2 without an encoder reaches the same target."""
    result = to_target(lesson, seed=0, encoder=False)
    assert result.step is not None and not result.run.task.encoder
