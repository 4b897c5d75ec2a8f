"""Who looks from one token at another: all heads ranked by that weight. Reads weights after the softmax; knows no models.

Letters: L layers, H heads, K key tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from playground.errors import PlaygroundError


@dataclass(frozen=True)
class RankedHead:
    """A head, and what it gives from the query to the key. Layers and heads count from 0."""

    layer: int
    head: int
    weight: float
    """After the softmax, 0..1."""
    most: bool
    """Whether it gives no other key more."""


@dataclass(frozen=True)
class PairRanking:
    """All heads, the one that gives most first."""

    heads: Sequence[RankedHead]
    mean: float
    """Of all heads' weights, 0..1."""
    even: float
    """The weight of each key that the query sees, if all got the same."""

    @property
    def firm(self) -> int:
        """How many heads give this key more than any other."""
        return sum(head.most for head in self.heads)


def rank_heads(rows: Sequence[np.ndarray], key: int, layers: Sequence[int] | None = None) -> PairRanking:
    """The heads ranked by the weight that a query's rows give to one key; equal weights in the order of layers and heads.

    rows: for each layer (H, K), the weights of one query; layers may differ in H. layers: their numbers, from 0 without.
    The query sees the keys to which any head gives weight. PlaygroundError for a key that doesn't exist.
    """
    keys = min((row.shape[1] for row in rows), default=0)
    if not 0 <= key < keys:
        raise PlaygroundError(f"There is no key token {key}.", f"They count from 0 to {keys - 1}.")
    numbers = range(len(rows)) if layers is None else layers
    heads = [
        RankedHead(layer, head, float(weights[key]), bool(weights[key] > 0 and weights[key] >= weights.max()))
        for layer, of_layer in zip(numbers, rows, strict=True)
        for head, weights in enumerate(of_layer)
    ]
    heads.sort(key=lambda head: (-head.weight, head.layer, head.head))
    seen = int(np.any([(row > 0).any(0) for row in rows], axis=0).sum())
    return PairRanking(heads, float(np.mean([head.weight for head in heads])), 1 / max(1, seen))
