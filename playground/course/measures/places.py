"""Where a lesson's words stand among the tokens of a text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.errors import PlaygroundError

if TYPE_CHECKING:
    from playground.models.vocabulary import Token


def place_of(tokens: "Sequence[Token]", word: str, which: int = -1) -> int:
    """The place of a token that is the word, whatever the spaces round it: the last one, or another of several, counted
    from 0. PlaygroundError for a text that has no such token."""
    places = [place for place, token in enumerate(tokens) if token.text.strip() == word.strip()]
    if not -len(places) <= which < len(places):
        raise PlaygroundError(
            f"This model reads no token “{word}” in the text of this step.",
            "Go on with the next step, or load the model that the lesson was written for.",
        )
    return places[which]
