"""Points compared with one another and with the table of their neighbours; points found by their text. Draws nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.analysis.embeddings.pca_and_neighbours import MEASURES, Neighbours, nearest
from playground.analysis.embeddings.vector_arithmetic import cosines

if TYPE_CHECKING:
    from playground.embeddings.points import Points

NEIGHBOURS = 12


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
    """The index, among the points, of a text: as typed, else with a space before it, else without spaces around it, else
    of the shortest text that begins with it, else of the shortest that contains it. None if there is none."""
    indices = {label: index for index, label in reversed(list(enumerate(points.labels)))}
    for exact in (text, f" {text.strip()}", text.strip()):
        if exact and exact in indices:
            return indices[exact]
    bare = text.strip().lower()
    for matches in (str.startswith, str.__contains__):
        labels = [label for label in indices if bare and matches(label.strip().lower(), bare)]
        if labels:
            return indices[min(labels, key=len)]
    return None
