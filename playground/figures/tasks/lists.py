"""The sentence above a list of answers. Knows no models."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.analysis.text_display import plain_mark
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.tasks.line_answers import LineAnswer

MOST = 6
"""Answers that are counted by name."""


def list_sentence(answers: "Sequence[LineAnswer]") -> str:
    """How many lines there are, how often each label was the answer, which line is least sure, and how many were refused."""
    good = [each for each in answers if not each.refused]
    words = f"{len(answers):,} line{'' if len(answers) == 1 else 's'}"
    if any(each.names for each in good):
        counts = Counter(each.answer for each in good).most_common()
        words += ": " + ", ".join(f"{plain_mark(name, 30)} {count:,}" for name, count in counts[:MOST])
        words += ", …" if counts[MOST:] else ""
    words += "."
    sure = [each for each in good if each.confidence is not None]
    if sure:
        least = min(sure, key=lambda each: each.confidence or 0.0)
        words += f" Least sure: “{plain_mark(least.text, 60)}” ({percent(least.confidence or 0.0)})."
    refused = len(answers) - len(good)
    if refused:
        words += f" {refused:,} could not be read; the table says why."
    return words
