"""What the projector's points can be coloured by: what they have of their own, clusters, likeness to one of them."""

import numpy as np

from playground.analysis.embeddings.tsne_and_umap import MAX_POINTS
from playground.analysis.embeddings.vector_arithmetic import clusters, cosines, dense_groups, group_names
from playground.analysis.embeddings.vocabulary_filter import main_groups
from playground.errors import PlaygroundError
from playground.tabs.embeddings.projector_request import CHARACTERS, COLOURS, NORM, SCRIPT, Asked

CLUSTERS = 7


def colours_of(points) -> list[str]:
    """What such points can be coloured by, the usual one first."""
    return [*points.groups, *points.values, *COLOURS]


def coloured(points, coordinates: np.ndarray, asked: Asked, colour: str) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Groups, or values, of points shown at coordinates (N, 2 or 3); neither for a similarity to a point that is not chosen
    yet. PlaygroundError for more points than HDBSCAN takes."""
    source, numbers = points.source, points.numbers
    if colour in points.groups:
        return np.array([points.groups[colour][i] for i in numbers], dtype=object), None
    if colour in points.values:
        return None, np.asarray(points.values[colour], np.float32)[numbers]
    if colour == SCRIPT:
        return main_groups([source.scripts[i] for i in numbers]), None
    if colour == CHARACTERS:
        return None, np.array([min(len(source.texts[i].strip()), 20) for i in numbers], np.float32)
    if colour == NORM:
        return None, source.norms[numbers]
    if colour.startswith("cluster (k-means"):
        many = min(CLUSTERS, len(numbers) - 1)
        return group_names(clusters(points.vectors, many, asked.seed)), None
    if colour.startswith("cluster (HDBSCAN"):
        if len(numbers) > MAX_POINTS:
            raise PlaygroundError(
                f"HDBSCAN takes at most {MAX_POINTS:,} points; there are {len(numbers):,}.", "Take a sample."
            )
        return main_groups(group_names(dense_groups(coordinates)).tolist()), None
    if asked.chosen is None or asked.chosen >= len(source.texts):
        return None, None
    return None, cosines(points.vectors, source.matrix[[asked.chosen]])[:, 0]
