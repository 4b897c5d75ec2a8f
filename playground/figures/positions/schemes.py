"""Pictures of position schemes: tables, waves, rotations, distance biases. Draws arrays; knows nothing of models. Positions,
dimensions, pairs and heads count from 0; distances and wavelengths are in tokens."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted
from playground.figures.layout import colour_bar, finish, label
from playground.figures.theme import ACCENT, CYCLIC, DIVERGING, INK, REST, SMALL, shades

MAX_ROWS, MAX_COLUMNS = 256, 192
"""Most rows and columns of a heat map, a third of a megabyte; of more every n-th is drawn."""
MAX_CELLS = 2**15
"""Most heads times distances of a heat map."""
MAX_LINES, MAX_POINTS = 32, 513
"""Most lines of a picture, and points of a line (256 to each side of 0); of more only some are drawn."""


def table_figure(table: np.ndarray, *, what: str = "position table", title: str = "") -> go.Figure:
    """Heat map of position vectors (positions, dimensions), signed. what: the table's name.

    Colours end at the 99.5th percentile of the magnitudes, so that a few outliers don't bleach the rest; the hover label has
    the value. Large tables show every n-th row and every n-th pair of columns, and the description says so.
    """
    rows, columns, words = _places(table.shape, "pair of columns", 2)
    z = np.asarray(table[rows][:, columns], np.float32)
    limit = float(np.percentile(np.abs(z), 99.5)) or 1.0
    figure = _heat(
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
    return _finish(figure, sentence + words, "dimension", "position", title, table.shape)


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
    figure = _finish(figure, sentence, "position", "", title, values.shape)
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
    sentence += _drawn(int(moving.sum()), at, "pair") if moving.all() else ""
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
    figure = _finish(figure, sentence, "pair", "wavelength in tokens", title, values.shape)
    figure.update_yaxes(type="log", dtick=1, tickformat=",d")
    return figure


def rotary_figure(angles: np.ndarray, *, title: str = "") -> go.Figure:
    """Heat map of rotary angles (positions, pairs) in radians; 2π has the colour of 0."""
    rows, columns, words = _places(angles.shape, "column")
    z = np.mod(np.asarray(angles[rows][:, columns], np.float64), 2 * np.pi)
    figure = _heat(
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
        "positions from top to bottom, counted anew after each full turn."
    )
    return _finish(figure, sentence + words, "pair", "position", title, angles.shape)


def alibi_figure(bias: np.ndarray, *, title: str = "") -> go.Figure:
    """ALiBi's bias (heads, distances) as a falling line for each head; of many heads every n-th (Press et al. 2022)."""
    figure, left_out = _lines(bias, np.arange(bias.shape[1]))
    sentence = (
        f"{len(bias)} heads subtract more from a score the farther the key lies back; at distance "
        f"{bias.shape[1] - 1} from {-bias[:, -1].min():.3g} (steepest head) to {-bias[:, -1].max():.3g}.{left_out}"
    )
    return _finish(figure, sentence, "distance (tokens back)", "added to the score", title, bias.shape)


def relative_bias_figure(bias: np.ndarray, distances: np.ndarray, *, lines: bool = False, title: str = "") -> go.Figure:
    """Learned bias (heads, distances) over distances (key position - query position): a signed heat map, or lines. Of many
    distances or lines every n-th is drawn."""
    sentence = (
        f"What {len(bias)} heads add to the score of a key {int(distances[0])} to {int(distances[-1])} tokens "
        f"from the query: {bias.min():.3g} to {bias.max():.3g}."
    )
    where = "distance (key − query)"
    if lines:
        figure, left_out = _lines(bias, distances)
        return _finish(figure, sentence + left_out, where, "added to the score", title, bias.shape)
    limit = float(np.abs(bias).max()) or 1.0
    at = spread(len(distances), min(MAX_POINTS, MAX_CELLS // len(bias)), around=int(np.abs(distances).argmin()))
    figure = go.Figure(
        go.Heatmap(
            z=np.asarray(bias[:, at], np.float32),
            x=np.asarray(distances[at], np.int32),
            y0=0,
            dy=1,
            zmin=-limit,
            zmax=limit,
            colorscale=DIVERGING,
            colorbar=colour_bar("bias"),
            ygap=1,
            hovertemplate="head <b>%{y:d}</b><br>distance <b>%{x:d}</b><br>bias <b>%{z:.3f}</b><extra></extra>",
        )
    )
    figure = _finish(figure, sentence + _drawn(len(distances), at), where, "head", title, bias.shape)
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False, dtick=max(1, len(bias) // 12))
    return figure


def similarity_figure(cosine: np.ndarray, *, title: str = "") -> go.Figure:
    """Heat map of cosine similarities (positions, positions): orange towards 1, blue towards -1."""
    rows, columns, words = _places(cosine.shape, "column", columns=MAX_ROWS)
    figure = _heat(
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
    figure = _finish(figure, sentence, "position", "position", title, cosine.shape)
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
    figure = _finish(figure, sentence, "position", "length", title, norms.shape)
    figure.update_yaxes(rangemode="tozero")
    return figure


def _places(
    shape: tuple[int, int], what: str, together: int = 1, columns: int = MAX_COLUMNS
) -> tuple[np.ndarray, np.ndarray, str]:
    """The rows and columns of a large table to draw, and a sentence on the selection. Columns stay `together` in groups:
    every second column of sinusoids would be the sines alone."""
    row_step, step = -(-shape[0] // MAX_ROWS), -(-shape[1] // columns)
    at = np.arange(shape[1])
    parts = [f"every {n}. {name}" for n, name in ((row_step, "row"), (step, what)) if n > 1]
    words = f" Shown: {' and '.join(parts)}." if parts else ""
    return np.arange(0, shape[0], row_step), at[at // together % step == 0], words


def _heat(z: np.ndarray, rows: np.ndarray, columns: np.ndarray, **more) -> go.Figure:
    """A heat map of z (rows, columns), with the numbers of its rows and columns as places."""
    x, y = columns.astype(np.float32), rows.astype(np.float32)
    figure = go.Figure(go.Heatmap(z=np.asarray(z, np.float32), x=x, y=y, **more))
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(showgrid=False, autorange="reversed")
    return figure


def _lines(bias: np.ndarray, distances: np.ndarray) -> tuple[go.Figure, str]:
    """Lines over distance, and a sentence on the selection of heads and distances."""
    figure, heads = go.Figure(), spread(len(bias), MAX_LINES)
    at = spread(len(distances), around=int(np.abs(distances).argmin()))
    x = np.asarray(distances[at], np.float32)
    for head, colour in zip(heads.tolist(), shades(len(heads)), strict=True):
        figure.add_scatter(
            x=x,
            y=np.asarray(bias[head, at], np.float32),
            mode="lines",
            name=f"head {head}",
            line={"color": colour, "width": 1.6},
            showlegend=len(bias) <= 16,
            hovertemplate=f"head {head}<br>distance <b>%{{x:d}}</b>, bias <b>%{{y:.3f}}</b><extra></extra>",
        )
    return figure, _drawn(len(bias), heads, "head") + _drawn(len(distances), at)


def spread(count: int, limit: int = MAX_POINTS, around: int = 0) -> np.ndarray:
    """Numbers of at most `limit` of `count` things, (n,) rising: every n-th, `around` among them."""
    step = max(1, -(-count // limit))
    return np.arange(around % step, count, step)


def extremes(values: np.ndarray, limit: int = MAX_POINTS) -> np.ndarray:
    """Numbers of at most `limit` + 2 points of a long line (n,), rising: the first, the last, and the lowest and highest of
    each interval, so that a wave too fast to draw appears as the band that it fills."""
    if len(values) <= limit:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), limit // 2 + 1).astype(int)
    intervals = list(zip(edges[:-1], edges[1:], strict=True))
    points = {a + int(pick(values[a:b])) for a, b in intervals for pick in (np.argmin, np.argmax)}
    return np.array(sorted(points | {0, len(values) - 1}))


def _drawn(count: int, at: np.ndarray, what: str = "distance") -> str:
    """A sentence on a selection `at` of `count` things; empty where all are drawn."""
    step = int(at[1] - at[0]) if len(at) > 1 else 1
    return f" Drawn: every {step}. {what} of {count:,}." if step > 1 else ""


def _finish(figure: go.Figure, sentence: str, x: str, y: str, title: str, shape) -> go.Figure:
    finish(figure, sentence, title=title, uirevision=f"{x}-{y}-{shape}")
    return figure.update_layout(xaxis_title_text=x, yaxis_title_text=y)
