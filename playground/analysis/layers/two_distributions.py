"""Two distributions of the next token beside each other, also where they are over different vocabularies. Works on arrays;
knows no models.

Tokens of two vocabularies are the same if they stand for the same bytes. What can always be compared is the first byte of
the continuation: each token begins with one, so that both distributions are over the same 256 bytes, and one more outcome
for tokens that stand for no text.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

NO_TEXT = None
"""The first byte of a token that stands for no text, such as the end of the text."""


@dataclass(frozen=True)
class Divergence:
    """How far two distributions are from each other."""

    total_variation: float
    """Half the sum of |p - q|, 0..1: the largest difference of the probability of any set of outcomes."""
    jensen_shannon: float
    """In bits, 0..1 (Lin 1991): the mean divergence of both from their mean."""


def divergence(first: np.ndarray, second: np.ndarray) -> Divergence:
    """Of two distributions (N,) over the same outcomes, in float64; each sums to 1."""
    p, q = np.asarray(first, np.float64), np.asarray(second, np.float64)
    middle = (p + q) / 2
    shannon = (_relative(p, middle) + _relative(q, middle)) / 2
    return Divergence(float(np.abs(p - q).sum() / 2), max(0.0, shannon))


def _relative(p: np.ndarray, q: np.ndarray) -> float:
    """sum p·log2(p/q), in bits; 0·log 0 counts as 0."""
    some = p > 0
    return float((p[some] * np.log2(p[some] / q[some])).sum())


@dataclass(frozen=True)
class Outcome:
    """A token of either vocabulary, and what both models give it."""

    key: Hashable
    first: float | None
    """0..1; None where the first vocabulary has no such token."""
    second: float | None


@dataclass(frozen=True)
class NextPair:
    """The two distributions of the next token."""

    outcomes: tuple[Outcome, ...]
    """The likeliest of either, by the larger of the two probabilities."""
    tokens: Divergence | None
    """Token by token; None for different vocabularies."""
    bytes: Divergence
    """By the first byte of the continuation."""
    covered: tuple[float, float]
    """Share of either distribution on tokens that both vocabularies have."""


def next_pair(
    keys: tuple[Sequence[Hashable], Sequence[Hashable]],
    shares: tuple[np.ndarray, np.ndarray],
    first_bytes: tuple[Sequence[int | None], Sequence[int | None]],
    count: int = 10,
) -> NextPair:
    """Compares two distributions (V,) and (W,).

    keys: what each token stands for: equal for the same token of both vocabularies; of one vocabulary several tokens may
    share one. first_bytes: 0..255, or NO_TEXT. count: outcomes kept.
    """
    sums = [_by_key(*side) for side in zip(keys, shares, strict=True)]
    both = sums[0].keys() & sums[1].keys()
    every = sorted(sums[0].keys() | sums[1].keys(), key=lambda key: -max(side.get(key, 0.0) for side in sums))
    outcomes = tuple(Outcome(key, sums[0].get(key), sums[1].get(key)) for key in every[:count])
    tokens = None
    if sums[0].keys() == sums[1].keys():
        tokens = divergence(*(np.array([side[key] for key in every]) for side in sums))
    bytewise = divergence(*(_by_byte(*side) for side in zip(first_bytes, shares, strict=True)))
    covered = tuple(min(1.0, sum(side[key] for key in both)) for side in sums)
    return NextPair(outcomes, tokens, bytewise, (covered[0], covered[1]))


def _by_key(keys: Sequence[Hashable], shares: np.ndarray) -> dict[Hashable, float]:
    sums: dict[Hashable, float] = {}
    for key, share in zip(keys, shares.tolist(), strict=True):
        sums[key] = sums.get(key, 0.0) + share
    return sums


def _by_byte(first_bytes: Sequence[int | None], shares: np.ndarray) -> np.ndarray:
    """(257,): the share of each first byte, and of tokens without text."""
    places = np.fromiter((256 if byte is NO_TEXT else byte for byte in first_bytes), np.int64, len(first_bytes))
    return np.bincount(places, shares, 257)
