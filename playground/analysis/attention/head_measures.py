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

from playground.analysis.attention.first_token import first_share, is_sink, mean_over_queries, without_first
from playground.analysis.positions.attention_distance import BLIND, LOCAL, NEAR, PERIODIC, DistanceProfile, profile
from playground.texts.numbers import percent

Source = TypeVar("Source")
Text = Literal["own", "repeated"]
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
    def rest(self) -> np.ndarray:
        """(H, T, T): the weights with the first token set aside."""
        return without_first(self.weights)

    @cached_property
    def profile(self) -> DistanceProfile:
        """What the heads give over distance."""
        return profile(self.weights)

    @cached_property
    def first(self) -> np.ndarray:
        """(H,): share of the attention that goes to the first token."""
        return first_share(self.weights)

    @cached_property
    def places(self) -> np.ndarray:
        """(T,): 0 … T-1."""
        return np.arange(len(self.ids))

    def mean(self, values: np.ndarray, queries: np.ndarray | slice = slice(None)) -> np.ndarray:
        """(H,): mean of values (H, T) over some queries, those that give weight to other tokens than the first."""
        return mean_over_queries(values, self.rest, queries)


def _self(layer: LayerWeights) -> np.ndarray:
    return layer.mean(layer.rest[:, layer.places, layer.places], slice(1, None))


def _previous(layer: LayerWeights) -> np.ndarray:
    at = layer.places
    before = np.pad(layer.rest[:, at[1:], at[:-1]], ((0, 0), (1, 0)))
    return layer.mean(before, slice(2, None))  # before token 1 is the first


def _first(layer: LayerWeights) -> np.ndarray:
    return layer.first if len(layer.ids) > 1 else np.full(len(layer.weights), np.nan)


def _duplicate(layer: LayerWeights) -> np.ndarray:
    at = layer.places
    earlier = (layer.ids[:, None] == layer.ids) & (at < at[:, None]) & (at > 0)  # (T, T): the same token, not the first
    return layer.mean((layer.rest * earlier).sum(2), earlier.any(1))


def _induction(layer: LayerWeights) -> np.ndarray:
    period = len(layer.ids) // 2
    second = layer.places[len(layer.ids) - period :]  # the repetition
    after = np.zeros(layer.rest.shape[:2])
    after[:, second] = layer.rest[:, second, second - period + 1]
    return layer.mean(after, second)


def _distance(layer: LayerWeights) -> np.ndarray:
    return layer.mean((layer.rest * np.abs(layer.places[:, None] - layer.places)).sum(2))


def _entropy(layer: LayerWeights) -> np.ndarray:
    w = layer.rest
    return layer.mean(-(w * np.log2(np.where(w > 0, w, 1))).sum(2)) + 0.0


_LOCAL = (
    f"(share of the attention that goes at most {NEAR} tokens away − the share for an even spread) / (1 − the share for an "
    f"even spread); from {LOCAL} on a head is called local"
)
"""One definition for both tables."""

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
        HeadMeasure("local", _LOCAL, lambda layer: layer.profile.local, (-math.inf, 1)),
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
"""By name, in the order of the page. Each is a mean over a text's queries, all but "first" with the first token set aside;
of a sink (see first_token.py) only "first" is measured."""
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
        HeadMeasure[DistanceProfile]("local", _LOCAL, lambda profile: profile.local, (-math.inf, 1)),
        HeadMeasure[DistanceProfile](
            "explained by distance",
            "the share of the variance of its weights (each times the number of keys that its query sees) that their "
            f"mean at each distance explains, η²; below {percent(BLIND)} the head ignores order",
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


def measure_heads(
    weights: np.ndarray, ids: Sequence[int], text: Text = "own", names: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Name -> (H,) of every measure of this kind of text, or of those named, for weights (H, T, T) over the tokens ids (T,).

    All but "first" are NaN for a sink.
    """
    layer = LayerWeights(np.asarray(weights, np.float64), np.asarray(ids))
    names = names or [name for name, measure in MEASURES.items() if measure.text == text]
    values = {name: MEASURES[name].values(layer).astype(float) for name in names}
    return {name: v if name == "first" else np.where(is_sink(layer.first), np.nan, v) for name, v in values.items()}


def measure_profile(profile: DistanceProfile, name: str) -> np.ndarray:
    """(H,) of a measure in DISTANCE_MEASURES; NaN for a sink."""
    return np.where(profile.sinks, np.nan, DISTANCE_MEASURES[name].values(profile).astype(float))


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
