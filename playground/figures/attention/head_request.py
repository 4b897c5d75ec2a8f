"""What to show of a head, of a token and of all heads, as one value."""

from dataclasses import dataclass

from playground.analysis.attention.maps import How
from playground.figures.attention.token_grid import Window
from playground.recording.head_choice import WeightsChoice

DIRECTIONS = ROW, COLUMN, CHOICE = "what it attends to", "what attends to it", "the step that chose it"
"""What is said of a token."""
UNMARKED, STRONGEST = "nothing", "each head's strongest role"
"""What the overview marks, besides the measures of a head."""


@dataclass(frozen=True)
class HeadRequest(WeightsChoice):
    """What to show of a head, of a token, and of all heads."""

    logarithmic: bool = False
    pooling: How = "max"  # what a cell says of the many weights of a long text
    direction: str = ROW  # one of DIRECTIONS
    token: int | None = None  # counted from 0; None for the last one
    measure: str = UNMARKED  # what the overview marks: UNMARKED, STRONGEST or a measure of a head
    sort_heads: bool = False  # each layer's heads stand in the order of that measure
    zoom: tuple[tuple[int, int], Window] | None = None
    """The part that a visitor zoomed into, and the shape of the map in which that was."""

    def window(self, shape: tuple[int, ...]) -> Window | None:
        """The part of a map (queries, keys) to draw; None for the whole, and where a map of another shape was zoomed."""
        return self.zoom[1] if self.zoom and tuple(self.zoom[0]) == tuple(shape) else None
