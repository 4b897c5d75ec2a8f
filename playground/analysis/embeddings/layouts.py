"""One way in to all layouts: PCA, t-SNE and UMAP. Works on any vectors; knows nothing of what they stand for."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from playground.analysis.arrays import ArrayLike
from playground.analysis.embeddings.pca_and_neighbours import pca
from playground.analysis.embeddings.tsne_and_umap import Layout, Tick, tsne, umap, usual_neighbours, usual_perplexity
from playground.analysis.embeddings.vector_arithmetic import directions
from playground.analysis.text_display import percent

PCA, TSNE, UMAP = METHODS = "PCA", "t-SNE", "UMAP"
"""As the page lists them."""


@dataclass(frozen=True)
class LayoutSettings:
    """How points are laid out."""

    method: str = PCA
    components: int = 2
    """2 or 3."""
    directions: bool = False
    """Every vector is scaled to length 1 first."""
    seed: int = 0
    perplexity: float = 0.0
    """Of t-SNE; 0: the usual one for so many points."""
    neighbours: int = 0
    """Of UMAP: how many count; 0: the usual number for so many points."""
    min_distance: float = 0.1
    """Of UMAP: the least distance of two points in the picture."""


def lay_out(points: ArrayLike, settings: LayoutSettings, tick: Tick = lambda share: None) -> Layout:
    """Points (N, D) laid out. PlaygroundError for what the method can't do with so many points."""
    if settings.directions:
        layout = lay_out(directions(points), replace(settings, directions=False), tick)
        return replace(layout, place=_of_directions(layout), note=f"Directions only. {layout.note}")
    count = len(points)
    if settings.method == TSNE:
        perplexity = settings.perplexity or usual_perplexity(count)
        layout = tsne(points, settings.components, perplexity, settings.seed, tick)
        return replace(layout, note=f"Perplexity {perplexity:g}.")
    if settings.method == UMAP:
        neighbours = settings.neighbours or usual_neighbours(count)
        layout = umap(points, settings.components, neighbours, settings.min_distance, settings.seed, tick)
        return replace(layout, note=f"{neighbours} neighbours count.")
    projection = pca(points, settings.components)
    share = percent(float(projection.explained_variance_ratio.sum()))
    note = f"The axes hold {share} of their variance. {projection.note}".strip()
    return Layout(projection.coordinates, projection.place, note, projection.axis_titles)


def _of_directions(layout: Layout) -> Callable[[ArrayLike], np.ndarray] | None:
    """The layout's `place` for vectors that are not yet scaled to length 1."""
    place = layout.place
    if place is None:
        return None

    def place_directions(others: ArrayLike) -> np.ndarray:
        return place(directions(others))

    return place_directions
