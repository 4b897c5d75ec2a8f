"""What to show of a head, of a token and of all heads, as one value."""

from dataclasses import dataclass

from playground.analysis.attention.maps import How
from playground.figures.attention.token_grid import Window
from playground.recording.head_choice import WeightsChoice, token_in

DIRECTIONS = ROW, COLUMN, CHOICE = "looks at", "is looked at by", "is predicted while looking at"
"""What is said of a token."""
UNMARKED, STRONGEST = "no role", "each head's strongest role"
"""What the overview marks, besides the measures of a head."""


@dataclass(frozen=True)
class HeadRequest(WeightsChoice):
    """What to show of a head, of a token, and of all heads."""

    logarithmic: bool = False
    pooling: How = "max"  # what a cell says of the many weights of a long text
    direction: str = ROW  # one of DIRECTIONS
    token: int | None = None  # counted from 0, chosen by a visitor; None for the one of which the head tells most
    text: tuple[str, str] | None = None  # the model and the text of the chosen token
    measure: str = UNMARKED  # what the overview marks: UNMARKED, STRONGEST or a measure of a head
    sort_heads: bool = False  # each layer's heads stand in the order of that measure
    zoom: tuple[tuple[int, int], Window] | None = None
    """The part that a visitor zoomed into, and the shape of the map in which that was."""
    who_from: int | None = None  # who looks from this token …
    who_to: int | None = None  # … at this one; None until it is chosen
    who_text: tuple[str, str] | None = None  # the model and the text of these two

    def pair_in(self, text: tuple[str, str]) -> tuple[int | None, int | None]:
        """The tokens `who_from` and `who_to`, if they were chosen in this text by this model."""
        return token_in(self.who_from, self.who_text, text), token_in(self.who_to, self.who_text, text)

    def token_in(self, text: tuple[str, str]) -> int | None:
        """The chosen token, if it was chosen in this text by this model."""
        return token_in(self.token, self.text, text)

    def window(self, shape: tuple[int, ...]) -> Window | None:
        """The part of a map (queries, keys) to draw; None for the whole, and where a map of another shape was zoomed."""
        return self.zoom[1] if self.zoom and tuple(self.zoom[0]) == tuple(shape) else None
