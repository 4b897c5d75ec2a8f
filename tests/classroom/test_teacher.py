"""The teacher's panel on its handlers: bars and CSV of a class's answers, and nothing without the secret."""

from types import SimpleNamespace

import pytest

from playground import workbench
from playground.classroom.histogram import Bar
from playground.course.lesson import Choice, Lesson, Question, Step
from playground.errors import PlaygroundError
from playground.figures.classroom.answers import answers_sentence
from playground.settings import Settings
from playground.tabs.classroom.handlers import Teacher, TeacherRequest
from playground.tabs.course.handlers import Handlers
from playground.tabs.course.requests import PupilRequest, can_be
from playground.tabs.course.showing import end_words
from playground.tabs.shared.page_context import PageContext

ASKS = Step(
    "", Question("Which?", "choice", (Choice("=1+1"), Choice("<img src=x onerror=alert(1)>"))), "probability", {}, ""
)
NUMBER = Step("", Question("How many?", "number", least=0, most=100), "probability", {}, "")


@pytest.fixture
def room():
    """A class before the question ASKS, and the teacher's handlers."""
    before, bench = workbench._shared, workbench.Workbench(Settings(classroom=True))
    workbench.share(bench)
    bench.classroom.show("", "hostile", 0)
    yield bench.classroom
    workbench.share(before)


@pytest.fixture
def teacher() -> Teacher:
    lessons = {"hostile": Lesson("hostile", "A lesson", 5, "", 1, (ASKS,))}
    return Teacher(SimpleNamespace(shelf=SimpleNamespace(lessons=lessons), targets={}))


def test_answers_are_drawn_and_saved_safely(room, teacher):
    """Guards against words of a lesson that run: in the page as markup, in a spreadsheet as a formula. Before the reveal
    nothing names the model's answer."""
    for number, answer in enumerate([0.0, 0.0, 1.0]):
        assert room.take(f"pupil-{number:04}", ("hostile", 0), answer)
    request = TeacherRequest(room.secret, "http://school.example/")
    drawn = teacher.draw(PageContext(), request)
    assert list(drawn["figure"].data[0].x) == [2, 1] and "<img" not in str(drawn["figure"].layout.yaxis.ticktext)
    assert "“=1+1”: 2 of 3" in drawn["sentence"] and "3 answered" in drawn["line"]
    saved = teacher.save(PageContext(), request)
    lines = saved["csv"].splitlines()
    assert lines[1:] == ["A lesson,1,Which?,'=1+1,2,", "A lesson,1,Which?,<img src=x onerror=alert(1)>,1,"]
    assert saved["file"] == "hostile-1.csv", "seven questions are seven files, not answers(6).csv"
    assert len(set(drawn["figure"].data[0].marker.color)) == 1
    room.show("", "hostile", 1)
    assert "answered" not in teacher.draw(PageContext(), request)["line"], "a lesson's last page asks nothing"


@pytest.mark.parametrize("name", ["draw", "reveal", "save"])
def test_pupils_cannot_teach(room, teacher, name):
    """Guards the handlers, which any page of the class could call: without the secret they do nothing."""
    for secret in ("", "guessed", room.secret[:-1]):
        with pytest.raises(PlaygroundError, match="not the teacher's address"):
            getattr(teacher, name)(PageContext(), TeacherRequest(secret, ""))
    assert not room.view.revealed
    assert teacher.enter(PageContext(), TeacherRequest("guessed", ""))["role"] == "pupil"


def test_a_reveal_leaves_what_is_typed(room):
    """Guards against a field that the teacher's reveal empties under a pupil who is still typing, with what was said of his
    number; the next step begins with an empty one."""
    lesson = Lesson("numbers", "A lesson", 5, "", 1, (NUMBER, NUMBER))
    handlers = Handlers(SimpleNamespace(lessons={"numbers": lesson}, counts={"numbers": 2}), {})
    kept = ""
    for step, number, stays in ((0, None, False), (0, 101.0, True), (1, 101.0, False)):
        room.show("", "numbers", step)
        outputs = handlers.follow(PageContext("a model"), PupilRequest(kept, number=number, pupil="p", follows=True))
        assert ("value" not in outputs["number"]) == ("reveal" not in outputs) == stays
        assert outputs["number"]["visible"] and outputs["lock"]["visible"]
        kept = outputs["kept"]


def test_the_teacher_is_not_told_that_she_answered_nothing():
    """Guards against a teacher's page that counts her answers at the end of a lesson, of which it has none, or says
    "(empty)" in their place."""
    lesson = Lesson("numbers", "A lesson", 5, "", 1, (NUMBER,))
    assert "(empty)" not in end_words(lesson, [], in_class=True)
    assert "no answer" in end_words(lesson, []) and "no answer" not in end_words(lesson, [], in_class=True)


def test_kept_answers_have_to_fit_the_question():
    """Guards the bars against what a browser kept, or someone wrote in its place: numbers that the question does not take
    would stretch the picture for all."""
    assert [can_be(answer, NUMBER) for answer in (0.0, 100.0, 100.1, -1.0, float("nan"), float("inf"), (1, 2), None)] == [
        True, True, False, False, False, False, False, False,
    ]  # fmt: skip
    assert [can_be(answer, ASKS) for answer in (0.0, 1.0, 2.0, 0.5, -1.0, (0, 1))] == [True, True, *[False] * 4]


def test_most_are_more_than_half():
    """Guards against “Most of the class says” of an answer that another one has as often, or that few have."""
    said = lambda *counts: answers_sentence([Bar(str(place), count) for place, count in enumerate(counts)])  # noqa: E731
    assert said(2, 1) == "Most of the class says “0”: 2 of 3."
    assert said(1, 1) == "No answer has more than half of the class: the longest bar has 1 of 2."
    assert said(2, 1, 1, 1).endswith("2 of 5.") and "Most" not in said(2, 1, 1, 1)
    assert said(0, 0) == "No answers yet. Pupils lock theirs in the lesson's panel."
