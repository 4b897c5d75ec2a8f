"""Work that is done together: by whoever gets the turn, for all who have posted theirs by then."""

import threading
import time

import pytest

from playground.concurrency.fair_queue import LONG_IN_A_ROW, FairQueue, LeftQueue
from playground.concurrency.joint_work import JointWork


def test_a_round_waits_for_those_who_are_busy():
    """Guards against a first one that runs ahead, after which rounds of one and of all the others alternate, at half the
    speed: whoever has a result of the last round is waited for until the next piece is posted."""
    queue, rounds = FairQueue(), []

    def do(pieces):
        rounds.append(len(pieces))
        return [piece * 2 for piece in pieces]

    work, begin, results = JointWork(queue, do), threading.Barrier(4), {}

    def visit(number):
        with work.seat() as seat:
            seat.post(number)
            begin.wait()
            results[number] = []
            for piece in range(20):
                results[number].append(seat.result())
                time.sleep(0.001 * number)
                if piece < 19:
                    seat.post(number)
                else:
                    seat.leave()

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == {number: [number * 2] * 20 for number in range(4)}
    assert sum(rounds) == 80 and rounds.count(4) >= 10, rounds
    assert not queue.waiting and not work._seats


def test_a_round_is_no_more_work_than_it_may_be():
    """Guards against many prompts in one pass, for which every text stands still: what does not fit waits for the next
    round, smaller pieces go first, and a piece that is more than a round may be is done by itself."""
    rounds = []

    def do(pieces):
        rounds.append(pieces)
        return pieces

    work = JointWork(FairQueue(), do, weigh=int, most=10)
    with work.seat() as first, work.seat() as second, work.seat() as third:
        for seat, piece in ((first, 6), (second, 5), (third, 4)):
            seat.post(piece)
        assert (first.result(), third.result(), second.result()) == (6, 4, 5)
        first.leave()
        third.leave()
        second.post(11)
        assert second.result() == 11
    assert rounds == [[6, 4], [5], [11]]


def test_an_error_and_a_leaver_hold_nobody_up():
    """Guards against a seat that is waited for after its caller has gone or failed, and a turn that is never given back."""
    queue = FairQueue()
    work = JointWork(queue, lambda pieces: [ValueError() if piece == "bad" else piece for piece in pieces])
    with work.seat() as first, work.seat() as second, work.seat() as third:
        for seat, piece in ((first, "good"), (second, "bad"), (third, "other")):
            seat.post(piece)
        assert first.result() == "good" and first.company == 3
        with pytest.raises(ValueError):
            second.result()
        second.leave()
        third.leave()
        assert not third.is_posted
        first.post("again")
        with queue.leave(threading.get_ident()), pytest.raises(LeftQueue):
            first.result()
        assert first.result() == "again" and first.company == 1
    assert work.last.pieces == 1 and not queue.waiting


def test_long_turns_let_a_short_one_pass():
    """Guards a stream that stands still until thirty newcomers have had their prompts read."""
    queue, order = FairQueue(), []

    def visit(name, is_long):
        with queue.slot(is_long=is_long):
            order.append(name)

    names = [f"long {number}" for number in range(7)] + ["short"]
    with queue.slot():
        threads = []
        for name in names:
            threads.append(threading.Thread(target=visit, args=(name, name != "short")))
            threads[-1].start()
            while queue.waiting < len(threads):
                time.sleep(0.001)
    for thread in threads:
        thread.join(5)
    assert order == [*names[:LONG_IN_A_ROW], "short", *names[LONG_IN_A_ROW:-1]]
