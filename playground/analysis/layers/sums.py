"""Which tensors add up to another one. Letters: K tensors, T tokens, D width."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

ROUND_TO_ONE = 1e-4
"""A factor this near 1 is 1."""


@dataclass(frozen=True)
class Sum:
    """Some of the tensors, by number, with the factor of each, and what they leave of the whole."""

    parts: tuple[int, ...]
    factors: tuple[float, ...]
    error: float
    """Largest |whole - sum| of a token, as a share of that token's yardstick."""


def adds_up(whole: Tensor, candidates: Sequence[Tensor], yardstick: Tensor, bound: float, most: int = 3) -> Sum | None:
    """The fewest of K candidates (T, D) that add up to `whole` (T, D), each times one factor; at most `most` of them.

    The factors are fitted by least squares over all T·D numbers, so a sum within `bound` is no accident. yardstick (T,):
    lengths that errors are measured by. Of several sums of one size that hold, the one whose factors are nearest 1. If
    none holds, the one with the smallest error; None without candidates.
    """
    share = 1 / yardstick.double().clamp_min(1e-300)[:, None]
    rows = torch.stack([(c.double() * share).flatten() for c in candidates]) if candidates else None  # (K, T·D)
    if rows is None:
        return None
    aim = (whole.double() * share).flatten()
    products, targets = rows @ rows.T, rows @ aim
    best: Sum | None = None
    for size in range(1, min(most, len(candidates)) + 1):
        sums = list(_sums(size, rows, aim, products, targets, len(whole)))
        holding = [one for one in sums if one.error <= bound]
        if holding:
            return min(holding, key=lambda one: sum(abs(factor - 1) for factor in one.factors))
        best = min([*sums, *([best] if best else [])], key=lambda one: one.error, default=None)
    return best


def _sums(size: int, rows: Tensor, aim: Tensor, products: Tensor, targets: Tensor, tokens: int) -> Iterator[Sum]:
    for chosen in combinations(range(len(rows)), size):
        which = list(chosen)
        solved = torch.linalg.lstsq(products[which][:, which], targets[which]).solution
        factors = tuple(1.0 if abs(f - 1) < ROUND_TO_ONE else f for f in solved.tolist())
        left = aim - torch.tensor(factors, dtype=rows.dtype, device=rows.device) @ rows[which]
        yield Sum(chosen, factors, float(left.view(tokens, -1).norm(dim=-1).max()))
