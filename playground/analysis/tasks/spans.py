"""The answer of a reader: scores of every start and every end -> the best allowed spans.

Letters: T tokens of a window, W windows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class SpanScores:
    """What the reader says of one window."""

    starts: Tensor
    """(T,) logits of the answer's first token."""
    ends: Tensor
    """(T,) logits of its last token."""
    in_passage: Tensor
    """(T,) bool: the passage's own tokens."""
    no_answer: int
    """The token that stands for "no answer" ([CLS])."""


@dataclass(frozen=True)
class ScoredSpan:
    """Tokens first..last of a window, both inside."""

    window: int
    first: int
    last: int
    probability: float
    """P(start) · P(end)"""
    score: float
    """Start logit + end logit."""


def start_and_end_probabilities(windows: Sequence[SpanScores]) -> tuple[list[Tensor], list[Tensor]]:
    """(T,) of each window: softmax over the tokens of the passage and the place of no answer, of all windows together; 0
    elsewhere."""
    return _joint_softmax(windows, "starts"), _joint_softmax(windows, "ends")


def _joint_softmax(windows: Sequence[SpanScores], name: str) -> list[Tensor]:
    rows = []
    for window in windows:
        allowed = window.in_passage.clone()
        allowed[window.no_answer] = True
        rows.append(getattr(window, name).double().masked_fill(~allowed, -torch.inf))
    return list(torch.cat(rows).softmax(0).split([len(row) for row in rows]))


def span_grid(starts: Tensor, ends: Tensor, in_passage: Tensor, max_length: int) -> Tensor:
    """(T, T): starts[s] + ends[e] of every allowed span s..e; -inf where s or e is no token of the passage, e < s, or the
    span has more than max_length tokens."""
    count = len(starts)
    allowed = torch.ones(count, count, dtype=torch.bool).triu().tril(max_length - 1)
    allowed &= in_passage[:, None] & in_passage[None, :]
    return (starts.double()[:, None] + ends.double()[None, :]).masked_fill(~allowed, -torch.inf)


def best_spans(windows: Sequence[SpanScores], max_length: int, count: int) -> list[ScoredSpan]:
    """The `count` allowed spans with the highest start + end logits, the best first, found by looking at all of them."""
    starts, ends = start_and_end_probabilities(windows)
    spans = []
    for number, window in enumerate(windows):
        grid = span_grid(window.starts, window.ends, window.in_passage, max_length)
        size = grid.shape[1]
        scores, places = grid.flatten().topk(min(count, grid.numel()))
        for score, place in zip(scores.tolist(), places.tolist(), strict=True):
            if score == -torch.inf:
                break
            first, last = divmod(place, size)
            probability = float(starts[number][first] * ends[number][last])
            spans.append(ScoredSpan(number, first, last, probability, score))
    return sorted(spans, key=lambda span: -span.score)[:count]


def no_answer_score(windows: Sequence[SpanScores]) -> float:
    """Start + end logits of "no answer": of several windows the lowest, since one window with an answer is enough."""
    return min(float(window.starts[window.no_answer] + window.ends[window.no_answer]) for window in windows)
