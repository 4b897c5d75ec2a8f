"""A picture of two aligned rows of tokens: the surprisal of each token, and the difference. Knows no models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from playground.analysis.generation.alignment import compare
from playground.analysis.text_display import in_words
from playground.figures.layout import finish, label, token_axis
from playground.figures.theme import CATEGORIES, DIVERGING, OUTLINE, SMALL
from playground.texts.numbers import bits

if TYPE_CHECKING:
    from playground.analysis.generation.alignment import Column
    from playground.models.vocabulary import Token


def side_by_side_figure(rows: Sequence[Sequence[tuple[Token, float | None]]], names: tuple[str, str]) -> go.Figure:
    """`comparison_figure` of two rows of tokens, each token with its probability, 0..1; None where nothing predicted it."""
    tokens, shares = zip(*(zip(*row, strict=True) for row in rows), strict=True)
    columns = compare(*([token.id for token in row] for row in tokens), *shares)
    labels = [[token.label for token in row] for row in tokens]
    return comparison_figure(columns, *labels, names=names, title="Token by token")


def comparison_figure(
    columns: Sequence[Column], first: Sequence[str], second: Sequence[str], *, names: tuple[str, str], title: str = ""
) -> go.Figure:
    """Bars of surprisal in bits, the first row's above the line, the second's below it; under them bars of the difference,
    second minus first.

    first, second: token texts, unescaped. names: of the two rows, unescaped.
    """
    labels = [_name(column, first, second) for column in columns]
    x = np.arange(len(columns))
    surprisals = [
        np.array([_number(c.first_bits) for c in columns], np.float32),
        np.array([_number(c.second_bits) for c in columns], np.float32),
    ]
    difference = np.array([_number(column.difference) for column in columns], np.float32)
    figure = go.Figure()
    for name, colour, values, sign in zip(names, CATEGORIES, surprisals, (1, -1), strict=False):
        figure.add_bar(
            x=x,
            y=sign * values,
            name=label(name),
            marker={"color": colour},
            customdata=values,
            hovertemplate=f"<b>%{{x}}</b><br>{label(name)} <b>%{{customdata:.2f}}</b> bits<extra></extra>",
        )
    limit = float(np.nanmax(np.abs(difference))) if np.isfinite(difference).any() else 1.0
    figure.add_bar(
        x=x,
        y=difference,
        yaxis="y2",
        showlegend=False,
        marker={
            "color": difference,
            "colorscale": DIVERGING,
            "cmin": -limit or -1,
            "cmax": limit or 1,
            "line": {"width": 1, "color": OUTLINE},
        },
        hovertemplate="<b>%{x}</b><br>difference <b>%{y:+.2f}</b> bits<extra></extra>",
    )
    finish(
        figure,
        _sentence(columns, first, second, names),
        title=title,
        uirevision=f"beside-{len(columns)}",
        barmode="relative",
        bargap=0.25,
        height=460,
        margin={"t": 100 if title else 50, "b": 90},
    )
    top = float(np.nanmax(np.concatenate([*surprisals, [1]])))
    figure.update_xaxes(
        token_axis("", labels, max_ticks=48, range=[-0.6, max(len(columns), 6) - 0.4], tickangle=-60, anchor="y2")
    )
    step = max(1, math.ceil(top / 4))
    ticks = [tick for tick in range(-4 * step, 4 * step + 1, step) if abs(tick) <= top]
    figure.update_yaxes(
        title_text="surprisal, bits",
        domain=[0.36, 1],
        range=[-top * 1.1, top * 1.1],
        tickvals=ticks,
        ticktext=[str(abs(tick)) for tick in ticks],
    )
    figure.update_layout(
        yaxis2={
            "title": {"text": "difference", "font": {"size": SMALL}},
            "domain": [0, 0.26],
            "zeroline": True,
            "range": [-limit * 1.15 or -1, limit * 1.15 or 1],
            "nticks": 5,
            "anchor": "x",
        }
    )
    return figure


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _name(column: Column, first: Sequence[str], second: Sequence[str]) -> str:
    """A column's tick: its token, or "first | second" where they differ, with "–" for a missing one."""
    left = "–" if column.first is None else first[column.first]
    right = "–" if column.second is None else second[column.second]
    return left if left == right else f"{left} | {right}"


def _sentence(columns: Sequence[Column], first: Sequence[str], second: Sequence[str], names: tuple[str, str]) -> str:
    pairs = [
        (column.difference, first[column.first], second[column.second])
        for column in columns
        if column.difference is not None and column.first is not None and column.second is not None
    ]
    if not pairs:
        return f"“{names[0]}” and “{names[1]}” have no token in the same place to compare."
    difference, left, right = max(pairs, key=lambda pair: abs(pair[0]))
    more = names[1] if difference > 0 else names[0]
    return f"They differ most at {_pair(left, right)}: {bits(abs(difference))} more surprising in the {more}."


def _pair(left: str, right: str) -> str:
    left, right = f"“{in_words(left)}”", f"“{in_words(right)}”"
    return left if left == right else f"{left} against {right}"
