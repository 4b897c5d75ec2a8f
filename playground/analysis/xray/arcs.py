"""Which weights of attention tell most about a text. Letters: H heads, T tokens."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

LEAST_WEIGHT = 0.25
"""A head that gives less than this to a token is not looking at it firmly."""
LEAST_DISTANCE = 2
"""Tokens between which an arc leads at least: neighbours attend to each other everywhere."""


@dataclass(frozen=True)
class Arc:
    """A head that looks from one token far and firmly at another. All count from 0."""

    layer: int
    head: int
    query: int
    key: int
    weight: float
    """After the softmax, 0..1."""
    telling: float
    """The weight, less the mean weight that the head's other tokens give to the same key."""


def telling_arcs(
    layers: Iterable[np.ndarray], resting: Collection[int] = (0,), *, count: int = 16, focus: int | None = None
) -> list[Arc]:
    """The arcs that tell most, most telling first, at most `count`, and one for each pair of tokens: its best head's.

    layers: for each layer weights (H, T, T), rows are queries. A weight tells something where it is at least LEAST_WEIGHT,
    goes to no resting token (the first one, special ones), at least LEAST_DISTANCE away, and exceeds what the head gives to
    that token from everywhere else. focus: a query of which up to a third of the arcs are taken first.
    """
    best: dict[tuple[int, int], Arc] = {}
    for layer, weights in enumerate(layers):
        for head, query, key in np.argwhere(_firm(weights, resting)).tolist():
            column = weights[head, :, key]
            others = np.delete(column, query)
            seeing = others[others > 0]
            weight = float(column[query])
            arc = Arc(layer, head, query, key, weight, weight - (float(seeing.mean()) if seeing.size else 0.0))
            if arc.telling > best.get((query, key), _NONE).telling:
                best[query, key] = arc
    ranked = sorted(best.values(), key=lambda arc: -arc.telling)
    first = [arc for arc in ranked if arc.query == focus][: count // 3]
    chosen = (first + [arc for arc in ranked if arc not in first])[:count]
    return sorted(chosen, key=lambda arc: -arc.telling)


def _firm(weights: np.ndarray, resting: Collection[int]) -> np.ndarray:
    """(H, T, T) bool: weights that are large, far, and on no resting token."""
    places = np.arange(weights.shape[-1])
    far = np.abs(places[:, None] - places) >= LEAST_DISTANCE
    return (weights >= LEAST_WEIGHT) & far & ~np.isin(places, list(resting))


_NONE = Arc(0, 0, 0, 0, 0.0, 0.0)
