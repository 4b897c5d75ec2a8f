"""The first token set aside: many heads rest on it when they have nothing to say (attention sinks, Xiao et al. 2024,
arXiv:2309.17453), so that it hides what else they do. One definition for all measures and views.

Letters: H heads, T tokens; weights (H, T, T) after softmax, of a text with itself.
"""

import numpy as np

SINK = 0.99
"""A head that gives the first token more than this share of its attention is a sink, of which nothing else is said."""
_NOTHING = 1e-6
"""A query whose other weights sum to less gives nothing to other tokens."""


def first_share(weights: np.ndarray) -> np.ndarray:
    """(H,) 0..1: the share of the attention that goes to the first token, mean over the other queries; 0 without any."""
    return weights[:, 1:, 0].mean(1, dtype=np.float64) if weights.shape[1] > 1 else np.zeros(len(weights))


def is_sink(first: np.ndarray) -> np.ndarray:
    """(H,) bool: whether heads with these shares on the first token are sinks."""
    return first > SINK


def without_first(weights: np.ndarray) -> np.ndarray:
    """(H, T, T): weights on the other tokens, each query's sharing the whole; 0 for a query that gives them nothing."""
    rest = weights.copy()
    rest[:, :, 0] = 0
    sums = rest.sum(-1, keepdims=True)
    return np.where(sums > _NOTHING, rest / np.where(sums > _NOTHING, sums, 1), 0)


def mean_over_queries(values: np.ndarray, rest: np.ndarray, queries: np.ndarray | slice = slice(None)) -> np.ndarray:
    """(H,): mean of values (H, T) over those of some queries that give weight to other tokens than the first, by the rest
    (H, T, T) of `without_first`; NaN for a head without such a query."""
    counted = (rest.sum(-1) > 0)[:, queries]  # (H, Q)
    counts = counted.sum(1)
    return np.where(counts > 0, np.where(counted, values[:, queries], 0).sum(1) / np.maximum(counts, 1), np.nan)
