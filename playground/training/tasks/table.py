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
    pairs: dict[tuple[str, str], None] = {}
    for number, *cells in two_columns(text, "a question", "its answer"):
        question, answer = (_short(cell, number) for cell in cells)
        pairs[question, answer] = None
        if len(pairs) > MAX_PAIRS:
            raise PlaygroundError(f"The table has more than {MAX_PAIRS:,} pairs.", "Leave some lines out.")
    if len(pairs) < MIN_PAIRS:
        raise PlaygroundError(
            f"The table has {counted(len(pairs), 'pair')}; at least {MIN_PAIRS} are needed, a fifth of which is held out.",
            "Add lines, each with a question, a tab, semicolon or comma, and its answer.",
        )
    listed = [Pair(list(question), list(answer)) for question, answer in pairs]
    return Pairs(*split(listed, max(2, len(listed) // 5)), encoder=encoder)


def _short(cell: str, number: int) -> str:
    if len(cell) > LONGEST:
        raise PlaygroundError(
            f"Line {number} has a cell of {len(cell):,} characters; at most {LONGEST} are read.", "Shorten it."
        )
    return cell
