"""How a token was picked, stage by stage: which candidates each rule weakened or cut, and where the draw fell.

Works on logits and ids. Knows neither the words nor the rules: each stage is a name and the logits after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Stage:
    """The candidates after one rule, in the order of `TokenChoice.candidates`."""

    name: str
    """The rule with its number, such as "top-p 0.9"; "logits" for what the model gave."""
    logits: tuple[float, ...]
    """-inf where the rule, or one before it, cut the candidate."""
    probabilities: tuple[float, ...]
    """softmax over the whole vocabulary, 0..1; 0 where cut."""
    kept: int
    """Tokens of the vocabulary that are still in the draw."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Where a random number fell: the tokens in falling order of final probability, laid end to end from 0 to 1."""

    number: float
    """The random number, 0..1."""
    start: float
    """Where the chosen token's stretch begins."""
    end: float
    """Where it ends; start <= number < end, up to rounding."""


@dataclass(frozen=True, slots=True)
class TokenChoice:
    """One token's way from logits to being chosen."""

    token_id: int
    probability: float
    """What it was drawn with; 1 where the most probable was taken."""
    candidates: tuple[int, ...]
    """Ids shown: the most probable before the rules, those after them, and the chosen one."""
    leading: tuple[int, ...]
    """Places in `candidates` of the most probable after all rules, in falling order, none left out between them."""
    stages: tuple[Stage, ...]
    draw: Draw | None
    """None where nothing was drawn: greedy."""


def stage(name: str, scores: Tensor, candidates: Tensor) -> Stage:
    """What scores (vocabulary,) after a rule mean for the candidates (n,)."""
    logits = scores[candidates].float()
    total = scores.float().logsumexp(-1)
    kept = int((scores > float("-inf")).sum())
    return Stage(name, tuple(logits.tolist()), tuple((logits - total).exp().tolist()), kept)


def draw(scores: Tensor, number: float) -> tuple[int, Draw]:
    """Picks a token by inverse transform sampling: softmax of scores (vocabulary,), tokens in falling order of
    probability (of equals the lower id first), the first whose cumulative probability exceeds the number in 0..1.

    The token has its own probability of being picked when the number is uniform.
    """
    alive = (scores > float("-inf")).nonzero()[:, 0]
    shares = scores[alive].double().softmax(-1)
    shares, order = shares.sort(descending=True, stable=True)
    ends = shares.cumsum(-1)
    place = min(int(torch.searchsorted(ends, number * float(ends[-1]), right=True)), len(ends) - 1)
    start = float(ends[place - 1]) if place else 0.0
    return int(alive[order[place]]), Draw(number, start, float(ends[place]))


def candidates_of(logits: Tensor, count: int, also: Sequence[int] = ()) -> Tensor:
    """(n,) ids: the count most probable of logits (vocabulary,), then those of `also` that are not among them."""
    ids = logits.topk(min(count, len(logits))).indices.tolist()
    return torch.tensor(ids + [i for i in also if i not in ids], device=logits.device)
