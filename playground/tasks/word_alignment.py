"""Which words of a source each word of a translation looked at. Letters: M words written, N words of the source."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from playground.analysis.tasks.alignment import grouped, tokens_of
from playground.analysis.tasks.text_units import words
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token
from playground.tasks.writing import WrittenPart


@dataclass(frozen=True, eq=False)
class WordAlignment:
    """Attention between words."""

    weights: np.ndarray
    """(M, N) float32: mean over the tokens of a word that was written, sum over those of a word that was read; rows sum
    to 1."""
    written: tuple[str, ...]
    """(M,): words, signs, and the end of the text."""
    source: tuple[str, ...]
    """(N,): the same, words before the text included."""
    special: tuple[bool, ...]
    """(N,): what is no word of the text."""
    steps: tuple[tuple[int, ...], ...]
    """(M,): the numbers of each word's steps."""
    sources: tuple[tuple[int, ...], ...]
    """(N,): the places of each word's tokens in the source."""


def word_alignment(model: LoadedModel, part: WrittenPart, weights: np.ndarray) -> WordAlignment:
    """weights (Q, K) of the part's tokens, as `WrittenPart.attention` or of one head, between words."""
    written = model.vocabulary.describe([step.token.id for step in part.steps])
    queries, keys = _words(written, _spelled(written), 0), _words(part.source, part.words, part.window.start)
    return WordAlignment(
        grouped(weights, [places for _, places in queries], [places for _, places in keys]),
        tuple(name for name, _ in queries),
        tuple(name for name, _ in keys),
        tuple(all(part.source[place].special for place in places) for _, places in keys),
        tuple(tuple(places) for _, places in queries),
        tuple(tuple(places) for _, places in keys),
    )


def _words(tokens: Sequence[Token], text: str, first: int) -> list[tuple[str, list[int]]]:
    """The words of a text with the places of their tokens, in the text's order; tokens that are in no word by themselves,
    byte pieces of one sign together. first: the text's place in what offsets point into."""
    own = [place for place, token in enumerate(tokens) if not token.special]
    units = words(text)
    groups = tokens_of(units, [(tokens[place].start - first, tokens[place].end - first) for place in own])
    named = [
        (text[start:end], [own[number] for number in group])
        for (start, end), group in zip(units, groups, strict=True)
        if group
    ]
    taken = {place for _, places in named for place in places}
    for place, token in enumerate(tokens):
        if place in taken:
            continue
        if token.piece and token.piece[0] > 1 and named and named[-1][1][-1] == place - 1:
            named[-1][1].append(place)
        else:
            named.append((token.text.strip() or token.text, [place]))
    return sorted(named, key=lambda pair: pair[1][0])


def _spelled(tokens: Sequence[Token]) -> str:
    """The text into which the offsets of tokens point that were described without one."""
    parts = []
    for token in tokens:
        if not token.special and (token.piece is None or token.piece[0] == 1):
            size = token.end - token.start
            parts.append(token.text if len(token.text) == size else "\ufffd" * size)
    return "".join(parts)
