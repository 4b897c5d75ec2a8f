"""The heads of two models matched by what they attend to, on tokens or on units that both have. Works on weights after the
softmax; knows no models.

Letters: A, B heads of either model, R queries, U units (keys), T tokens.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground.analysis.attention.first_token import SINK

BEST = 3
"""Matches kept of each head."""
_NOTHING = 1e-6
"""A query whose weights on what counts sum to less gives nothing to it."""

Groups = Sequence[Sequence[int]]
"""Of each unit the places of its tokens."""


def merged(weights: Tensor, queries: Groups, keys: Groups) -> Tensor:
    """Weights (H, T, T) of tokens as (H, R, U) of units: summed over the tokens of a key's unit, the mean over those of a
    query's (Clark et al. 2019, section 4.1). Rows that summed to 1 still do if every token is in a key's unit."""
    unit_of = torch.full((weights.shape[-1],), len(keys))  # (T,); what is in no unit goes into a column that is cut off
    for number, places in enumerate(keys):
        unit_of[list(places)] = number
    rows = weights[:, [place for places in queries for place in places]]  # (H, n, T)
    sums = rows.new_zeros(*rows.shape[:2], len(keys) + 1).index_add_(2, unit_of, rows)  # (H, n, U + 1)
    parts = sums[..., :-1].split([len(places) for places in queries], dim=1)
    return torch.stack([part.mean(1) for part in parts], 1)


def set_aside(weights: Tensor, keys: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Weights (H, R, U) without some keys, each query's others sharing the whole, 0 for a query that gives them nothing;
    and (H,) the mean share that these keys had."""
    rest = weights.clone()
    share = rest[..., list(keys)].sum(-1).mean(-1)  # (H,)
    rest[..., list(keys)] = 0
    sums = rest.sum(-1, keepdim=True)  # (H, R, 1)
    return torch.where(sums > _NOTHING, rest / sums.clamp(min=_NOTHING), 0), share


@dataclass(frozen=True, eq=False)
class Heads:
    """Heads of a model whose weights are compared."""

    names: tuple[tuple[int, int], ...]
    """Layer and head of each, from 0."""
    weights: Tensor
    """(A, R, U) float32; rows sum to 1, or are 0."""
    resting: np.ndarray
    """(A,) bool: those that rest on the keys set aside with more than SINK, and are not compared."""


def resting(share: Tensor) -> np.ndarray:
    """(H,) bool: whether heads with these shares on the keys set aside are left out."""
    return (share > SINK).numpy()


@dataclass(frozen=True, eq=False)
class HeadMatches:
    """The most similar heads of a second model for each head of a first one. Several may share one."""

    first: tuple[tuple[int, int], ...]
    """Layer and head of each of the first model's heads."""
    second: tuple[tuple[int, int], ...]
    best: np.ndarray
    """(A, BEST) int: places in `second`, the most similar first; -1 for none."""
    similarity: np.ndarray
    """(A, BEST) float32, 0..1: 1 - the mean over queries of the total variation of both heads' weights; NaN for none."""
    mean: float
    """Mean similarity of all pairs that were compared; NaN without any."""
    queries: int
    """How many were compared."""
    aside: bool
    """Whether what the first token and special tokens get was set aside."""
    left_out: tuple[int, int]
    """How many heads of either model rest on the keys set aside, and were not compared."""

    def pairs(self) -> list[tuple[tuple[int, int], tuple[int, int], float]]:
        """Each compared head with its most similar one, the most similar pair first."""
        some = np.flatnonzero(np.isfinite(self.similarity[:, 0])).tolist()
        rows = sorted(some, key=lambda row: -self.similarity[row, 0])
        return [(self.first[n], self.second[self.best[n, 0]], float(self.similarity[n, 0])) for n in rows]

    @property
    def grid(self) -> np.ndarray:
        """(L, H) float32: by the first model's layer and head, the similarity of the most similar head; NaN elsewhere."""
        layers, heads = (1 + max((name[axis] for name in self.first), default=-1) for axis in (0, 1))
        grid = np.full((layers, heads), np.nan, np.float32)
        for (layer, head), value in zip(self.first, self.similarity[:, 0], strict=True):
            grid[layer, head] = value
        return grid


def match_heads(
    first: Heads, second: Heads, aside: bool = False, tick: Callable[[float], None] = lambda share: None
) -> HeadMatches:
    """The most similar heads. Takes A·B·R·U differences. aside: whether keys were set aside. tick: called with the share
    done, 0..1."""
    count, most = len(first.names), min(BEST, len(second.names))
    best, similarity = np.full((count, BEST), -1), np.full((count, BEST), np.nan, np.float32)
    total, pairs = 0.0, 0
    for rows, values in _similarities(first, second):
        tick(rows.stop / count)
        some = np.isfinite(values)
        total, pairs = total + float(values[some].sum(dtype=np.float64)), pairs + int(some.sum())
        order = np.argsort(-np.where(some, values, -np.inf), axis=1, kind="stable")[:, :most]
        nearest = np.take_along_axis(values, order, 1)
        similarity[rows, :most] = nearest
        best[rows, :most] = np.where(np.isfinite(nearest), order, -1)
    left_out = int(first.resting.sum()), int(second.resting.sum())
    mean = total / pairs if pairs else float("nan")
    return HeadMatches(first.names, second.names, best, similarity, mean, first.weights.shape[1], aside, left_out)


def _similarities(first: Heads, second: Heads, size: int = 16) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows of the first model's heads, and their similarities (rows, B) with all of the second's; NaN where either rests,
    or where no query gives something in both."""
    flat = second.weights.flatten(1)  # (B, R·U)
    attends = [(side.weights.sum(-1) > 0).float() for side in (first, second)]  # (A, R), (B, R)
    for start in range(0, len(first.names), size):
        rows = slice(start, min(start + size, len(first.names)))
        both = attends[0][rows] @ attends[1].T  # (rows, B): queries that give something in both
        one = (
            attends[0][rows].sum(1)[:, None] + attends[1].sum(1)[None] - 2 * both
        )  # in one alone: their variation is 1/2
        variation = (torch.cdist(first.weights[rows].flatten(1), flat, p=1) - one) / 2
        values = (1 - variation / both.clamp(min=1)).clamp(0, 1).numpy()
        values[both.numpy() == 0] = np.nan
        values[first.resting[rows]] = np.nan
        values[:, second.resting] = np.nan
        yield rows, values
