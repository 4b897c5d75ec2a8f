"""What a lens reads of logits that come block by block, so that they are never in memory at once and each block is read
while the processor's cache still holds it. Letters: S states, N tokens, R = S · N rows, V vocabulary, C tokens of a block, K
tokens listed."""

import math
from collections.abc import Collection

import torch
from torch import Tensor

_CHUNK = 64
"""Logits that are searched together for the largest."""
_NEGLIGIBLE = -80.0
"""So far below the largest logit exp gives 10⁻³⁵, which adds no bit to a sum that is at least 1. Below -87 it gives
subnormal numbers, for which a processor takes twice as long, and logits of early states spread over 300."""
MEASURES = ENTROPY, DIVERGENCE = "entropy", "divergence"
"""What can be measured of each state's distribution besides its most likely tokens: its entropy, and how far the last
state's is from it (Kullback-Leibler divergence). Both in bits."""


class LensRows:
    """Of R rows the most likely tokens, their probabilities, measures and a rank, as blocks of V logits are added.

    Sums of exponentials are kept relative to the largest logit so far (Milakov & Gimelshein 2018).
    """

    def __init__(self, states: int, top: int, measures: Collection[str] = (), chosen: int | None = None):
        """states: S, the last ones of the rows being those of the last state. chosen: a token whose rank is read; its block
        comes first."""
        self._states, self._top, self._measures, self._chosen = states, top, measures, chosen
        self._values: Tensor | None = None  # (R, K), the largest first
        self._ids = torch.empty(0)
        self._largest = torch.empty(0)  # (R, 1): of the logits so far
        self._sums = torch.empty(0)  # (R, 1): of exp(logit - largest)
        self._products = torch.empty(0)  # (R, 1): of exp(logit - largest) · (logit - largest)
        self._means = torch.empty(0)  # (N, S): of the last state's exp(logit - largest) · logit
        self._own: Tensor | None = None  # (R, 1): the chosen token's logit
        self._before = torch.empty(0)  # (R,): tokens before the chosen one

    def add(self, start: int, logits: Tensor) -> None:
        """Logits (R, C) of the tokens from `start` on, which are overwritten."""
        largest = logits.amax(-1, keepdim=True)
        self._add_top(start, logits, largest)
        if self._chosen is not None:
            self._add_rank(start, logits)
        if self._largest.numel():
            largest = torch.maximum(largest, self._largest)
            self._move(largest)
        else:
            self._sums, self._products = torch.zeros_like(largest), torch.zeros_like(largest)
            self._means = largest.new_zeros(len(largest) // self._states, self._states)
        self._largest = largest
        if self._measures:
            logits.clamp_min_(torch.finfo(logits.dtype).min)  # 0 · log 0 counts as 0
        if DIVERGENCE in self._measures:
            block = logits.view(self._states, -1, logits.shape[-1])  # (S, N, C)
            weights = (block[-1] - largest.view(self._states, -1, 1)[-1]).exp()  # (N, C)
            self._means += torch.bmm(block.transpose(0, 1), weights[..., None])[..., 0]
        shifted = logits.sub_(largest).clamp_min_(_NEGLIGIBLE)
        if ENTROPY in self._measures:
            shares = shifted.exp()
            self._sums += shares.sum(-1, keepdim=True)
            self._products += shares.mul_(shifted).sum(-1, keepdim=True)
        else:
            self._sums += shifted.exp_().sum(-1, keepdim=True)

    def _move(self, largest: Tensor) -> None:
        """What was summed so far, relative to another largest logit."""
        step = self._largest - largest
        scale = step.exp()
        self._products = scale * (self._products + torch.where(scale > 0, step, 0) * self._sums)
        self._sums = scale * self._sums
        self._means *= scale.view(self._states, -1)[-1][:, None]

    def _add_top(self, start: int, logits: Tensor, largest: Tensor) -> None:
        if self._values is None or self._values.shape[-1] < self._top:
            values, ids = top_of(logits, min(self._top, logits.shape[-1]))
            ids = ids + start
            if self._values is not None:
                values, ids = torch.cat([self._values, values], -1), torch.cat([self._ids, ids], -1)
                values, order = values.topk(min(self._top, values.shape[-1]))
                ids = ids.gather(-1, order)
            self._values, self._ids = values, ids
            return
        rows = (largest[:, 0] > self._values[:, -1]).nonzero()[:, 0]  # the others' largest are known already
        if not len(rows):
            return
        values, ids = top_of(logits[rows], min(self._top, logits.shape[-1]))
        values, order = torch.cat([self._values[rows], values], -1).topk(self._top)
        ids = torch.cat([self._ids[rows], ids + start], -1).gather(-1, order)
        self._values[rows], self._ids[rows] = values, ids

    def _add_rank(self, start: int, logits: Tensor) -> None:
        assert self._chosen is not None
        place = self._chosen - start
        if self._own is None:
            self._own = logits[:, place : place + 1].clone()
            self._before = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
        self._before += (logits > self._own).sum(-1)
        if place > 0:
            self._before += (logits[:, :place] == self._own).sum(-1)

    def result(self) -> dict[str, Tensor]:
        """Each (S, N, …): "ids" and "probabilities" (K), the measures in bits, "ranks" from 1."""
        assert self._values is not None
        read = {"ids": self._ids, "probabilities": (self._values - self._largest).exp() / self._sums}
        if self._own is not None:
            read["ranks"] = 1 + self._before
        if ENTROPY in self._measures:
            read[ENTROPY] = _bits(self._sums.log() - self._products / self._sums)[:, 0]
        if DIVERGENCE in self._measures:
            whole = (self._largest + self._sums.log()).view(self._states, -1)  # (S, N): ln Σ exp
            means = self._means.T / self._sums.view(self._states, -1)[-1] - whole  # E_last[ln p] (S, N)
            read[DIVERGENCE] = _bits(means[-1] - means).flatten()
        return {name: value.unflatten(0, (self._states, -1)) for name, value in read.items()}

    def has_invalid(self) -> bool:
        """Whether a row has no numbers."""
        assert self._values is not None
        return not bool((torch.isfinite(self._sums[:, 0]) & torch.isfinite(self._values[:, 0])).all())


def top_of(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest of logits (…, V) and their ids. Each is among the chunks with the largest maxima, so that only
    these are sorted: a third of the time of topk."""
    size = logits.shape[-1]
    whole = size // _CHUNK
    if whole <= count:
        values, ids = logits.topk(count)
        return values, ids
    chunks = logits[..., : whole * _CHUNK].unflatten(-1, (whole, _CHUNK))
    best = chunks.amax(-1).topk(count).indices  # (…, count)
    places = (best[..., None] * _CHUNK + torch.arange(_CHUNK, device=logits.device)).flatten(-2)
    rest = torch.arange(whole * _CHUNK, size, device=logits.device).expand(*places.shape[:-1], -1)
    places = torch.cat([places, rest], -1)
    values, among = logits.gather(-1, places).topk(count)
    return values, places.gather(-1, among)


def ranks_of(logits: Tensor, token: int) -> Tensor:
    """(…,): the rank of a token in logits (…, V), 1 for the most likely; of equal logits the lower id comes first."""
    own = logits[..., token : token + 1]
    return 1 + (logits > own).sum(-1) + (logits[..., :token] == own).sum(-1)


def _bits(nats: Tensor) -> Tensor:
    return (nats / math.log(2)).clamp_min(0)
