"""Work in the background leaves most of the time to those who generate."""

import threading
import time

import pytest

from playground.concurrency.background_turns import BackgroundTurns
from playground.concurrency.fair_queue import FairQueue

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("workers", [1, 3])
def test_two_thirds_of_the_time_are_left(workers):
    """Guards the speed of those who generate beside runs that train: all runs together take at most a third of the time, as
    the turns were taken; each of them gets its turn."""
    queue, ends = FairQueue(), threading.Event()
    turns, took = BackgroundTurns(queue), [0.0] * workers

    def work(number):
        while not ends.is_set():
            with turns.slot():
                started = time.monotonic()
                time.sleep(0.01)
                took[number] += time.monotonic() - started

    threads = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
    mine = 0.0
    with queue.session():
        for thread in threads:
            thread.start()
        began = time.monotonic()
        while time.monotonic() - began < 0.8:
            with queue.slot():
                started = time.monotonic()
                time.sleep(0.005)
                mine += time.monotonic() - started
        ends.set()
    for thread in threads:
        thread.join(5)
    assert all(took) and sum(took) < 0.8 * mine  # half, had the machine nothing else to do


def test_nobody_rests_while_nobody_generates():
    """Guards a run's speed: it rests only beside others, and a rest ends when the last one leaves."""
    queue = FairQueue()
    turns = BackgroundTurns(queue)
    with queue.session():
        with turns.slot():
            time.sleep(0.05)
        turns._rests_until += 60
        waiting = threading.Thread(target=lambda: turns.slot().__enter__())
        waiting.start()
        time.sleep(0.05)
        assert waiting.is_alive()
    waiting.join(5)
    assert not waiting.is_alive()
