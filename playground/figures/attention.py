"""Pictures of attention weights: one head in full, and all heads of all layers at once. Draws arrays; knows
nothing of models or of how weights come about. Layers, heads and tokens count from 0."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.attention_maps import Overview, block_size, pool
from playground.analysis.display import counted, plain_mark
from playground.figures.theme import ACCENT, DIVERGING, SEQUENTIAL, colour_bar, finish, token_axis

MOST_CELLS = 256
"""Cells per side beyond which a head's map is pooled."""
FEW = 8
"""Cells per side below which a map takes only its share of the picture, so that no cell fills it."""


def head_figure(
    weights: np.ndarray,
    query_labels: Sequence[str],
    key_labels: Sequence[str],
    *,
    title: str = "",
    description: str = "",
    causal: bool = False,
    scale: str = "max",
    selected: tuple[int, int] | None = None,
    logarithmic: bool = False,
) -> go.Figure:
    """Heat map of one head: weights (Q, K) after softmax, queries from top to bottom, keys from left to right.

    Labels are token texts, unescaped. causal: what a query can't see is left blank instead of drawn as 0.
    scale: "max" shades 0..largest weight, "one" 0..1, so that heads can be compared. selected: (query, key) to
    outline, in tokens. Beyond 256 tokens each cell is the largest weight of a block, and the description says so.
    A click gives x = key and y = query, as numbers of cells (= tokens, unless pooled). logarithmic: shades by log10,
    from a ten-thousandth.
    """
    queries, keys = weights.shape
    rows, columns = block_size(queries, MOST_CELLS), block_size(keys, MOST_CELLS)  # tokens per cell
    z = pool(np.asarray(weights, np.float32), MOST_CELLS)  # (cells, cells)
    if causal:
        last_query = np.minimum((np.arange(z.shape[0]) + 1) * rows, queries) - 1 + keys - queries
        first_key = np.arange(z.shape[1]) * columns
        z = np.where(first_key[None, :] > last_query[:, None], np.float32(np.nan), z)
    largest = float(np.nanmax(z))
    top = 1.0 if scale == "one" or largest <= 0 else largest
    note = f"Shaded from 0 to {top:.3g}."
    shades = {"zmin": 0, "zmax": top, "colorbar": colour_bar("weight")}
    drawn, hover = z, "%{z:.3f}"
    if logarithmic:
        drawn, hover = np.log10(np.maximum(z, 1e-4), dtype=np.float32), "%{customdata:.2e}"
        ticks = [-4, -3, -2, -1, 0]
        bar = colour_bar("weight", tickvals=ticks, ticktext=["≤ 0.0001", "0.001", "0.01", "0.1", "1"])
        shades, note = {"zmin": -4, "zmax": 0, "colorbar": bar}, "Shaded by the logarithm, from 0.0001 to 1."
    if rows > 1 or columns > 1:
        note += f" Each cell shows the largest weight of {rows} × {columns} tokens."
    sentence = description or f"Attention of {counted(queries, 'query token')} to {counted(keys, 'key token')}."
    figure = go.Figure(
        go.Heatmap(
            z=drawn, x=_places(z.shape[1]), y=_places(z.shape[0]), **shades, colorscale=SEQUENTIAL,
            hoverongaps=False, customdata=z if logarithmic else None,
            xgap=1 if max(z.shape) <= 40 else 0, ygap=1 if max(z.shape) <= 40 else 0,
            hovertemplate=f"query  <b>%{{y}}</b><br>key  <b>%{{x}}</b><br>weight  <b>{hover}</b><extra></extra>",
        )
    )  # fmt: skip
    finish(figure, f"{sentence} {note}", title=title, uirevision=f"head-{queries}-{keys}")
    square = {"scaleanchor": "x"} if 0.4 <= z.shape[0] / z.shape[1] <= 2.5 else {}
    figure.update_xaxes(
        token_axis(
            "key (attends to)", _block_labels(key_labels, columns), tickangle=-60 if z.shape[1] > 6 else 0,
            range=[-0.5, z.shape[1] - 0.5], domain=[0, min(1, z.shape[1] / FEW)], constrain="domain",
            constraintoward="left",
        )
    )  # fmt: skip
    figure.update_yaxes(
        token_axis(
            "query (attends from)", _block_labels(query_labels, rows), range=[z.shape[0] - 0.5, -0.5],
            domain=[1 - min(1, z.shape[0] / FEW), 1], constrain="domain", constraintoward="top", **square,
        )
    )  # fmt: skip
    if selected is not None:
        figure.add_shape(_frame(selected[1] // columns, selected[0] // rows))
    return figure


def difference_figure(
    difference: np.ndarray, query_labels: Sequence[str], key_labels: Sequence[str], *, description: str
) -> go.Figure:
    """Heat map of a difference of weights (Q, K): orange above 0, blue below, white at 0; clicks as in `head_figure`.
    Beyond 256 tokens each cell is the value of its block that is farthest from 0."""
    high, low = pool(difference, MOST_CELLS), -pool(-difference, MOST_CELLS)
    z = np.where(high > -low, high, low).astype(np.float32)
    most = float(np.abs(z).max()) or 1.0
    rows, columns = (block_size(size, MOST_CELLS) for size in difference.shape)
    figure = go.Figure(
        go.Heatmap(
            z=z, x=_places(z.shape[1]), y=_places(z.shape[0]), zmin=-most, zmax=most, colorscale=DIVERGING,
            colorbar=colour_bar("difference"),
            hovertemplate="query  <b>%{y}</b><br>key  <b>%{x}</b><br>difference  <b>%{z:+.3f}</b><extra></extra>",
        )
    )  # fmt: skip
    finish(figure, description, uirevision=f"difference-{difference.shape}")
    figure.update_xaxes(token_axis("key (attends to)", _block_labels(key_labels, columns), tickangle=-60))
    figure.update_yaxes(
        token_axis("query (attends from)", _block_labels(query_labels, rows), range=[z.shape[0] - 0.5, -0.5])
    )
    return figure


def overview_figure(overview: Overview, selected: tuple[int, int] | None = None, *, title: str = "") -> go.Figure:
    """All heads as small maps in one heat map: layers from top to bottom, heads from left to right.

    Each map is shaded by the square root of weight / its own largest weight, so that weak structure shows; weights
    of exactly 0 (what a causal head can't see) are blank. Drawn in 256 steps to keep the payload small.
    A click's x and y go through `overview_cell`. The height, 300..900 pixels, follows the number of layers.
    """
    layers, heads, rows, columns = overview.maps.shape
    repeat = max(1, 16 // max(rows, columns))  # a small map takes more pixels, so that gutters stay thin
    maps = overview.maps.repeat(repeat, axis=2).repeat(repeat, axis=3)
    rows, columns = rows * repeat, columns * repeat
    largest = np.nan_to_num(maps).max((2, 3), keepdims=True)  # (L, H, 1, 1)
    share = np.nan_to_num(maps) / np.where(largest > 0, largest, 1)
    shade = np.where(share > 0, np.ceil(1 + 254 * np.sqrt(share)), 0).clip(0, 255).astype(np.uint8)
    down, along = rows + _gutter(rows), columns + _gutter(columns)
    z = np.zeros((layers, down, heads, along), np.uint8)  # 0 = blank
    z[:, :rows, :, :columns] = shade.transpose(0, 2, 1, 3)
    z = z.reshape(layers * down, heads * along)
    per_query, per_key = overview.tokens_per_cell
    pooled = "" if per_query * per_key == 1 else (
        f" Each cell is the {overview.how} of {per_query} × {per_key} tokens."
    )  # fmt: skip
    figure = go.Figure(
        go.Heatmap(
            z=z, x=_centred(heads, columns, along), y=_centred(layers, rows, down), zmin=0, zmax=255, showscale=False,
            colorscale=[[0, "rgba(0,0,0,0)"], [0.5 / 255, "rgba(0,0,0,0)"], [0.5 / 255, SEQUENTIAL[0][1]],
                        *SEQUENTIAL[1:]],
            hovertemplate="layer <b>%{y:.0f}</b>, head <b>%{x:.0f}</b><extra></extra>",
        )
    )  # fmt: skip
    finish(
        figure,
        f"{counted(layers, 'layer')} from top to bottom, {counted(heads, 'head')} from left to right; in each small "
        "map queries run down and keys to the right, darker is more, shaded up to the map's own largest weight."
        f"{pooled}",
        title=title,
        uirevision=f"overview-{layers}-{heads}",
        height=int(np.clip(90 + 26 * layers, 300, 900)),
    )
    places = {"tickmode": "linear", "tick0": 0, "showgrid": False, "constrain": "domain"}
    figure.update_xaxes(
        title_text="head", range=[-0.55, heads - 0.45], dtick=max(1, heads // 12), side="top", **places
    )
    figure.update_yaxes(
        title_text="layer", range=[layers - 0.45, -0.55], dtick=max(1, layers // 16), **places
    )
    if selected is not None:
        figure.add_shape(overview_mark(*selected))
    return figure


def overview_mark(layer: int, head: int) -> dict:
    """The frame round one head of `overview_figure`, as a Plotly shape."""
    return _frame(head, layer)


def overview_cell(heads: Sequence[int], x: float, y: float) -> tuple[int, int] | None:
    """Layer and head whose map lies at (x, y) of an `overview_figure`, given the number of heads of each layer;
    None outside and where a layer has no such head."""
    if not (np.isfinite(x) and np.isfinite(y)):
        return None
    layer, head = int(np.floor(y + 0.5)), int(np.floor(x + 0.5))
    return (layer, head) if 0 <= layer < len(heads) and 0 <= head < heads[layer] else None


def _places(count: int) -> np.ndarray:
    """Where cells lie, (count,): numbers of their own rather than x0 and dx, so that keyboard and mouse agree."""
    return np.arange(count, dtype=np.float32)


def _centred(maps: int, cells: int, step: int) -> np.ndarray:
    """Where the cells of `maps` small maps and their gutters lie, (maps·step,): map i is centred on i."""
    return ((np.arange(maps * step) - (cells - 1) / 2) / step).astype(np.float32)


def _gutter(cells: int) -> int:
    return max(1, round(cells / 10))


def _block_labels(labels: Sequence[str], size: int) -> list[str]:
    """Names of the cells: the tokens themselves, or "12–15 first word" for blocks."""
    if size == 1:
        return list(labels)
    return [
        f"{i}–{min(i + size, len(labels)) - 1} {plain_mark(labels[i], 6)}" for i in range(0, len(labels), size)
    ]


def _frame(x: float, y: float) -> dict:
    """A frame in the accent colour round the place of width 1 centred on (x, y)."""
    line = {"color": ACCENT, "width": 2.5}
    return {"type": "rect", "x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5, "line": line, "layer": "above"}
