"""What an edit makes of a model's numbers. Letters: B rows of a batch, T tokens of a pass, N heads or neurons (1 of what
has none), W numbers of each."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Tokens:
    """Which tokens of a pass are changed."""

    start: int
    """The number of the pass's first token in the text; more than 0 where a cache holds those before."""
    count: int
    positions: tuple[int, ...] | None = None
    """Counted in the text; None for all."""
    spare_first: bool = False
    """Whether None means all but the text's first token."""

    def chosen(self) -> Tensor:
        """(T,) bool."""
        if self.positions is None:
            chosen = torch.ones(self.count, dtype=torch.bool)
            if self.spare_first and self.start == 0:
                chosen[0] = False
            return chosen
        chosen = torch.zeros(self.count, dtype=torch.bool)
        here = [place - self.start for place in self.positions if 0 <= place - self.start < self.count]
        chosen[here] = True
        return chosen


def towards(values: Tensor, others: Tensor, strength: float, chosen: Tensor) -> Tensor:
    """(B, T, N, W): the chosen tokens' values moved towards others, by strength 1 all the way; the rest the same bits."""
    moved = others if strength == 1 else values + strength * (others - values)
    return torch.where(chosen.to(values.device)[:, None, None], moved.to(values), values)


def other_tokens_mean(values: Tensor) -> tuple[Tensor, Tensor]:
    """(B, T, N, W): for each token of a text the mean of the other ones, and (B, 1, N, W): the mean of all. The first token,
    whose numbers are often a hundred times as large, counts only where there is no other. For T > 1."""
    count = values.shape[1]
    wide = values.float()
    total = wide[:, 1:].sum(1, keepdim=True)  # (B, 1, N, W)
    means = (total - wide) / (count - 2) if count > 2 else wide[:, :1].expand_as(wide).clone()
    means[:, :1] = total / (count - 1)
    return means.to(values), (total / (count - 1)).to(values)


def partners(
    length: int, count: int, positions: tuple[int, ...] | None, sources: tuple[int, ...] | None
) -> dict[int, int]:
    """Token of a text of `length` tokens -> its partner in a second one of `count`, where it has one. Without sources both
    are aligned at their ends."""
    places = range(length) if positions is None else positions
    pairs = zip(places, sources, strict=True) if sources is not None else ((n, n + count - length) for n in places)
    return {here: there for here, there in pairs if 0 <= here < length and 0 <= there < count}


def with_partners(values: Tensor, second: Tensor, pairs: dict[int, int], start: int) -> tuple[Tensor, Tensor]:
    """(B, T, N, W): the values with those of a second text (T2, N, W) in the place of each pair's first token; and which
    tokens have a partner, (T,) bool."""
    others, chosen = values.clone(), torch.zeros(values.shape[1], dtype=torch.bool)
    here = {place - start: there for place, there in pairs.items() if 0 <= place - start < values.shape[1]}
    if here:
        others[:, list(here)] = second[list(here.values())].to(values)
        chosen[list(here)] = True
    return others, chosen


def with_direction(states: Tensor, direction: Tensor, strength: float, chosen: Tensor) -> Tensor:
    """(B, T, 1, D): states of the chosen tokens with a direction (D,) added, as long as `strength` times each state."""
    unit = (direction.double() / direction.double().norm()).to(states)
    moved = states + strength * states.norm(dim=-1, keepdim=True) * unit
    return torch.where(chosen.to(states.device)[:, None, None], moved, states)


def pushed_cosine(cosine: float, strength: float) -> float:
    """The cosine of a state with a direction after `with_direction`, from that before: (c + s) / √(1 + 2cs + s²). -1..1; 0
    where the push leaves nothing of the state."""
    length = math.hypot(cosine + strength, math.sqrt(max(0.0, 1 - cosine**2)))  # in lengths of the state
    return (cosine + strength) / length if length else 0.0
