"""What a measure gives, in which unit, and how it is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from playground.texts.numbers import minus, percent


@dataclass(frozen=True)
class Unit:
    """How a value is asked for and written."""

    sign: str
    """Beside the number that a pupil types; empty for a plain number."""
    scale: float
    """By which a value is multiplied for a pupil."""
    write: Callable[[float], str]


def _whole(value: float) -> str:
    return minus(value, 0)


SHARE = Unit("%", 100, percent)
"""A share 0..1, asked for in percent."""
COUNT = Unit("", 1, _whole)
RANK = Unit("", 1, _whole)
"""1 for the first."""
LAYER = Unit("", 1, _whole)
REAL = Unit("", 1, minus)
"""A number with two digits after the point: a cosine, a change of a logit."""


@dataclass(frozen=True)
class Measured:
    """The model's answer."""

    value: float
    says: Mapping[str, str] = field(default_factory=dict)
    """Words for a reveal, beside {value}."""
    tokens: Sequence[str] = ()
    """Of a question for a token: the labels of those to choose from."""
    values: Sequence[float] = ()
    """A value for each of the tokens; `value` is the largest."""


@dataclass(frozen=True)
class HeadWeights:
    """The answer to a question for a head: the weight of every head."""

    weights: Mapping[tuple[int, int], float]
    """(layer, head), counted from 0 -> share 0..1."""
    says: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Measure:
    """A function that asks the loaded model, `function(loaded, **arguments)`."""

    function: Callable[..., "Measured | HeadWeights"]
    unit: Unit
    says: tuple[str, ...] = ()
    """Names of the words that it gives for a reveal."""
    kinds: tuple[str, ...] = ("choice", "number")
    """The questions that it can answer."""
    waits: str = ""
    """What is said while it computes for more than a moment."""
