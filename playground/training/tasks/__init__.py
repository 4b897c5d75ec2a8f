"""What is learned: one file a task, each with its batches, its answers and its measures."""

from collections.abc import Callable

from playground.errors import PlaygroundError
from playground.training.recipe import Recipe
from playground.training.tasks.addition import addition
from playground.training.tasks.numbers import numbers
from playground.training.tasks.rearranging import reverse, sort
from playground.training.tasks.repeat import Repeat
from playground.training.tasks.table import table
from playground.training.tasks.task import Task
from playground.training.tasks.text import Text, corpus

MAX_TEXT_BYTES = 200_000

TASKS: dict[str, Callable[[Recipe], Task]] = {
    "repeat": lambda recipe: Repeat(),
    "numbers": lambda recipe: numbers(recipe.encoder),
    "sonnets": lambda recipe: Text(corpus("sonnets")),
    "tang_poems": lambda recipe: Text(corpus("tang_poems"), lines=True),
    "names": lambda recipe: Text(corpus("names"), lines=True),
    "add": lambda recipe: addition(recipe.encoder),
    "reverse": lambda recipe: reverse(recipe.encoder),
    "sort": lambda recipe: sort(recipe.encoder),
    "text": lambda recipe: Text(_own(recipe.data)),
    "table": lambda recipe: table(_own(recipe.data), recipe.encoder),
}
"""Lesson -> its task."""
LEFT_TO_RIGHT = {"repeat", "sonnets", "tang_poems", "names", "text"}
"""Tasks with one text, which an encoder would see as a whole."""


def make_task(recipe: Recipe) -> Task:
    """The task of a recipe. PlaygroundError for an unknown one, and for data that can't be learned from."""
    if recipe.lesson not in TASKS:
        raise PlaygroundError(f"There is no lesson {recipe.lesson!r:.40}.", f"Choose one of: {', '.join(TASKS)}.")
    if recipe.encoder and recipe.lesson in LEFT_TO_RIGHT:
        raise PlaygroundError(
            "In this lesson one text is read from left to right; an encoder would see what comes next.",
            "Choose a model without an encoder.",
        )
    return TASKS[recipe.lesson](recipe)


def _own(text: str) -> str:
    """A visitor's text, its line ends as line feeds, unpaired surrogates as U+FFFD."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    size = len(text.encode())
    if size > MAX_TEXT_BYTES:
        raise PlaygroundError(
            f"The text has {size:,} bytes; at most {MAX_TEXT_BYTES:,} are learned from.", "Paste a part of it."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
