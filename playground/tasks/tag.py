"""Tag: a label for each token of a text, and the spans of equal labels, by the head of a tagger.

Letters: T tokens of the text, K labels.
"""

from dataclasses import dataclass

import numpy as np
import torch

from playground.analysis.tasks.entities import SIMPLE, STRATEGIES, Entity, TokenScores, entities
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token
from playground.tasks.windows import Tick, Window, finite, head_of, head_outputs, no_tick, windows


@dataclass(frozen=True, eq=False)
class Tagging:
    """A text's tokens with their labels, and its spans."""

    text: str
    tokens: tuple[Token, ...]
    """Without special tokens."""
    labels: tuple[str, ...]
    """(K,)"""
    probabilities: np.ndarray
    """(T, K): softmax of each token's logits; rows sum to 1."""
    spans: tuple[Entity, ...]
    windows: int
    """Windows that the text was read in; of a token in two of them, the one that shows more on both its sides counts."""


def tag(model: LoadedModel, text: str, strategy: str = SIMPLE, tick: Tick = no_tick) -> Tagging:
    """The text's tokens with the labels of the model's head. strategy: one of `STRATEGIES`. PlaygroundError for a model
    without such a head, an unknown strategy, and an empty text."""
    head = head_of(model, "tag")
    if strategy not in STRATEGIES:
        raise PlaygroundError(f"There is no aggregation {strategy!r:.40}.", f"Choose one of: {', '.join(STRATEGIES)}.")
    parts = windows(model, text)
    rows = [finite(outputs["logits"][0]).softmax(-1) for outputs in head_outputs(model, parts, tick)]
    tokens, probabilities = _merged(parts, rows)
    if not tokens:
        raise PlaygroundError("The text has no tokens for this model.", "Type a sentence.")
    word_pieces = _marks_pieces(model)
    scored = [
        TokenScores(row, token.start, token.end, _continues(model, text, token, word_pieces))
        for token, row in zip(tokens, probabilities, strict=True)
    ]
    spans = tuple(entities(scored, head.labels, strategy))
    return Tagging(text, tokens, head.labels, probabilities, spans, len(parts))


def _merged(parts: tuple[Window, ...], rows: list[torch.Tensor]) -> tuple[tuple[Token, ...], np.ndarray]:
    """The tokens of all windows in the text's order, each once, and their probabilities: those of the window in which the
    token stands farther from both ends."""
    kept: dict[tuple[int, int, int], tuple[int, Token, np.ndarray]] = {}
    for window, values in zip(parts, rows, strict=True):
        own = [place for place, token in enumerate(window.tokens) if not token.special]
        seen: dict[tuple[int, int], int] = {}
        for number, place in enumerate(own):
            token = window.tokens[place]
            repeat = seen[token.start, token.end] = seen.get((token.start, token.end), -1) + 1  # bytes of a character
            key, context = (token.start, token.end, repeat), min(number, len(own) - 1 - number)
            if key not in kept or context > kept[key][0]:
                kept[key] = context, token, values[place].numpy()
    ordered = [kept[key] for key in sorted(kept)]
    probabilities = np.stack([row for _, _, row in ordered]) if ordered else np.empty((0, 0))
    return tuple(token for _, token, _ in ordered), probabilities


def _marks_pieces(model: LoadedModel) -> bool:
    """Whether the tokenizer marks the pieces that go on with a word, as BERT's ## does."""
    backend = getattr(model.tokenizer, "_tokenizer", None)
    return bool(getattr(getattr(backend, "model", None), "continuing_subword_prefix", None))


def _continues(model: LoadedModel, text: str, token: Token, word_pieces: bool) -> bool:
    """As transformers' pipeline decides: by the piece's mark, else by a space before the token."""
    if token.id == model.tokenizer.unk_token_id:
        return False
    if word_pieces:
        return len(str(model.tokenizer.convert_ids_to_tokens(token.id))) != token.end - token.start
    return token.start > 0 and " " not in text[token.start - 1 : token.start + 1]
