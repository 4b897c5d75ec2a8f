"""What is kept of each token of a text and of its continuation (its entry): plain values only, no tensors. And what a
model expects at a token, and after the last one. Knows recordings and steps; knows no page.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from playground.analysis.generation.likelihood import Score, score
from playground.analysis.text_display import percent, plain_mark

if TYPE_CHECKING:
    from playground.generation.steps import NextTokens, Step
    from playground.models.loaded_model import LoadedModel
    from playground.models.vocabulary import Token
    from playground.recording.recording import Recording

SHADED_TOKENS = 512
"""Longer texts are not shaded; a click still tells each token's probability."""
ALTERNATIVES = 12
"""Candidates kept of each distribution."""


def entry_of(token: "Token", kind: str) -> dict[str, Any]:
    """The entry of a token that nothing predicted. kind: "prompt", "generated" or "mask"."""
    return {"kind": kind, "label": token.label, "text": token.text, "piece": token.piece, "special": token.special}


def unread_entries(tokens: "Iterable[Token]") -> list[dict]:
    """The entries of a text's tokens without probabilities: what the model expects in it is not computed."""
    return [entry_of(token, "prompt") for token in tokens]


def prompt_entries(recording: "Recording", most: int = SHADED_TOKENS) -> list[dict]:
    """One entry for each token of the text, with the probability that the model gave it.

    A decoder predicts a token from those before it, a masked model from the whole text; an encoder's source is not
    predicted, nor are texts of more than `most` tokens.
    """
    from playground.analysis.generation.next_token import (  # torch: not before there is a model
        token_entropies,
        token_scores,
    )

    model, entries = recording.model, unread_entries(recording.tokens)
    if not model.capabilities.logits or recording.target_tokens or len(entries) > most:
        return entries
    shift = 0 if model.anatomy.kind == "encoder" else 1
    predicted = iter(zip(entries[shift:], recording.tokens[shift:], strict=True))
    for logits in recording.logits_in_blocks():
        some = list(islice(predicted, len(logits)))
        logits = logits[: len(some)]  # nothing is predicted by a decoder's last row
        scores = zip(*token_scores(logits, [token.id for _, token in some]), token_entropies(logits), strict=True)
        for (entry, _), (probability, rank, entropy) in zip(some, scores, strict=True):
            entry |= {"probability": float(probability), "rank": int(rank), "entropy": float(entropy)}
    return entries


def step_entries(model: "LoadedModel", steps: "Sequence[Step]") -> list[dict]:
    """The entries of generated tokens, with the texts that these have together: pieces of one character share it."""
    tokens = model.vocabulary.describe([step.token.id for step in steps])
    return [
        entry_of(token, "generated") | {"probability": step.probability, "rank": step.rank, "entropy": step.entropy}
        for step, token in zip(steps, tokens, strict=True)
    ]


def most_surprising(entries: list[dict]) -> int:
    """The number of the entry of the lowest probability; 0 where none was predicted."""
    predicted = [index for index, entry in enumerate(entries) if entry.get("probability") is not None]
    return min(predicted, key=lambda index: entries[index]["probability"], default=0)


def score_of(recording: "Recording", entries: list[dict]) -> Score:
    """The Score of a text whose tokens are these entries."""
    return score([entry.get("probability") for entry in entries], [token.size for token in recording.tokens])


def pieces_of(model: "LoadedModel", ids: Sequence[int], entries: list[dict], place: int) -> list[tuple[str, int]]:
    """The tokens that the character at a place is made of: each one's name, with its probability, and place; empty where
    the character is one token. ids and entries are those of text and continuation."""
    piece, count = entries[place].get("piece") or (1, 1)
    first, pieces = place - piece + 1, []
    for number, n in enumerate(range(first, first + count if count > 1 else first), start=1):
        share = entries[n].get("probability")
        name = f"{number}/{count} {plain_mark(model.vocabulary.text(ids[n]), 24)}"
        pieces.append((name if share is None else f"{name} · {percent(share)}", n))
    return pieces


def row_of(recording: "Recording", index: int) -> int:
    """The row of the logits that expect the token at a place of the text; -1 for a decoder's first token."""
    return index if recording.model.anatomy.kind == "encoder" else index - 1


def expected_at(recording: "Recording", index: int) -> "NextTokens | None":
    """What the model expected at a token of the text: a decoder from the tokens before it, a masked model from the whole
    text. None at a decoder's first token. For models that predict words."""
    from playground.generation.steps import next_tokens

    row = row_of(recording, index)
    if row < 0:
        return None
    logits = recording.logits_of([row])[0]
    return next_tokens(recording.model, logits, ALTERNATIVES, recording.tokens[index].id)


def expected_after(recording: "Recording") -> "NextTokens | None":
    """What the model expects after the text; None where it does not continue it."""
    from playground.generation.steps import next_tokens

    if recording.target_tokens or not recording.model.capabilities.generate:
        return None
    return next_tokens(recording.model, recording.last_logits, ALTERNATIVES)
