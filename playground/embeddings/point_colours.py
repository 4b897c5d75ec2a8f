"""What points can be coloured by: their own properties, clusters, and the similarity to one of them. Draws nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from playground.analysis.embeddings.tsne_and_umap import MAX_POINTS
from playground.analysis.embeddings.vector_arithmetic import clusters, cosines, dense_groups, group_names
from playground.analysis.embeddings.vocabulary_filter import main_groups
from playground.errors import PlaygroundError

if TYPE_CHECKING:
    from playground.embeddings.points import Points

MAX_CLUSTERS = 7
MAX_CHARACTERS = 20
"""Characters from which all texts have the same colour."""
SCRIPT, CHARACTERS, NORM = "script", "characters", "norm"
KMEANS, HDBSCAN = "cluster (k-means of the vectors)", "cluster (HDBSCAN of the picture)"
SIMILARITY = "similarity to the chosen point"
COLOURS = (SCRIPT, CHARACTERS, NORM, KMEANS, HDBSCAN, SIMILARITY)
"""Those that all kinds of points have."""


@dataclass(frozen=True, eq=False)
class PointColours:
    """Groups or values of N points; neither for a similarity to a point that is not chosen yet."""

    groups: list[str] | None = None
    """(N,) names."""
    values: np.ndarray | None = None
    """(N,) float32."""


def colour_choices(points: Points) -> list[str]:
    """What these points can be coloured by, the usual one first."""
    return [*points.groups, *points.values, *COLOURS]


def colour_points(
    points: Points, coordinates: np.ndarray, colour: str, chosen: int | None = None, seed: int = 0
) -> PointColours:
    """The colours of points that lie at coordinates (N, 2 or 3).

    colour: one of `colour_choices`. chosen: the row of the source that similarities are measured to. seed: of k-means.
    PlaygroundError for more points than HDBSCAN takes.
    """
    source, numbers = points.source, points.numbers
    if (group := points.group(colour)) is not None:
        return PointColours(group)
    if colour in points.values:
        return PointColours(values=np.asarray(points.values[colour], np.float32)[numbers])
    if colour == SCRIPT:
        return PointColours(main_groups([source.scripts[i] for i in numbers]).tolist())
    if colour == CHARACTERS:
        lengths = [min(len(source.texts[i].strip()), MAX_CHARACTERS) for i in numbers]
        return PointColours(values=np.array(lengths, np.float32))
    if colour == NORM:
        return PointColours(values=source.norms[numbers])
    if colour == KMEANS:
        cluster_numbers = clusters(points.vectors, min(MAX_CLUSTERS, len(numbers) - 1), seed)
        return PointColours(group_names(cluster_numbers.tolist()).tolist())
    if colour == HDBSCAN:
        if len(numbers) > MAX_POINTS:
            raise PlaygroundError(
                f"HDBSCAN takes at most {MAX_POINTS:,} points; there are {len(numbers):,}.", "Take a sample."
            )
        return PointColours(main_groups(group_names(dense_groups(coordinates).tolist()).tolist()).tolist())
    if chosen is None or chosen >= len(source.texts):
        return PointColours()
    return PointColours(values=cosines(points.vectors, source.matrix[[chosen]])[:, 0])
