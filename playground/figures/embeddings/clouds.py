"""A picture of many points, such as a vocabulary, as a cloud. Draws arrays; knows no models and not what a point stands
for."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.embeddings.vocabulary_filter import whole_words
from playground.analysis.text_display import counted
from playground.figures.embeddings.label_placement import places_beside, room_beside, spread_out
from playground.figures.embeddings.scatter import MAX_WRITTEN, in_scene
from playground.figures.layout import THEIRS, colour_bar, finish, label
from playground.figures.theme import ACCENT, INK, MARKS, MONO, SMALL, category_colour

TEXT = {"family": MONO, "size": SMALL}
BESIDE = {
    "top center": {"yanchor": "bottom"},
    "bottom center": {"yanchor": "top"},
    "middle right": {"xanchor": "left"},
    "middle left": {"xanchor": "right"},
}
"""Side of a point -> the anchors of an annotation there."""
WIDE, HIGH = 560, 470
"""Least width and height of a cloud on a wide page, in pixels, for the texts beside its points."""
FLY = 0.06
"""Share of the picture that stays in view round a point that the visitor is flown to."""
AROUND = 16
"""Points around it in the picture that are named."""


def cloud_figure(
    coordinates: np.ndarray,
    labels: Sequence[str],
    *,
    groups: Sequence[str] | None = None,
    values: np.ndarray | None = None,
    value_name: str = "",
    axes: Sequence[str] = (),
    added: tuple[Sequence[str], np.ndarray] | None = None,
    description: str = "",
    kind: str = "",
    names: Sequence[str] = (),
) -> go.Figure:
    """Points (N, 2 or 3) as one trace, by WebGL where they are many. A click's `index` is the point's number.

    labels (N,): hover texts, escaped by `layout.label` before. Few points show their labels beside them as far as there is
    room; of many points some of those do whose names (N,), unescaped, are words. groups (N,): a colour for each name; or
    values (N,), in the shades of MARKS, with value_name. axes: titles. added: names, unescaped,
    and places (n, 2 or 3) of a visitor's own points. kind: names the layout; zoom survives other colours, but not another
    layout.
    """
    points = np.asarray(coordinates, np.float32)
    count, sizes = points.shape
    few = count <= MAX_WRITTEN
    size = (9 if few else 3) if sizes == 2 else (5 if few else 2)
    marker: dict = {"size": size, "opacity": 0.9 if few else 0.7, "color": INK}
    figure = go.Figure()
    if groups is not None:
        kinds = [name for name, _ in Counter(groups).most_common()]  # by size: Latin, say, has one colour in all models
        number = {name: i for i, name in enumerate(kinds)}
        marker |= {
            "color": np.array([number[name] for name in groups], np.uint8),
            "cmin": -0.5,
            "cmax": len(kinds) - 0.5,
            "colorscale": _steps(len(kinds)),
        }
    elif values is not None:
        marker |= _shaded(np.asarray(values, np.float32), value_name)
    many = {
        "mode": "markers",
        "marker": marker,
        "hovertext": np.array(labels, dtype=object),  # plotly looks at every element of a list, twice
        "showlegend": False,
        "hovertemplate": "<b>%{hovertext}</b><extra></extra>",
    }
    if sizes == 3:
        if few:
            many |= {"mode": "markers+text", "text": [in_scene(text) for text in labels], "textfont": TEXT}
        figure.add_scatter3d(x=points[:, 0], y=points[:, 1], z=points[:, 2], **many)
    else:
        (figure.add_scatter if few else figure.add_scattergl)(x=points[:, 0], y=points[:, 1], **many)
        _name_some(figure, points, labels, names)
    if groups is not None and len(kinds) > 1:
        for i, name in enumerate(kinds):
            figure.add_scatter(
                x=[None],
                y=[None],
                mode="markers",
                name=label(name),
                marker={"size": 9, "color": category_colour(i)},
                hoverinfo="skip",
            )
    if added is not None and len(added[0]):
        _add_marks(figure, *added)
    finish(
        figure,
        description or f"{counted(count, 'point')}.",
        uirevision=revision_of(points, kind),
        height=620,
        legend={"y": 1.01, "itemsizing": "constant"},
        modebar={"orientation": "v"},
    )
    figure.layout.meta |= {"declutter": True}
    titles = [*axes, *[""] * 3]
    if sizes == 3:
        figure.update_scenes(
            xaxis_title_text=titles[0], yaxis_title_text=titles[1], zaxis_title_text=titles[2], aspectmode="data"
        )
        figure.update_layout(
            margin={"l": 0, "r": 0, "b": 0}, dragmode="orbit", xaxis={"visible": False}, yaxis={"visible": False}
        )
    else:
        figure.update_xaxes(title_text=titles[0])
        figure.update_yaxes(title_text=titles[1], scaleanchor="x")
        figure.update_layout(dragmode="pan")
    return figure


def _name_some(figure: go.Figure, points: np.ndarray, labels: Sequence[str], names: Sequence[str]) -> None:
    """Writes labels beside points (N, 2), as many as have room without covering one another."""
    if not len(names) or not np.isfinite(points).all():
        return
    candidates, many = np.arange(len(points)), len(points) > MAX_WRITTEN
    if many:
        words = np.array(whole_words(tuple(names)))
        candidates = spread_out(points, words)
    if not len(candidates):
        return
    numbers = candidates.tolist()
    places, lengths = points[candidates], [len(labels[i]) for i in numbers]
    sides = places_beside(places, lengths, width=WIDE, height=HIGH)
    if many:  # WebGL draws over texts of a trace, but under annotations
        figure.layout.annotations = [
            {"x": x, "y": y, "text": labels[i], "showarrow": False, "font": TEXT, "name": THEIRS, **BESIDE[side]}
            for i, side, (x, y) in zip(numbers, sides, places.tolist(), strict=True)
            if side
        ]
        return
    figure.add_scatter(
        x=places[:, 0],
        y=places[:, 1],
        mode="markers+text",
        marker={"size": 9, "opacity": 0},
        text=[labels[i] if side else "" for i, side in zip(numbers, sides, strict=True)],
        textposition=[side or "top center" for side in sides],
        textfont=TEXT,
        hoverinfo="skip",
        showlegend=False,
    )
    unseen = {"mode": "markers", "marker": {"opacity": 0}, "hoverinfo": "skip", "showlegend": False}
    figure.add_scatter(
        x=room_beside(points, lengths, sides, width=WIDE, height=HIGH), y=[points[:, 1].mean()] * 2, **unseen
    )


def revision_of(coordinates: np.ndarray, kind: str) -> str:
    """The uirevision of a cloud: the same for the same points in other colours, so that a visitor's zoom stays."""
    return f"cloud-{kind}-{coordinates.shape[1]}-{len(coordinates)}"


def flown_to(coordinates: np.ndarray, labels: Sequence[str], number: int, near: Sequence[int] = ()) -> dict:
    """Changes of the layout that bring a point of `cloud_figure` into the middle, marked as by `marked`, with names at the
    points around it too: path -> value."""
    points = np.asarray(coordinates, np.float64)
    place = points[number]
    if points.shape[1] == 3:
        low, high = points.min(0), points.max(0)
        middle = (place - (low + high) / 2) / max(1e-9, float((high - low).max()))
        eye = {axis: float(value) for axis, value in zip("xyz", middle + 0.25, strict=True)}
        centre = {axis: float(value) for axis, value in zip("xyz", middle, strict=True)}
        return marked(points, labels, number, near) | {"scene.camera": {"eye": eye, "center": centre}}
    reach = _extent(points) * FLY
    ranges = {f"{axis}axis.range": [at - reach, at + reach] for axis, at in zip("xy", place.tolist(), strict=True)}
    around = np.argsort(np.square(points - place).sum(1), kind="stable")[: 1 + AROUND].tolist()
    return marked(points, labels, number, [*near, *around]) | ranges


def marked(coordinates: np.ndarray, labels: Sequence[str], number: int, near: Sequence[int] = ()) -> dict:
    """Changes of the layout that put a ring round a point of `cloud_figure`, and names at it and at those near it: path ->
    value. Where all points have their names beside them, at that point alone.

    labels (N,): escaped by `layout.label` before. near: numbers of points.
    """
    points = np.asarray(coordinates, np.float64)
    few, three = len(points) <= MAX_WRITTEN, points.shape[1] == 3
    # the first ones are written; what would cover them is not
    numbers = dict.fromkeys([number] if few else [number, *near])
    names = [_name_at(points[i], in_scene(labels[i]) if three else labels[i], i == number) for i in numbers]
    if three:
        return {"scene.annotations": names}
    ring: dict = {"type": "circle", "line": {"color": ACCENT, "width": 2.5}}
    size = _extent(points) * FLY / 12
    for axis, at in zip("xy", points[number].tolist(), strict=True):
        ring |= {f"{axis}0": at - size, f"{axis}1": at + size}
    return {"shapes": [ring], "annotations": names}


def _extent(points: np.ndarray) -> float:
    return float((points.max(0) - points.min(0)).max())


def _name_at(place: np.ndarray, name: str, chosen: bool) -> dict:
    """A name above a point, as an annotation; that of the chosen point is bold, in the accent colour."""
    look = {"color": ACCENT} if chosen else {}
    where = {axis: float(value) for axis, value in zip("xyz", place, strict=False)}
    text = f"<b>{name}</b>" if chosen else name
    return where | {
        "text": text,
        "name": THEIRS,
        "font": TEXT | look,
        "showarrow": False,
        "yanchor": "bottom",
        "yshift": 6,
    }


def _add_marks(figure: go.Figure, names: Sequence[str], places: np.ndarray) -> None:
    """A diamond at each of a visitor's own points."""
    look = {
        "mode": "markers+text",
        "text": list(map(label, names)),
        "textposition": "top center",
        "showlegend": False,
        "hovertemplate": "<b>%{text}</b>, dropped in<extra></extra>",
        "marker": {"size": 11 if places.shape[1] == 2 else 5, "color": ACCENT, "symbol": "diamond"},
    }
    x, y, *z = np.asarray(places, np.float32).T
    figure.add_trace(go.Scatter3d(x=x, y=y, z=z[0], **look) if z else go.Scatter(x=x, y=y, **look))


def _steps(count: int) -> list:
    """A colour scale of `count` equal steps, a category each."""
    return [[edge / count, category_colour(i)] for i in range(count) for edge in (i, i + 1)]


def _shaded(values: np.ndarray, name: str) -> dict:
    """A marker's colours for values (N,), in 256 steps of a byte each, with a colour bar of the values."""
    low, high = float(values.min()), float(values.max())
    steps = np.rint((values - low) / (high - low or 1) * 255).astype(np.uint8)
    ticks = [f"{value:.3g}" for value in np.linspace(low, high, 5)]
    bar = colour_bar(name) | {"tickvals": np.linspace(0, 255, 5), "ticktext": ticks}
    return {"color": steps, "cmin": 0, "cmax": 255, "colorscale": MARKS, "colorbar": bar}
