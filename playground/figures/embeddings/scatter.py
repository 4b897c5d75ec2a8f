"""Pictures of vectors: points on their principal axes, and bars of nearest neighbours. Draws the results of
analysis/embeddings/pca_and_neighbours; knows nothing of models or of what the points stand for."""

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.embeddings.pca_and_neighbours import Neighbours, Projection
from playground.analysis.text_display import counted, percent, plain_mark
from playground.figures.embeddings.label_placement import WIDTH, places_beside, room_beside
from playground.figures.layout import finish, label, token_axis
from playground.figures.theme import ACCENT, CATEGORIES, INK, MONO, SIZE, SMALL, SYMBOLS

MAX_WRITTEN = 60
"""Points beyond which texts appear on hover only, not beside them."""
HALF = 380
"""Width in pixels of a picture beside another one."""
MAX_SVG = 2000
"""Points beyond which WebGL draws a 2D scatter."""
MEASURES = {"cosine": "cosine similarity", "dot": "dot product", "euclidean": "Euclidean distance"}


def scatter_figure(
    projection: Projection,
    labels: Sequence[str],
    categories: Sequence[str] | None = None,
    *,
    selected: int | None = None,
    title: str = "",
    width: int = WIDTH,
) -> go.Figure:
    """Points on one to three principal axes, as many as the projection has; each axis states the share of the variance that
    it explains. A click's customdata is the point's number.

    labels (N,): texts, unescaped. categories (N,): a colour and a symbol for each name. selected: the number of a point to
    ring. width: of the picture in pixels, for the texts beside the points.
    """
    xyz = projection.coordinates  # (N, k)
    count, axes = xyz.shape
    texts = np.array([label(text) for text in labels], dtype=object)
    groups = np.array([""] * count if categories is None else [str(c) for c in categories], dtype=object)
    names = list(dict.fromkeys(groups))
    figure = go.Figure()
    written = count <= MAX_WRITTEN
    sides, lengths = np.array(["top center"] * count, dtype=object), list[int]()
    if written and axes == 2 and np.isfinite(xyz).all():
        lengths = [len(text) for text in texts]
        sides = np.array(places_beside(xyz, lengths, width), dtype=object)
    for number, name in enumerate(names):
        members = np.flatnonzero(groups == name)
        figure.add_trace(
            _points(
                xyz[members],
                texts[members],
                members,
                sides[members] if written else None,
                {
                    "colour": INK if categories is None else CATEGORIES[number % len(CATEGORIES)],
                    "symbol": SYMBOLS[number % len(SYMBOLS)],
                    "webgl": count > MAX_SVG,
                },
                label(name) if name else "",
            )
        )
    if selected is not None:
        figure.add_trace(_ring(xyz[selected]))
    if lengths:
        unseen = {"mode": "markers", "marker": {"opacity": 0}, "hoverinfo": "skip", "showlegend": False}
        figure.add_scatter(x=room_beside(xyz, lengths, sides.tolist(), width), y=[xyz[:, 1].mean()] * 2, **unseen)
    shares = projection.explained_variance_ratio
    sentence = f"{counted(count, 'point')} on the {axes} axes along which they differ most; together these "
    sentence += f"hold {percent(float(shares.sum()))} of their variance. {projection.note}".rstrip()
    finish(figure, sentence, title=title, uirevision=f"scatter-{axes}-{count}")
    figure.update_layout(showlegend=len(names) > 1, legend_itemsizing="constant")
    figure.layout.meta |= {"declutter": True}
    titles = projection.axis_titles
    if axes == 3:
        scene = {f"{name}axis_title_text": text for name, text in zip("xyz", titles, strict=True)}
        figure.update_scenes(scene, aspectmode="data")
        figure.update_layout(margin={"l": 0, "r": 0, "b": 0}, dragmode="orbit")
    else:
        figure.update_xaxes(title_text=titles[0])
        figure.update_yaxes(title_text=titles[1] if axes == 2 else "", scaleanchor="x")
        figure.update_layout(dragmode="pan")
    return figure


def neighbours_figure(
    neighbours: Neighbours, labels: Sequence[str], *, title: str = "", limit: int | None = None
) -> go.Figure:
    """Bars of the nearest rows, the nearest on top. labels (n,): of neighbours.indices, unescaped; limit: characters of a
    label, with more room for them."""
    count = len(neighbours.indices)
    what = MEASURES[neighbours.measure]
    figure = go.Figure(
        go.Bar(
            x=neighbours.values,
            y=np.arange(count),
            orientation="h",
            customdata=neighbours.indices,
            marker={"color": INK, "line": {"width": 0}},
            text=[f"{value:.3f}" for value in neighbours.values],
            textposition="outside",
            textfont={"size": SMALL},
            cliponaxis=False,
            hovertemplate=f"<b>%{{y}}</b><br>{what} <b>%{{x:.4f}}</b><br>row %{{customdata}}<extra></extra>",
        )
    )
    best = f" “{plain_mark(labels[0])}” is nearest with {float(neighbours.values[0]):.3f}." if count else ""
    sentence = f"{counted(count, 'nearest neighbour')} by {what}.{best}"
    finish(figure, sentence, title=title, uirevision=f"near-{what}-{count}", bargap=0.35)
    high, low = (float(f(neighbours.values, initial=0)) for f in (np.max, np.min))
    room = 0.15 * (high - low or 1)  # for the numbers at the bars' ends
    figure.update_xaxes(title_text=what, range=[low - room * (low < 0), high + room])
    figure.update_yaxes(
        token_axis("", labels, max_ticks=100, range=[count - 0.5, -0.5], tickfont={"family": MONO, "size": SIZE})
    )
    if limit:  # long texts leave little room for bars
        figure.update_xaxes(range=[low - 2 * room * (low < 0), high + 3 * room])
        figure.update_yaxes(ticktext=[label(text, limit) for text in labels], tickfont_size=SMALL)
    return figure


def in_scene(text: str) -> str:
    """An escaped label for a 3D scene, which shows entities undecoded and drops whatever looks like a tag."""
    return html.unescape(text).replace("<", "‹").replace(">", "›")


def _points(
    xyz: np.ndarray, texts: np.ndarray, members: np.ndarray, sides: np.ndarray | None, look: dict, name: str
) -> go.Scatter | go.Scattergl | go.Scatter3d:
    """A trace of points (n, 1 to 3) with their texts and numbers. sides: the side of each text, or None for a text on hover
    only; None for all on hover only. look: colour and symbol, and whether WebGL draws."""
    webgl = look["webgl"]
    axes = xyz.shape[1]
    shared: dict = {
        "mode": "markers" if sides is None else "markers+text",
        "hovertext": texts,
        "customdata": members,
        "name": name,
        "textfont": {"family": MONO, "size": SMALL},
        "hovertemplate": "<b>%{hovertext}</b>" + ("<br>%{fullData.name}" if name else "") + "<extra></extra>",
    }
    if axes == 3:
        if sides is not None:
            shared["text"] = [in_scene(text) for text in texts]
        marker = {
            "size": 5 if len(xyz) < 500 else 2.5,
            "color": look["colour"],
            "symbol": look["symbol"],
            "opacity": 0.9,
        }
        return go.Scatter3d(x=xyz[:, 0], y=xyz[:, 1], z=xyz[:, 2], marker=marker, **shared)
    if sides is not None:
        shared["text"] = [text if side else "" for text, side in zip(texts, sides, strict=True)]
        shared["textposition"] = [side or "top center" for side in sides]
    marker = {
        "size": 5 if webgl else 9,
        "color": look["colour"],
        "symbol": look["symbol"],
        "opacity": 0.6 if webgl else 0.9,
    }
    y = xyz[:, 1] if axes == 2 else np.zeros(len(xyz), np.float32)
    kind = go.Scattergl if webgl else go.Scatter
    return kind(x=xyz[:, 0], y=y, marker=marker, **shared)


def _ring(point: np.ndarray) -> go.Scatter | go.Scatter3d:
    """A ring round a point."""
    marker = {"size": 17, "color": ACCENT, "symbol": "circle-open", "line": {"color": ACCENT, "width": 2.5}}
    shared = {"mode": "markers", "marker": marker, "hoverinfo": "skip", "showlegend": False}
    x, y, *z = [*point, 0.0][: max(2, len(point))]
    if z:
        return go.Scatter3d(x=[x], y=[y], z=z, **shared)
    return go.Scatter(x=[x], y=[y], **shared)
