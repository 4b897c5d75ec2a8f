"""More pictures of positions: a table's path in space, curves over distance, a shift as a rotation, all heads at once.
Draws arrays; knows nothing of models. Positions, heads and layers count from 0; distances are in tokens."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.embeddings.pca_and_neighbours import Projection
from playground.analysis.text_display import counted, percent
from playground.figures.layout import colour_bar, finish, label
from playground.figures.positions.drawing import MAX_LINES, extremes, spread
from playground.figures.theme import ACCENT, DIVERGING, INK, ORDERED, OUTLINE, SEQUENTIAL, SMALL, shades

MAX_PLACES = 1024
"""Most points of a measured line, enough for a text of 512 tokens in both directions; of more the extremes are drawn."""


def path_figure(projection: Projection, dimensions: int, *, title: str = "") -> go.Figure:
    """The path of positions 0, 1, 2, … through the first two or three principal components, coloured by position."""
    points = projection.coordinates[:, :dimensions]
    places = np.arange(len(points), dtype=np.float32)
    shares = projection.explained_variance_ratio[:dimensions]
    titles = [f"component {i + 1} ({percent(float(share))})" for i, share in enumerate(shares)]
    shared = {
        "mode": "lines+markers",
        "customdata": places,
        "showlegend": False,
        "line": {"color": OUTLINE, "width": 1},
        "hovertemplate": "position <b>%{customdata:d}</b><extra></extra>",
    }
    marker = {"color": places, "colorscale": ORDERED, "colorbar": colour_bar("position"), "showscale": len(shares) == 2}
    sentence = (
        f"{counted(len(points), 'position')} on the {len(shares)} axes along which they differ most, which hold "
        f"{percent(float(shares.sum()))} of the variance; the line joins neighbours. {projection.note}"
    )
    if len(shares) == 3:
        trace = go.Scatter3d(x=points[:, 0], y=points[:, 1], z=points[:, 2], marker={**marker, "size": 2.5}, **shared)
    else:
        trace = go.Scatter(x=points[:, 0], y=points[:, 1], marker={**marker, "size": 5}, **shared)
    figure = finish(go.Figure(trace), sentence.strip(), title=title, uirevision=f"path-{points.shape}")
    if len(shares) == 3:
        figure.update_scenes({f"{name}axis_title_text": text for name, text in zip("xyz", titles, strict=True)})
        figure.update_layout(margin={"l": 0, "r": 0, "b": 0}, dragmode="orbit")
    else:
        figure.update_xaxes(title_text=titles[0])
        figure.update_yaxes(title_text=titles[1], scaleanchor="x")
    return figure


def over_distance_figure(
    distances: np.ndarray,
    lines: np.ndarray,
    names: Sequence[str],
    *,
    what: str,
    axis: str = "distance (query − key)",
    title: str = "",
) -> go.Figure:
    """Curves (lines, n) over distances (n,), one for each name (unescaped). what: the name of the number; axis: the title of
    the distance axis. Of many lines every n-th is drawn, of a long one its extremes."""
    x, drawn = np.asarray(distances, np.float32), spread(len(lines), MAX_LINES)
    figure = go.Figure()
    colours = shades(len(drawn)) if len(lines) > 1 else [INK]
    for number, colour in zip(drawn.tolist(), colours, strict=True):
        name, values = names[number], np.asarray(lines[number], np.float32)
        at = extremes(values, MAX_PLACES)
        figure.add_scatter(
            x=x[at],
            y=values[at],
            mode="lines",
            name=label(name, 40),
            showlegend=1 < len(lines) <= 16,
            line={"color": colour, "width": 1.6},
            hovertemplate=f"{label(name, 40)}<br>distance <b>%{{x:d}}</b>: <b>%{{y:.4f}}</b><extra></extra>",
        )
    sentence = (
        f"{what[:1].upper()}{what[1:]} at distances {int(x[0])} to {int(x[-1])}: {np.min(lines):.3g} to "
        f"{np.max(lines):.3g}."
    )
    if len(drawn) < len(lines):
        sentence += f" Drawn: every {drawn[1]}. line of {len(lines)}."
    finish(figure, sentence, title=title, uirevision=f"over-{what}-{len(x)}")
    figure.update_xaxes(title_text=axis, showgrid=False)
    figure.update_yaxes(title_text=what)
    return figure


def shift_figure(matrix: np.ndarray, k: int, *, title: str = "") -> go.Figure:
    """Heat map of the matrix (d, d) that maps the encoding of any position to that of the position k later."""
    figure = go.Figure(
        go.Heatmap(
            z=np.asarray(matrix, np.float32),
            zmin=-1,
            zmax=1,
            colorscale=DIVERGING,
            colorbar=colour_bar("entry"),
            hovertemplate="row <b>%{y}</b>, column <b>%{x}</b>: <b>%{z:.3f}</b><extra></extra>",
        )
    )
    finish(
        figure,
        f"The rotation for a shift by {k}, its first {len(matrix)} rows and columns: blocks of two along the "
        "diagonal, the same for every position.",
        title=title,
        uirevision=f"shift-{len(matrix)}",
    )
    figure.update_xaxes(title_text="dimension", showgrid=False, constrain="domain", constraintoward="left")
    figure.update_yaxes(
        title_text="dimension",
        showgrid=False,
        autorange="reversed",
        scaleanchor="x",
        constrain="domain",
        constraintoward="top",
    )
    return figure


def all_heads_figure(mean: np.ndarray, distances: np.ndarray, heads: int, *, title: str = "") -> go.Figure:
    """Heat map of the mean attention over distance of all heads, mean (layers·heads, n), layers from bottom to top. Shades
    grow with the square root, so that small weights show. A click gives y = layer·heads + head."""
    rows = len(mean)
    figure = go.Figure(
        go.Heatmap(
            z=np.asarray(mean, np.float32),
            x=np.asarray(distances, np.float32),
            y=np.arange(rows, dtype=np.float32),
            zmin=0,
            colorscale=[[place**2, colour] for place, colour in SEQUENTIAL],
            colorbar=colour_bar("mean weight"),
            hovertemplate="layer, head <b>%{y}</b><br>distance <b>%{x:d}</b><br>mean weight <b>%{z:.4f}</b>"
            "<extra></extra>",
        )
    )
    layers = rows // heads
    sentence = (
        f"{counted(rows, 'head')} in {counted(layers, 'layer')} from bottom to top, distances {int(distances[0])} "
        f"to {int(distances[-1])} from left to right; a stronger shade means more attention."
    )
    height = int(np.clip(150 + 3 * rows, 300, 900))
    finish(figure, sentence, title=title, uirevision=f"all-heads-{mean.shape}", height=height)
    step = max(1, layers // 15)
    figure.update_xaxes(title_text="distance (query − key)", showgrid=False)
    figure.update_yaxes(
        title_text="layer",
        showgrid=False,
        tickvals=[n * heads for n in range(0, layers, step)],
        ticktext=[str(n) for n in range(0, layers, step)],
        tickfont={"size": SMALL},
        labelalias={str(i): f"{i // heads}, {i % heads}" for i in range(rows)},
    )
    return figure


def row_mark(row: int, distances: np.ndarray) -> dict:
    """The frame round one head of `all_heads_figure`, as a Plotly shape."""
    return {
        "type": "rect",
        "x0": float(distances[0]) - 0.5,
        "x1": float(distances[-1]) + 0.5,
        "y0": row - 0.5,
        "y1": row + 0.5,
        "line": {"color": ACCENT, "width": 2},
    }
