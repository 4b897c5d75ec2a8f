"""A long text in windows of whole sentences, each of which a model reads by itself. Nothing is cut off."""

from collections.abc import Callable
from dataclasses import dataclass

from playground.analysis.tasks.text_units import Span, sentences
from playground.errors import PlaygroundError

MAX_WINDOWS = 64
"""Windows of one text."""


@dataclass(frozen=True)
class SentenceWindow:
    """Characters start..end of the text."""

    start: int
    end: int
    cuts_sentence: bool
    """Whether it ends inside a sentence, which was too long for one window."""


def sentence_windows(
    text: str, count: Callable[[str], int], room: int, overlap: int = 0, lines: bool = False
) -> tuple[SentenceWindow, ...]:
    """The text in windows of at most `room` tokens; one where it fits.

    count(words) -> their tokens. overlap: a window repeats the last sentences of the one before it, of at most so many
    tokens together. lines: a window ends with its line. PlaygroundError for a text that takes more than `MAX_WINDOWS`.
    """
    text_end = len(text.rstrip())
    start = len(text) - len(text.lstrip())
    is_short = len(text) <= 16 * room  # of a longer one not all is tokenized at once
    if start < text_end and is_short and not (lines and "\n" in text[start:text_end]) and count(text.strip()) <= room:
        return (SentenceWindow(start, text_end, False),)
    units = _fitting(text, count, room)
    sizes = [count(text[first:end]) for first, end, _ in units]
    windows: list[SentenceWindow] = []
    first = 0
    while first < len(units):
        last, used = first, sizes[first]
        while last + 1 < len(units) and used + sizes[last + 1] <= room:
            if lines and "\n" in text[units[last][1] : units[last + 1][0]]:
                break
            last, used = last + 1, used + sizes[last + 1]
        while last > first and count(text[units[first][0] : units[last][1]]) > room:
            last -= 1
        _check_count(len(windows) + 1, text)
        windows.append(SentenceWindow(units[first][0], units[last][1], units[last][2]))
        if last + 1 == len(units):
            break
        first = _next_start(sizes, first, last, overlap, room)
    return tuple(windows)


def _next_start(sizes: list[int], first: int, last: int, overlap: int, room: int) -> int:
    """The unit with which the next window begins: it repeats at most `overlap` tokens, never a whole window, and leaves the
    next unit room."""
    start, repeated = last + 1, 0
    while (
        start - 1 > first
        and repeated + sizes[start - 1] <= overlap
        and repeated + sizes[start - 1] + sizes[last + 1] <= room
    ):
        start -= 1
        repeated += sizes[start]
    return start


def _fitting(text: str, count: Callable[[str], int], room: int) -> list[tuple[int, int, bool]]:
    """Sentences, and pieces of those that are too long: (start, end, whether a piece that its sentence goes on after)."""
    units: list[tuple[int, int, bool]] = []
    cuts = 0
    for start, end in sentences(text):
        while start < end:
            cut = _longest(text, (start, end), count, room)
            units.append((start, cut, cut < end))
            cuts += cut < end
            _check_count(max(cuts, len(units) // room), text)  # a sentence has a token at least
            start = cut + len(text[cut:end]) - len(text[cut:end].lstrip())
    return units


def _longest(text: str, span: Span, count: Callable[[str], int], room: int) -> int:
    """The end of the longest beginning of a sentence that fits; between two words where it can be."""
    start, end = span
    if end - start <= 16 * room and count(text[start:end]) <= room:
        return end
    fits, high = start, start + 1
    while high < end and count(text[start:high]) <= room:
        fits, high = high, min(end, start + 2 * (high - start))
    while high - fits > 1:
        middle = (fits + high) // 2
        fits, high = (middle, high) if count(text[start:middle]) <= room else (fits, middle)
    if fits == start:
        raise PlaygroundError(
            f"One character of the text has more tokens than the {room:,} that are read at once.", "Leave it out."
        )
    space = max(text.rfind(" ", start + 1, fits + 1), text.rfind("\t", start + 1, fits + 1))
    return space if space > start else fits


def _check_count(count: int, text: str) -> None:
    if count > MAX_WINDOWS:
        raise PlaygroundError(
            f"The text has {len(text):,} characters; this model reads it in more than {MAX_WINDOWS} windows, which is the "
            "most at once.",
            "Send it in parts.",
        )
