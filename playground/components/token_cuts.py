"""Two tokenisations of a text, one under the other, as markup. Knows no tokenizers; every text is escaped.

Colour is never alone: a piece that is cut differently has a dashed frame.
"""

from collections.abc import Iterable, Sequence

from playground.components.markup import text as escaped

Piece = tuple[Sequence[str], Sequence[str], bool]
"""A piece of the text: the texts of either side's tokens, and whether they are cut differently."""


def token_cuts(pieces: Iterable[Piece], more: str = "") -> str:
    """The pieces in order, the first tokenisation above the second. more: words behind the last one, where some are left
    out."""
    parts = []
    for first, second, differs in pieces:
        rows = "".join(f'<span class="pg-cut-row">{_tokens(side)}</span>' for side in (first, second))
        parts.append(f'<span class="pg-cut{" pg-cut-differs" if differs else ""}" translate="no">{rows}</span>')
    end = f'<span class="pg-cut-more">{escaped(more)}</span>' if more else ""
    return f'<div class="pg-cuts" tabindex="0" dir="auto">{"".join(parts)}{end}</div>'


def _tokens(tokens: Sequence[str]) -> str:
    return "".join(f'<span class="pg-cut-token">{escaped(token)}</span>' for token in tokens) or "–"
