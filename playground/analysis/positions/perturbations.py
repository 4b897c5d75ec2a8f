"""Orders and positions to try on a text, and what differs when they are tried. Works on numbers of tokens and on
logits; knows nothing of models.

T tokens of a text count from 0 in their first order. An order says which token stands at each place: order[place] =
token. Positions say what the model is told of each place. Losses and divergences are in bits.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from playground.analysis.arrays import check_range
from playground.errors import PlaygroundError

FARTHEST_SHIFT = 1_000_000
ROWS = 16
"""Rows of logits compared at once: no second table of their size is made, and what is made stays near the processor."""


@dataclass(frozen=True)
class Variant:
    """One way to break a text: the order of its tokens, the positions that the model is told, the rotary base."""

    name: str
    words: str
    """What is done, for people."""
    order: tuple[int, ...]
    positions: tuple[int, ...]
    base_factor: float = 1.0
    """By which the rotary base is multiplied."""

    @property
    def places(self) -> list[int]:
        """Where each token of the first order stands now: the inverse of `order`."""
        return np.argsort(self.order).tolist()

    @property
    def needs_positions(self) -> bool:
        """Whether the model has to be told other positions than 0, 1, 2, …"""
        return self.positions != tuple(range(len(self.positions)))


def unchanged(count: int) -> Variant:
    """The text as it is."""
    return Variant("unchanged", "as it is", tuple(range(count)), tuple(range(count)))


def shuffled(units: Sequence[Sequence[int]], movable: Sequence[bool], seed: int = 0) -> Variant:
    """Words in another order, drawn with a seed: units are the tokens of each word in their first order; those that
    are not movable stay between the same words. The order differs from the first one where that is possible."""
    check_range("The seed", seed, 0, 2**32 - 1)
    words = [unit for unit, free in zip(units, movable, strict=True) if free]
    mixed, draw = list(words), random.Random(seed)
    while len(words) > 1 and mixed == words:
        draw.shuffle(mixed)
    rest = iter(mixed)
    order = tuple(i for unit, free in zip(units, movable, strict=True) for i in (next(rest) if free else unit))
    return Variant("shuffled", f"words shuffled (seed {seed})", order, tuple(range(len(order))))


def swapped(count: int, first: int, second: int) -> Variant:
    """Two tokens in each other's place."""
    for token in (first, second):
        check_range("The token to swap", token, 0, count - 1)
    order = list(range(count))
    order[first], order[second] = second, first
    return Variant("swapped", f"tokens {first} and {second} swapped", tuple(order), tuple(range(count)))


def shifted(count: int, by: int) -> Variant:
    """Every position `by` later."""
    check_range("The shift", by, 0, FARTHEST_SHIFT)
    return replace(
        unchanged(count), name="shifted", words=f"all positions {by:,} later", positions=tuple(range(by, by + count))
    )


def equal(count: int) -> Variant:
    """Position 0 for every token."""
    return replace(unchanged(count), name="equal", words="all positions equal", positions=(0,) * count)


def backwards(count: int) -> Variant:
    """The last token is told position 0, the first the last one."""
    return replace(unchanged(count), name="reversed", words="positions reversed", positions=tuple(range(count))[::-1])


def with_rope_base(count: int, factor: float) -> Variant:
    """Another rotary base."""
    check_range("The factor of the rotary base", factor, 1e-6, 1e6)
    return replace(unchanged(count), name="base", words=f"rotary base × {factor:g}", base_factor=factor)


def beyond(count: int, trained: int) -> Variant:
    """The second half of the text moved to where the trained length ends, with distances that no training had."""
    half = (count + 1) // 2
    positions = tuple(range(half)) + tuple(range(trained, trained + count - half))
    return replace(
        unchanged(count), name="beyond", words=f"second half moved to position {trained:,}", positions=positions
    )


def word_units(starts: Sequence[bool], movable: Sequence[bool], pieces: Sequence[bool]) -> list[list[int]]:
    """Tokens gathered into words: `starts` says which token begins a word, `pieces` which one continues a character
    of the token before. A text of fewer than three words (Chinese) is cut into characters instead."""

    def gather(begins):
        units: list[list[int]] = []
        for i, begin in enumerate(begins):
            if units and not begin and movable[i] and movable[i - 1]:
                units[-1].append(i)
            else:
                units.append([i])
        return units

    words = gather(starts)
    return words if sum(movable[unit[0]] for unit in words) > 2 else gather([not piece for piece in pieces])


@dataclass(frozen=True, eq=False)
class Change:
    """What differs for each token, in its first order, between the text as it is and a variant of it."""

    loss_before: np.ndarray
    """(T,) float32 in bits, -log2 p of the token; NaN where nothing predicted it."""
    loss_after: np.ndarray
    divergence: np.ndarray
    """(T,) float32 in bits, 0 or more: Kullback-Leibler divergence of the distribution given after the token, the
    first one from the broken one, sum p·log2(p/q)."""
    largest: float
    """Of all differences of a log-probability (nats), of any token of the vocabulary after any token."""
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
    def mean_loss(self) -> float:
        """Mean change of loss over the tokens that are predicted both ways; NaN if there are none."""
        known = self.loss[np.isfinite(self.loss)]
        return float(known.mean()) if len(known) else math.nan


def compare_logits(
    before: Tensor, after: Tensor, ids: Sequence[int], places: Sequence[int], ahead: int = 1, count: int = 3
) -> Change:
    """Compares logits (T, V) of a text with those of a variant in which token i stands at places[i].

    `ahead` is 1 where a row predicts the following token (decoders), 0 where it tells the token itself (masked
    models). Kullback and Leibler 1951.
    """
    return Unbroken(before, ids, ahead, count).change(after, places)


class Unbroken:
    """The predictions of a text as it is, beside which those of its variants are laid: what all comparisons share is
    computed once."""

    def __init__(self, logits: Tensor, ids: Sequence[int], ahead: int = 1, count: int = 3):
        """logits (T, V); ids (T,); ahead and count as in `compare_logits`."""
        self._logits, self._ids, self._ahead, self._count = logits, torch.as_tensor(ids), ahead, count
        self._parts = _log_parts(logits)  # two of (T,)
        self._top = logits.float().topk(count)
        self._loss = self._losses(logits, self._parts, torch.arange(len(logits)))

    def change(self, after: Tensor, places: Sequence[int]) -> Change:
        """What differs in a variant's logits (T, V), in which token i stands at places[i]."""
        if (
            self._logits.shape != after.shape
            or len(self._ids) != len(after)
            or sorted(places) != list(range(len(after)))
        ):
            raise PlaygroundError(
                f"Logits of shape {tuple(self._logits.shape)} and {tuple(after.shape)} with {len(self._ids)} tokens can't "
                "be compared.",
                "Pass two tables of one text, and each token's place.",
            )
        at, parts = torch.as_tensor(places), _log_parts(after)
        divergence, largest, tops = [], 0.0, []
        for start in range(0, len(at), ROWS):
            same = torch.arange(start, min(start + ROWS, len(at)))
            p, q = (
                _log_p(self._logits, self._parts, same),
                _log_p(after, parts, at[same]),
            )  # (rows, V), of the same tokens
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
        return Change(
            loss_before=self._loss,
            loss_after=self._losses(after, parts, at),
            divergence=(torch.cat(divergence).clamp(min=0) / math.log(2)).cpu().numpy(),
            largest=largest,
            top_before=self._top.indices.cpu().numpy(),
            top_after=top_after.cpu().numpy(),
            top_p_before=(self._top.values - self._parts[0][:, None] - self._parts[1][:, None]).exp().cpu().numpy(),
            top_p_after=p_after.exp().cpu().numpy(),
        )

    def _losses(self, logits: Tensor, parts: tuple[Tensor, Tensor], places: Tensor) -> np.ndarray:
        """-log2 p of each token, told by the row `ahead` places before its own; NaN where there is no such row."""
        rows = places - self._ahead  # (T,)
        known = rows >= 0
        largest, sums = (part[rows[known]] for part in parts)
        losses = torch.full((len(places),), math.nan)
        chosen = logits[rows[known], self._ids[known]].float() - largest
        losses[known] = ((sums - chosen) / math.log(2)).cpu()
        return losses.numpy()


def _log_parts(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Of each row of (T, V) the largest, and the logarithm of the sum of exponentials without it: (T,) float32 each; what a
    row's log-probabilities are less than its logits, in two parts, so that large ones lose no digits."""
    largest = logits.amax(-1).float()
    blocks = range(0, len(logits), ROWS)
    return largest, torch.cat(
        [
            (logits[start : start + ROWS].float() - largest[start : start + ROWS, None]).exp_().sum(-1).log()
            for start in blocks
        ]
    )


def _log_p(logits: Tensor, parts: tuple[Tensor, Tensor], rows: Tensor) -> Tensor:
    """(rows, V) float32: log-probabilities of some rows."""
    return logits[rows].float().sub_(parts[0][rows, None]).sub_(parts[1][rows, None])


def compare_states(before: Tensor, after: Tensor, places: Sequence[int]) -> tuple[np.ndarray, float]:
    """Vectors (T, D) of a text and of its variant: 1 - cosine of each token's two vectors, (T,) float32 in 0..2, and
    the largest difference of any number."""
    before, moved = before.float(), after[torch.as_tensor(places)].float()
    cosine = torch.nn.functional.cosine_similarity(before, moved, dim=-1)
    return (1 - cosine).clamp(min=0).cpu().numpy(), (before - moved).abs().max().item()


def realigned(weights: Tensor, places: Sequence[int]) -> Tensor:
    """Weights (Q, K) of a variant with its tokens back in their first order, so that a cell means the same pair."""
    at = torch.as_tensor(places, device=weights.device)
    return weights[at][:, at]


def attention_moved(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Share of each query's attention that goes elsewhere: half the sum of absolute differences of the rows of (Q, K),
    the total variation distance, (Q,) float32 in 0..1."""
    return (np.abs(np.asarray(after, np.float64) - before).sum(-1) / 2).astype(np.float32)
