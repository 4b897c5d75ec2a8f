"""A distribution over the next token, and the attention of heads, before and after an edit. Letters: V vocabulary, K tokens
listed, L layers, H heads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground.errors import PlaygroundError


@dataclass(frozen=True, eq=False)
class Shift:
    """How an edit shifts a distribution."""

    ids: tuple[int, ...]
    """K tokens: the most likely before and after, the most likely before first."""
    before: np.ndarray  # (K,) float64: probabilities
    after: np.ndarray  # (K,) float64
    first: tuple[int, int]
    """The most likely token before and after."""
    divergence: float
    """Of the distribution after from that before (Kullback-Leibler), in bits."""
    even: int = 0
    """How many tokens there are, if all are equally likely after; else 0."""


def shift_of(before: Tensor, after: Tensor, count: int = 8, also: Sequence[int] = ()) -> Shift:
    """The shift between logits (V,), with the `count` most likely tokens of either, at most 12 in all, and those of `also`.

    PlaygroundError for logits that are no numbers.
    """
    one, other = before.double().log_softmax(-1), after.double().log_softmax(-1)
    for logits in (one, other):
        if bool(logits.isnan().any()):
            raise PlaygroundError(
                "With this edit the model gives no numbers (NaN).", "Choose a smaller strength, or float32."
            )
    count = min(count, len(one))
    best = one.topk(count).indices.tolist(), other.topk(count).indices.tolist()
    kept = list(dict.fromkeys([*best[0][:count], *best[1][: max(1, 12 - count)], *also]))
    kept.sort(key=lambda number: -float(one[number]))
    shares = other.exp()
    apart = torch.where(shares > 0, shares * (other - one), 0).sum()
    return Shift(
        tuple(kept),
        one[kept].exp().cpu().numpy(),
        other[kept].exp().cpu().numpy(),
        (best[0][0], best[1][0]),
        max(0.0, float(apart)) / float(np.log(2)),
        len(other) if float(other.max() - other.min()) <= 1e-6 else 0,
    )


def rows_apart(before: Tensor, after: Tensor) -> np.ndarray:
    """(H,) float64: how much of each head's attention goes elsewhere, 0..1, of weights (H, K) before and after: half the sum
    of all differences (total variation)."""
    return ((before.double() - after.double()).abs().sum(-1) / 2).cpu().numpy()
