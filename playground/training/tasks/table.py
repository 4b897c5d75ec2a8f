"""A table of one's own: two columns, the question and its answer, character by character."""

from playground.errors import PlaygroundError
from playground.training.tasks.pairs import Pair, Pairs, split

MAX_PAIRS = 2000
MIN_PAIRS = 10
LONGEST = 40
"""Characters of a cell."""


def table(text: str, encoder: bool) -> Pairs:
    """The task of a table: a pair a line, with a tab, a semicolon or a comma between the columns. PlaygroundError names the
    first line that can't be read."""
    pairs: dict[tuple[str, str], None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            pairs[_cells(line, number)] = None
        if len(pairs) > MAX_PAIRS:
            raise PlaygroundError(f"The table has more than {MAX_PAIRS:,} pairs.", "Leave some lines out.")
    if len(pairs) < MIN_PAIRS:
        raise PlaygroundError(
            f"The table has {len(pairs)} pairs; at least {MIN_PAIRS} are needed, a fifth of which is held out.",
            "Add lines, each with a question, a tab or a comma, and its answer.",
        )
    listed = [Pair(list(question), list(answer)) for question, answer in pairs]
    return Pairs(*split(listed, max(2, len(listed) // 5)), encoder=encoder)


def _cells(line: str, number: int) -> tuple[str, str]:
    for separator in ("\t", ";", ","):
        question, mark, answer = line.partition(separator)
        if mark:
            break
    question, answer = question.strip(), answer.strip()
    if not question or not answer:
        raise PlaygroundError(
            f"Line {number} of the table has {'one column' if question or answer else 'empty cells'}: {line.strip()!r:.60}.",
            "Write a question, a tab or a comma, and its answer on each line.",
        )
    if longest := next((cell for cell in (question, answer) if len(cell) > LONGEST), ""):
        raise PlaygroundError(
            f"Line {number} has a cell of {len(longest):,} characters; at most {LONGEST} are read.", "Shorten it."
        )
    return question, answer
