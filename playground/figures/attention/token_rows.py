"""Pictures of one token's attention: its largest weights as bars, two texts with their strongest links, and its shares
through the layers. Draws arrays; knows no models. Tokens and layers count from 0."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted, plain_mark
from playground.figures.layout import TICK_LIMIT, colour_bar, finish, label, token_axis
from playground.figures.theme import ACCENT, ATTENTION, MARKS, MONO, SEQUENTIAL, SMALL

MIN_BARS, MAX_BARS = 4, 12
MAX_LINKED = 40
"""Tokens per text, so that the lines between two texts can be told apart."""


def bars_figure(values: np.ndarray, names: Sequence[str], *, title: str = "", unit: str = "weight") -> go.Figure:
    """Bars of the tokens with the largest magnitudes of values (N,), the largest first; the axis title has the sum of all
    others that are not 0, as those are that a mask hides. names (N,): unescaped. A click's customdata is the token's number.
    Bars below zero (differences) point left."""
    order = np.argsort(-np.abs(values), kind="stable")[: min(MAX_BARS, max(1, np.count_nonzero(values)))]
    bars = np.asarray(values, np.float32)[order]
    ticks = [f"{label(names[i], TICK_LIMIT)}  {i}" for i in order]
    others = np.delete(np.asarray(values, np.float64), order)
    seen = int(np.count_nonzero(others))
    rest = f" ({counted(seen, 'other token')} together {others.sum():.3f})" if seen else ""
    figure = go.Figure(
        go.Bar(
            x=bars,
            y=np.arange(len(bars)),
            orientation="h",
            customdata=order.astype(np.int32),
            marker={"color": ATTENTION},
            text=[f"{value:.3f}" for value in bars],
            textposition="outside",
            cliponaxis=False,
            showlegend=False,
            hovertemplate=f"%{{y}}<br>{label(unit, None)} <b>%{{x:.4f}}</b><extra></extra>",
        )
    )
    finish(
        figure,
        f"The largest of {counted(len(values), 'number')}, as bars.",
        title=title,
        bargap=0.25,
        uirevision=f"bars-{len(bars)}",
        height=(110 if title else 74) + 18 * max(len(bars), MIN_BARS),
        margin={"l": 8, "r": 40, "t": 44 if title else 8, "b": 36},
    )
    low, high = min(0.0, float(bars.min())), max(float(bars.max()), 1e-9)
    figure.update_xaxes(
        title_text=unit + rest, nticks=5, range=[low - (high - low) * 0.2 * (low < 0), high + (high - low) * 0.2]
    )
    figure.update_yaxes(
        range=[max(len(bars), MIN_BARS) - 0.4, -0.6],
        tickmode="array",
        tickvals=list(range(len(bars))),
        ticktext=ticks,
        tickfont={"family": MONO, "size": SMALL},
        showgrid=False,
    )
    return figure


def alignment_figure(
    weights: np.ndarray,
    target: Sequence[str],
    source: Sequence[str],
    *,
    description: str,
    title: str = "",
    source_above: bool = False,
) -> go.Figure:
    """Two texts, the target above the source, or below it with `source_above`. Lines tie each target token to the source
    tokens that get at least a fifth of its attention, else to the one that gets most; a wider line means more. weights
    (target, source), texts unescaped. Of longer texts the first 40 tokens."""
    w = np.asarray(weights, np.float32)[:MAX_LINKED, :MAX_LINKED]
    ties = (w >= 0.2) | (w == w.max(1, keepdims=True))
    places = [(np.arange(count, dtype=np.float32) + 0.5) / count for count in w.shape]
    above = 0 if source_above else 1  # the height of the target
    figure = go.Figure()
    for step in range(4):  # four traces, since the lines of one trace share their colour
        low, high = step / 4, (step + 1) / 4 if step < 3 else 2
        rows, columns = np.nonzero(ties & (w >= low) & (w < high))
        x = np.full(3 * len(rows), np.nan, np.float32)
        y = np.full(3 * len(rows), np.nan, np.float32)
        x[0::3], x[1::3], y[0::3], y[1::3] = places[0][rows], places[1][columns], above, 1 - above
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
            line={"color": MARKS[max(0, step - 1)][1], "width": 1.5 + step},
        )
    axes = ("x", "x2")
    for side, height, names, others in ((0, above, target, source), (1, 1 - above, source, target)):
        count, best = w.shape[side], w.argmax(1 - side)
        relation = "most attended to by" if side else "attends most to"
        figure.add_scatter(
            x=places[side],
            y=np.full(count, height, np.float32),
            mode="markers",
            showlegend=False,
            xaxis=axes[height],
            text=[label(names[i]) for i in range(count)],
            hovertext=[label(others[int(i)]) for i in best],
            marker={"size": 6, "color": ATTENTION},
            hovertemplate="%{text}<br>" + relation + " %{hovertext}<extra></extra>",
        )
    finish(
        figure,
        description,
        title=title,
        uirevision=f"links-{w.shape}",
        own_ticks=["yaxis"],
        height=360,
        margin={"l": 30, "r": 30, "t": 110 if title else 70, "b": 70},
    )
    sides = [(target, places[0]), (source, places[1])]
    for axis, (names, at) in zip(("xaxis", "xaxis2"), sides if source_above else sides[::-1], strict=True):
        few = len(at) <= 8
        figure.layout[axis] = {
            "range": [0, 1],
            "tickvals": at,
            "ticktext": [label(names[i], TICK_LIMIT) for i in range(len(at))],
            "showgrid": False,
            "zeroline": False,
            "showline": False,
            "tickangle": 0 if few else -60,
            "fixedrange": True,
            "tickfont": {"family": MONO, "size": SMALL if few else SMALL - 1},
            "automargin": True,
        }
    figure.update_layout(xaxis2={"side": "top", "overlaying": "x"})
    figure.update_yaxes(
        range=[-0.06, 1.06],
        tickvals=[0, 1],
        ticktext=["target", "source"][:: 1 if source_above else -1],
        showgrid=False,
        fixedrange=True,
    )
    return figure


def through_figure(
    shares: np.ndarray, labels: Sequence[str], token: int, *, what: str, description: str, layers: Sequence[int] = ()
) -> go.Figure:
    """Heat map of the shares (layers, tokens) of all tokens in one token's state, the first layer at the bottom; the token's
    own column is framed. labels (tokens,): unescaped. layers: the number of each row's layer, from 0 without. what:
    the name of the numbers. Colours end at the largest share of any token but the first and the token itself."""
    z = np.asarray(shares, np.float32)
    others = np.delete(z, [0, token], axis=1) if z.shape[1] > 2 else z
    top = max(float(others.max()), 1e-6)
    figure = go.Figure(
        go.Heatmap(
            z=z,
            x=np.arange(z.shape[1], dtype=np.float32),
            y=np.arange(z.shape[0], dtype=np.float32),
            zmin=0,
            zmax=top,
            colorscale=SEQUENTIAL,
            colorbar=colour_bar(what),
            xgap=1 if z.shape[1] <= 60 else 0,
            ygap=1,
            hovertemplate=f"after layer <b>%{{y}}</b>, from <b>%{{x}}</b><br>{label(what, None)} <b>%{{z:.3f}}</b>"
            "<extra></extra>",
        )
    )
    finish(
        figure,
        f"{description} Colours end at {top:.3g}; what is above looks the same.",
        uirevision=f"through-{z.shape}",
        height=int(np.clip(200 + 11 * len(z), 280, 640)),
    )
    figure.update_xaxes(token_axis("from (tokens of the text)", labels, tickangle=-60 if len(labels) > 6 else 0))
    layers, rows = layers or range(len(z)), range(0, len(z), -(-len(z) // 15))
    figure.update_yaxes(
        title_text="after layer",
        tickvals=list(rows),
        ticktext=[str(layers[row]) for row in rows],
        labelalias={str(row): str(layer) for row, layer in enumerate(layers)},
        showgrid=False,
    )
    figure.add_shape(
        type="rect", x0=token - 0.5, x1=token + 0.5, y0=-0.5, y1=len(z) - 0.5, line={"color": ACCENT, "width": 2}
    )
    return figure


def alignment_words(weights: np.ndarray, target: Sequence[str], source: Sequence[str], limit: int = 6) -> str:
    """The first `limit` target tokens, each with the source token that it attends to most, in words."""
    pairs = [
        f"“{plain_mark(target[i], 16)}” → “{plain_mark(source[int(row.argmax())], 16)}”"
        for i, row in enumerate(np.asarray(weights)[:limit])
    ]
    return ", ".join(pairs)
