"""Values computed from an object: made once, bounded together, gone with the object."""

import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from playground.concurrency.owned_cache import OwnedCache
from playground.errors import Cancelled


class Owner:
    """Compared by identity and weakly referable, like a recording."""


def test_made_once_for_each_owner_and_key():
    """Guards against results of one recording shown for another."""
    cache, first, second, made = OwnedCache(1000), Owner(), Owner(), []

    def get(owner, key):
        return cache.get(owner, key, lambda: made.append((owner, key)) or [key])

    for _ in range(2):
        for owner in (first, second):
            for key in ("a", "b"):
                assert get(owner, key) == [key]
    assert len(made) == 4
    assert get(first, "a") is not get(second, "a")


def test_the_least_recently_used_goes_first_whoever_owns_it():
    """Guards against a budget for each owner, which bounds nothing."""
    cache, first, second = OwnedCache(250), Owner(), Owner()

    def get(owner, key):
        made = []
        cache.get(owner, key, lambda: made.append(1) or np.zeros(100, np.uint8))
        return bool(made)

    assert get(first, "a") and get(second, "a")
    assert not get(first, "a"), "kept, and used last from now on"
    assert get(second, "b") and cache.used == 200
    assert not get(first, "a")
    assert get(second, "a"), "it had to go"


def test_the_size_may_be_given():
    """Guards against results that the general measure does not see."""
    cache, owner = OwnedCache(100), Owner()
    cache.get(owner, "a", lambda: "x", lambda value: 60)
    assert cache.used == 60
    cache.get(owner, "b", lambda: "y", lambda value: 60)
    assert cache.used == 60


def test_values_go_with_their_owner():
    """Guards against results that stay when their recording is gone, and against an id that another object gets later."""
    cache, stays = OwnedCache(10**6), Owner()
    cache.get(stays, "key", lambda: np.zeros(10))
    for number in range(50):
        owner = Owner()
        assert cache.get(owner, "key", lambda number=number: np.full(10, number))[0] == number
        del owner
    gc.collect()
    assert cache.used == 80


def test_an_owner_held_by_its_own_cycle_goes_too():
    """Guards against a deadlock or a leak where the garbage collector finds the owner at any moment."""
    cache = OwnedCache(10**6)
    for _ in range(300):
        owner = Owner()
        owner.itself = owner
        cache.get(owner, "key", lambda: [object() for _ in range(100)], lambda value: 100)
    del owner
    gc.collect()
    assert cache.used == 0


def test_forget():
    """Guards against results of an evicted model, and against forgetting those of another."""
    cache, first, second = OwnedCache(1000), Owner(), Owner()
    cache.forget(first)
    for owner in (first, second):
        for key in "ab":
            cache.get(owner, key, lambda: np.zeros(10, np.uint8))
    cache.forget(first)
    assert cache.used == 20
    cache.get(second, "a", lambda: pytest.fail("it was there"))
    assert cache.release(5) == 10


def test_thirty_threads_at_once():
    """Guards against a class of thirty whose clicks compute a picture thirty times, or leave the budget."""
    cache, owners, made, start = OwnedCache(5_000), [Owner() for _ in range(3)], [], threading.Barrier(30)

    def click(number):
        start.wait()
        values = []
        for turn in range(40):
            key = turn % 10
            owner = owners[(number + turn) % 3]
            value = cache.get(owner, key, lambda key=key: made.append(key) or np.full(100, key, np.uint8))
            values.append(value[0] == key)
            assert cache.used <= 5_000
        return all(values)

    with ThreadPoolExecutor(30) as pool:
        assert all(pool.map(click, range(30)))
    assert len(made) == 30 and cache.used == 3_000, "all of them fit, so each was made once"


def test_one_visitors_stop_is_not_anothers():
    """Guards an explanation that ends for all who wait for it because one of them pressed Stop: the next one makes it."""
    cache, owner, begun, stop = OwnedCache(1000), Owner(), threading.Event(), threading.Event()

    def stopped():
        begun.set()
        assert stop.wait(10)
        raise Cancelled("The explanation")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get, owner, "key", stopped, lambda value: 1)
        assert begun.wait(10)
        second = pool.submit(cache.get, owner, "key", lambda: "made", lambda value: 1)
        time.sleep(0.05)  # the second one waits
        stop.set()
        assert second.result(10) == "made"
        assert isinstance(first.exception(10), Cancelled)
