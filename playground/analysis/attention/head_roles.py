"""What a head does, as numbers: each role a mean over a text's queries, with its definition. Reads weights after the
softmax; knows no models.

Letters: H heads, Q queries, K keys; queries and keys are the same tokens (self-attention).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ROLES = {
    "self": "weight on the token itself (Clark et al. 2019)",
    "previous": "weight on the token before (Clark et al. 2019)",
    "first": "weight on the first token, by all but itself (attention sink, Xiao et al. 2024)",
    "duplicate": "weight on earlier tokens of the same id (duplicate-token heads, Wang et al. 2023)",
    "induction": "weight on the token after the same token's earlier place, on random tokens read twice "
    "(Olsson et al. 2022)",
    "local": "weight on the token itself and the three on each side (a measure of our own)",
    "distance": "mean distance of what is attended to, in tokens (Vig and Belinkov 2019)",
    "entropy": "of the weights, in bits: 0 = one token alone (Clark et al. 2019)",
}
"""Name -> definition; all are means over the queries, of weights 0..1 where no unit is named."""
LOCAL = 3


def roles(weights: np.ndarray, ids: Sequence[int]) -> dict[str, np.ndarray]:
    """Name -> (H,) for every role but induction, of weights (H, Q, K) over the tokens ids (K,)."""
    w = np.asarray(weights, np.float64)
    heads, tokens, _ = w.shape
    at = np.arange(tokens)
    distance = np.abs(at[:, None] - at)  # (Q, K)
    same = (np.asarray(ids)[:, None] == np.asarray(ids)) & (at < at[:, None])  # an earlier place of the same token
    twice = same.any(1)
    return {
        "self": w[:, at, at].mean(1),
        "previous": w[:, at[1:], at[:-1]].mean(1) if tokens > 1 else np.full(heads, np.nan),
        "first": w[:, 1:, 0].mean(1) if tokens > 1 else np.full(heads, np.nan),
        "duplicate": (w * same).sum(2)[:, twice].mean(1) if twice.any() else np.full(heads, np.nan),
        "local": (w * (distance <= LOCAL)).sum(2).mean(1),
        "distance": (w * distance).sum(2).mean(1),
        "entropy": -(w * np.log2(np.where(w > 0, w, 1))).sum(2).mean(1) + 0.0,
    }


def induction(weights: np.ndarray, period: int) -> np.ndarray:
    """(H,): mean weight of each token of a repetition on the token that followed its first place.

    weights (H, T, T) over any first token and then the same `period` random tokens twice.
    """
    tokens = weights.shape[1]
    second = np.arange(tokens - period, tokens)  # the repetition
    return np.asarray(weights, np.float64)[:, second, second - period + 1].mean(1)


def random_text(vocabulary: int, barred: frozenset[int], period: int, seed: int = 0) -> list[int]:
    """Token ids: `period` random ones without the barred, twice."""
    allowed = np.array([i for i in range(vocabulary) if i not in barred])
    once = np.random.default_rng(seed).choice(allowed, size=period, replace=len(allowed) < period)
    return [*once.tolist(), *once.tolist()]
