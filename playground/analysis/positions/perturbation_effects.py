"""What differs between a text and a variant of it: predictions, last hidden states, attention. Works on tensors.

T tokens of the text count from 0 in their first order; in a variant token i stands at places[i]. Losses and divergences
are in bits. Letters: V vocabulary, D d_model, Q queries, K keys.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground.errors import PlaygroundError

ROWS = 16
"""Rows of logits compared at once: no second table of their size is made, and what is made stays near the processor."""

LogParts = tuple[Tensor, Tensor]
"""Two of (T,) float32 that a row's log-probabilities are less than its logits: the largest logit, and the logarithm of
the sum of exponentials without it. Kept apart, large logits lose no digits."""


@dataclass(frozen=True, eq=False)
class PredictionChange:
    """What differs for each token, in its first order, between the predictions of a text and those of a variant."""

    loss_before: np.ndarray
    """(T,) float32 in bits, -log2 p of the token; NaN where nothing predicted it."""
    loss_after: np.ndarray
    divergence: np.ndarray
    """(T,) float32 in bits, 0 or more: Kullback-Leibler divergence of the distribution after the token, that of the text
    (p) from that of the variant (q), sum p·log2(p/q)."""
    largest: float
    """Largest difference of a log-probability (nats), of any token of the vocabulary after any token."""
    top_before: np.ndarray
    """(T, k) int64: ids of the most probable next tokens."""
    top_after: np.ndarray
    top_p_before: np.ndarray
    """(T, k) float32: their probabilities."""
    top_p_after: np.ndarray

    @property
    def loss(self) -> np.ndarray:
        """(T,) change of loss in bits: above 0 where the token surprises more than it did."""
        return self.loss_after - self.loss_before

    @property
    def mean_before(self) -> float:
        """Mean loss of the text in bits per token, over all tokens that it predicts: what Score tells of it; NaN if none."""
        return _mean(self.loss_before)

    @property
    def mean_after(self) -> float:
        """The same of the variant. One that puts another token first predicts another one less, but as many."""
        return _mean(self.loss_after)

    @property
    def mean_loss(self) -> float:
        """mean_after - mean_before; NaN if no token is predicted."""
        return self.mean_after - self.mean_before


def _mean(losses: np.ndarray) -> float:
    predicted = losses[np.isfinite(losses)].astype(np.float64)
    return float(predicted.mean()) if len(predicted) else math.nan


def compare_logits(
    before: Tensor, after: Tensor, ids: Sequence[int], places: Sequence[int], ahead: int = 1, count: int = 3
) -> PredictionChange:
    """Compares logits (T, V) of a text with those of a variant in which token i stands at places[i].

    `ahead` is 1 where a row predicts the next token (decoders), 0 where it predicts its own (masked models). Kullback
    and Leibler 1951.
    """
    return BaselinePredictions(before, ids, ahead, count).compare(after, places)


class BaselinePredictions:
    """The predictions of a text as it is, with which those of its variants are compared: what all comparisons share is
    computed once."""

    def __init__(self, logits: Tensor, ids: Sequence[int], ahead: int = 1, count: int = 3) -> None:
        """logits (T, V); ids (T,); ahead and count as in `compare_logits`."""
        self._logits, self._ids, self._ahead, self._count = logits, torch.as_tensor(ids), ahead, count
        self._parts = _log_parts(logits)
        self._top = logits.float().topk(count)
        self._loss = self._losses(logits, self._parts, torch.arange(len(logits)))

    def compare(self, after: Tensor, places: Sequence[int]) -> PredictionChange:
        """What differs in a variant's logits (T, V), in which token i stands at places[i]."""
        self._check(after, places)
        at, parts = torch.as_tensor(places), _log_parts(after)
        divergence, largest, tops = [], 0.0, []
        for start in range(0, len(at), ROWS):
            rows = torch.arange(start, min(start + ROWS, len(at)))
            p = _log_p(self._logits, self._parts, rows)  # (rows, V)
            q = _log_p(after, parts, at[rows])  # of the same tokens
            gap = p - q
            low, high = (edge.item() for edge in gap.aminmax())
            if not (math.isfinite(low) and math.isfinite(high)):
                # 0·log 0 counts as 0: a rule-forbidden token has log p = -inf on both sides
                gap = torch.where(p == q, 0, gap)
                low, high = 0.0, gap.abs().max().item()
                divergence.append(torch.nan_to_num(p.exp() * gap).sum(-1))
            else:
                divergence.append(torch.linalg.vecdot(p.exp_(), gap))
            largest = max(largest, -low, high)
            tops.append(q.topk(self._count))
        p_after, top_after = (torch.cat(parts) for parts in zip(*tops, strict=True))
        return PredictionChange(
            loss_before=self._loss,
            loss_after=self._losses(after, parts, at),
            divergence=(torch.cat(divergence).clamp(min=0) / math.log(2)).cpu().numpy(),
            largest=largest,
            top_before=self._top.indices.cpu().numpy(),
            top_after=top_after.cpu().numpy(),
            top_p_before=(self._top.values - self._parts[0][:, None] - self._parts[1][:, None]).exp().cpu().numpy(),
            top_p_after=p_after.exp().cpu().numpy(),
        )

    def _check(self, after: Tensor, places: Sequence[int]) -> None:
        fits = self._logits.shape == after.shape and len(self._ids) == len(after)
        if not fits or sorted(places) != list(range(len(after))):
            raise PlaygroundError(
                f"Logits of shape {tuple(self._logits.shape)} and {tuple(after.shape)} with {len(self._ids)} tokens can't "
                "be compared.",
                "Pass two tables of one text, and each token's place.",
            )

    def _losses(self, logits: Tensor, parts: LogParts, places: Tensor) -> np.ndarray:
        """-log2 p of each token by the row `ahead` places before its own; NaN where there is no such row."""
        rows = places - self._ahead  # (T,)
        predicted = rows >= 0
        largest, sums = (part[rows[predicted]] for part in parts)
        losses = torch.full((len(places),), math.nan)
        own = logits[rows[predicted], self._ids[predicted]].float() - largest
        losses[predicted] = ((sums - own) / math.log(2)).cpu()
        return losses.numpy()


def _log_parts(logits: Tensor) -> LogParts:
    """Of the rows of (T, V)."""
    largest = logits.amax(-1).float()
    blocks = range(0, len(logits), ROWS)
    sums = [
        (logits[start : start + ROWS].float() - largest[start : start + ROWS, None]).exp_().sum(-1).log()
        for start in blocks
    ]
    return largest, torch.cat(sums)


def _log_p(logits: Tensor, parts: LogParts, rows: Tensor) -> Tensor:
    """(rows, V) float32: log-probabilities of some rows."""
    return logits[rows].float().sub_(parts[0][rows, None]).sub_(parts[1][rows, None])


def compare_states(before: Tensor, after: Tensor, places: Sequence[int]) -> tuple[np.ndarray, float]:
    """Vectors (T, D) of a text and of its variant: 1 - cosine of each token's two vectors, (T,) float32 in 0..2, and
    the largest difference of any number."""
    before, after = before.float(), after[torch.as_tensor(places)].float()
    cosine = torch.nn.functional.cosine_similarity(before, after, dim=-1)
    return (1 - cosine).clamp(min=0).cpu().numpy(), (before - after).abs().max().item()


def realign(weights: Tensor, places: Sequence[int]) -> Tensor:
    """Weights (Q, K) of a variant with its tokens back in their first order, so that a cell means the same pair."""
    at = torch.as_tensor(places, device=weights.device)
    return weights[at][:, at]


def attention_shift(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Share of each query's attention that goes elsewhere: half the sum of absolute differences of the rows of (Q, K),
    the total variation distance, (Q,) float32 in 0..1."""
    return (np.abs(np.asarray(after, np.float64) - before).sum(-1) / 2).astype(np.float32)
