"""Answer: the span of a passage that answers a question, by the head of a reader (BERT trained on SQuAD)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from playground.analysis.arrays import check_range
from playground.analysis.tasks.spans import SpanScores, best_spans, no_answer_score, start_and_end_probabilities
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.tasks.windows import Tick, Window, finite, head_of, head_outputs, no_tick, windows

MAX_ANSWER_TOKENS = 30
ALTERNATIVES = 5
"""Spans beside the best one."""


@dataclass(frozen=True)
class AnswerSpan:
    """Characters start..end of the passage."""

    text: str
    start: int
    end: int
    probability: float
    """P(start) · P(end); of several windows, softmax runs over all of them together."""
    score: float
    """Start logit + end logit."""
    window: int
    first: int
    last: int
    """Tokens of the window, both inside."""


@dataclass(frozen=True, eq=False)
class Answer:
    """The answer, the best of all allowed spans, and the next best."""

    spans: tuple[AnswerSpan, ...]
    """The best first."""
    no_answer: float
    """Start + end logit of the place that stands for "no answer" ([CLS]); of several windows the lowest."""
    windows: tuple[Window, ...]
    starts: tuple[Tensor, ...]
    """(T,) of each window: P(start), 0 outside of the passage."""
    ends: tuple[Tensor, ...]
    """(T,) of each window: P(end)."""

    @property
    def best(self) -> AnswerSpan:
        """The span with the highest score."""
        return self.spans[0]

    @property
    def margin(self) -> float:
        """By how much the best span's score exceeds that of "no answer", in nats; below 0 the reader found none."""
        return self.best.score - self.no_answer


def answer(
    model: LoadedModel, question: str, passage: str, max_tokens: int = MAX_ANSWER_TOKENS, tick: Tick = no_tick
) -> Answer:
    """The best spans of at most `max_tokens` tokens. PlaygroundError for a model without such a head, for an empty question
    or passage, and for a question that leaves the passage no room."""
    head_of(model, "answer")
    check_range("The longest answer", max_tokens, 1, 512)
    if not (question or "").strip():
        raise PlaygroundError("There is no question.", "Type one.")
    if not (passage or "").strip():
        raise PlaygroundError("There is no passage.", "Paste a text that holds the answer.")
    parts = windows(model, question, passage)
    scores = [
        _scores(window, outputs["start_logits"][0], outputs["end_logits"][0])
        for window, outputs in zip(parts, head_outputs(model, parts, tick), strict=True)
    ]
    if not any(bool(window.in_passage.any()) for window in scores):
        raise PlaygroundError("The passage has no tokens for this model.", "Paste a text that holds the answer.")
    starts, ends = start_and_end_probabilities(scores)
    return Answer(
        _spans(passage, parts, scores, max_tokens), no_answer_score(scores), parts, tuple(starts), tuple(ends)
    )


def _scores(window: Window, starts: Tensor, ends: Tensor) -> SpanScores:
    in_passage = torch.tensor([token.segment == 1 and not token.special for token in window.tokens])
    special = [place for place, token in enumerate(window.tokens) if token.special]
    return SpanScores(finite(starts), finite(ends), in_passage, special[0] if special else 0)


def _spans(
    passage: str, parts: tuple[Window, ...], scores: list[SpanScores], max_tokens: int
) -> tuple[AnswerSpan, ...]:
    """The best spans, each text once: neighbouring windows share tokens."""
    spans: dict[tuple[int, int], AnswerSpan] = {}
    for span in best_spans(scores, max_tokens, 4 * (ALTERNATIVES + 1)):
        tokens = parts[span.window].tokens
        start, end = tokens[span.first].start, tokens[span.last].end
        text = passage[start:end]
        spans.setdefault(
            (start, end), AnswerSpan(text, start, end, span.probability, span.score, span.window, span.first, span.last)
        )
    return tuple(spans.values())[: ALTERNATIVES + 1]
