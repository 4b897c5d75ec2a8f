"""Sessions: bounded together, the one used least recently goes, and its visitor can be told."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from playground.concurrency.session_store import MAX_EVICTED_IDS, SessionStore


@dataclass
class Session:
    nbytes: int


def test_the_least_recently_used_session_goes():
    """Guards against eviction by age, and against a visitor whose text vanishes without a word."""
    store = SessionStore(100)
    first, second, third = Session(40), Session(40), Session(40)
    store.put("first", first)
    store.put("second", second)
    assert store.get("first") is first
    store.put("third", third)
    assert store.get("second") is None and store.was_evicted("second")
    assert store.get("first") is first and store.get("third") is third and store.used == 80
    assert store.get("never") is None and not store.was_evicted("never")
    assert not store.was_evicted("first")


def test_a_grown_session_makes_the_others_go():
    """Guards against sessions that are counted once, when they are empty."""
    store, small, growing = SessionStore(100), Session(40), Session(10)
    store.put("growing", growing)
    store.put("small", small)
    growing.nbytes = 70
    assert store.used == 50, "as last measured"
    assert store.resize("growing")
    assert store.was_evicted("small") and store.used == 70
    growing.nbytes = 500
    assert store.resize("growing") and store.get("growing") is growing, "the one used last stays, however large"
    store.put("small", small)
    assert store.was_evicted("growing") and not store.resize("growing") and store.used == 40


def test_put_again_is_no_longer_evicted():
    """Guards against a visitor who is told of an eviction for ever, and a session that counts twice."""
    store = SessionStore(10)
    store.put("a", Session(8))
    store.put("b", Session(8))
    assert store.was_evicted("a")
    store.put("a", Session(2))
    assert not store.was_evicted("a") and store.used == 10
    store.put("a", Session(1))
    assert store.used == 9


def test_discard():
    """Guards against the sessions of closed pages that take the room of the open ones."""
    store = SessionStore(10)
    store.put("a", Session(8))
    store.discard("a")
    store.discard("never")
    assert store.used == 0 and store.get("a") is None and not store.was_evicted("a")


def test_the_ids_of_the_evicted_are_bounded():
    """Guards against a list of ids that grows with every visitor of a server."""
    store = SessionStore(0)
    for number in range(MAX_EVICTED_IDS + 10):
        store.put(str(number), Session(1))
    assert store.was_evicted(str(MAX_EVICTED_IDS)) and not store.was_evicted("0")
    assert len(store._evicted) == MAX_EVICTED_IDS


def test_thirty_visitors_stay_within_the_budget():
    """Guards against a budget that holds for one visitor at a time."""
    store = SessionStore(1_000)

    def visit(number):
        session = Session(0)
        store.put(str(number), session)
        for _ in range(50):
            session.nbytes += 3
            if not store.resize(str(number)):
                assert store.was_evicted(str(number))
                session = Session(0)
                store.put(str(number), session)
            assert store.used <= 1_000

    with ThreadPoolExecutor(30) as pool:
        list(pool.map(visit, range(30)))
    kept = {str(number) for number in range(30) if store.get(str(number))}
    evicted = {str(number) for number in range(30) if store.was_evicted(str(number))}
    assert evicted and not kept & evicted and len(kept | evicted) == 30
    assert 0 < store.used <= 1_000
