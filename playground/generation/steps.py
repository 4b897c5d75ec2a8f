"""A generated token with the distribution it came from, and the distribution at any place of a text. Knows neither how
a token is picked nor how a model is run.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict, Unpack

from torch import Tensor

from playground.analysis.generation.next_token import Expectation, expectation
from playground.analysis.generation.sampling_stages import TokenChoice
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of the most probable next tokens."""

    token: Token
    probability: float


@dataclass(frozen=True, slots=True)
class Step:
    """One generated token and the distribution it came from.

    Probabilities are the model's own: softmax of its logits, before penalties, temperature and cuts.
    """

    index: int
    token: Token
    text: str
    """The text that this token settles: the texts of all steps together are what the tokenizer decodes from their tokens.
    Empty in the middle of a character of several byte pieces."""
    probability: float
    chosen_probability: float
    """The token's probability after penalties, temperature and cuts: what it was drawn with; 1 if greedy."""
    rank: int
    """1 for the most probable."""
    entropy: float
    """Of the model's own distribution, in bits."""
    alternatives: tuple[Alternative, ...]
    choice: TokenChoice | None
    """How each rule changed the candidates, from the logits to the draw; None where a person or beam search chose."""
    seconds: float
    """For this step; the first one includes reading the prompt."""
    stopped: bool
    """The text ends with this token: the model said so, or it completes a stop text."""
    sample: int = 0
    """Which of several samples it belongs to."""
    by_hand: bool = False
    """A person took it from the alternatives."""

    @property
    def log_probability(self) -> float:
        """ln of the model's own probability, in nats."""
        return math.log(max(self.probability, 1e-45))


@dataclass(frozen=True)
class PrefillProgress:
    """How far a long text has been read, before the first step."""

    done: int
    total: int
    """In tokens."""


@dataclass(frozen=True)
class TokenLikelihood:
    """How likely a token of a text was at its place."""

    probability: float
    rank: int
    """1 for the most probable."""


@dataclass(frozen=True)
class NextTokens:
    """The distribution over the vocabulary at one place of a text."""

    alternatives: tuple[Alternative, ...]
    entropy: float
    """In bits."""
    actual: TokenLikelihood | None = None
    """Of the token that the text has there, if one was named."""


class StepFields(TypedDict):
    """The fields of a Step that its distribution does not tell."""

    index: int
    text: str
    choice: TokenChoice | None
    seconds: float
    stopped: bool
    chosen_probability: NotRequired[float]
    """The model's own probability if it is left out."""
    sample: NotRequired[int]


def step_of(model: LoadedModel, expected: Expectation, token_id: int, **fields: Unpack[StepFields]) -> Step:
    """The Step of a token from the expectation at its place, which must rate this very token, and its other fields."""
    likelihood = _likelihood(expected)
    fields.setdefault("chosen_probability", likelihood.probability)
    return Step(
        token=model.vocabulary.token(token_id),
        probability=likelihood.probability,
        rank=likelihood.rank,
        entropy=expected.entropy,
        alternatives=_alternatives(model, expected),
        **fields,
    )


def step_by_hand(model: LoadedModel, place: NextTokens | Step, number: int) -> Step:
    """The Step of an alternative that a person takes instead of what the model wrote.

    `place` is the step written there, or the distribution there; `number` counts its alternatives from 0. Nothing was
    drawn: `choice` is None and `chosen_probability` the model's own.
    """
    taken = place.alternatives[number]
    return Step(
        index=getattr(place, "index", 0),
        token=taken.token,
        text=taken.token.text,
        probability=taken.probability,
        chosen_probability=taken.probability,
        rank=number + 1,
        entropy=place.entropy,
        alternatives=place.alternatives,
        choice=None,
        seconds=0.0,
        by_hand=True,
        stopped=taken.token.id in end_ids(model),
    )


def end_ids(model: LoadedModel) -> frozenset[int]:
    """The tokens with which the model ends its text; empty for one that never does."""
    end: int | Sequence[int] | None = model.model.generation_config.eos_token_id
    if end is None:
        return frozenset()
    return frozenset([end] if isinstance(end, int) else end)


def next_tokens(model: LoadedModel, logits: Tensor, count: int = 20, actual_id: int | None = None) -> NextTokens:
    """The distribution of logits (V,): entropy, the `count` most probable tokens, and how likely the token `actual_id`
    was."""
    expected = expectation(logits, count, actual_id)
    actual = None if actual_id is None else _likelihood(expected)
    return NextTokens(_alternatives(model, expected), expected.entropy, actual)


def _likelihood(expected: Expectation) -> TokenLikelihood:
    if expected.chosen_probability is None or expected.chosen_rank is None:
        raise ValueError("the expectation rates no token")
    return TokenLikelihood(expected.chosen_probability, expected.chosen_rank)


def _alternatives(model: LoadedModel, expected: Expectation) -> tuple[Alternative, ...]:
    pairs = zip(expected.ids, expected.probabilities, strict=True)
    return tuple(Alternative(model.vocabulary.token(token_id), probability) for token_id, probability in pairs)
