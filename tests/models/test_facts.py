"""Facts of a model that are computed once."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from playground.loading import prepare
from tests.tools import zoo


@pytest.fixture
def model():
    return prepare(zoo.build("gpt2"), zoo.byte_tokenizer())


def test_a_fact_is_computed_once(model):
    """Guards against two threads that compute the same fact, and against one name that answers for another."""
    calls: list[str] = []
    barrier = threading.Barrier(8)

    def ask(_) -> object:
        barrier.wait()
        return model.fact("first", lambda: calls.append("first") or object())

    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(ask, range(8)))
    assert len(answers) == 1 and calls == ["first"]
    assert model.fact(("second", 3), lambda: None) is None
    assert model.fact(("second", 3), lambda: 1) is None, "None is a fact too"


def test_a_fact_may_need_another(model):
    """Guards against a deadlock of nested facts, and against an error that is kept as a fact."""
    assert model.fact("outer", lambda: model.fact("inner", lambda: 2) + 1) == 3
    with pytest.raises(ZeroDivisionError):
        model.fact("failed", lambda: 1 // 0)
    assert model.fact("failed", lambda: 1) == 1


def test_facts_go_with_their_model():
    """Guards against models that share facts, and against facts that outlive their model."""

    class Fact:
        pass

    model = prepare(zoo.build("gpt2"), zoo.byte_tokenizer())
    other = prepare(zoo.build("gpt2"), zoo.byte_tokenizer())
    fact = weakref.ref(model.fact("a", Fact))
    assert fact() is not None and other.fact("a", lambda: 5) == 5
    del model
    gc.collect()
    assert fact() is None
