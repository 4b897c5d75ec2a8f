"""Every head's weights on one fixed example, as small maps on one scale. Letters: L layers, H heads, Q queries, K keys."""

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted, plain_mark
from playground.figures.layout import TICK_LIMIT, colour_bar, finish, label
from playground.figures.theme import MONO, SEQUENTIAL, SMALL
from playground.training.snapshot import ExampleWeights

MAX_CELLS = 9_000
"""Of larger examples the first tokens are drawn: a picture has at most 60 kB."""
ROW, HIGHEST_ROW = 9, 22
"""Pixels of a row, at least those of the type beside it, where each query is named."""
MAX_ROWS, MAX_COLUMNS = 60, 42
"""Rows and columns of the whole picture up to which each has its token beside it; of more, the pointer says it."""
_ASIDE = 0.02
"""Plotly calls a place by the tick that stands there: a tick of more than the token stands this far beside it."""


def head_maps_figure(example: ExampleWeights, step: int) -> go.Figure:
    """Layers from top to bottom, heads from left to right; in each map queries run down and keys to the right. Colours mean
    the same weight in every map and at every step. The example's tokens stand above the maps, and beside them where there is
    room."""
    layers, heads, queries, keys = example.weights.shape
    most = max(2, math.isqrt(MAX_CELLS // (layers * heads)) - 1)
    queries, keys = min(queries, most), min(keys, most)
    z = np.full((layers, queries + 1, heads, keys + 1), np.nan, np.float32)
    z[:, :queries, :, :keys] = example.weights[:, :, :queries, :keys].transpose(0, 2, 1, 3)
    z = z.reshape(layers * (queries + 1), heads * (keys + 1))
    rows, columns = z.shape
    names_columns = columns <= MAX_COLUMNS
    figure = go.Figure(
        go.Heatmap(
            z=z, x=np.arange(columns, dtype=np.float32), y=np.arange(rows, dtype=np.float32), zmin=0, zmax=1,
            colorscale=SEQUENTIAL, hoverongaps=False, colorbar=colour_bar("weight", ypad=22 if names_columns else 6),
            hovertemplate="query <b>%{y}</b><br>key <b>%{x}</b><br>weight <b>%{z:.2f}</b><extra></extra>",
        )
    )  # fmt: skip
    cut = "" if most >= len(example.queries) else f" Of the example its first {most} tokens."
    finish(
        figure,
        f"{counted(layers, 'layer')} of {counted(heads, 'head')} after {step} steps, each a map of {queries} queries by "
        f"{keys} keys of one example: darker is more.{cut}",
        title=_title(example.queries[:queries], example.keys[:keys], step),
        uirevision=f"maps-{z.shape}",
        height=_height(rows) + 160 + (ROW * max(map(len, example.keys)) if names_columns else 0),
    )
    row_tokens, column_tokens = example.queries[:queries], example.keys[:keys]
    figure.update_xaxes(_axis(heads, column_tokens), **_ticks("head", heads, column_tokens, names_columns))
    named = _ticks("layer", layers, row_tokens, rows <= MAX_ROWS)
    figure.update_yaxes(_axis(layers, row_tokens), **named, autorange="reversed")
    if names_columns:
        _name_heads(figure, _middles(heads, keys))
    return figure


def _name_heads(figure: go.Figure, middles: Sequence[float]) -> None:
    """Above the maps, where the keys stand below them."""
    figure.update_xaxes(tickangle=-90)
    words = {"y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False, "font": {"size": SMALL}}
    for head, place in enumerate(middles):
        figure.add_annotation(x=place, text=f"head {head}", **words)


def _height(rows: int) -> int:
    """Pixels of all rows together."""
    return rows * int(np.clip(420 // rows, ROW, HIGHEST_ROW)) if rows <= MAX_ROWS else 500


def _title(queries: Sequence[str], keys: Sequence[str], step: int) -> str:
    """The step, and the example's tokens."""
    rows, columns = (" ".join(plain_mark(token) for token in tokens) for tokens in (queries, keys))
    return f"Step {step:,}. " + (f"The example: {rows}" if rows == columns else f"Keys: {columns}. Queries: {rows}")


def _middles(groups: int, size: int) -> list[float]:
    """Where the middle of each group's map stands."""
    return [group * (size + 1) + (size - 1) / 2 for group in range(groups)]


def _axis(groups: int, tokens: Sequence[str]) -> dict:
    """An axis on which the pointer says each place's token."""
    size = len(tokens)
    names = {str(group * (size + 1) + i): label(tokens[i]) for group in range(groups) for i in range(size)}
    return {"tickmode": "array", "labelalias": names, "hoverformat": "d", "showgrid": False}


def _ticks(title: str, groups: int, tokens: Sequence[str], named: bool) -> dict:
    """Ticks that count the groups; if named, those of each token, down the side with the group beside its middle one."""
    size = len(tokens)
    if not named:
        places = [place + _ASIDE for place in _middles(groups, size)]
        names = [f"{title} {group}" for group in range(groups)]
        return {"tickvals": places, "ticktext": names, "tickfont": {"size": SMALL}}
    words = [label(token, TICK_LIMIT) for token in tokens]
    places, names = [], []
    for group in range(groups):
        for i, word in enumerate(words):
            is_middle = title == "layer" and i == size // 2
            places.append(group * (size + 1) + i + (_ASIDE if is_middle else 0))
            names.append(f"{title} {group}  {word}" if is_middle else word)
    return {"tickvals": places, "ticktext": names, "tickfont": {"family": MONO, "size": ROW}}
