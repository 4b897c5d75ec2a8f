"""How likely a text is to a model, token by token and as a whole. Works on probabilities; knows no models."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A text's likelihood in the usual units. Only predicted tokens count: a decoder's first token has nothing before it."""

    surprisals: tuple[float | None, ...]
    """-log2 p of each token, in bits; None where nothing predicted it."""
    predicted: int
    """Tokens that were predicted."""
    log_likelihood: float
    """Sum of ln p, in nats."""
    loss: float
    """Mean of -ln p, in nats per token: the training objective (cross-entropy)."""
    bits: float
    """Mean of -log2 p, in bits per token: the loss in the unit of Break it."""
    perplexity: float
    """exp(loss): the number of equally likely tokens that would be as uncertain."""
    bits_per_byte: float
    """Surprisal of the predicted tokens per UTF-8 byte of their text; comparable across tokenizers."""


def surprisal(probability: float) -> float:
    """-log2 p of a token, in bits."""
    return -math.log2(max(probability, 1e-45))


def score(probabilities: Sequence[float | None], sizes: Sequence[int]) -> Score:
    """The score of a text from its tokens' probabilities, 0..1 (None where nothing predicted one), and sizes in bytes.

    perplexity = exp(-1/N sum ln p_i); bits per byte = -sum log2 p_i / bytes. NaN where nothing was predicted.
    """
    logs = [None if p is None else math.log(max(p, 1e-45)) for p in probabilities]
    predicted = [log for log in logs if log is not None]
    total, count = sum(predicted), len(predicted)
    size = sum(n for log, n in zip(logs, sizes, strict=True) if log is not None)
    loss = -total / count if count else math.nan
    return Score(
        surprisals=tuple(None if log is None else -log / math.log(2) for log in logs),
        predicted=count,
        log_likelihood=total,
        loss=loss,
        bits=loss / math.log(2),
        perplexity=math.exp(loss),
        bits_per_byte=-total / math.log(2) / size if size else math.nan,
    )
