"""What a model expects after a text, and how much each token of it surprises it, in a form that models with other
vocabularies can be compared with: tokens are named by the bytes that they stand for."""

from collections.abc import Hashable
from itertools import islice

import numpy as np

from playground.analysis.generation.likelihood import surprisal
from playground.analysis.generation.next_token import probabilities, token_scores
from playground.analysis.layers.two_distributions import NO_TEXT
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.recording.recording import Recording
from playground.texts import layers as texts

UNUSED = "unused"
"""What an id beyond the tokenizer's vocabulary stands for."""


def token_name(key: Hashable) -> str:
    """The text of a token of `NextPair.outcomes`, as `Vocabulary.text`."""
    if key == UNUSED:
        return texts.UNUSED_ROWS
    data = key[1] if isinstance(key, tuple) else key
    return data.decode("utf-8", "playground_hex") if isinstance(data, bytes) else str(data)


def check_continues(recording: Recording) -> None:
    """PlaygroundError, with the reason, for a model that does not continue the text."""
    model = recording.model
    if recording.target_tokens is not None:
        raise PlaygroundError(texts.WRITES_ANOTHER.format(model=model.model_id))
    if not model.capabilities.logits or not model.capabilities.generate:
        reason = model.capabilities.logits.reason or model.capabilities.generate.reason
        raise PlaygroundError(texts.CONTINUES_NOTHING.format(model=model.model_id, reason=reason))


def tokens_of(model: LoadedModel) -> tuple[list[Hashable], list[int | None]]:
    """Of each id what it stands for, and its first byte; at the end those of ids beyond the vocabulary."""

    def made() -> tuple[list[Hashable], list[int | None]]:
        vocabulary, keys, first_bytes = model.vocabulary, list[Hashable](), list[int | None]()
        size = 1 + max(model.tokenizer.get_vocab().values(), default=-1)
        for number in range(min(size, model.anatomy.vocabulary)):
            data, special = vocabulary.token_bytes(number), number in vocabulary.special_ids
            keys.append(("special", data) if special else data)
            first_bytes.append(NO_TEXT if special or not data else data[0])
        return [*keys, UNUSED], [*first_bytes, NO_TEXT]

    return model.fact("tokens as bytes", made)


def next_shares(recording: Recording, count: int) -> np.ndarray:
    """(count,) probabilities of the next token, those of all ids beyond the vocabulary in the last place."""
    shares = probabilities(recording.last_logits.numpy())
    known = np.zeros(count)
    known[: min(len(shares), count - 1)] = shares[: count - 1]
    known[-1] = shares[count - 1 :].sum()
    return known


def surprisals(recording: Recording) -> list[float | None]:
    """Of each token, in bits; None for the first, which nothing predicts."""
    bits: list[float | None] = [None]
    ids = iter([token.id for token in recording.tokens[1:]])
    for logits in recording.logits_in_blocks():
        some = list(islice(ids, len(logits)))  # nothing is predicted by the last row
        bits += map(surprisal, token_scores(logits[: len(some)], some)[0].tolist())
    return bits
