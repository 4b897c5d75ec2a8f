"""Where the words of a text stand among its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playground.models.vocabulary import Token


def last_word(tokens: Sequence[Token]) -> int:
    """The position of the last token with a letter that is no special token; without one, the last position."""
    words = [i for i, token in enumerate(tokens) if not token.special and any(c.isalpha() for c in token.text)]
    return words[-1] if words else len(tokens) - 1


def last_position_of(tokens: Sequence[Token], word: str) -> int | None:
    """The last position of a token that is the word, whatever its case and the spaces around it; None without one."""
    positions = [i for i, token in enumerate(tokens) if token.text.strip().lower() == word.strip().lower()]
    return positions[-1] if positions else None
