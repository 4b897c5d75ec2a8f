"""Sizes of values: those of arrays exactly, the rest as Python measures it, nothing twice."""

import sys
from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
import torch

from playground.concurrency.byte_size import byte_size


@dataclass(frozen=True)
class Picture:
    values: np.ndarray
    name: str


class Pair(NamedTuple):
    first: np.ndarray
    second: torch.Tensor


def test_arrays_and_tensors_count_their_elements():
    """Guards against a cache whose budget counts wrappers instead of numbers."""
    assert byte_size(np.zeros((3, 5), np.float32)) == 60
    assert byte_size(torch.zeros(7, dtype=torch.bfloat16)) == 14
    assert byte_size(np.zeros((4, 4))[::2]) == 64


def test_containers_count_what_they_hold():
    """Guards against megabytes of numbers hidden in a list, a dict or a dataclass that counts as nothing."""
    array, tensor = np.zeros(100), torch.zeros(100)
    for holder in ([array], (array,), {"key": array}, OrderedDict(key=array), [[{"deep": (array,)}]]):
        assert 800 < byte_size(holder) < 800 + 1000
    picture = Picture(array, "name")
    assert byte_size(picture) == sys.getsizeof(picture) + 800 + sys.getsizeof("name")
    assert byte_size(Pair(array, tensor)) == sys.getsizeof((1, 2)) + 800 + 400


def test_texts_count_their_characters():
    """Guards against a vocabulary's labels that count as one list."""
    labels = [f"label {number} " * 10 for number in range(50)]
    assert byte_size(labels) == sys.getsizeof(labels) + sum(map(sys.getsizeof, labels))
    rows = np.array(["x" * 1000, "y" * 1000], dtype=object)
    assert byte_size(rows) > 2000


def test_nothing_counts_twice():
    """Guards against a value that looks larger than it is, an endless loop, and a result that counts its model."""
    array = np.zeros(1000)
    assert byte_size([array, array, array]) < 8000 + 200
    loop: list = [array]
    loop.append(loop)
    assert byte_size(loop) < 8000 + 200
    assert byte_size({"owner": array}, excluded=[array]) < 1000


@pytest.mark.parametrize("value", [None, 3, 2.5, True, "text", b"bytes", object(), Picture, np.ndarray, lambda: 0])
def test_anything_has_a_size(value):
    """Guards against an error in the cache for a result of another kind; a class has nbytes, but as a property."""
    assert byte_size(value) == sys.getsizeof(value)
