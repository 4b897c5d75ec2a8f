"""What stands out in one head, in numbers and in a sentence. Reads weights after the softmax; knows no models.

Letters: Q query tokens, K key tokens, from 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from playground.analysis.arrays import as_array, shaped
from playground.analysis.attention.first_token import first_share, is_sink
from playground.analysis.text_display import in_words, percent
from playground.errors import PlaygroundError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class HeadSummary:
    """Numbers of one head. Shares are 0..1, means over the queries:
    first_share + the share of all other keys + sink_share = 1."""

    queries: int
    keys: int
    pair: tuple[int, int] | None
    """Query and key of the largest weight; in self-attention the first key and the token itself don't count.
    None where no other key has any weight."""
    pair_weight: float
    """The pair's weight, 0..1; 0.0 without a pair."""
    pair_words: tuple[str, str] | None
    """The pair's tokens in quotes, each with its position if it repeats."""
    first_share: float
    """Attention to the first key, on which many heads rest (Xiao et al. 2024, arXiv:2309.17453)."""
    self_share: float | None
    """Attention of each token to itself; None in cross-attention."""
    previous_share: float | None
    """Attention of each token to the one before it; None in cross-attention."""
    entropy_bits: float
    """Mean entropy of the rows: 0 = one key takes all, log2(keys) = spread evenly."""
    sink: bool
    """Whether over 99 % goes to the first key, by all queries but its own; never in cross-attention."""
    sink_share: float
    """Attention to no token (learned sinks); 0 where rows sum to 1."""

    def sentence(self, layer: int | None = None, head: int | None = None, pair: str = "") -> str:
        """One sentence such as: Layer 5, head 1: “sat” gives 71 % of its attention to “cat”; 43 % of all
        attention goes to the first token.

        pair: what to say in place of the clause on the two tokens."""
        named = [f"{n} {i}" for n, i in (("layer", layer), ("head", head)) if i is not None]
        text = "; ".join(self._clauses(pair)) + "."
        where = ", ".join(named)
        return f"{where[0].upper()}{where[1:]}: {text}" if where else text

    def _clauses(self, pair: str = "") -> list[str]:
        clauses = []
        if self.sink:
            words = f"it rests on the first token with {percent(self.first_share)} of its attention"
            return [f"{words}: a sink, of which nothing else is said"]
        if pair:
            clauses.append(pair)
        elif self.keys == 1:
            clauses.append("there is only one token to attend to")
        elif self.pair_words is None:
            clauses.append("no token looks at anything but the first token and itself")
        else:
            query, key = self.pair_words
            clauses.append(f"{query} gives {percent(self.pair_weight)} of its attention to {key}")
        if self.keys > 1:
            shares = {
                "the first token": self.first_share,
                "the token just before": self.previous_share,
                "the token itself": self.self_share,
            }
            share, where = max(
                ((share, where) for where, share in shares.items() if share is not None), key=lambda pair: pair[0]
            )
            clauses.append(f"{percent(share)} of all attention goes to {where}")
        if self.sink_share >= 0.005:
            clauses.append(f"{percent(self.sink_share)} goes to no token (the head's sink takes it)")
        return clauses


def summarise_head(
    weights: Tensor | np.ndarray, query_labels: Sequence[str], key_labels: Sequence[str], cross: bool = False
) -> HeadSummary:
    """The summary of weights (Q, K) after softmax; rows sum to 1, to less with sinks.

    Labels are token texts, unescaped; a token that occurs more than once is named with its position. `cross`: queries and
    keys are different texts, as they must be where Q != K. PlaygroundError where labels and weights don't fit.
    """
    weights = shaped("The head", weights, "(queries, keys)", 2)
    w = np.nan_to_num(as_array(weights, np.float64))  # (Q, K)
    queries, keys = w.shape
    if (len(query_labels), len(key_labels)) != w.shape:
        raise PlaygroundError(
            f"The map has {queries} × {keys} weights, the labels {len(query_labels)} × {len(key_labels)}.",
            "Pass one label for every token.",
        )
    cross = bool(cross) or queries != keys
    candidates = w.copy()
    if not cross:
        candidates[:, 0] = 0
        np.fill_diagonal(candidates, 0)
    query, key = (int(i) for i in np.unravel_index(candidates.argmax(), w.shape))
    has_pair = candidates[query, key] > 0
    mass = w.sum(1)  # (Q,)
    p = w / np.where(mass > 0, mass, 1)[:, None]  # (Q, K), rows sum to 1 or are empty
    bits = -(p * np.log2(np.where(p > 0, p, 1))).sum(1)  # (Q,)
    return HeadSummary(
        queries=queries,
        keys=keys,
        pair=(query, key) if has_pair else None,
        pair_weight=float(candidates[query, key]),
        pair_words=(_name(query_labels, query), _name(key_labels, key)) if has_pair else None,
        first_share=float(w[:, 0].mean()),
        self_share=None if cross else float(w.diagonal().mean()),
        previous_share=None if cross else float(w.diagonal(-1).sum()) / queries,
        entropy_bits=float(bits.mean()),
        sink=not cross and bool(is_sink(first_share(w[None]))[0]),
        sink_share=max(0.0, 1.0 - float(mass.mean())),
    )


def _name(labels: Sequence[str], index: int) -> str:
    word = in_words(labels[index])
    repeated = Counter(in_words(label) for label in labels)[word] > 1
    return f"“{word}” (position {index})" if repeated else f"“{word}”"
