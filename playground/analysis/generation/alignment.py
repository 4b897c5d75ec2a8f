"""Two rows of tokens aligned, with the surprisal of each token and the difference. Works on ids and probabilities."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

MAX_MATCHES = 200_000
"""Pairs of equal tokens beyond which rows are aligned by place."""


@dataclass(frozen=True)
class Column:
    """A token of each row, or of one row alone."""

    first: int | None
    """Index into the first row; None where the second has no partner."""
    second: int | None
    first_bits: float | None
    """Surprisal, -log2 p, of the first row's token in bits; None where nothing predicted it."""
    second_bits: float | None

    @property
    def difference(self) -> float | None:
        """Second minus first, in bits: above 0 where the second token surprises more. None where one is missing."""
        if self.first_bits is None or self.second_bits is None:
            return None
        return self.second_bits - self.first_bits


def compare(
    first: Sequence[int], second: Sequence[int], first_p: Sequence[float | None], second_p: Sequence[float | None]
) -> tuple[Column, ...]:
    """Aligns two rows of token ids, with the tokens' probabilities, 0..1 (None where nothing predicted a token).

    Common tokens are paired by longest matching blocks (Ratcliff and Obershelp 1988). Between the blocks tokens are paired
    one by one; the longer row's rest gets columns of its own. Long texts of few different tokens, which would take a
    minute, are aligned by place.
    """
    columns = []
    for _, a, b, c, d in _blocks(first, second):
        for i in range(max(b - a, d - c)):
            left, right = a + i if a + i < b else None, c + i if c + i < d else None
            columns.append(Column(left, right, _bits(first_p, left), _bits(second_p, right)))
    return tuple(columns)


def _blocks(first: Sequence[int], second: Sequence[int]) -> Sequence[tuple[str, int, int, int, int]]:
    """Equal and unequal blocks of the two rows: (kind, from, to, from, to)."""
    counts = Counter(second)
    if sum(counts[token] for token in first) > MAX_MATCHES:
        return [("replace", 0, len(first), 0, len(second))]
    return SequenceMatcher(None, first, second, autojunk=False).get_opcodes()


def _bits(probabilities: Sequence[float | None], index: int | None) -> float | None:
    """-log2 of the probability at `index`; None without one."""
    p = None if index is None else probabilities[index]
    return None if p is None else -math.log2(max(p, 1e-45)) + 0.0
