"""Lines of two columns, as a visitor pastes them: a question and its answer, a text and its label."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from playground.analysis.text_display import counted
from playground.errors import PlaygroundError

SEPARATORS = {"\t": "tab", ";": "semicolon", ",": "comma"}
"""What may part the columns, and its name; of those in a line the first of these."""

HELD_OUT_SHARE = 5


class Line(NamedTuple):
    """A line that is not blank."""

    number: int
    """In what was pasted, from 1."""
    left: str
    """Without spaces round it, as is the right one."""
    right: str
    columns: int
    """2, or more where the separator stands in the left cell as well."""


@dataclass(frozen=True)
class Columns:
    """What was read of a visitor's lines, and what is to be said of it."""

    lines: tuple[Line, ...]

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Left and right, each pair once, in the order of the lines."""
        return tuple(dict.fromkeys((line.left, line.right) for line in self.lines))

    @property
    def repeated(self) -> int:
        """Lines that say the same as an earlier one."""
        return len(self.lines) - len(self.pairs)

    @property
    def held_out(self) -> int:
        """How many of the pairs are held out: one in five, at least two."""
        return max(2, len(self.pairs) // HELD_OUT_SHARE)

    @cached_property
    def divided(self) -> tuple[Line, ...]:
        """Lines whose left cell has the separator in it."""
        return tuple(line for line in self.lines if line.columns > 2)

    @cached_property
    def ambiguous(self) -> tuple[str, ...]:
        """Left cells that stand beside more than one right cell."""
        times = Counter(left for left, _ in self.pairs)
        return tuple(left for left, count in times.items() if count > 1)


def two_columns(text: str, left: str, right: str) -> Columns:
    """The lines that are not blank. The last separator of a line parts it, so that a comma may stand in the left cell.
    PlaygroundError names the first line that has not two columns; lines that all have the same number of more than two are
    a table of more columns, which of them is meant nobody knows.

    left, right: what the columns hold, as a visitor reads it: "a question", "its answer".
    """
    expected = f"{left}, a tab, semicolon or comma, and {right}"
    lines = tuple(
        _line(line, number, expected) for number, line in enumerate(text.split("\n"), start=1) if line.strip()
    )
    counts = {line.columns for line in lines}
    if len(lines) > 1 and len(counts) == 1 and (count := counts.pop()) > 2:
        first = text.split("\n")[lines[0].number - 1]
        mark = SEPARATORS[_separator(first)]
        raise PlaygroundError(
            f"Each of the {len(lines):,} lines has {count} columns, such as line {lines[0].number}: {first.strip()!r:.60}.",
            f"Keep two of them: {left} and {right}. Where a {mark} belongs to {left}, put a tab before {right}.",
        )
    return Columns(lines)


def _separator(line: str) -> str:
    return next((mark for mark in SEPARATORS if mark in line), "")


def _line(line: str, number: int, expected: str) -> Line:
    separator = _separator(line)
    if not separator:
        raise _refusal(number, "one column", line, expected)
    *before, last = line.split(separator)
    first, second = separator.join(before).strip(), last.strip()
    count = len(before) + 1
    if count > 2 and separator == "\t":  # a tab stands in no text
        raise _refusal(number, counted(count, "column"), line, expected)
    if not first or not second:
        raise _refusal(number, "an empty cell", line, expected)
    return Line(number, first, second, count)


def _refusal(number: int, what: str, line: str, expected: str) -> PlaygroundError:
    return PlaygroundError(f"Line {number} has {what}: {line.strip()!r:.60}.", f"Write on each line {expected}.")
