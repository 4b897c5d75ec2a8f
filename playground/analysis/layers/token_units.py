"""Two tokenisations of one text on common ground: the stretches between the cuts that both make. Works on character
offsets; knows no tokenizers.

White space belongs to what follows it: some tokenizers put it into the next token, others drop it, and the offsets of
either may or may not hold it.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

Span = tuple[int, int] | None
"""Characters of a token, the end not included; None for one that is not in the text ([CLS])."""


@dataclass(frozen=True)
class Unit:
    """A stretch of the text between two neighbouring cuts that both tokenisations make."""

    start: int
    """Its first character; white space before it is not counted."""
    end: int
    first: tuple[int, ...]
    """Places of the first tokenisation's tokens in it; never empty."""
    second: tuple[int, ...]
    differs: bool
    """Whether the two cut it differently."""


def common_units(text: str, first: Sequence[Span], second: Sequence[Span]) -> tuple[Unit, ...]:
    """The text's units, in order: each has tokens of both, and no token reaches over its ends. Empty where one of the two
    has no token in the text."""
    solid = [
        0,
        *accumulate(not character.isspace() for character in text),
    ]  # characters before each place, without space
    places = [at for at, character in enumerate(text) if not character.isspace()]
    sides = [[_within(span, solid) for span in side] for side in (first, second)]
    crossed = _crossed(sides, len(places))
    cuts = [0, *(place for place in range(1, len(places)) if not crossed[place])]
    held: list[tuple[list[int], list[int]]] = [([], []) for _ in cuts]
    for number, spans in enumerate(sides):
        for place, span in enumerate(spans):
            if span is not None:
                held[bisect_right(cuts, span[0]) - 1][number].append(place)
    groups = _joined(cuts, held)
    if not groups:
        return ()
    ends = [start for start, *_ in groups[1:]] + [len(places)]
    units = []
    for (start, one, two), end in zip(groups, ends, strict=True):
        cut = [[sides[side][place] for place in chosen] for side, chosen in enumerate((one, two))]
        at = (places[start], places[end - 1] + 1) if places else (0, len(text))
        units.append(Unit(*at, tuple(one), tuple(two), cut[0] != cut[1]))
    return tuple(units)


def _within(span: Span, solid: Sequence[int]) -> Span:
    """The span counted in characters that are no white space."""
    last = len(solid) - 1
    return None if span is None else (solid[min(span[0], last)], solid[min(max(span), last)])


def _crossed(sides: Sequence[Sequence[Span]], count: int) -> list[bool]:
    """Of each of `count` places: whether a token of either side reaches over it."""
    changes = [0] * (count + 2)  # of the number of tokens that reach over a place
    for start, end in (span for spans in sides for span in spans if span is not None and span[1] > span[0]):
        changes[start + 1] += 1
        changes[end] -= 1
    return [open_ones > 0 for open_ones in accumulate(changes[:count])]


def _joined(cuts: Sequence[int], held: Sequence[tuple[list[int], list[int]]]) -> list[tuple[int, list[int], list[int]]]:
    """(start, places, places) of stretches with tokens of both sides: one that lacks a side's joins the one before it, at
    the beginning the one after it. Nothing where a side has no tokens at all."""
    groups: list[tuple[int, list[int], list[int]]] = []
    for start, (one, two) in zip(cuts, held, strict=True):
        if groups and not (one and two and groups[-1][1] and groups[-1][2]):
            groups[-1] = (groups[-1][0], groups[-1][1] + one, groups[-1][2] + two)
        else:
            groups.append((start, one, two))
    return [group for group in groups if group[1] and group[2]]


def unit_sums(values: Sequence[float | None], places: Sequence[Sequence[int]]) -> tuple[float | None, ...]:
    """The sum of values over the tokens of each unit; None where one of them has none."""
    sums: list[float | None] = []
    for unit in places:
        numbers = [number for place in unit if (number := values[place]) is not None]
        sums.append(sum(numbers) if len(numbers) == len(unit) else None)
    return tuple(sums)
