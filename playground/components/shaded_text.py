"""A text with its words shaded by numbers, or with spans marked, as markup. Knows no models; every text is escaped.

Colour is never alone: what speaks against is underlined with dashes, and each word's number stands in its title.
"""

from collections.abc import Iterable, Sequence
from html import escape

from playground.components.markup import text as escaped


def shaded(pieces: Iterable[tuple[str, float | None, str]]) -> str:
    """Pieces of a text: (words, strength -1..1 or None for none, title)."""
    spans = []
    for words, strength, title in pieces:
        markup = escape(words).replace("\n", "<br>") if words.strip() else escape(words)
        if strength is None:
            spans.append(f'<span class="pg-why-rest">{markup}</span>')
            continue
        side = "for" if strength >= 0 else "against"
        look = f'class="pg-why pg-why-{side}" style="--strength:{abs(strength):.3f}" title="{escape(title)}"'
        spans.append(f"<span {look}>{markup}</span>")
    return f'<p class="pg-shaded" dir="auto" translate="no">{"".join(spans)}</p>'


def marked(source: str, spans: Sequence[tuple[int, int, str, int]]) -> str:
    """A text with spans (start, end, words behind the span, number of its colour), which do not overlap."""
    parts, place = [], 0
    for start, end, words, colour in sorted(spans):
        if start < place or end <= start:
            continue
        label = f'<span class="pg-mark-label">{escaped(words)}</span>' if words else ""
        parts.append(_lines(source[place:start]))
        parts.append(f'<mark class="pg-mark" data-colour="{colour % 8}">{_lines(source[start:end])}{label}</mark>')
        place = end
    parts.append(_lines(source[place:]))
    return f'<p class="pg-shaded" dir="auto" translate="no">{"".join(parts)}</p>'


def _lines(words: str) -> str:
    return escape(words).replace("\n", "<br>")
