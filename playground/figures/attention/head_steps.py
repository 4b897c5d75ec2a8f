"""Pictures of one head's attention step by step. Draws the numbers of analysis/attention/head_steps; knows no models.

Letters: K key tokens, D width of query and key, V width of the values, H heads. Token texts come unescaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import in_words, percent
from playground.figures.layout import colour_bar, coloured, finish, label, token_axis
from playground.figures.theme import ACCENT, ATTENTION, DIVERGING, KEY, MONO, QUERY, REST, SEQUENTIAL, SIZE, SMALL

if TYPE_CHECKING:
    from playground.analysis.attention.head_steps import HeadSteps

MAX_KEYS = 40
"""Keys drawn: those with the largest weights. More would be unreadable."""


class Part(NamedTuple):
    """A vector's or a table's name, and the colour of its actor."""

    name: str
    colour: str


def heaviest(weights: np.ndarray, limit: int = MAX_KEYS) -> np.ndarray:
    """Numbers of the `limit` keys with the largest weights (K,), in the order of the text."""
    return np.sort(np.argsort(-weights, kind="stable")[:limit])


def stages_figure(
    steps: HeadSteps, labels: Sequence[str], *, title: str = "", compared: HeadSteps | None = None
) -> go.Figure:
    """Heat map with the numbers in its cells: keys from top to bottom, the steps from q·k to the weight from left to right;
    weights are shaded. Of more than 40 keys those with the largest weights.

    labels (K,): token texts. compared: the steps before a visitor's edit; their weights fill the last column.
    """
    rows = heaviest(steps.weights)
    columns = {**steps.stages, "e^(s − max)": np.exp(steps.scores - steps.scores.max()), "weight": steps.weights}
    if compared is not None:
        columns["weight before"] = compared.weights
    numbers = np.stack([column[rows] for column in columns.values()], axis=1)  # (keys, steps)
    weights = [name.startswith("weight") for name in columns]
    shade = np.where(weights, np.sqrt(np.clip(numbers, 0, 1)), 0).astype(np.float32)
    text = [[_number(value, on) for value, on in zip(row, weights, strict=True)] for row in numbers]
    figure = go.Figure(
        go.Heatmap(
            z=shade,
            x=np.arange(len(columns)),
            y=np.arange(len(rows)),
            text=text,
            texttemplate="%{text}",
            textfont={"size": SMALL},
            zmin=0,
            zmax=1,
            colorscale=SEQUENTIAL,
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="<b>%{y}</b>, %{x}: <b>%{text}</b><extra></extra>",
        )
    )
    best = int(steps.weights.argmax())
    sentence = f"“{in_words(labels[best])}” has the largest weight, {percent(float(steps.weights[best]))}."
    finish(
        figure,
        sentence,
        title=title,
        uirevision="maths-stages",
        own_ticks=["xaxis"],
        height=110 + 24 * len(rows),
        showlegend=False,
    )
    figure.update_xaxes(
        tickvals=list(range(len(columns))), ticktext=[_column(name) for name in columns], side="top", showgrid=False
    )
    figure.update_yaxes(
        token_axis(
            "",
            [labels[i] for i in rows],
            max_ticks=100,
            range=[len(rows) - 0.5, -0.5],
            tickfont={"family": MONO, "size": SIZE},
        ),
        showgrid=False,
    )
    return figure


def vectors_figure(
    vector: np.ndarray,
    table: np.ndarray,
    weights: np.ndarray,
    labels: Sequence[str],
    *,
    names: tuple[Part, Part],
    title: str,
) -> go.Figure:
    """Heat map of a vector (D,) above a table (K, D), by dimension: q above q·k, or a head's output above its weighted
    values. Each of the two is shaded up to its own largest magnitude; customdata has the numbers. Of more than 40 keys those
    with the largest weights. One map has both, so that the keyboard and the table reach all rows.

    labels (K,): token texts. names: of the vector and of the table, each in its colour.
    """
    rows = heaviest(weights)
    parts = [np.asarray(values, np.float32) for values in (vector[None], table[rows])]
    limits = [float(np.abs(values).max()) or 1.0 for values in parts]
    count = len(rows)
    bar = colour_bar(names[1].name, tickvals=[-1, 0, 1], ticktext=[f"−{limits[1]:.3g}", "0", f"{limits[1]:.3g}"])
    bar["title"]["text"] = coloured(*names[1])
    figure = go.Figure(
        go.Heatmap(
            z=np.concatenate([values / largest for values, largest in zip(parts, limits, strict=True)]),
            x=np.arange(len(vector)),
            y=np.arange(count + 1),
            customdata=np.concatenate(parts),
            zmin=-1,
            zmax=1,
            colorscale=DIVERGING,
            colorbar=bar,
            hovertemplate="<b>%{y}</b>, dimension <b>%{x}</b>: <b>%{customdata:.4f}</b><extra></extra>",
        )
    )
    figure.add_shape(type="line", xref="paper", x0=0, x1=1, y0=0.5, y1=0.5, line={"color": names[0].colour, "width": 2})
    description = f"{names[0].name} in the first row, shaded up to ±{limits[0]:.3g}; "
    description += f"below it {names[1].name} of {count} keys, by dimension."
    height = 130 + 18 * (count + 2)
    finish(figure, description, title=title, uirevision=f"vectors-{names[0].name}", height=height, showlegend=False)
    figure.update_xaxes(title_text="dimension", showgrid=False)
    axis = token_axis("", [names[0].name, *(labels[i] for i in rows)], max_ticks=100, range=[count + 0.5, -0.5])
    axis["ticktext"][0] = f"<b>{coloured(*names[0])}</b>"
    figure.update_yaxes(axis)
    return figure


def concat_figure(outputs: np.ndarray, head: int) -> go.Figure:
    """Heat map of the outputs of all heads for one token, (H, V), a head per row, one of them outlined. Row after row they
    make the vector that W^O multiplies."""
    heads, width = outputs.shape
    limit = float(np.abs(outputs).max()) or 1.0
    names = [f"head {number}" for number in range(heads)]
    figure = go.Figure(
        go.Heatmap(
            z=outputs.astype(np.float32),
            x=np.arange(width),
            y=np.arange(heads),
            zmin=-limit,
            zmax=limit,
            colorscale=DIVERGING,
            colorbar=colour_bar("output"),
            hovertemplate="%{y}, dimension <b>%{x}</b>: <b>%{z:.4f}</b><extra></extra>",
        )
    )
    words = f"The outputs of {heads} heads, {width} numbers each: one after the other they are what W^O multiplies."
    finish(
        figure,
        words,
        title=f"Concat(head_1, …, head_h): {heads} × {width} = {heads * width:,} numbers",
        uirevision=f"concat-{heads}",
        own_ticks=["yaxis"],
        height=150 + 18 * heads,
        showlegend=False,
    )
    figure.add_shape(
        type="rect", x0=-0.5, x1=width - 0.5, y0=head - 0.5, y1=head + 0.5, line={"color": ACCENT, "width": 2}
    )
    figure.update_xaxes(title_text="dimension", showgrid=False)
    figure.update_yaxes(token_axis("", names, max_ticks=100, range=[heads - 0.5, -0.5]))
    return figure


def shares_figure(shares: np.ndarray, projected: np.ndarray, head: int, *, title: str) -> go.Figure:
    """Bars of the length (L2 norm) of what each head adds to the residual stream, the rows of `shares` (H, d_model), with
    `head` in the accent colour. The first bar is the length of their sum, `projected` (d_model,)."""
    lengths = np.append(np.linalg.norm(projected), np.linalg.norm(shares, axis=1)).astype(np.float32)
    names = ["all heads", *(f"head {number}" for number in range(len(shares)))]
    colours = [REST, *(ACCENT if number == head else ATTENTION for number in range(len(shares)))]
    figure = go.Figure(
        go.Bar(
            x=lengths,
            y=np.arange(len(lengths)),
            orientation="h",
            marker={"color": colours},
            hovertemplate="<b>%{y}</b>: length <b>%{x:.3f}</b><extra></extra>",
        )
    )
    words = f"Head {head} adds a vector of length {lengths[head + 1]:.3f}; all heads together {lengths[0]:.3f}."
    finish(
        figure,
        words,
        title=title,
        uirevision="shares",
        own_ticks=["yaxis"],
        height=120 + 22 * len(lengths),
        bargap=0.3,
        showlegend=False,
    )
    figure.update_xaxes(title_text="length of what is added (L2 norm)")
    figure.update_yaxes(token_axis("", names, max_ticks=100, range=[len(names) - 0.5, -0.5]))
    return figure


def rotation_figure(before: np.ndarray, after: np.ndarray, *, title: str) -> go.Figure:
    """Bars of a query (D,) before and after its rotation, by dimension."""
    figure = go.Figure()
    for name, values, colour in zip(("before", "after"), (before, after), (REST, QUERY), strict=True):
        figure.add_bar(
            x=np.arange(len(values)),
            y=values.astype(np.float32),
            name=name,
            marker={"color": colour},
            hovertemplate=f"{name}, dimension <b>%{{x}}</b>: <b>%{{y:.4f}}</b><extra></extra>",
        )
    finish(
        figure, "The query before and after its rotation.", title=title, uirevision="rotation", height=260, bargap=0.2
    )
    figure.update_xaxes(title_text="dimension", showgrid=False)
    return figure


def _column(name: str) -> str:
    """A step's name over its column, with the actors' letters in their colours."""
    if name == "q·k":
        return f"{coloured('q', QUERY)}·{coloured('k', KEY)}"
    return coloured(name, ATTENTION) if name.startswith("weight") else label(name)


def _number(value: float, weight: bool) -> str:
    """A number in a cell: three decimals for weights and small scores, one for large scores, "hidden" for -inf."""
    if not np.isfinite(value):
        return "hidden"
    return f"{value:.3f}" if weight or abs(value) < 100 else f"{value:.1f}"
