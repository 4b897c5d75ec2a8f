"""Models shared by all tests of a session: loading costs more than most tests."""

import gc
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

# Before torch is there: threads that wait for each other, at full load, take five times as long on a busy machine. numba,
# at its first use, sets the number of torch's threads to its own.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import playground as pg

REAL_MODELS = {"smollm2", "minilm"}
"""Fixtures, and values of parameters, that stand for a model with real weights."""
PATIENCE = 2.0
"""Seconds a test waits for a hub that may be out of reach."""


def pytest_collection_modifyitems(items) -> None:
    """Marks tests that use a real model `weights`, and those that run whole scripts `slow`. Puts the browser's files first,
    then those with a slow test: they take longest, and two processes end at the same time only if what is left for the end
    is short."""
    for item in items:
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        if REAL_MODELS & {*item.fixturenames, *(value for value in parameters if isinstance(value, str))}:
            item.add_marker("weights")
        if "scripts" in item.path.parts:
            item.add_marker("slow")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: 0 if "browser" in item.path.parts else 1 if item.path in slow else 2)


def pytest_collection_finish() -> None:
    """Frees the garbage collector from 700,000 objects of imports and of the list of tests, which stay to the end: looking
    through them took 0.4 s each time."""
    gc.collect()
    gc.freeze()


def _load(name: str) -> "pg.LoadedModel":
    return pg.load(name, device="cpu", dtype="float32", settings=replace(pg.Settings(), hub_timeout=PATIENCE))


@pytest.fixture(scope="session")
def smollm2() -> "pg.LoadedModel":
    """The default model, with its real weights, in float32 on the CPU."""
    return _load("smollm2-135m-instruct")


@pytest.fixture(scope="session")
def minilm() -> "pg.LoadedModel":
    """all-MiniLM-L6-v2 with its real weights: an encoder without a head."""
    return _load("all-minilm-l6-v2")


@pytest.fixture(scope="session")
def narrow() -> "pg.LoadedModel":
    """SmolLM2's layers and heads, an eighth as wide, random, with the byte tokenizer: for what hangs on their number alone,
    and for long texts."""
    from playground.loading import prepare
    from tests.tools import zoo

    shape = {"num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 8}
    model = zoo.variant("llama", hidden_size=72, max_position_embeddings=4096, **shape)
    return prepare(model, zoo.byte_tokenizer(), "narrow")


@pytest.fixture(scope="session")
def tiny() -> Callable[[str], "pg.LoadedModel"]:
    """tiny(family) -> LoadedModel of the zoo with the byte tokenizer, each built once."""
    from playground.loading import prepare
    from tests.tools import zoo  # here: the process that hands tests to others needs no torch, and is ready 6 s sooner

    @cache
    def make(family: str) -> "pg.LoadedModel":
        return prepare(zoo.build(family), zoo.byte_tokenizer(), family)

    return make
