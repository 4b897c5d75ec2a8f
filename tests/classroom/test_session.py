"""A class by hand: whose answers count and for how long, who is the teacher, how answers are counted."""

import threading

import pytest

from playground.classroom import Classroom
from playground.classroom.addresses import local_address, pupils_address, teachers_address
from playground.classroom.histogram import MOST_BARS, Bar, count_heads, count_numbers, count_places
from playground.classroom.session import MOST_ADDRESS, MOST_PUPILS

FIRST, SECOND = ("order", 0), ("order", 1)
ANNA, BEN = "pupil-anna", "pupil-ben-"


@pytest.fixture
def room() -> Classroom:
    """A class whose teacher shows the first step of a lesson."""
    room = Classroom()
    room.show("tab=attention", *FIRST)
    return room


def test_one_answer_counts_once(room):
    """Guards the histogram: a pupil's later answer takes the place of the former one; answers to another question, after the
    reveal, or of no known form don't count; the next question forgets all."""
    assert room.take(ANNA, FIRST, 1.0) and room.take(BEN, FIRST, 1.0) and room.take(ANNA, FIRST, 2.0)
    assert sorted(room.answers) == [1.0, 2.0]
    hostile = ["1", None, True, float("nan"), float("inf"), (1,), (1, -1), (0.5, 1), [1, 2], {}]
    assert not any(room.take("pupil-cleo", FIRST, answer) for answer in hostile)
    assert not any(room.take(name, FIRST, 1.0) for name in ("", "short", "x" * 65, "a b c d e f", "<b>pupil</b>"))
    assert not room.take(ANNA, SECOND, 1.0) and room.waits(FIRST) and not room.waits(SECOND)
    room.reveal()
    assert not room.take(ANNA, FIRST, 3.0) and not room.waits(FIRST) and sorted(room.answers) == [1.0, 2.0]
    room.show("tab=layers", *FIRST)
    assert room.view.revealed and len(room.answers) == 2, "another view of one question forgets nothing"
    room.show("tab=layers", *SECOND)
    assert room.answers == () and not room.view.revealed and room.view.question == SECOND


def test_a_class_is_bounded(room):
    """Guards the server's memory: 500 pupils, an address of 16,000 characters, names and steps in range; nobody who is
    there already is turned away."""
    for number in range(MOST_PUPILS + 5):
        assert room.take(f"pupil-{number:04}", FIRST, 1.0) == (number < MOST_PUPILS)
    assert room.take("pupil-0000", FIRST, 2.0) and len(room.answers) == MOST_PUPILS
    assert [room.arrive() for _ in range(MOST_PUPILS + 1)].count(True) == MOST_PUPILS == room.pupils
    room.leave()
    assert room.arrive()
    for view in (("x" * (MOST_ADDRESS + 1), "", 0), ("", "no lesson", 0), ("", "x" * 81, 0), ("", "order", -1)):
        with pytest.raises(ValueError, match="no view"):
            room.show(*view)


def test_the_secret():
    """Guards the teacher's page: each class has a secret of its own, and nothing else passes for it."""
    room = Classroom()
    assert room.is_teacher(room.secret) and len(room.secret) >= 22
    hostile = ["", None, 5, room.secret[:-1], room.secret + "x", Classroom().secret, "é" * 22, "\ud800", "x" * 10**6]
    assert not any(room.is_teacher(secret) for secret in hostile)


def test_listeners_hear_of_changes_alone(room):
    """Guards against thirty pages that are told what they know; and against answers lost between threads."""
    heard: list[int] = []
    stop = room.listen(lambda: heard.append(len(room.answers)))
    room.show("tab=attention", *FIRST)
    assert heard == []
    threads = [threading.Thread(target=room.take, args=(f"pupil-{n:04}", FIRST, float(n))) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 30 and len(room.answers) == 30
    stop()
    room.reveal()
    assert len(heard) == 30


def test_answers_counted_by_hand():
    """Guards the bars: each kind of answer, the model's own among them, and what has no bar left out."""
    assert count_places([0.0, 2.0, 2.0, 7.0, (1, 1)], ["a", "b", "c"], right=1) == [
        Bar("a", 1), Bar("b", 0, True), Bar("c", 2),
    ]  # fmt: skip
    assert count_numbers([5.0, -1.5, 5.0], right=30.0) == [Bar("−1.5", 1), Bar("5", 2), Bar("30", 0, True)]
    assert count_numbers([]) == []
    many = count_numbers([float(n) for n in range(100)], right=65.4)
    assert [bar.label for bar in many[:2]] == ["0 to 10", "10 to 20"] and all(bar.count == 10 for bar in many)
    assert [bar.label for bar in many if bar.is_right] == ["60 to 70"]
    for numbers in ([n * 1e-9 for n in range(50)], [float(n) for n in range(-13, 14)], [10.0**n for n in range(20)]):
        bars = count_numbers(numbers)
        assert len(bars) <= MOST_BARS and sum(bar.count for bar in bars) == len(numbers)
    heads = [(1, 2), (1, 2), (0, 3), *((5, n) for n in range(20))]
    bars = count_heads(heads, "{}.{}".format, right=(9, 9))
    assert bars[0] == Bar("1.2", 2) and bars[-1] == Bar("9.9", 0, True) and len(bars) == MOST_BARS


@pytest.mark.parametrize(
    "origin", ["", "http://localhost:7860/", "http://127.0.0.1:7860/", "javascript:alert(1)", "http://["]
)
def test_pupils_get_an_address_that_reaches_them(origin):
    """Guards the QR code: an address that only the server's own machine understands leads nowhere on a pupil's phone."""
    assert pupils_address(origin, 7860) == f"http://{local_address()}:7860/"


def test_addresses_that_others_reach_stay():
    """Guards a class behind a proxy, whose name and path the server does not know."""
    for origin in ("http://192.168.1.5:7860/", "https://school.example/playground/"):
        assert pupils_address(origin, 1) == origin
    assert teachers_address("http://a/", "x&y") == "http://a/?teacher=x%26y"
