"""Marks terms of the glossary in the page's own texts: a dotted underline, the sentence on hover, focus and tap (style.css).

Escaped markup in, markup out; knows nothing of Gradio. What stands in quotation marks is a visitor's or a model's and is
never marked."""

import re
from collections.abc import Iterable
from html import escape

from playground.texts.glossary import SIGNS, TERMS

_SPELLINGS = {spelling: name for name, term in TERMS.items() for spelling in (name, *term.also)}
_EXACT = {spelling for spelling in _SPELLINGS if spelling != spelling.lower()}
_BY_LOWER = {spelling.lower(): name for spelling, name in _SPELLINGS.items() if spelling not in _EXACT}
_WORDS = "|".join(re.escape(spelling) for spelling in sorted(_SPELLINGS, key=len, reverse=True))
_TERM = re.compile(rf"(?<![\w-])(?:{_WORDS})(?=s?(?![\w-]))s?", re.IGNORECASE)
_PARTS = re.compile(r"(<[^>]*>)")
_UNMARKED = ("code", "a", "summary", "button")
"""Tags whose text stays as it is: formulas, links and what opens."""


def mark_terms(*pieces: str, everyday: bool = False) -> list[str]:
    """Pieces of markup of our own with the first occurrence of each term marked, in all pieces together.

    everyday: also terms that nearly every sentence has.
    """
    seen: set[str] = set()
    return [_mark(piece, seen, everyday) for piece in pieces]


def mark_sentence(sentence: str) -> str:
    """The same for an escaped sentence that may quote a visitor's text: what stands between “ and ” stays as it is, and a
    sentence whose quotation marks don't pair stays so as a whole."""
    parts = re.split("([“”])", sentence)
    if parts[1::2] != ["“", "”"] * (len(parts) // 4):
        return sentence
    seen: set[str] = set()
    return "".join(part if number % 4 in (1, 2, 3) else _mark(part, seen, False) for number, part in enumerate(parts))


def signs(labels: Iterable[str], grouped: bool = False) -> str:
    """A line with the marks that occur in labels of tokens, each explained; empty without any. grouped: whether a character
    is made of several tokens."""
    text = "".join(labels)
    present = [sign for sign in SIGNS if sign in text or (sign == "×2" and grouped)]
    explained = (f"{_term(sign, sign, SIGNS[sign])} {escape(SIGNS[sign])}" for sign in present)
    return f'<p class="pg-signs">{" ".join(explained)}</p>' if present else ""


def _mark(piece: str, seen: set[str], everyday: bool) -> str:
    """One piece; `seen` are the terms marked before, to which it adds its own."""
    inside, marked = 0, []
    for number, part in enumerate(_PARTS.split(piece)):
        if number % 2:  # a tag
            name = part.strip("</>").split(" ")[0].lower()
            if name in _UNMARKED:
                inside += -1 if part.startswith("</") else 1
            marked.append(part)
        else:
            marked.append(part if inside else _TERM.sub(lambda match: _replaced(match[0], seen, everyday), part))
    return "".join(marked)


def _replaced(word: str, seen: set[str], everyday: bool) -> str:
    name = _name_of(word) or _name_of(word.removesuffix("s"))
    if name is None or name in seen or not (everyday or TERMS[name].everywhere):
        return word
    seen.add(name)
    return _term(word, name, TERMS[name].sentence)


def _name_of(word: str) -> str | None:
    return _SPELLINGS.get(word) if word in _EXACT else _BY_LOWER.get(word.lower())


def _term(word: str, name: str, sentence: str) -> str:
    """A marked word. Its sentence is in attributes, so that the text that is read, searched and copied stays the same."""
    said = escape(sentence)
    spoken = f'aria-label="{escape(name)}: {said}"'
    return f'<span class="pg-term" tabindex="0" role="note" {spoken} data-gloss="{said}">{word}</span>'
