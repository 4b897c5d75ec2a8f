"""What is learned: one file a task, each with its batches, its answers and its measures."""

from collections.abc import Callable
from functools import lru_cache

from playground.errors import PlaygroundError
from playground.models.vocabulary import whole_characters
from playground.training.recipe import Recipe
from playground.training.tasks.addition import addition
from playground.training.tasks.numbers import numbers
from playground.training.tasks.rearranging import reverse, sort
from playground.training.tasks.repeat import Repeat
from playground.training.tasks.table import table
from playground.training.tasks.task import Task
from playground.training.tasks.text import Text, corpus

MAX_TEXT_BYTES = 200_000

_OWN: dict[str, Callable[[str, bool], Task]] = {
    "text": lambda data, encoder: Text(checked_text(data)),
    "table": lambda data, encoder: table(checked_text(data), encoder),
}
"""Lessons that learn from a visitor's own data."""
_READY: dict[str, Callable[[bool], Task]] = {
    "repeat": lambda encoder: Repeat(),
    "repeat_gpt2": lambda encoder: Repeat(),
    "numbers": numbers,
    "add": addition,
    "reverse": reverse,
    "sort": sort,
    "names": lambda encoder: Text(corpus("names"), lines=True),
    "sonnets": lambda encoder: Text(corpus("sonnets")),
    "tang_poems": lambda encoder: Text(corpus("tang_poems"), lines=True),
}
"""Lesson -> its task, with an encoder or without. Tasks never change: all runs of a lesson share one."""
TASKS = (*_READY, *_OWN)
LEFT_TO_RIGHT = {"repeat", "repeat_gpt2", "sonnets", "tang_poems", "names", "text"}
"""Tasks with one text, which an encoder would see as a whole."""


def make_task(recipe: Recipe) -> Task:
    """The task of a recipe. PlaygroundError for an unknown one, and for data that can't be learned from."""
    if recipe.lesson not in TASKS:
        raise PlaygroundError(f"There is no lesson {recipe.lesson!r:.40}.", f"Choose one of: {', '.join(TASKS)}.")
    check_reading(recipe)
    if recipe.lesson in _OWN:
        return _OWN[recipe.lesson](recipe.data, recipe.encoder)
    if recipe.data:
        raise PlaygroundError(
            f"The lesson {recipe.lesson} comes with its own data; it learns from no others.",
            f"Leave the data out, or choose one of: {', '.join(_OWN)}.",
        )
    return _ready(recipe.lesson, recipe.encoder)


def check_reading(recipe: Recipe) -> None:
    """PlaygroundError for an encoder that would read what is to be predicted."""
    if recipe.encoder and recipe.lesson in LEFT_TO_RIGHT:
        raise PlaygroundError(
            "This lesson reads one text from left to right; an encoder would see what comes next.",
            "Untick “Encoder and decoder”.",
        )


@lru_cache(maxsize=16)
def _ready(lesson: str, encoder: bool) -> Task:
    return _READY[lesson](encoder)


def checked_text(text: str) -> str:
    """A visitor's text, its line ends as line feeds, unpaired surrogates as U+FFFD."""
    text = whole_characters(text)
    size = len(text.encode())
    if size > MAX_TEXT_BYTES:
        raise PlaygroundError(
            f"The text has {size:,} bytes; at most {MAX_TEXT_BYTES:,} are learned from.", "Paste a part of it."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
