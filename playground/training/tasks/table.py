"""A table of one's own: two columns, the question and its answer, character by character."""

from playground.analysis.text_display import counted
from playground.errors import PlaygroundError
from playground.training.tasks.pairs import Pair, Pairs, split
from playground.training.two_columns import two_columns

MAX_PAIRS = 2000
MIN_PAIRS = 10
LONGEST = 40
"""Characters of a cell."""


def table(text: str, encoder: bool) -> Pairs:
    """The task of a table: a pair a line, with a tab, a semicolon or a comma between the columns. PlaygroundError names the
    first line that can't be read."""
    columns = two_columns(text, "a question", "its answer")
    for number, *cells, _ in columns.lines:
        for cell in cells:
            _check_length(cell, number)
    count = len(columns.pairs)
    if count > MAX_PAIRS:
        raise PlaygroundError(
            f"The table has {count:,} different pairs; at most {MAX_PAIRS:,} are learned from.",
            f"Leave {counted(count - MAX_PAIRS, 'line')} out.",
        )
    if count < MIN_PAIRS:
        raise PlaygroundError(
            f"The table has {counted(count, 'different pair')}; at least {MIN_PAIRS} are needed, a fifth of which is held "
            "out.",
            "Add lines, each with a question, a tab, semicolon or comma, and its answer.",
        )
    listed = [Pair(list(question), list(answer)) for question, answer in columns.pairs]
    task = Pairs(*split(listed, columns.held_out), encoder=encoder)
    task.columns = columns
    return task


def _check_length(cell: str, number: int) -> None:
    if len(cell) > LONGEST:
        raise PlaygroundError(
            f"Line {number} has a cell of {len(cell):,} characters; at most {LONGEST} are read.", "Shorten it."
        )
