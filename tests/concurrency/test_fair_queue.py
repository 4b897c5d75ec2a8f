"""Turns: who asked first comes first, and nobody computes at the same time."""

import threading
import time

import pytest

from playground.concurrency.fair_queue import FairQueue, LeftQueue
from playground.concurrency.joint_work import Round
from playground.generation.beam_search import beam_search
from playground.generation.generate import generate
from playground.generation.queue_place import Waiting, with_place
from playground.generation.request import GenerationRequest
from playground.generation.settings import GenerationSettings
from playground.generation.stream_notes import visitors_note


def test_turns_come_in_the_order_of_asking():
    """Guards against a lock that lets one visitor take every turn: while a turn is taken, those who wait are served in
    the order in which they came."""
    turns, served = FairQueue(), []

    def visit(name):
        with turns.slot():
            served.append(name)

    with turns.slot():
        threads = []
        for name in "abcd":
            threads.append(threading.Thread(target=visit, args=(name,)))
            threads[-1].start()
            while turns.waiting < len(threads):
                time.sleep(0.001)
    for thread in threads:
        thread.join(5)
    assert served == list("abcd")


def test_two_visitors_alternate(tiny):
    """Guards against a second visitor who waits until the first has finished: their tokens come in turn."""
    model, turns, order = tiny("llama"), FairQueue(), []
    ready = threading.Barrier(2)

    def visit(name, seed):
        ready.wait()
        for _ in generate(model, "The cat", GenerationSettings(max_new_tokens=30, seed=seed), turns=turns):
            order.append(name)

    threads = [threading.Thread(target=visit, args=item) for item in (("a", 1), ("b", 2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    middle = order[10:50]  # a busy machine may let one have a few turns before the other asks for its next
    assert all(len(set(middle[i : i + 12])) == 2 for i in range(len(middle) - 12)), order
    assert turns.visitors == 0


def test_a_failure_gives_the_turn_back():
    """Guards against one visitor's error that holds up all the others."""
    turns = FairQueue()
    try:
        with turns.session(), turns.slot():
            raise ValueError
    except ValueError:
        pass
    with turns.slot():
        assert turns.visitors == 0


def test_the_place_of_who_waits():
    """Guards against visitors who wait without knowing for how long: places count from 1, and whose turn is on has none."""
    turns, threads, ends = FairQueue(), [], [threading.Event() for _ in range(3)]

    def visit(end: threading.Event) -> None:
        with turns.slot():
            end.wait()

    with turns.slot():
        for number, end in enumerate(ends):
            threads.append(threading.Thread(target=visit, args=(end,)))
            threads[-1].start()
            while turns.waiting <= number:
                time.sleep(0.001)
        assert [turns.place(thread.ident) for thread in threads] == [1, 2, 3]
        assert turns.place(threading.get_ident()) is None and turns.place(-1) is None
    assert [turns.place(thread.ident) for thread in threads] == [None, 1, 2]
    for thread, end in zip(threads, ends, strict=True):
        end.set()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize(("beams", "step_by_step"), [(1, True), (2, False), (2, True)])
def test_a_visitor_who_leaves_while_waiting(beams, step_by_step, tiny):
    """Guards a thread that was held until the turn of somebody who had gone: the page's iterator is closed, and nobody
    waits any more though the turn before is not over. Beams grow on the page by `beam_search` itself, which is made in
    another thread than the one that waits."""
    turns, model = FairQueue(), tiny("llama")
    settings = GenerationSettings(max_new_tokens=3, beams=beams)
    with turns.slot():
        if beams > 1 and step_by_step:
            ids = tuple(model.vocabulary.tokenize("The cat")[0])
            steps = beam_search(GenerationRequest(model, ids, (), settings), turns)
        else:
            steps = generate(model, "The cat", settings, turns=turns)
        stream = with_place(steps, turns)
        waiting = next(stream)
        while turns.waiting < 1:
            waiting = next(stream)
        assert isinstance(waiting, Waiting) and next(stream).place == 1
        stream.close()  # returns at once
        assert turns.waiting == 0 and turns.visitors == 0
    assert len(list(generate(model, "The cat", GenerationSettings(max_new_tokens=3), turns=turns))) == 3


def test_a_thread_that_left_may_come_back():
    """Guards a later visitor in a thread of the same number: only as long as `leave` lasts there is no turn."""
    turns = FairQueue()
    with turns.leave(threading.get_ident()), pytest.raises(LeftQueue), turns.slot():
        raise AssertionError("got a turn")
    with turns.slot():
        assert turns.waiting == 0


def test_what_is_said_while_others_write():
    """Guards against turns that are named where all write in one pass, and a speed of one given as that of all."""
    assert visitors_note(1, Round(3, 0.5)) == ""
    assert "take turns" in visitors_note(4, Round(1, 0.1)) and "take turns" in visitors_note(4, Round())
    assert visitors_note(5, Round(4, 0.5)).endswith("2.0 tokens per second each, 8.0 in all.")
    assert Waiting(2, 4, at_once=True).words.endswith("those of one model at once: place 2 in the queue.")
    assert "in turns: it is your turn" in Waiting(None, 4).words
