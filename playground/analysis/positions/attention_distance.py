"""Attention over distance: how much a head gives to tokens so far away, and whether it is local, periodic or blind to
order. Reads weights after the softmax; knows nothing of models.

Letters: H heads, T tokens. A distance is query position - key position: above 0 the key comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from playground.analysis.arrays import as_array, shaped
from playground.analysis.attention.first_token import first_share, is_sink, without_first

if TYPE_CHECKING:
    from torch import Tensor

NEAR = 3
"""Tokens away that count as near."""
LOCAL, PERIODIC, BLIND = 0.5, 0.5, 0.05
"""From which nearness beyond an even spread, from which autocorrelation, and below which share explained a head is
called so."""
MIN_FOR_PERIOD = 24
"""Distances needed before a period is looked for."""


@dataclass(frozen=True, eq=False)
class DistanceProfile:
    """What one layer's heads give over distance."""

    distances: np.ndarray
    """(n,) int64, rising: 0..T-1 where no token sees a later one, else -(T-1)..T-1."""
    first: np.ndarray
    """(H,) 0..1: share of the attention that goes to the first token, by all others."""
    mean: np.ndarray
    """(H, n) float32: mean weight at each distance over all queries that have a key there."""
    rest: np.ndarray
    """(H, n) float32: the same with the first token set aside, on which most heads rest, and each query's other weights
    sharing the whole; 0 where only the first token is so far away."""
    near: np.ndarray
    """(H,) 0..1: share of the attention, the first token's set aside, that goes at most 3 tokens away."""
    even: float
    """0..1: the same share for a head that spreads its attention evenly over what it sees."""
    explained: np.ndarray
    """(H,) 0..1: share of the variance of the weights, each times the number of keys that its query sees, that their mean
    at each distance explains (η²); 0 = where a token stands says nothing."""
    period: np.ndarray
    """(H,) int64: tokens after which the rest over past distances most repeats; 0 where there are too few distances."""
    periodic: np.ndarray
    """(H,) -1..1: autocorrelation of that mean, its running mean over 7 taken off, at the period."""

    @property
    def sinks(self) -> np.ndarray:
        """(H,) bool: heads that rest on the first token, whose other numbers say nothing."""
        return is_sink(self.first)

    @property
    def local(self) -> np.ndarray:
        """(H,) at most 1: (near - even) / (1 - even); 0 = no nearer than an even spread, 1 = all attention is near."""
        return (self.near - self.even) / (1 - self.even) if self.even < 1 - 1e-9 else np.zeros_like(self.near)


def profile(weights: Tensor | np.ndarray) -> DistanceProfile:
    """The profile of one layer's weights (H, T, T) of a text with itself. PlaygroundError for another shape."""
    w = as_array(shaped("The layer's attention", weights, "(heads, tokens, tokens)", 3))
    tokens = w.shape[1]
    causal = not np.triu(w[0], 1).any()
    distances = np.arange(0 if causal else 1 - tokens, tokens)
    counts = tokens - np.abs(distances)
    mean = _by_distance(w)[:, -len(distances) :] / counts  # (H, n)

    rest, seen = without_first(w), np.ones((tokens, tokens), bool)
    seen[:, 0] = False
    if causal:
        seen = np.tril(seen)
    keys = seen.sum(-1)[:, None]  # (T, 1)
    pairs = _by_distance(seen[None].astype(np.float32))[0, -len(distances) :]
    without = _by_distance(rest)[:, -len(distances) :] / np.maximum(pairs, 1)  # (H, n)
    scaled = rest * keys  # (H, T, T), mean 1 over what is seen
    return DistanceProfile(
        distances,
        first_share(w),
        mean.astype(np.float32),
        without.astype(np.float32),
        _near(rest),
        float(_near(seen[None] / np.maximum(keys, 1))[0]),
        _explained(scaled, seen),
        *_periods(without[:, np.flatnonzero(distances == 0)[0] + 1 :]),
    )


def _near(weights: np.ndarray) -> np.ndarray:
    """(H,): share near of weights (H, T, T), mean over the queries that have any."""
    tokens = weights.shape[1]
    sums = _by_distance(weights)[:, max(0, tokens - 1 - NEAR) : tokens + NEAR].sum(-1)
    return sums / np.maximum((weights.sum(-1) > 1e-6).sum(-1), 1)


def _by_distance(table: np.ndarray) -> np.ndarray:
    """Sums of (H, T, T) along its diagonals: (H, 2T-1), column d + T - 1 for distance d."""
    heads, tokens, _ = table.shape
    wide = np.zeros((heads, tokens, 2 * tokens), np.float32)
    wide[:, :, :tokens] = table[:, :, ::-1]
    return wide.reshape(heads, -1)[:, : tokens * (2 * tokens - 1)].reshape(heads, tokens, -1).sum(1, dtype=np.float64)


def _explained(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """η²: the variance of the means by distance as a share of all variance, over what is seen; 0 where nothing varies."""
    counts = _by_distance(seen[None].astype(np.float32))[0]  # (2T-1,)
    count = max(counts.sum(), 1)
    means = _by_distance(values) / np.maximum(counts, 1)
    whole = values.sum((1, 2), dtype=np.float64) / count
    between = (counts * (means - whole[:, None]) ** 2).sum(-1)
    total = np.square(values, dtype=np.float64).sum((1, 2)) - count * whole**2
    return np.where(total > 1e-9 * count, np.clip(between / np.maximum(total, 1e-12), 0, 1), 0.0)


def _periods(mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(periods, autocorrelations) of (H, n) over past distances 1..n; the far half is too thin to count."""
    heads, usable = mean.shape[0], mean.shape[1] // 2
    if usable < MIN_FOR_PERIOD:
        return np.zeros(heads, np.int64), np.zeros(heads)
    x = mean[:, :usable]
    window = np.lib.stride_tricks.sliding_window_view(x, 7, axis=1).mean(-1)
    x = x[:, 3:-3] - window  # (H, usable - 6)
    power = (x**2).sum(-1)
    lags = np.arange(2, x.shape[1] // 3 + 1)
    correlation = np.stack([(x[:, lag:] * x[:, :-lag]).sum(-1) for lag in lags], 1) / np.maximum(power, 1e-30)[:, None]
    best = correlation.argmax(1)
    return lags[best], np.where(power > 1e-12, correlation[np.arange(heads), best], 0.0)
