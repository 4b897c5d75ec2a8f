"""Pictures of position schemes: tables, waves, rotations. Draws arrays; knows nothing of models. Positions, dimensions and
pairs count from 0; wavelengths are in tokens."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted
from playground.figures.layout import OURS, colour_bar, label
from playground.figures.positions.drawing import (
    MAX_POINTS,
    MAX_ROWS,
    drawn_words,
    extremes,
    finish_axes,
    heat_map,
    rows_and_columns,
    spread,
)
from playground.figures.theme import ACCENT, CYCLIC, DIVERGING, INK, REST, SMALL, shades


def table_figure(table: np.ndarray, *, what: str = "position table", title: str = "") -> go.Figure:
    """Heat map of position vectors (positions, dimensions), signed. what: the table's name.

    Colours end at the 99.5th percentile of the magnitudes, so that a few outliers don't bleach the rest; the hover label has
    the value. Large tables show every n-th row and every n-th pair of columns, and the description says so.
    """
    rows, columns, words = rows_and_columns(table.shape, "pair of columns", 2)
    z = np.asarray(table[rows][:, columns], np.float32)
    limit = float(np.percentile(np.abs(z), 99.5)) or 1.0
    figure = heat_map(
        z,
        rows,
        columns,
        zmin=-limit,
        zmax=limit,
        colorscale=DIVERGING,
        colorbar=colour_bar("value"),
        hovertemplate="position <b>%{y:d}</b><br>dimension <b>%{x:d}</b><br>value <b>%{z:.4f}</b><extra></extra>",
    )
    sentence = (
        f"{what[:1].upper()}{what[1:]}: {table.shape[0]} positions from top to bottom, {table.shape[1]} dimensions "
        f"from left to right, blue below zero and orange above; colours end at ±{limit:.3g}."
    )
    return finish_axes(figure, sentence + words, "dimension", "position", title, table.shape)


def waves_figure(
    table: np.ndarray, dimensions: Sequence[int], names: Sequence[str] = (), *, title: str = ""
) -> go.Figure:
    """Some dimensions of a table (positions, dimensions) as curves over the position, one below the other on one scale.

    names: one per curve, unescaped; "dimension 8" without them. Of a long table each curve's extremes are drawn.
    """
    names = [label(name) for name in names or [f"dimension {d}" for d in dimensions]]
    values = np.asarray(table, np.float32)[:, list(dimensions)]  # (positions, curves)
    limit = float(np.abs(values).max()) or 1.0
    figure = go.Figure()
    for lane, (name, colour) in enumerate(zip(names, shades(len(names)), strict=True)):
        at = extremes(values[:, lane])
        figure.add_scatter(
            x=at.astype(np.float32),
            y=values[at, lane] / (2.3 * limit) - lane,
            mode="lines",
            name=name,
            customdata=values[at, lane],
            line={"color": colour, "width": 1.8},
            showlegend=False,
            hovertemplate="%{fullData.name}<br>position <b>%{x:d}</b>, value <b>%{customdata:.3f}</b><extra></extra>",
        )
    over = counted(len(values), "position")
    sentence = f"{counted(len(names), 'dimension')} as curves over {over}, within ±{limit:.3g}."
    if len(values) > MAX_POINTS:
        sentence += (
            f" Of every {len(values) / (MAX_POINTS // 2):.0f} positions the lowest and the highest value are drawn."
        )
    figure = finish_axes(figure, sentence, "position", "", title, values.shape)
    figure.layout.meta = {**figure.layout.meta, OURS: ["yaxis"]}
    figure.update_yaxes(tickvals=[-lane for lane in range(len(names))], ticktext=names, range=[0.55 - len(names), 0.55])
    return figure


def wavelengths_figure(
    wavelengths: np.ndarray, *, length: int | None = None, context: int | None = None, title: str = ""
) -> go.Figure:
    """Wavelength (in tokens, rising) of each sine/cosine pair on a logarithmic axis, with lines at the text's and the
    model's length.

    A line's words keep clear of the curve: below it on the right where most pairs are slower, else above it on the left.
    The description counts the pairs of infinite wavelength, which are not drawn.
    """
    values = np.asarray(wavelengths, np.float64)
    moving = np.isfinite(values)
    at = np.flatnonzero(moving)
    at = at[spread(len(at))]
    figure = go.Figure(
        go.Scatter(
            x=at,
            y=values[at],
            mode="lines+markers",
            marker={"size": 5, "color": INK},
            line={"color": INK, "width": 1.2},
            showlegend=False,
            hovertemplate="pair <b>%{x:d}</b> turns once in <b>%{y:,.1f}</b> tokens<extra></extra>",
        )
    )
    sentence = f"{moving.sum()} pairs turn once in "
    sentence += f"{values[moving].min():,.1f} to {values[moving].max():,.0f} tokens." if moving.any() else "no time."
    if not moving.all():
        sentence += f" {int((~moving).sum())} pairs stand still."
    sentence += drawn_words(int(moving.sum()), at, "pair") if moving.all() else ""
    for tokens, text, colour in ((length, "this text", ACCENT), (context, "longest text", REST)):
        if tokens:
            figure.add_shape(
                type="line",
                xref="paper",
                x0=0,
                x1=1,
                y0=tokens,
                y1=tokens,
                layer="below",
                line={"color": colour, "width": 1.5, "dash": "dot"},
            )
            faster = 2 * (values < tokens).sum() >= len(values)
            figure.add_annotation(
                text=f"{text}: {counted(tokens, 'token')}",
                xref="paper",
                x=0 if faster else 1,
                xanchor="left" if faster else "right",
                y=np.log10(tokens),
                yanchor="bottom" if faster else "top",
                showarrow=False,
                font={"size": SMALL},
            )
    figure = finish_axes(figure, sentence, "pair", "wavelength in tokens", title, values.shape)
    figure.update_yaxes(type="log", dtick=1, tickformat=",d")
    return figure


def rotary_figure(angles: np.ndarray, *, title: str = "") -> go.Figure:
    """Heat map of rotary angles (positions, pairs) in radians; 2π has the colour of 0."""
    rows, columns, words = rows_and_columns(angles.shape, "column")
    z = np.mod(np.asarray(angles[rows][:, columns], np.float64), 2 * np.pi)
    figure = heat_map(
        z,
        rows,
        columns,
        zmin=0,
        zmax=2 * np.pi,
        colorscale=CYCLIC,
        colorbar=colour_bar("angle", tickvals=[0, np.pi, 2 * np.pi], ticktext=["0", "π", "2π"]),
        hovertemplate="position <b>%{y:d}</b><br>pair <b>%{x:d}</b><br>angle <b>%{z:.3f}</b> rad<extra></extra>",
    )
    sentence = (
        f"Angle by which each of {angles.shape[1]} pairs is turned, from left to right, at {angles.shape[0]} "
        "positions from top to bottom, starting over after each full turn."
    )
    return finish_axes(figure, sentence + words, "pair", "position", title, angles.shape)


def similarity_figure(cosine: np.ndarray, *, title: str = "") -> go.Figure:
    """Heat map of cosine similarities (positions, positions): orange towards 1, blue towards -1."""
    rows, columns, words = rows_and_columns(cosine.shape, "column", columns=MAX_ROWS)
    figure = heat_map(
        cosine[rows][:, columns],
        rows,
        columns,
        zmin=-1,
        zmax=1,
        colorscale=DIVERGING,
        colorbar=colour_bar("cosine"),
        hovertemplate="positions <b>%{y:d}</b> and <b>%{x:d}</b><br>cosine <b>%{z:.3f}</b><extra></extra>",
    )
    near = f" Neighbours: {float(np.diagonal(cosine, 1).mean()):.2f} on average." if len(cosine) > 1 else ""
    sentence = f"Cosine similarity of the vectors of {len(cosine)} positions.{near}{words}"
    figure = finish_axes(figure, sentence, "position", "position", title, cosine.shape)
    figure.update_xaxes(constrain="domain", constraintoward="left")
    figure.update_yaxes(scaleanchor="x", constrain="domain", constraintoward="top")
    return figure


def norms_figure(norms: np.ndarray, *, title: str = "") -> go.Figure:
    """Length of each position's vector (positions,) as a line."""
    figure = go.Figure(
        go.Scatter(
            x=np.arange(len(norms), dtype=np.float32),
            y=np.asarray(norms, np.float32),
            mode="lines",
            line={"color": INK, "width": 1.5},
            hovertemplate="position <b>%{x:d}</b>, length <b>%{y:.3f}</b><extra></extra>",
        )
    )
    sentence = f"Length of the vectors of {len(norms)} positions: {norms.min():.3g} to {norms.max():.3g}."
    figure = finish_axes(figure, sentence, "position", "length", title, norms.shape)
    figure.update_yaxes(rangemode="tozero")
    return figure
