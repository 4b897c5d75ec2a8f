"""Orders and positions to try on a text. Works on numbers of tokens; what differs then is measured in
`perturbation_effects`.

T tokens of a text count from 0 in their first order. An order says which token stands at each place: order[place] =
token. Positions say which position the model is told of each place.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from playground.analysis.arrays import check_range

MAX_SHIFT = 1_000_000


@dataclass(frozen=True)
class Variant:
    """One way to perturb a text: the order of its tokens, the positions that the model is told, the rotary base."""

    name: str
    words: str
    """What is done, for people."""
    order: tuple[int, ...]
    positions: tuple[int, ...]
    base_factor: float = 1.0
    """By which the rotary base is multiplied."""

    @property
    def places(self) -> list[int]:
        """Where each token of the first order stands now: the inverse of `order`."""
        return np.argsort(self.order).tolist()

    @property
    def needs_positions(self) -> bool:
        """Whether the model has to be told other positions than 0, 1, 2, …"""
        return self.positions != tuple(range(len(self.positions)))


def unchanged(count: int) -> Variant:
    """The text as it is."""
    return Variant("unchanged", "as it is", tuple(range(count)), tuple(range(count)))


def shuffled(units: Sequence[Sequence[int]], movable: Sequence[bool], seed: int = 0) -> Variant:
    """Words in another order, drawn with a seed. units: the tokens of each word in their first order; units that are not
    movable stay between the same words. The order differs from the first one where that is possible."""
    check_range("The seed", seed, 0, 2**32 - 1)
    words = [unit for unit, free in zip(units, movable, strict=True) if free]
    mixed, draw = list(words), random.Random(seed)
    while len(words) > 1 and mixed == words:
        draw.shuffle(mixed)
    rest = iter(mixed)
    order = tuple(i for unit, free in zip(units, movable, strict=True) for i in (next(rest) if free else unit))
    return Variant("shuffled", f"words shuffled (seed {seed})", order, tuple(range(len(order))))


def swapped(count: int, first: int, second: int) -> Variant:
    """Two tokens, each in the other's place."""
    for token in (first, second):
        check_range("The token to swap", token, 0, count - 1)
    order = list(range(count))
    order[first], order[second] = second, first
    return Variant("swapped", f"tokens {first} and {second} swapped", tuple(order), tuple(range(count)))


def shifted(count: int, by: int) -> Variant:
    """Every position `by` later."""
    check_range("The shift", by, 0, MAX_SHIFT)
    return replace(
        unchanged(count), name="shifted", words=f"all positions {by:,} later", positions=tuple(range(by, by + count))
    )


def equal(count: int) -> Variant:
    """Position 0 for every token."""
    return replace(unchanged(count), name="equal", words="all positions equal", positions=(0,) * count)


def backwards(count: int) -> Variant:
    """Position 0 for the last token, the last position for the first one."""
    return replace(unchanged(count), name="reversed", words="positions reversed", positions=tuple(range(count))[::-1])


def with_rope_base(count: int, factor: float) -> Variant:
    """Another rotary base."""
    check_range("The factor of the rotary base", factor, 1e-6, 1e6)
    return replace(unchanged(count), name="base", words=f"rotary base × {factor:g}", base_factor=factor)


def beyond(count: int, trained: int) -> Variant:
    """The second half of the text moved to where the trained length ends, with distances that no training had."""
    half = (count + 1) // 2
    positions = tuple(range(half)) + tuple(range(trained, trained + count - half))
    return replace(
        unchanged(count), name="beyond", words=f"second half moved to position {trained:,}", positions=positions
    )


def word_units(starts: Sequence[bool], movable: Sequence[bool], pieces: Sequence[bool]) -> list[list[int]]:
    """Tokens as lists of words: `starts` says which token begins a word, `pieces` which one continues a character of the
    token before. A text of fewer than three words (Chinese) is cut into characters instead."""

    def gather(begins: Iterable[bool]) -> list[list[int]]:
        units: list[list[int]] = []
        for i, begin in enumerate(begins):
            if units and not begin and movable[i] and movable[i - 1]:
                units[-1].append(i)
            else:
                units.append([i])
        return units

    words = gather(starts)
    return words if sum(movable[unit[0]] for unit in words) > 2 else gather([not piece for piece in pieces])
