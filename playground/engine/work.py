"""One piece of work: a registered function's name and its arguments, plain values that can travel. Holds no code."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

OF_RUNS = "runs"
"""In the place of a visitor: runs of the Train tab and what they trained are everybody's, by their codes, so one worker has
them all."""


@dataclass(frozen=True)
class Work:
    """What a page or an endpoint wants done: to load, record, generate or analyse, as the named function does it.

    The same for all of them, because the functions' own frozen requests already say by name and type what is wanted.
    """

    function: str
    """A name of `functions.register`."""
    arguments: tuple[Any, ...]
    visitor: str = ""
    """Whose sessions and recordings the work goes on with: one worker does all of his. Empty: anybody's."""
    model: str = ""
    """The model that it runs; work that is anybody's goes to a worker that holds it."""
    everywhere: bool = False
    """Whether every worker does it, because any of them may have what it is about."""
    run: Callable[..., Any] | None = field(default=None, compare=False, repr=False)
    """The function itself, for work that stays in this process; it never travels."""

    def __reduce__(self) -> tuple:
        return Work, (self.function, self.arguments, self.visitor, self.model, self.everywhere)


@dataclass(frozen=True)
class SentFile:
    """A file that a worker made, for a visitor to take away."""

    name: str
    content: bytes
