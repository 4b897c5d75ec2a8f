"""How a token was sampled, stage by stage: which candidates each rule weakened or cut, and the random number of the draw.

Works on logits and ids. Knows neither the tokens' texts nor the rules: a stage is a name and the logits after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Stage:
    """The candidates after one rule, in the order of `TokenChoice.candidates`."""

    name: str
    """The rule with its parameter, such as "top-p 0.9"; "logits" for the model's own."""
    logits: tuple[float, ...]
    """-inf where this rule or an earlier one cut the candidate."""
    probabilities: tuple[float, ...]
    """softmax over the whole vocabulary in float64, 0..1; 0 for a cut candidate."""
    kept: int
    """Tokens of the vocabulary that no rule has cut."""


@dataclass(frozen=True, slots=True)
class Draw:
    """A random number, and the interval of the sampled token: the tokens lie end to end from 0 to 1, in descending order of
    their final probabilities."""

    number: float
    """The random number, 0..1."""
    start: float
    """Start of the sampled token's interval."""
    end: float
    """Its end; start <= number < end, up to rounding."""


@dataclass(frozen=True, slots=True)
class TokenChoice:
    """The sampling of one token, from the logits to the draw."""

    token_id: int
    probability: float
    """Its final probability; 1 for greedy decoding."""
    candidates: tuple[int, ...]
    """Ids: the most probable before the rules, the most probable after them, and the sampled one."""
    leading: tuple[int, ...]
    """Indices into `candidates` of the most probable after all rules, in descending order, without a gap."""
    stages: tuple[Stage, ...]
    draw: Draw | None
    """None for greedy decoding."""


def left_of(scores: Tensor) -> Tensor | None:
    """(n,) ids of the tokens that no rule has cut from scores (vocabulary,), ascending; None if none was cut."""
    return None if float(scores.min()) > float("-inf") else (scores > float("-inf")).nonzero()[:, 0]


def stage(
    name: str, scores: Tensor, candidates: Tensor, left: Tensor | None = None, log_sum: float | None = None
) -> Stage:
    """The stage of the candidates (n,), from the scores (vocabulary,) after a rule.

    left: `left_of` the scores, where it is known. log_sum: ln of the sum of their exponentials, where it is known.
    """
    logits = scores[candidates].double()
    left = left_of(scores) if left is None else left
    if log_sum is None:
        log_sum = float((scores if left is None else scores[left]).double().logsumexp(-1))  # a cut token adds nothing
    kept = len(scores) if left is None else len(left)
    return Stage(name, tuple(logits.tolist()), tuple((logits - log_sum).exp().tolist()), kept)


def draw(scores: Tensor, number: float, left: Tensor | None = None) -> tuple[int, Draw]:
    """Samples a token from softmax of scores (vocabulary,) by inverse transform sampling: in descending order of probability
    (of equal ones the lower id first), the first token whose cumulative probability exceeds the number, 0..1.

    For a uniform number a token's chance to be sampled is its probability. left: `left_of` the scores, where it is known.
    """
    left = left_of(scores) if left is None else left
    shares = (scores if left is None else scores[left]).double().softmax(-1)
    shares, order = shares.sort(descending=True, stable=True)
    ends = shares.cumsum(-1)
    place = min(int(torch.searchsorted(ends, number * float(ends[-1]), right=True)), len(ends) - 1)
    start = float(ends[place - 1]) if place else 0.0
    token = order[place] if left is None else left[order[place]]
    return int(token), Draw(number, start, float(ends[place]))


def candidates_of(likely: Sequence[int], also: Sequence[int]) -> list[int]:
    """Ids: the most probable before the rules, then those of `also` that are not among them."""
    return [*likely, *dict.fromkeys(i for i in also if i not in likely)]
