"""A token through the layers, and all tokens at one layer, in pictures and sentences."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from playground.analysis.embeddings.layer_paths import likeness, paths_of
from playground.analysis.embeddings.vector_arithmetic import cosines, mean_pair_cosine
from playground.analysis.text_display import percent
from playground.figures.embeddings.cosines import by_layer_figure, cosines_figure
from playground.figures.embeddings.layer_paths import paths_figure
from playground.figures.embeddings.point_pictures import on_principal_axes
from playground.figures.embeddings.scatter import HALF
from playground.texts.numbers import minus

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from playground.embeddings.points import Points

MAX_TOKENS = 128
"""Tokens of the heat map."""


class PathPictures(NamedTuple):
    """One token's states after every layer."""

    path: "Figure"
    ends: "Figure"  # likeness to its beginning and its end
    sentence: str


class LayerPictures(NamedTuple):
    """All tokens after one layer."""

    alike: "Figure"  # token to token
    placed: "Figure"  # on their principal axes


def path_pictures(
    tracks: Mapping[str, np.ndarray], name: str, components: int, directions: bool, remark: str = ""
) -> PathPictures:
    """tracks: title -> (L + 1, d_model), of one token or of two. name: the token's. remark: after a space, at the end of
    the sentence. components, directions: of `paths_of`."""
    lines, sentence = likeness(tracks, name)
    paths = paths_of(tracks.values(), components, directions)
    share = float(paths.projection.explained_variance_ratio.sum())
    sentence += f" The axes hold {percent(share)} of the paths' variance.{remark}"
    named = dict(zip(tracks, paths.paths, strict=True))
    path = paths_figure(named, paths.projection.axis_titles, description=sentence)
    return PathPictures(path, by_layer_figure(lines, description=sentence), sentence)


def layer_pictures(points: "Points", layer: int) -> LayerPictures:
    """points: of all tokens of a text, by their states after the layer."""
    drawn, count = points.head(MAX_TOKENS), len(points.numbers)
    cosine = cosines(drawn.vectors)
    words = f"Cosine of the tokens' states after layer {layer}: {minus(mean_pair_cosine(cosine))} on average."
    if count > MAX_TOKENS:
        words += f" The first {MAX_TOKENS} of {count:,} tokens."
    placed, _ = on_principal_axes(drawn, title=f"The tokens after layer {layer}", width=HALF)
    return LayerPictures(cosines_figure(cosine, drawn.labels, description=words), placed)
