"""A class's answers counted, by what they answer: choices, tokens, numbers, heads. Plain Python."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.classroom.session import Answer

MOST_BARS = 12
_STEPS = (1, 2, 5, 10)
"""Widths of a bar of numbers, times a power of ten."""


@dataclass(frozen=True)
class Bar:
    """One of the answers, and how many pupils gave it."""

    label: str
    count: int
    is_right: bool = False
    """Whether the model's own answer lies here; known once it was revealed."""


def count_places(answers: Sequence[Answer], labels: Sequence[str], right: int | None = None) -> list[Bar]:
    """Answers that are numbers of choices or tokens: a bar for each label, in their order. What has no label is left out.

    right: the model's own answer, if it is out."""
    counts = Counter(int(answer) for answer in answers if not isinstance(answer, tuple))
    return [Bar(label, counts[place], place == right) for place, label in enumerate(labels)]


def count_numbers(answers: Sequence[Answer], right: float | None = None) -> list[Bar]:
    """Numbers, from the smallest to the largest: a bar for each that was given, or, of more than MOST_BARS different ones,
    for ranges of one width, 1, 2 or 5 times a power of ten, the lower end included.

    right: the model's own number, in the unit of the answers, if it is out; it gets a bar."""
    numbers = [float(answer) for answer in answers if not isinstance(answer, tuple)]
    ends = numbers if right is None else [*numbers, right]
    if len({*ends}) <= MOST_BARS:
        counts = Counter(numbers)
        return [Bar(_number(value), counts[value], value == right) for value in sorted({*ends})]
    width = _width(min(ends), max(ends))
    first, last = (math.floor(end / width) for end in (min(ends), max(ends)))
    counts = Counter(math.floor(value / width) for value in numbers)
    own = None if right is None else math.floor(right / width)
    return [
        Bar(f"{_number(place * width)} to {_number((place + 1) * width)}", counts[place], place == own)
        for place in range(first, last + 1)
    ]


def count_heads(
    answers: Sequence[Answer], name: Callable[[int, int], str], right: tuple[int, int] | None = None
) -> list[Bar]:
    """Heads, the most often chosen first, MOST_BARS of them at most; the model's own among them once it is out."""
    counts = Counter(answer for answer in answers if isinstance(answer, tuple))
    heads = sorted(counts, key=lambda head: (-counts[head], head))
    if right is not None and right not in heads[:MOST_BARS]:
        heads = [*heads[: MOST_BARS - 1], right]
    return [Bar(name(*head), counts[head], head == right) for head in heads[:MOST_BARS]]


def _width(least: float, most: float) -> float:
    """The smallest width that needs at most MOST_BARS ranges, one of them for a beginning in the middle of a range."""
    exact = (most - least) / (MOST_BARS - 1)
    power = 10.0 ** math.floor(math.log10(exact))
    return next(step * power for step in _STEPS if step * power >= exact)


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")
