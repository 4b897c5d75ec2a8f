"""A cloud of points: a sample of them laid out, coloured and described. Draws nothing, keeps nothing.

Letters: N points of D dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from playground.analysis.embeddings.layouts import PCA, LayoutSettings, lay_out
from playground.analysis.embeddings.tsne_and_umap import MAX_POINTS, Layout, Tick
from playground.analysis.text_display import counted
from playground.embeddings.cloud_request import CloudRequest
from playground.embeddings.point_colours import PointColours, colour_choices, colour_points
from playground.embeddings.point_sets import TextReader
from playground.embeddings.pooling_choices import pooling_choices
from playground.errors import PlaygroundError

if TYPE_CHECKING:
    from playground.embeddings.points import Points
    from playground.models.loaded_model import LoadedModel

MAX_DRAWN, MAX_BYTES = 50_000, 1_480_000
"""Points of a picture, and bytes that they take on their way to the browser."""
LABEL_BYTES = 80
"""Of a label in memory, about."""


@dataclass(frozen=True, eq=False)
class PlacedPoints:
    """Points where they lie."""

    points: Points
    labels: list[str]
    """(N,), escaped."""
    layout: Layout

    @property
    def nbytes(self) -> int:
        """Bytes beside the model's own tensors, about; UMAP keeps the vectors, to place others."""
        count, width = len(self.points.numbers), self.points.source.matrix.shape[1]
        vectors = 0 if self.layout.axes else 4 * count * width
        arrays = self.points.numbers.nbytes + self.layout.coordinates.nbytes
        return self.points.own_bytes + vectors + arrays + LABEL_BYTES * count + 10_000


@dataclass(frozen=True, eq=False)
class AddedPoints:
    """What a visitor added to a picture, where it lies in it."""

    names: tuple[str, ...] = ()
    """Unescaped; a token that occurs twice is two points."""
    coordinates: np.ndarray = field(default_factory=lambda: np.empty((0, 2), np.float32))
    """(names, 2 or 3) float32."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points where they lie, with their colours and a description."""

    request: CloudRequest
    """With the colour that was taken."""
    placed: PlacedPoints
    colours: PointColours
    added: AddedPoints
    description: str


def resolve(model: LoadedModel, request: CloudRequest) -> CloudRequest:
    """The request with a space and a pooling that the model has."""
    _, pooling = pooling_choices(model, request.points.pooling)
    space = request.point_set.space_name(model, request.space)
    return replace(request, space=space, points=replace(request.points, pooling=pooling))


def points_of(model: LoadedModel, request: CloudRequest, reader: TextReader) -> Points:
    """All points of a resolved request, in its space."""
    space = request.point_set.spaces(model)[request.space]
    return request.point_set.points(model, request.points, space, reader)


def place_points(points: Points, labels: Sequence[str], request: CloudRequest, tick: Tick) -> PlacedPoints:
    """A sample of the points, laid out. labels: of all rows of their source, escaped. PlaygroundError for fewer than three
    points, and for what a layout can't do."""
    from playground.embeddings.points import sample_points

    room = _room(points, labels, request.layout)
    points = sample_points(points, min(request.count or MAX_DRAWN, room), request.layout.seed)
    return PlacedPoints(points, [labels[i] for i in points.numbers], lay_out(points.vectors, request.layout, tick))


def _room(points: Points, labels: Sequence[str], layout: LayoutSettings) -> int:
    """How many of the points a picture has room for: float32 coordinates and a byte of colour, in base64, and their
    labels."""
    if layout.method != PCA:
        return MAX_POINTS
    # A byte takes 4/3 characters in base64.
    written = sum(len(labels[i].encode()) + 3 for i in points.numbers) / max(1, len(points.numbers))
    return min(MAX_DRAWN, int(MAX_BYTES / ((4 * layout.components + 1) * 4 / 3 + written)))


def colour_cloud(placed: PlacedPoints, request: CloudRequest, added: AddedPoints) -> Cloud:
    """The placed points with the colours of the request."""
    points, layout, choices = placed.points, placed.layout, colour_choices(placed.points)
    request = replace(request, colour=request.colour if request.colour in choices else choices[0])
    colours = colour_points(points, layout.coordinates, request.colour, request.chosen, request.layout.seed)
    return Cloud(request, placed, colours, added, _describe(placed, colours, request.layout.method))


def _describe(placed: PlacedPoints, colours: PointColours, method: str) -> str:
    points, count, every = placed.points, len(placed.points.numbers), len(placed.points.source.texts)
    if count < points.total:
        description = f"A random sample of {count:,} of {counted(points.total, points.noun)}"
    else:
        description = (
            f"All {counted(count, points.noun)}" if count == every else f"{count:,} of {every:,} {points.noun}s"
        )
    description += (
        f", in {points.source.matrix.shape[1]:,} dimensions, by {method}. {placed.layout.note}".rstrip(" ")
        + points.remarks
    )
    if colours.groups is None and colours.values is None:
        description += " No point is chosen yet: click one to colour the others by their similarity to it."
    return description


def add_points(model: LoadedModel, request: CloudRequest, layout: Layout, reader: TextReader) -> AddedPoints:
    """What a resolved request adds to the picture: words, the tokens of another text, or sentences. PlaygroundError where
    the layout has no place for new points."""
    if not request.dropped.strip():
        return AddedPoints()
    if layout.place is None:
        raise PlaygroundError(f"New points have no place in {request.layout.method}.", "Choose PCA or UMAP.")
    kind = request.point_set.dropped_as
    dropped = replace(request, kind=kind, points=replace(request.points, text=request.dropped))
    points = points_of(model, dropped, reader)
    return AddedPoints(points.source.texts, layout.place(points.vectors))
