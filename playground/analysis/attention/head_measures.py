"""Measures of a head: what it does, as one number, each with its definition. Reads weights after the softmax; knows no
models.

To add a measure, add it to MEASURES: the overview's marks, the Roles view and its table read it from there. The In use view
reads DISTANCE_MEASURES. Letters: L layers, H heads, T tokens; queries and keys are the same tokens (self-attention).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, Literal, TypeVar

import numpy as np

from playground.analysis.positions.attention_distance import BLIND, LOCAL, NEAR, PERIODIC, DistanceProfile

Source = TypeVar("Source")
Text = Literal["own", "repeated"]
LOCAL_TOKENS = 3
"""Tokens on each side that count as local."""
STRONG = 0.4
"""Weight from which a head is marked with its strongest measure."""


@dataclass(frozen=True)
class HeadMeasure(Generic[Source]):
    """A number of every head."""

    name: str
    """Its name on the page."""
    meaning: str
    """Its definition in one line, as the page shows it."""
    values: Callable[[Source], np.ndarray]
    """(H,) of one layer; NaN where the text can't tell, as without a repeated token."""
    range: tuple[float, float]
    """Least and largest possible value."""
    rank: int | None = None
    """Place among the measures that are compared, each head's strongest being marked; the legend and its colours follow it.
    None for a measure that is no weight, or that contains another one."""
    text: Text = "own"
    """What it is measured on: the visitor's own text, or random tokens that are repeated once (see `repeated_tokens`)."""


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """One layer's weights on one text, the source of MEASURES."""

    weights: np.ndarray
    """(H, T, T) float64, after softmax."""
    ids: np.ndarray
    """(T,)"""

    @cached_property
    def places(self) -> np.ndarray:
        """(T,): 0 … T-1."""
        return np.arange(len(self.ids))

    @cached_property
    def distance(self) -> np.ndarray:
        """(T, T): tokens between query and key."""
        return np.abs(self.places[:, None] - self.places)

    @property
    def unknown(self) -> np.ndarray:
        """(H,) NaN."""
        return np.full(len(self.weights), np.nan)


def _self(layer: LayerWeights) -> np.ndarray:
    return layer.weights[:, layer.places, layer.places].mean(1)


def _previous(layer: LayerWeights) -> np.ndarray:
    at = layer.places
    return layer.weights[:, at[1:], at[:-1]].mean(1) if len(at) > 1 else layer.unknown


def _first(layer: LayerWeights) -> np.ndarray:
    return layer.weights[:, 1:, 0].mean(1) if len(layer.ids) > 1 else layer.unknown


def _duplicate(layer: LayerWeights) -> np.ndarray:
    at = layer.places
    earlier = (layer.ids[:, None] == layer.ids) & (at < at[:, None])  # (T, T): an earlier place of the same token
    repeats = earlier.any(1)
    return (layer.weights * earlier).sum(2)[:, repeats].mean(1) if repeats.any() else layer.unknown


def _induction(layer: LayerWeights) -> np.ndarray:
    return induction(layer.weights, len(layer.ids) // 2)


def _local(layer: LayerWeights) -> np.ndarray:
    return (layer.weights * (layer.distance <= LOCAL_TOKENS)).sum(2).mean(1)


def _distance(layer: LayerWeights) -> np.ndarray:
    return (layer.weights * layer.distance).sum(2).mean(1)


def _entropy(layer: LayerWeights) -> np.ndarray:
    w = layer.weights
    return -(w * np.log2(np.where(w > 0, w, 1))).sum(2).mean(1) + 0.0


MEASURES: dict[str, HeadMeasure[LayerWeights]] = {
    measure.name: measure
    for measure in (
        HeadMeasure("self", "weight on the token itself (Clark et al. 2019)", _self, (0, 1), rank=2),
        HeadMeasure("previous", "weight on the token before (Clark et al. 2019)", _previous, (0, 1), rank=0),
        HeadMeasure(
            "first",
            "weight on the first token, by all but itself (attention sink, Xiao et al. 2024)",
            _first,
            (0, 1),
            rank=1,
        ),
        HeadMeasure(
            "duplicate",
            "weight on earlier tokens of the same id (duplicate-token heads, Wang et al. 2023)",
            _duplicate,
            (0, 1),
            rank=3,
        ),
        HeadMeasure(
            "induction",
            "weight on the token after the same token's earlier place, on random tokens read twice (Olsson et al. 2022)",
            _induction,
            (0, 1),
            rank=4,
            text="repeated",
        ),
        HeadMeasure(
            "local", "weight on the token itself and the three on each side (a measure of our own)", _local, (0, 1)
        ),
        HeadMeasure(
            "distance",
            "mean distance of what is attended to, in tokens (Vig and Belinkov 2019)",
            _distance,
            (0, math.inf),
        ),
        HeadMeasure(
            "entropy", "of the weights, in bits: 0 = one token alone (Clark et al. 2019)", _entropy, (0, math.inf)
        ),
    )
}
"""By name, in the order of the page. Each is a mean over a text's queries."""
COMPARED = tuple(
    measure.name
    for measure in sorted(
        (measure for measure in MEASURES.values() if measure.rank is not None), key=lambda measure: measure.rank or 0
    )
)
"""The measures that are compared, in the order of their rank."""

DISTANCE_MEASURES = {
    measure.name: measure
    for measure in (
        HeadMeasure[DistanceProfile](
            "local",
            f"(share of the attention that goes at most {NEAR} tokens away − the share for an even spread) / (1 − the "
            f"share for an even spread); from {LOCAL} on a head is called local",
            lambda profile: profile.local,
            (-math.inf, 1),
        ),
        HeadMeasure[DistanceProfile](
            "explained by distance",
            "the share of the variance of its weights (each times the number of keys that its query sees) that their "
            f"mean at each distance explains, η²; below {BLIND:.0%} the head ignores order",
            lambda profile: profile.explained,
            (0, 1),
        ),
        HeadMeasure[DistanceProfile](
            "periodic",
            "the largest autocorrelation, at 2 tokens or more, of the mean over past distances, its running mean over 7 "
            f"taken off; from {PERIODIC} on it is called periodic",
            lambda profile: profile.periodic,
            (-1, 1),
        ),
    )
}
"""By name, in the order of the page: what a head's profile over distance tells, the first token set aside."""


def measure_heads(weights: np.ndarray, ids: Sequence[int], text: Text = "own") -> dict[str, np.ndarray]:
    """Name -> (H,) of every measure of this kind of text, for weights (H, T, T) over the tokens ids (T,)."""
    layer = LayerWeights(np.asarray(weights, np.float64), np.asarray(ids))
    return {name: measure.values(layer) for name, measure in MEASURES.items() if measure.text == text}


def induction(weights: np.ndarray, period: int) -> np.ndarray:
    """(H,): mean weight of each token of a repetition on the token that followed its first place.

    weights (H, T, T) over `period` tokens twice, after at most one other token.
    """
    tokens = weights.shape[1]
    second = np.arange(tokens - period, tokens)  # the repetition
    return np.asarray(weights, np.float64)[:, second, second - period + 1].mean(1)


def repeated_tokens(vocabulary: int, barred: frozenset[int], period: int, seed: int = 0) -> list[int]:
    """Token ids: `period` random ones of the vocabulary without the barred, twice."""
    allowed = np.array([i for i in range(vocabulary) if i not in barred])
    once = np.random.default_rng(seed).choice(allowed, size=period, replace=len(allowed) < period)
    return [*once.tolist(), *once.tolist()]
