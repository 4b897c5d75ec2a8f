"""Text for display: marks for whitespace, control and direction characters, long texts shortened.
Knows nothing of HTML, of plotly or of tokenizers; whoever draws a text escapes it."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal, NamedTuple

from playground.texts.numbers import percent as percent  # the page's spelling of numbers, beside that of a text
from playground.texts.numbers import power_of_ten as power_of_ten

SPACE, NEWLINE, TAB, CUT, EMPTY = "·", "⏎", "⇥", "…", "(empty)"
LIMIT = 24
"""Longest label, in characters; of a longer one the middle is cut out."""

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_JOINERS = "\u200c\u200d"  # they join emoji and shape Persian words: kept between two characters
_CODED = {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"}  # invisible: control, format, surrogate, odd spaces, separators


class Badge(NamedTuple):
    """A short statement with its state, as plain text."""

    state: Literal["ok", "warn", "off"]
    words: str
    title: str = ""
    """More of it, for whoever points at the badge."""


def plain_mark(text: str, limit: int | None = LIMIT) -> str:
    """The text with its invisible characters made visible, as plain text (not escaped for HTML).

    A leading or trailing space becomes "·", a line feed "⏎", a tab "⇥"; every other control or format character (bidi
    overrides included), unusual space and unpaired surrogate becomes ⟨U+XXXX⟩; an empty text becomes "(empty)"; a first
    combining accent stands on "◌". The middle of a text longer than `limit` characters becomes "…" (None: no limit);
    no mark is cut in two. The result always encodes as UTF-8.
    """
    text = _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
    if not text:
        return EMPTY
    first = len(text) - len(text.lstrip(" "))
    last = len(text.rstrip(" "))
    pieces = [_piece(text, i, first <= i < last) for i in range(len(text))]
    if unicodedata.category(pieces[0][0]).startswith("M"):
        pieces[0] = "◌" + pieces[0]
    return _shorten(pieces, limit)


def in_words(text: str, limit: int | None = LIMIT) -> str:
    """`plain_mark` for a sentence: without the spaces around the word, unless the text is spaces only."""
    return plain_mark(text.strip(" ") or text, limit)


def spreadsheet_cell(text: str) -> str:
    """A text for a spreadsheet's cell, which must not read it as a formula: an apostrophe is put before it. It is put before
    one that begins with an apostrophe too, so that taking one off the beginning gives every text back."""
    text = text.encode("utf-8", "replace").decode()
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "'") else text


def sizes_text(sizes: Sequence[int]) -> str:
    """The shape of a tensor in words: (4, 51) -> "4 × 51"."""
    return " × ".join(f"{size:,}" for size in sizes)


def counted(number: int, thing: str) -> str:
    """A number with its noun: 1 token, 2,048 tokens."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _piece(text: str, index: int, inside: bool) -> str:
    """The character at `index`, or its mark. inside: between the first and the last character that is no space."""
    character = text[index]
    if character == " ":
        return " " if inside else SPACE
    if character in "\n\t":
        return NEWLINE if character == "\n" else TAB
    if character in _JOINERS and 0 < index < len(text) - 1:
        return character
    return f"⟨U+{ord(character):04X}⟩" if unicodedata.category(character) in _CODED else character


def _shorten(pieces: list[str], limit: int | None) -> str:
    """The pieces joined, their middle cut out so that at most `limit` characters stay."""
    whole = "".join(pieces)
    if limit is None or len(whole) <= limit:
        return whole
    room = max(limit, 3) - len(CUT)
    head, tail = "", ""
    for piece in pieces:
        if len(head) + len(piece) > room - room // 2:
            break
        head += piece
    for piece in reversed(pieces):
        if len(tail) + len(piece) > room // 2:
            break
        tail = piece + tail
    while tail and (unicodedata.category(tail[0]).startswith("M") or tail[0] in _JOINERS):
        tail = tail[1:]  # an accent without its letter
    return head + CUT + tail


def listed(numbers: Sequence[int]) -> str:
    """Numbers in a sentence, runs of more than two as ranges: (0, 1, 2, 5) -> "0 to 2 and 5"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [part for run in runs for part in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run))]
    return " and ".join([*([", ".join(parts[:-1])] if len(parts) > 1 else []), parts[-1]]) if parts else "none"
