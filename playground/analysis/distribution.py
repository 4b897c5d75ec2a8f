"""What a model expects next, read from its logits. Knows neither the words nor how one of them is picked."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from playground.analysis.arrays import as_array, check_range, shaped
from playground.errors import PlaygroundError


def probabilities(logits) -> np.ndarray:
    """softmax of logits (vocabulary,): float64, sums to 1; a logit of -inf gives exactly 0.

    Raises PlaygroundError where no probabilities are defined: NaN, +inf or nothing but -inf.
    """
    x = _checked(logits)
    p = np.exp(x - x.max())
    return p / p.sum()


def top(logits, count: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """The `count` most likely ids, int64, and their probabilities, float32, the most likely first.

    At most the whole vocabulary; of equal logits the lower id comes first.
    """
    check_range("The number of tokens", count, 1, 1_000_000)
    p = probabilities(logits)
    ids = np.argsort(-_checked(logits), kind="stable")[:count]
    return ids, p[ids].astype(np.float32)


def entropy_bits(logits) -> float:
    """Entropy in bits: 0 = certain, log2(vocabulary) = no idea. -sum p·log2 p (Shannon 1948)."""
    p = probabilities(logits)
    return float(-(p * np.log2(np.where(p > 0, p, 1))).sum()) + 0.0


def rank_of(logits, token_id: int) -> int:
    """Rank of a token from 1, the most likely, in the order of `top`: top(logits)[0][rank - 1] is the token."""
    x = _checked(logits)
    check_range("The token id", token_id, 0, len(x) - 1)
    return 1 + int((x > x[token_id]).sum()) + int((x[:token_id] == x[token_id]).sum())


def token_scores(logits: Tensor, ids: Sequence[int], rows: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """How likely each token of a text was: logits (T, V) and the ids (T,) that stood there.

    Returns probabilities (T,) float32 and ranks (T,) int64 from 1, the most likely. Works `rows` at a time, so that
    no second table of the size of the logits is made.
    """
    probabilities, ranks = [], []
    for start in range(0, len(ids), rows):
        block = logits[start : start + rows].float()  # (rows, V)
        chosen = block.gather(1, torch.as_tensor(ids[start : start + rows], device=block.device)[:, None])  # (rows, 1)
        probabilities.append((chosen[:, 0] - block.logsumexp(-1)).exp())
        ranks.append((block > chosen).sum(-1) + 1)
    if not ids:
        return np.empty(0, np.float32), np.empty(0, np.int64)
    return torch.cat(probabilities).cpu().numpy(), torch.cat(ranks).cpu().numpy()


def _checked(logits) -> np.ndarray:
    logits = shaped("logits", logits, "(vocabulary,)", 1)
    x = as_array(logits, np.float64)
    if not np.isfinite(x.max()):  # max is NaN if any is
        bad = int(np.isnan(x).sum() + np.isposinf(x).sum())
        raise PlaygroundError(
            f"{bad} of {len(x):,} logits are not numbers, or all are -inf.",
            "Load the model in float32: a narrower type may overflow.",
        )
    return x
