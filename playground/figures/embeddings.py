"""Pictures of vectors: points on their principal axes, and bars of nearest neighbours. Draws results of
`analysis.projection`; knows nothing of models or of what the points stand for."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.display import percent
from playground.analysis.projection import Neighbours, Projection
from playground.figures.theme import (
    ACCENT,
    CATEGORIES,
    FAINT,
    INK,
    MONO,
    MUTED,
    SMALL,
    SYMBOLS,
    axis,
    base_layout,
    label,
    token_axis,
)

MOST_WRITTEN = 60
"""Points beyond which texts are no longer written beside them, only shown on hover."""
MANY = 2000
"""Points beyond which a 2D scatter is drawn by WebGL."""
MEASURES = {"cosine": "cosine similarity", "dot": "dot product", "euclidean": "Euclidean distance"}


def scatter_figure(
    projection: Projection,
    labels: Sequence[str],
    categories: Sequence[str] | None = None,
    *,
    selected: int | None = None,
    title: str = "",
) -> go.Figure:
    """Points on two or three principal axes (as many as the projection has).

    labels (N,): one text a point, unescaped; categories (N,): colour and symbol; selected: a point to ring.
    customdata is the number of the point, so that a click tells which. Axes say what share of the variance they
    explain.
    """
    xyz = projection.coordinates  # (N, k)
    count, axes = xyz.shape
    texts = np.array([label(text) for text in labels], dtype=object)
    groups = np.array([""] * count if categories is None else [str(c) for c in categories], dtype=object)
    names = list(dict.fromkeys(groups))
    figure = go.Figure()
    for number, name in enumerate(names):
        members = np.flatnonzero(groups == name)
        figure.add_trace(
            _points(
                xyz[members], texts[members], members, written=count <= MOST_WRITTEN, webgl=count > MANY,
                colour=INK if categories is None else CATEGORIES[number % len(CATEGORIES)],
                symbol=SYMBOLS[number % len(SYMBOLS)], name=label(name) if name else "",
            )
        )  # fmt: skip
    if selected is not None:
        figure.add_trace(_ring(xyz[selected]))
    shares = projection.explained_variance_ratio
    sentence = f"{count:,} points on the {axes} axes along which they differ most; these hold "
    sentence += f"{percent(float(shares.sum()))} of their variance. {projection.note}".rstrip()
    figure.update_layout(base_layout(sentence, title=title, uirevision=f"scatter-{axes}-{count}"))
    figure.update_layout(showlegend=len(names) > 1, dragmode="pan" if axes == 2 else "orbit")
    titles = [f"component {i + 1} ({percent(float(share))})" for i, share in enumerate(shares)]
    if axes == 2:
        figure.update_xaxes(axis(titles[0]))
        figure.update_yaxes(axis(titles[1], scaleanchor="x", scaleratio=1))
    elif axes == 3:
        quiet = {"gridcolor": FAINT, "linecolor": MUTED, "zeroline": False, "showbackground": False,
                 "showspikes": False, "tickfont": {"size": SMALL - 1}, "nticks": 5}  # fmt: skip
        figure.update_scenes(
            {f"{name}axis": {**quiet, "title": {"text": text, "font": {"size": SMALL}}}
             for name, text in zip("xyz", titles, strict=True)},
            aspectmode="data", camera={"eye": {"x": 1.35, "y": 1.35, "z": 0.9}},
        )  # fmt: skip
        figure.update_layout(margin={"l": 0, "r": 0, "b": 0})
    return figure


def neighbours_figure(neighbours: Neighbours, labels: Sequence[str], *, title: str = "") -> go.Figure:
    """Bars of the nearest rows, the nearest on top; labels (n,) belong to neighbours.indices, unescaped."""
    count = len(neighbours.indices)
    what = MEASURES[neighbours.measure]
    figure = go.Figure(
        go.Bar(
            x=neighbours.values, y=np.arange(count), orientation="h", customdata=neighbours.indices,
            marker={"color": INK}, text=[f"{value:.3f}" for value in neighbours.values], textposition="outside",
            textfont={"size": SMALL}, cliponaxis=False,
            hovertemplate=f"<b>%{{y}}</b><br>{what} <b>%{{x:.4f}}</b><br>row %{{customdata}}<extra></extra>",
        )
    )  # fmt: skip
    best = f" {labels[0]!r} is nearest with {float(neighbours.values[0]):.3f}." if count else ""
    figure.update_layout(
        base_layout(f"The {count} nearest by {what}.{best}", title=title, uirevision=f"near-{what}-{count}")
    )
    figure.update_layout(bargap=0.35)
    figure.update_xaxes(axis(what))
    figure.update_yaxes(token_axis("", list(labels), range=[count - 0.5, -0.5]))
    return figure


def _points(xyz, texts, members, *, written: bool, webgl: bool, colour: str, symbol: str, name: str):
    axes = xyz.shape[1]
    shared = {
        **dict(zip("xyz", xyz.T, strict=False)),
        "mode": "markers+text" if written else "markers",
        "text": texts,
        "customdata": members,
        "name": name,
        "textfont": {"family": MONO, "size": SMALL},
        "hovertemplate": "<b>%{text}</b>" + (f"<br>{name}" if name else "") + "<extra></extra>",
    }
    if axes == 3:
        size = 5 if len(members) < 500 else 2.5
        return go.Scatter3d(**shared, marker={"size": size, "color": colour, "symbol": symbol, "opacity": 0.9})
    if axes == 1:
        shared["y"] = np.zeros(len(xyz), np.float32)
    marker = {"size": 5 if webgl else 9, "color": colour, "symbol": symbol, "opacity": 0.6 if webgl else 0.9}
    return (go.Scattergl if webgl else go.Scatter)(**shared, marker=marker, textposition="top center")


def _ring(point: np.ndarray):
    marker = {"size": 17, "color": "rgba(0,0,0,0)", "symbol": "circle-open", "line": {"color": ACCENT, "width": 2.5}}
    shared = {"mode": "markers", "marker": {**marker, "color": ACCENT}, "hoverinfo": "skip", "showlegend": False}
    places = dict(zip("xyz", point[:, None], strict=False))
    return go.Scatter3d(**places, **shared) if len(point) == 3 else go.Scatter(**places, **shared)
