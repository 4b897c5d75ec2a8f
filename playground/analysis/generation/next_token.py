"""The next-token distribution, from logits. Knows neither the tokens' texts nor how one is sampled. Letters: V vocabulary,
T tokens."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from playground.analysis.arrays import ArrayLike, as_array, check_range, shaped
from playground.errors import PlaygroundError


def probabilities(logits: ArrayLike) -> np.ndarray:
    """softmax of logits (V,): float64, sums to 1; a logit of -inf gives exactly 0.

    PlaygroundError where no probabilities are defined: NaN, +inf or only -inf.
    """
    x = _checked(logits)
    p = np.exp(x - x.max())
    return p / p.sum()


def top(logits: ArrayLike, count: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """The `count` most likely ids of logits (V,), int64, and their probabilities, float32, the most likely first.

    At most V of them; of equal logits the lower id comes first.
    """
    check_range("The number of tokens", count, 1, 1_000_000)
    p = probabilities(logits)
    ids = np.argsort(-_checked(logits), kind="stable")[:count]
    return ids, p[ids].astype(np.float32)


def entropy_bits(logits: ArrayLike) -> float:
    """Entropy of logits (V,) in bits, -sum p·log2 p (Shannon 1948): 0 = certain, log2 V = all tokens equally likely."""
    p = probabilities(logits)
    return float(-(p * np.log2(np.where(p > 0, p, 1))).sum()) + 0.0


def rank_of(logits: ArrayLike, token_id: int) -> int:
    """Rank of a token, 1 for the most likely, in the order of `top`: top(logits)[0][rank - 1] is the token."""
    x = _checked(logits)
    check_range("The token id", token_id, 0, len(x) - 1)
    return 1 + int((x > x[token_id]).sum()) + int((x[:token_id] == x[token_id]).sum())


@dataclass(frozen=True)
class Expectation:
    """A next-token distribution in short: the numbers of `top`, `entropy_bits` and `rank_of`."""

    ids: tuple[int, ...]
    """The most likely first; of equal logits the lower id."""
    probabilities: tuple[float, ...]
    entropy: float
    """In bits."""
    log_sum: float
    """ln of the sum of exp(logit): ln of a probability is its logit less this."""
    chosen_probability: float | None = None
    chosen_rank: int | None = None
    """1 for the most likely."""


@torch.inference_mode()
def expectation(logits: Tensor, count: int = 10, chosen: int | None = None) -> Expectation:
    """The expectation of logits (V,) in one pass on their own device, in float64, fast enough for every generated token.

    Uses few operations that torch spreads over threads: on a busy machine their synchronization costs more than the
    sums. Raises the errors of `probabilities` and `rank_of`.
    """
    check_range("The number of tokens", count, 1, 1_000_000)
    x = logits.detach().double()
    largest = float(x.max())
    if not math.isfinite(largest):  # the largest is NaN if any is
        _checked(x)
    below = x - largest  # (V,): ln of a share of the largest
    shares = below.exp()
    total = float(shares.sum())
    mean = float(shares.dot(below)) / total
    if math.isnan(mean):  # 0·log 0 counts as 0
        mean = float((shares * below.clamp(min=torch.finfo(x.dtype).min)).sum()) / total
    ids = _most_likely(x, count)
    likely = tuple((shares[ids] / total).tolist())
    log_total = math.log(total)
    summary = Expectation(tuple(ids.tolist()), likely, max(0.0, log_total - mean) / math.log(2), largest + log_total)
    return summary if chosen is None else rated(summary, logits, chosen)


def rated(expected: Expectation, logits: Tensor, chosen: int) -> Expectation:
    """The expectation of logits (V,) with the probability and the rank of a token."""
    check_range("The token id", chosen, 0, len(logits) - 1)
    if chosen in expected.ids:
        place = expected.ids.index(chosen)
        return replace(expected, chosen_probability=expected.probabilities[place], chosen_rank=1 + place)
    logit = logits[chosen]
    rank = 1 + int((logits > logit).sum()) + int((logits[:chosen] == logit).sum())
    return replace(expected, chosen_probability=math.exp(float(logit) - expected.log_sum), chosen_rank=rank)


_BLOCK = 128
"""Logits of which the largest is looked at, before the block is searched."""


def _most_likely(x: Tensor, count: int) -> Tensor:
    """The ids of the `count` largest, in descending order; of equal ones the lower id first, where topk takes any."""
    blocks = x[: len(x) // _BLOCK * _BLOCK].view(-1, _BLOCK)
    if len(blocks) > count:  # what is as large as that many blocks' largest lies in these blocks, or behind all
        largest = blocks.amax(1)
        least = largest.topk(count).values[-1]
        near = (largest >= least).nonzero()  # (n, 1)
        ids = torch.cat(
            [
                (near * _BLOCK + torch.arange(_BLOCK, device=x.device)).flatten(),
                torch.arange(blocks.numel(), len(x), device=x.device),
            ]
        )
        return ids[_largest(x[ids], count)]
    return _largest(x, count)


def _largest(x: Tensor, count: int) -> Tensor:
    values, ids = x.topk(min(count + 1, len(x)))
    if len(ids) > count and values[-1] == values[-2]:  # the cut falls among equals
        ids = (x >= values[-1]).nonzero()[:, 0]
    ids = ids.sort().values
    return ids[x[ids].sort(descending=True, stable=True).indices[:count]]


def token_scores(logits: Tensor, ids: Sequence[int], rows: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (T,) and ranks (T,) int64 (1 for the most likely) of the tokens ids (T,) under logits (T, V).

    In float64, as `expectation` computes them. Works on `rows` rows at a time, so that no second table of the logits'
    size is made.
    """
    probabilities: list[Tensor] = []
    ranks: list[Tensor] = []
    for start in range(0, len(ids), rows):
        block = logits[start : start + rows].double()  # (rows, V)
        chosen = block.gather(1, torch.as_tensor(ids[start : start + rows], device=block.device)[:, None])  # (rows, 1)
        probabilities.append((chosen[:, 0] - block.logsumexp(-1)).exp())
        ranks.append((block > chosen).sum(-1) + 1)
    if not ids:
        return np.empty(0), np.empty(0, np.int64)
    return torch.cat(probabilities).cpu().numpy(), torch.cat(ranks).cpu().numpy()


def token_entropies(logits: Tensor, rows: int = 128) -> np.ndarray:
    """Entropy in bits of each row of logits (T, V): (T,) float32, `rows` at a time."""
    entropies = []
    for start in range(0, len(logits), rows):
        log_p = logits[start : start + rows].float().log_softmax(-1)  # (rows, V)
        entropies.append(-(log_p.exp() * log_p.clamp(min=torch.finfo(log_p.dtype).min)).sum(-1) / math.log(2))
    return torch.cat(entropies).cpu().numpy() if entropies else np.empty(0, np.float32)


def _checked(logits: ArrayLike) -> np.ndarray:
    """Logits (V,) as float64. PlaygroundError for NaN, +inf or only -inf."""
    logits = shaped("logits", logits, "(vocabulary,)", 1)
    x = as_array(logits, np.float64)
    if not np.isfinite(x.max()):  # max is NaN if any is
        bad = int(np.isnan(x).sum() + np.isposinf(x).sum())
        raise PlaygroundError(
            f"{bad} of {len(x):,} logits are not numbers, or all are -inf.",
            "Load the model in float32: a narrower type may overflow.",
        )
    return x
