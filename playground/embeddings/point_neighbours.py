"""Points compared with one another and with the table of their neighbours; points found by their text. Draws nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.analysis.embeddings.pca_and_neighbours import MEASURES, Neighbours, nearest
from playground.analysis.embeddings.vector_arithmetic import cosines
from playground.analysis.text_display import counted, plain_mark
from playground.errors import PlaygroundError
from playground.texts.numbers import minus

if TYPE_CHECKING:
    from playground.embeddings.points import Points

NEIGHBOURS = 12
FIRST = " cat"
"""The token whose neighbours are shown before one is chosen, if it is there."""
MAX_NAMED = 6
"""Points of a group that are named."""


def neighbours_of(points: Points, numbers: Sequence[int], measure: str = "cosine", centre: bool = False) -> Neighbours:
    """The rows of the points' table that are nearest to a row of their source, or to the mean of several, these rows
    themselves left out.

    measure: a name in `MEASURES`. centre: the mean of the table is taken off all vectors first.
    """
    mean = points.source.matrix[list(numbers)].float().mean(0)
    origin = points.table.mean if centre else None
    return nearest(points.table.matrix, mean, NEIGHBOURS, MEASURES[measure], points.own_rows(numbers), origin)


def cosine_of(points: Points, first: int, second: int, centre: bool = False) -> float:
    """The cosine of two rows of the source, -1..1; with `centre`, the mean of the table is taken off both first."""
    pair = [points.source.matrix[[row]].float() for row in (first, second)]
    if centre:
        pair = [vector - vector.new_tensor(points.table.mean) for vector in pair]
    return float(cosines(*pair)[0, 0])


def find_point(points: Points, text: str) -> int | None:
    """The index, among the points, of a text: the whole word (with a space before it), else as typed, else without spaces
    around it, else of the shortest text that begins with it, else of the shortest that contains it. A hyphen before it
    asks for the piece within words: "-king". None if there is none."""
    indices = {label: index for index, label in reversed(list(enumerate(points.labels)))}
    for exact in (f" {text.strip()}", text, text.strip(), text.strip().removeprefix("-")):
        if exact and exact in indices:
            return indices[exact]
    bare = text.strip().lower()
    for matches in (str.startswith, str.__contains__):
        labels = [label for label in indices if bare and matches(label.strip().lower(), bare)]
        if labels:
            return indices[min(labels, key=len)]
    return None


def chosen_index(points: Points, text: str) -> int:
    """`find_point`; PlaygroundError where there is none."""
    index = find_point(points, text)
    if index is None:
        raise PlaygroundError(
            f"“{plain_mark(text, 40)}” is not among the {counted(len(points.numbers), points.noun)} shown.",
            "Tokens are pieces of words: try a shorter one, or show all tokens."
            if points.noun == "token"
            else "Type the beginning of one of them.",
        )
    return index


def chosen_or_first(points: Points, chosen: int | None) -> int:
    """The row of the chosen point, or of one to begin with."""
    if chosen is None or chosen >= len(points.source.texts):
        return int(points.numbers[find_point(points, FIRST) or 0])
    return chosen


def nearest_in_words(points: Points, row: int, neighbours: Neighbours, measure: str, centre: bool) -> str:
    """A row's nearest neighbour, beside the cosine of two random ones."""
    anisotropy, best = points.table.anisotropy, ""
    if len(neighbours.indices):
        best = f"nearest is “{plain_mark(points.table.texts[neighbours.indices[0]])}” with a {measure} of "
        best += f"{minus(float(neighbours.values[0]), 3)}; "
    random = f"{minus(anisotropy.centred)}, the average subtracted" if centre else f"{minus(anisotropy.mean_cosine)}"
    name = plain_mark(points.source.texts[row])
    return f"“{name}” ({points.noun} {row:,}): {best}two random ones have a cosine of {random}."


def cosine_in_words(points: Points, before: int | None, row: int, centre: bool) -> str:
    """The cosine of a row with the one clicked before, after a space; empty without one."""
    if before is None or before == row or before >= len(points.source.texts):
        return ""
    cosine = cosine_of(points, before, row, centre)
    return (
        f" Its cosine with “{plain_mark(points.source.texts[before])}”, which you chose before, is {minus(cosine, 3)}."
    )


def group_in_words(points: Points, rows: Sequence[int]) -> str:
    """The rows of a group, the first ones by name."""
    names = ", ".join(f"“{plain_mark(points.source.texts[row])}”" for row in rows[:MAX_NAMED])
    more = " …" if len(rows) > MAX_NAMED else ""
    return f"{counted(len(rows), points.noun)} chosen: {names}{more}. The bars are nearest to their average."
