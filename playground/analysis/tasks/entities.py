"""From labels of tokens to spans of a text, in the four ways of transformers' token-classification pipeline.

Letters: K labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SIMPLE, FIRST, AVERAGE, MAX = "simple", "first", "average", "max"
STRATEGIES = (SIMPLE, FIRST, AVERAGE, MAX)
OUTSIDE = "O"
"""The label of what is no span."""


@dataclass(frozen=True)
class TokenScores:
    """One token of the text: its probabilities (K,) and its characters."""

    probabilities: np.ndarray
    start: int
    end: int
    continues: bool
    """Whether it goes on with the word of the token before it."""


@dataclass(frozen=True)
class Entity:
    """Characters start..end of a text with one label; the probability is the mean over its parts."""

    label: str
    probability: float
    start: int
    end: int


@dataclass(frozen=True)
class _Part:
    """A token, or a word of several, with its most likely label."""

    label: str
    probability: float
    start: int
    end: int


def entities(tokens: Sequence[TokenScores], labels: Sequence[str], strategy: str = SIMPLE) -> list[Entity]:
    """Neighbours with the same label become one span, B- and I- before a label's name left out; B- begins a new one.

    simple: each token has its most likely label. The other ways ask once for each word: first takes its first token's
    probabilities, average their mean, max those of the token that is surest.
    """
    groups = [[token] for token in tokens] if strategy == SIMPLE else _words(tokens)
    parts = [_part(group, labels, strategy) for group in groups]
    spans: list[list[_Part]] = []
    for part in parts:
        begins, name = _split(part.label)
        if spans and name == _split(spans[-1][-1].label)[1] and not begins:
            spans[-1].append(part)
        else:
            spans.append([part])
    entities = [_entity(span) for span in spans]
    return [entity for entity in entities if entity.label != OUTSIDE]


def _words(tokens: Sequence[TokenScores]) -> list[list[TokenScores]]:
    words: list[list[TokenScores]] = []
    for token in tokens:
        if words and token.continues:
            words[-1].append(token)
        else:
            words.append([token])
    return words


def _part(word: Sequence[TokenScores], labels: Sequence[str], strategy: str) -> _Part:
    if strategy == AVERAGE:
        probabilities = np.mean([token.probabilities for token in word], axis=0)
    elif strategy == MAX:
        probabilities = max(word, key=lambda token: float(token.probabilities.max())).probabilities
    else:
        probabilities = word[0].probabilities
    best = int(probabilities.argmax())
    return _Part(labels[best], float(probabilities[best]), word[0].start, word[-1].end)


def _split(label: str) -> tuple[bool, str]:
    """Whether a label begins a span, and its name: "B-PER" -> (True, "PER")."""
    return label.startswith("B-"), label[2:] if label.startswith(("B-", "I-")) else label


def _entity(span: Sequence[_Part]) -> Entity:
    mean = float(np.mean([part.probability for part in span]))
    return Entity(span[0].label.split("-", 1)[-1], mean, span[0].start, span[-1].end)
