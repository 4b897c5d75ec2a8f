"""Lines of two columns, as a visitor pastes them: a question and its answer, a text and its label."""

from collections.abc import Iterator

from playground.errors import PlaygroundError

SEPARATORS = "\t;,"
"""What may part the columns; of those in a line the first of these."""


def two_columns(text: str, left: str, right: str) -> Iterator[tuple[int, str, str]]:
    """The number, from 1, and the two cells of each line that is not blank, without spaces round them. The last separator of
    a line parts it, so that a comma may stand in the left cell. PlaygroundError names the first line that has not two.

    left, right: what the columns hold, as a visitor reads it: "a question", "its answer".
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, *_cells(line, number, f"{left}, a tab, semicolon or comma, and {right}")


def _cells(line: str, number: int, expected: str) -> tuple[str, str]:
    separator = next((mark for mark in SEPARATORS if mark in line), "")
    if not separator:
        raise _refusal(number, "one column", line, expected)
    *before, last = line.split(separator)
    first, second = separator.join(before).strip(), last.strip()
    count = len(before) + 1 if separator == "\t" else 2  # a tab stands in no text
    if count > 2:
        raise _refusal(number, f"{count} columns", line, expected)
    if not first or not second:
        raise _refusal(number, "an empty cell", line, expected)
    return first, second


def _refusal(number: int, what: str, line: str, expected: str) -> PlaygroundError:
    return PlaygroundError(f"Line {number} has {what}: {line.strip()!r:.60}.", f"Write on each line {expected}.")
