"""Pictures of many points: a vocabulary as a cloud, drawn by WebGL; paths through the layers; similarities. Draws arrays;
knows no models and not what a point stands for."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted
from playground.figures.animation import player
from playground.figures.embeddings.label_placement import places_beside, room_beside, spread_out
from playground.figures.embeddings.scatter import MAX_WRITTEN, in_scene
from playground.figures.layout import colour_bar, finish, label, token_axis
from playground.figures.theme import ACCENT, CATEGORIES, DIVERGING, INK, MONO, SEQUENTIAL, SMALL

TEXT = {"family": MONO, "size": SMALL}
BESIDE = {
    "top center": {"yanchor": "bottom"},
    "bottom center": {"yanchor": "top"},
    "middle right": {"xanchor": "left"},
    "middle left": {"xanchor": "right"},
}
"""Side of a point -> where an annotation stands."""
WIDE, HIGH = 560, 470
"""Pixels that a cloud has at least on a wide page, for the texts beside its points."""
FLY = 0.06
"""Share of the picture that is seen round a point that was searched for."""


def cloud_figure(
    coordinates: np.ndarray,
    labels: Sequence[str],
    *,
    groups: Sequence[str] | None = None,
    values: np.ndarray | None = None,
    value_name: str = "",
    axes: Sequence[str] = (),
    dropped: Mapping[str, np.ndarray] | None = None,
    description: str = "",
    kind: str = "",
    names: Sequence[str] = (),
) -> go.Figure:
    """Points (N, 2 or 3) as one trace, by WebGL where they are many, whose numbers a click tells as `index`.

    labels (N,): shown on hover, escaped by `theme.label` beforehand; those that have room stand beside their points, of many
    points some of those whose names (N,), unescaped, are words. groups (N,): names, a colour each; or values (N,) with
    their name, light to dark. axes: titles. dropped: name -> place of points that were added. kind: what layout it is, so
    that zoom survives another colour but not another layout.
    """
    points = np.asarray(coordinates, np.float32)
    count, sizes = points.shape
    few = count <= MAX_WRITTEN
    size = (9 if few else 3) if sizes == 2 else (5 if few else 2)
    marker: dict = {"size": size, "opacity": 0.9 if few else 0.7, "color": INK}
    figure = go.Figure()
    if groups is not None:
        kinds = [name for name, _ in Counter(groups).most_common()]  # so that Latin, say, has one colour in all models
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
        "hovertext": list(labels),
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
                marker={"size": 9, "color": _colour(i)},
                hoverinfo="skip",
            )
    for name, place in (dropped or {}).items():
        _add_mark(figure, place, name)
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
    """Writes labels beside points (N, 2), as many as there is room for: none covers another."""
    if not len(names) or not np.isfinite(points).all():
        return
    chosen, many = np.arange(len(points)), len(points) > MAX_WRITTEN
    if many:
        words = np.array([len(bare) > 2 and bare.isalpha() for bare in (name.strip() for name in names)])
        chosen = spread_out(points, words)
    if not len(chosen):
        return
    places, lengths = points[chosen], [len(labels[i]) for i in chosen]
    sides = places_beside(places, lengths, width=WIDE, height=HIGH)
    if many:  # what WebGL draws lies over texts of a trace, but under annotations
        figure.layout.annotations = [
            {"x": x, "y": y, "text": labels[i], "showarrow": False, "font": TEXT, **BESIDE[side]}
            for i, side, (x, y) in zip(chosen, sides, places.tolist(), strict=True)
            if side
        ]
        return
    figure.add_scatter(
        x=places[:, 0],
        y=places[:, 1],
        mode="markers+text",
        marker={"size": 9, "opacity": 0},
        text=[labels[i] if side else "" for i, side in zip(chosen, sides, strict=True)],
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
    """What pictures have in common that show the same points in other colours: a visitor's zoom is kept between them."""
    return f"cloud-{kind}-{coordinates.shape[1]}-{len(coordinates)}"


def flown_to(coordinates: np.ndarray, number: int) -> dict:
    """The changes of the layout that bring a point of `cloud_figure` into the middle, with a ring round it."""
    points = np.asarray(coordinates, np.float64)
    place = points[number]
    if points.shape[1] == 3:
        low, high = points.min(0), points.max(0)
        middle = (place - (low + high) / 2) / max(1e-9, float((high - low).max()))
        eye = {axis: float(value) for axis, value in zip("xyz", middle + 0.25, strict=True)}
        note = {
            "showarrow": True,
            "arrowcolor": ACCENT,
            "arrowhead": 2,
            "text": "",
            **{axis: float(value) for axis, value in zip("xyz", place, strict=True)},
        }
        centre = {axis: float(value) for axis, value in zip("xyz", middle, strict=True)}
        return {"scene.camera": {"eye": eye, "center": centre}, "scene.annotations": [note]}
    reach = float((points.max(0) - points.min(0)).max()) * FLY
    ring: dict = {"type": "circle", "line": {"color": ACCENT, "width": 2.5}}
    change: dict = {"shapes": [ring]}
    for axis, at in zip("xy", place.tolist(), strict=True):
        change[f"{axis}axis.range"] = [at - reach, at + reach]
        ring |= {f"{axis}0": at - reach / 12, f"{axis}1": at + reach / 12}
    return change


def paths_figure(paths: Mapping[str, np.ndarray], axes: Sequence[str], *, description: str) -> go.Figure:
    """Paths through the layers, each (layers + 1, 2 or 3), as lines with a dot for every layer; an animation moves along
    them, a frame a layer. Names unescaped."""
    three = next(iter(paths.values())).shape[1] == 3
    kind = go.Scatter3d if three else go.Scatter
    names, steps = list(paths), len(next(iter(paths.values())))

    def xyz(points) -> dict:
        return {axis: points[:, i].astype(np.float32) for i, axis in enumerate("xyz"[: 3 if three else 2])}

    figure = go.Figure()
    for number, (name, points) in enumerate(paths.items()):
        figure.add_trace(
            kind(
                **xyz(points),
                mode="lines+markers",
                name=label(name, None),
                line={"color": _colour(number), "width": 2},
                marker={"size": 4, "color": _colour(number)},
                customdata=np.arange(steps, dtype=np.int16),
                hovertemplate=f"<b>{label(name, None)}</b><br>after layer %{{customdata}} of {steps - 1}<extra></extra>",
            )
        )
    for number, name in enumerate(names):
        figure.add_trace(
            kind(
                **xyz(paths[name][:1]),
                mode="markers",
                showlegend=False,
                hoverinfo="skip",
                marker={
                    "size": 15 if not three else 8,
                    "color": _colour(number),
                    "line": {"color": ACCENT, "width": 3},
                },
            )
        )
    moving = list(range(len(names), 2 * len(names)))
    figure.frames = [
        go.Frame(name=str(step), traces=moving, data=[kind(**xyz(paths[name][step : step + 1])) for name in names])
        for step in range(steps)
    ]
    finish(
        figure,
        description,
        uirevision=f"paths-{len(names)}-{steps}",
        height=520,
        **player(
            [f"after layer {step} of {steps - 1}" for step in range(steps)], redraw=three, below=0 if three else 40
        ),
        margin={"b": 110 if three else 150},
    )
    titles = [*axes, "", "", ""]
    if three:
        figure.update_scenes(xaxis_title_text=titles[0], yaxis_title_text=titles[1], zaxis_title_text=titles[2])
    else:
        figure.update_xaxes(title_text=titles[0])
        figure.update_yaxes(title_text=titles[1])
    return figure


def by_layer_figure(lines: Mapping[str, np.ndarray], *, description: str) -> go.Figure:
    """Cosines by layer (layers + 1,), a line each; names unescaped."""
    figure = go.Figure()
    for number, (name, values) in enumerate(lines.items()):
        figure.add_scatter(
            x=np.arange(len(values), dtype=np.float32),
            y=np.asarray(values, np.float32),
            mode="lines+markers",
            name=label(name, None),
            line={"color": _colour(number), "width": 2},
            marker={"size": 5},
            hovertemplate=f"after layer %{{x:d}}<br>{label(name, None)} <b>%{{y:.3f}}</b><extra></extra>",
        )
    finish(figure, description, uirevision=f"by-layer-{len(lines)}", height=360, margin={"t": 60})
    figure.update_xaxes(title_text="after layer (0: the embedding)")
    low = min((float(np.min(values)) for values in lines.values()), default=0.0)
    figure.update_yaxes(title_text="cosine", range=[min(-0.05, low - 0.05), 1.05])
    return figure


def cosines_figure(cosine: np.ndarray, names: Sequence[str], *, description: str) -> go.Figure:
    """Heat map of cosines (N, N): white at 0, orange towards 1, blue towards -1; names unescaped."""
    places = np.arange(len(cosine), dtype=np.float32)
    figure = go.Figure(
        go.Heatmap(
            z=np.asarray(cosine, np.float32),
            x=places,
            y=places,
            zmin=-1,
            zmax=1,
            colorscale=DIVERGING,
            colorbar=colour_bar("cosine"),
            xgap=1 if len(cosine) <= 40 else 0,
            ygap=1 if len(cosine) <= 40 else 0,
            hovertemplate="<b>%{y}</b><br><b>%{x}</b><br>cosine <b>%{z:.3f}</b><extra></extra>",
        )
    )
    finish(figure, description, uirevision=f"cosines-{len(cosine)}", height=480)
    figure.update_xaxes(token_axis("", names, tickangle=-60, constrain="domain", constraintoward="left"))
    figure.update_yaxes(
        token_axis("", names, autorange="reversed", scaleanchor="x", constrain="domain", constraintoward="top")
    )
    return figure


def _add_mark(figure: go.Figure, place: np.ndarray, name: str) -> None:
    look = {
        "mode": "markers+text",
        "text": [label(name)],
        "textposition": "top center",
        "showlegend": False,
        "hovertemplate": "<b>%{text}</b>, dropped in<extra></extra>",
        "marker": {"size": 11 if len(place) == 2 else 5, "color": ACCENT, "symbol": "diamond"},
    }
    x, y, *z = ([float(v)] for v in place)
    figure.add_trace(go.Scatter3d(x=x, y=y, z=z[0], **look) if z else go.Scatter(x=x, y=y, **look))


def _colour(number: int) -> str:
    return CATEGORIES[number % len(CATEGORIES)]


def _steps(count: int) -> list:
    """A colour scale of `count` equal steps."""
    return [[edge / count, _colour(i)] for i in range(count) for edge in (i, i + 1)]


def _shaded(values: np.ndarray, name: str) -> dict:
    """Colours of values (N,) in 256 steps, a byte each, and a bar that tells the values."""
    low, high = float(values.min()), float(values.max())
    steps = np.rint((values - low) / (high - low or 1) * 255).astype(np.uint8)
    written = [f"{value:.3g}" for value in np.linspace(low, high, 5)]
    bar = colour_bar(name) | {"tickvals": np.linspace(0, 255, 5), "ticktext": written}
    return {"color": steps, "cmin": 0, "cmax": 255, "colorscale": _stretched(), "colorbar": bar}


def _stretched() -> list:
    """The sequential scale without its palest end, where single points on white are not seen."""
    colours = [colour for _, colour in SEQUENTIAL[2:]]
    return [[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)]
