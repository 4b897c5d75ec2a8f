"""Pictures of points: on their principal axes, as a cloud, and the nearest neighbours of one as bars."""

from typing import TYPE_CHECKING, Any

from playground.analysis.embeddings.pca_and_neighbours import Neighbours, Projection, pca
from playground.analysis.text_display import counted, percent
from playground.embeddings.clouds import Cloud
from playground.figures.embeddings.clouds import cloud_figure
from playground.figures.embeddings.scatter import neighbours_figure, scatter_figure
from playground.texts.numbers import minus

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from playground.embeddings.points import Points


def on_principal_axes(points: "Points", components: int = 2, **look: Any) -> tuple["Figure", Projection]:
    """The points as `scatter_figure` draws them with this `look`, in a colour for each line; and their projection."""
    from playground.embeddings.points import LINE

    projection = pca(points.vectors, components)
    return scatter_figure(projection, points.labels, points.group(LINE), **look), projection


def as_cloud(cloud: Cloud) -> "Figure":
    """The cloud as `cloud_figure` draws it."""
    return cloud_figure(
        cloud.placed.layout.coordinates,
        cloud.placed.labels,
        groups=cloud.colours.groups,
        values=cloud.colours.values,
        value_name=cloud.request.colour,
        axes=cloud.placed.layout.axes,
        added=(cloud.added.names, cloud.added.coordinates),
        description=cloud.description,
        kind=cloud.request.layout_name,
        names=cloud.placed.points.labels,
    )


def neighbour_bars(points: "Points", neighbours: Neighbours, title: str) -> "Figure":
    """Neighbours from the points' table as bars; sentences have room for more characters."""
    labels = [points.table.texts[i] for i in neighbours.indices]
    return neighbours_figure(neighbours, labels, title=title, limit=32 if points.noun == "sentence" else None)


def words_in_words(points: "Points", words: int, projection: Projection) -> str:
    """How many words or tokens were placed, how much the axes hold, and how alike random tokens are."""
    shares = " and ".join(percent(share) for share in projection.explained_variance_ratio)
    many, anisotropy = len(points.numbers), points.table.anisotropy
    return (
        f"{counted(words, 'word') if many == words else f'{many} tokens of {words} words'} in "
        f"{points.source.matrix.shape[1]:,} dimensions; the axes hold {shares} of their variance. "
        f"{projection.note or 'Click a point for its neighbours in the whole vocabulary.'} For comparison: two random "
        f"tokens have a cosine of {minus(anisotropy.mean_cosine)} on average, {minus(anisotropy.centred)} with the average "
        "vector subtracted."
    )
