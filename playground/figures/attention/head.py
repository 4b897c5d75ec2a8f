"""Pictures of attention weights: one head in full, a difference, a mask. Draws arrays; knows nothing of models or of how
weights come about. Tokens count from 0."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import plotly.graph_objects as go

from playground.analysis.attention.maps import How
from playground.analysis.text_display import counted
from playground.figures.attention.token_grid import MapAxes, TokenGrid
from playground.figures.layout import colour_bar, finish, label
from playground.figures.theme import DIVERGING, REST, SEQUENTIAL

MIN_LARGE = 4096
"""Cells from which the largest few may share one shade, so that the others can be told apart."""


@dataclass(frozen=True)
class Shading:
    """How a head's weights are shaded."""

    scale: Literal["max", "one"] = "max"
    """"max": from 0 to the largest weight (of a large map see `_top`); "one": from 0 to 1, to compare heads."""
    logarithmic: bool = False
    """By log10, from 0.0001."""
    how: How = "max"
    unit: str = "weight"
    """The name of the numbers, for the colour bar and the hover label."""


LINEAR = Shading()


def head_figure(
    weights: np.ndarray,
    axes: MapAxes,
    shading: Shading = LINEAR,
    *,
    selected: tuple[int, int] | None = None,
    title: str = "",
    description: str = "",
) -> go.Figure:
    """Heat map of one head: weights (Q, K) after softmax, queries from top to bottom, keys from left to right.

    Both axes count tokens. Beyond 256 tokens a cell shows a block of them, and the description says so. selected: the
    (query, key) to outline. A click gives x and y, the middle of the key's and of the query's cell.
    """
    queries, keys = weights.shape
    grid = TokenGrid(weights.shape, axes)
    z = grid.pooled(weights, shading.how)
    if axes.causal:
        z = np.where(grid.hidden(), np.float32(np.nan), z)
    largest = float(np.nanmax(z)) if np.isfinite(z).any() else 0.0
    top = 1.0 if shading.scale == "one" or largest <= 0 else _top(z)
    note = f"Shaded from 0 to {top:.3g}" + ("." if top in (1.0, largest) else "; what is above looks the same.")
    shades = {"zmin": 0, "zmax": top, "colorbar": colour_bar(shading.unit)}
    shade, hover = z, "%{z:.3f}"
    if shading.logarithmic:
        shade, hover = np.log10(np.maximum(z, 1e-4), dtype=np.float32), "%{customdata:.2e}"
        high = max(0, int(np.ceil(np.log10(max(largest, 1)))))  # weights times norms exceed 1
        ticks = list(range(-4, high + 1))
        names = ["≤ 0.0001", *(f"{10.0**tick:g}" for tick in ticks[1:])]
        shades = {"zmin": -4, "zmax": high, "colorbar": colour_bar(shading.unit, tickvals=ticks, ticktext=names)}
        note = f"Shaded by the logarithm, from 0.0001 to {10**high:,}."
    sentence = description or f"Attention of {counted(queries, 'query token')} to {counted(keys, 'key token')}."
    figure = go.Figure(
        go.Heatmap(
            z=shade,
            **grid.places,
            **shades,
            colorscale=SEQUENTIAL,
            hoverongaps=False,
            customdata=z if shading.logarithmic else None,
            **grid.gaps,
            hovertemplate=f"query  <b>%{{y}}</b><br>key  <b>%{{x}}</b><br>{label(shading.unit, None)}  <b>{hover}</b>"
            "<extra></extra>",
        )
    )
    finish(figure, f"{sentence} {note}{grid.cell_words(shading.how)}", title=title, uirevision=f"head-{queries}-{keys}")
    return grid.add_axes(figure, selected)


def difference_figure(difference: np.ndarray, axes: MapAxes, *, description: str) -> go.Figure:
    """Heat map of a difference of weights (Q, K), as `head_figure`: orange above 0, blue below, the page's colour at
    0. A block's cell shows its value farthest from 0."""
    grid = TokenGrid(difference.shape, axes)
    high, low = grid.pooled(difference, "max"), -grid.pooled(-difference, "max")
    z = np.where(high > -low, high, low).astype(np.float32)
    limit = float(np.abs(z).max()) or 1.0
    if axes.causal:
        z = np.where(grid.hidden(), np.float32(np.nan), z)
    figure = go.Figure(
        go.Heatmap(
            z=z,
            **grid.places,
            zmin=-limit,
            zmax=limit,
            colorscale=DIVERGING,
            colorbar=colour_bar("difference"),
            hoverongaps=False,
            **grid.gaps,
            hovertemplate="query  <b>%{y}</b><br>key  <b>%{x}</b><br>difference  <b>%{z:+.3f}</b><extra></extra>",
        )
    )
    finish(
        figure, description + grid.cell_words("value farthest from 0"), uirevision=f"head-{grid.queries}-{grid.keys}"
    )
    return grid.add_axes(figure)


def mask_figure(allowed: np.ndarray, axes: MapAxes, *, description: str) -> go.Figure:
    """Heat map of a mask (Q, K) of bool in two shades. A block's cell shows its allowed share."""
    grid = TokenGrid(allowed.shape, axes)
    z = grid.pooled(allowed.astype(np.float32), "mean")
    figure = go.Figure(
        go.Heatmap(
            z=z,
            **grid.places,
            zmin=0,
            zmax=1,
            colorscale=[[0, REST], [0.001, REST], [0.001, SEQUENTIAL[1][1]], [1, SEQUENTIAL[4][1]]],
            showscale=False,
            customdata=np.rint(100 * z).astype(np.uint8),
            **grid.gaps,
            hovertemplate="query  <b>%{y}</b><br>key  <b>%{x}</b><br>allowed  <b>%{customdata} %</b><extra></extra>",
        )
    )
    finish(
        figure,
        f"{description} Blue: allowed; grey: masked.{grid.cell_words('mean')}",
        uirevision=f"head-{grid.queries}-{grid.keys}",
    )
    return grid.add_axes(figure)


def _top(z: np.ndarray) -> float:
    """The value at which the shades of a map end: its largest cell. A few cells would bleach a large map (the first token's
    weight on itself is 1), so there it is the 99.5th percentile, if that is below half the largest."""
    seen = z[np.isfinite(z)]
    high = float(np.percentile(seen, 99.5)) if len(seen) >= MIN_LARGE else 0.0
    return high if 0 < high < seen.max() / 2 else float(seen.max())
