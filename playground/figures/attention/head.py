"""Pictures of attention weights: one head in full, a difference, a mask. Draws arrays; knows nothing of models or of how
weights come about. Tokens count from 0."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from playground.analysis.attention.maps import How, block_size, pool
from playground.analysis.text_display import counted, plain_mark
from playground.figures.layout import TICK_LIMIT, colour_bar, finish, label
from playground.figures.theme import ACCENT, DIVERGING, MONO, REST, SEQUENTIAL, SMALL, WRITTEN

MAX_CELLS = 256
"""Cells per side beyond which a map is pooled."""
FEW = 8
"""Cells per side below which a map takes only its share of the picture, so that no cell fills it."""
MAX_TICKS = 32
MANY = 4096
"""Cells from which a few may look the same, so that the others can be told apart."""


@dataclass(frozen=True)
class Window:
    """The part of a map that is drawn: queries and keys from … up to, not including."""

    queries: tuple[int, int]
    keys: tuple[int, int]


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
    how: How = "max",
    window: Window | None = None,
    begun: int | None = None,
    unit: str = "weight",
) -> go.Figure:
    """Heat map of one head: weights (Q, K) after softmax, queries from top to bottom, keys from left to right.

    Labels are token texts, unescaped. causal: what a query can't see is left blank instead of drawn as 0.
    scale: "max" shades 0..largest weight (of a large map see `_top`), "one" 0..1, to compare heads. selected: (query, key)
    to outline. Both axes count tokens: beyond 256 of them each cell is the largest weight or the mean (how) of a block, and
    the description says so; a window is drawn alone, its cells in their places, as exactly as 256 cells allow. A click
    gives x and y in the middle of key's and query's cell. logarithmic: shades by log10, from a ten-thousandth. begun:
    the first token that a model wrote; those from there on are told apart. unit: what a number is.
    """
    queries, keys = weights.shape
    grid = _Grid(queries, keys, window)
    z = grid.pooled(weights, how)
    if causal:
        z = np.where(grid.unseen(), np.float32(np.nan), z)
    largest = float(np.nanmax(z)) if np.isfinite(z).any() else 0.0
    top = 1.0 if scale == "one" or largest <= 0 else _top(z)
    note = f"Shaded from 0 to {top:.3g}" + ("." if top in (1.0, largest) else "; what is above looks the same.")
    shades = {"zmin": 0, "zmax": top, "colorbar": colour_bar(unit)}
    drawn, hover = z, "%{z:.3f}"
    if logarithmic:
        drawn, hover = np.log10(np.maximum(z, 1e-4), dtype=np.float32), "%{customdata:.2e}"
        high = max(0, int(np.ceil(np.log10(max(largest, 1)))))  # weights times norms go beyond 1
        ticks = list(range(-4, high + 1))
        bar = colour_bar(unit, tickvals=ticks, ticktext=["≤ 0.0001", *(f"{10.0**tick:g}" for tick in ticks[1:])])
        shades = {"zmin": -4, "zmax": high, "colorbar": bar}
        note = f"Shaded by the logarithm, from 0.0001 to {10**high:,}."
    sentence = description or f"Attention of {counted(queries, 'query token')} to {counted(keys, 'key token')}."
    figure = go.Figure(
        go.Heatmap(
            z=drawn,
            **grid.places,
            **shades,
            colorscale=SEQUENTIAL,
            hoverongaps=False,
            customdata=z if logarithmic else None,
            **grid.gaps,
            hovertemplate=f"query  <b>%{{y}}</b><br>key  <b>%{{x}}</b><br>{label(unit, None)}  <b>{hover}</b>"
            "<extra></extra>",
        )
    )
    finish(figure, f"{sentence} {note}{grid.words(how)}", title=title, uirevision=f"head-{queries}-{keys}")
    return _with_axes(figure, grid, query_labels, key_labels, begun, selected)


def difference_figure(
    difference: np.ndarray,
    query_labels: Sequence[str],
    key_labels: Sequence[str],
    *,
    description: str,
    causal: bool = False,
    window: Window | None = None,
    begun: int | None = None,
) -> go.Figure:
    """Heat map of a difference of weights (Q, K): orange above 0, blue below, white at 0; the rest as in `head_figure`,
    but a block's cell is its value that is farthest from 0."""
    grid = _Grid(*difference.shape, window)
    high, low = grid.pooled(difference, "max"), -grid.pooled(-difference, "max")
    z = np.where(high > -low, high, low).astype(np.float32)
    most = float(np.abs(z).max()) or 1.0
    if causal:
        z = np.where(grid.unseen(), np.float32(np.nan), z)
    figure = go.Figure(
        go.Heatmap(
            z=z,
            **grid.places,
            zmin=-most,
            zmax=most,
            colorscale=DIVERGING,
            colorbar=colour_bar("difference"),
            hoverongaps=False,
            **grid.gaps,
            hovertemplate="query  <b>%{y}</b><br>key  <b>%{x}</b><br>difference  <b>%{z:+.3f}</b><extra></extra>",
        )
    )
    finish(figure, description + grid.words("value farthest from 0"), uirevision=f"head-{grid.queries}-{grid.keys}")
    return _with_axes(figure, grid, query_labels, key_labels, begun, None)


def mask_figure(
    allowed: np.ndarray,
    query_labels: Sequence[str],
    key_labels: Sequence[str],
    *,
    description: str,
    window: Window | None = None,
    begun: int | None = None,
) -> go.Figure:
    """What each query may attend to, (Q, K) bool, in two shades; of blocks of tokens the share that is allowed."""
    grid = _Grid(*allowed.shape, window)
    z = grid.pooled(allowed.astype(np.float32), "mean")
    figure = go.Figure(
        go.Heatmap(
            z=z,
            **grid.places,
            zmin=0,
            zmax=1,
            colorscale=[[0, REST], [0.001, REST], [0.001, SEQUENTIAL[1][1]], [1, SEQUENTIAL[4][1]]],
            showscale=False,
            **grid.gaps,
            hovertemplate="query  <b>%{y}</b><br>key  <b>%{x}</b><br>allowed  <b>%{z:.0%}</b><extra></extra>",
        )
    )
    finish(
        figure,
        f"{description} Blue: allowed; grey: masked.{grid.words('mean')}",
        uirevision=f"head-{grid.queries}-{grid.keys}",
    )
    return _with_axes(figure, grid, query_labels, key_labels, begun, None)


def _top(z: np.ndarray) -> float:
    """Where the shades of a map end: at its largest cell, but of a large map, which a few cells would bleach (the first
    token's weight on itself is 1), where 99.5 % of its cells lie, if that is far below."""
    seen = z[np.isfinite(z)]
    high = float(np.percentile(seen, 99.5)) if len(seen) >= MANY else 0.0
    return high if 0 < high < seen.max() / 2 else float(seen.max())


class _Grid:
    """The cells of a map of queries × keys tokens, or of a window of it: where they lie, in tokens."""

    def __init__(self, queries: int, keys: int, window: Window | None = None):
        self.queries, self.keys = queries, keys
        self.window = window or Window((0, queries), (0, keys))
        (top, bottom), (left, right) = self.window.queries, self.window.keys
        self.rows, self.columns = block_size(bottom - top, MAX_CELLS), block_size(right - left, MAX_CELLS)
        self.y, self.x = _middles(top, bottom, self.rows), _middles(left, right, self.columns)
        self.few = min(queries, MAX_CELLS), min(keys, MAX_CELLS)

    def pooled(self, weights: np.ndarray, how: How) -> np.ndarray:
        """(rows, columns) float32 of weights (Q, K)."""
        part = np.asarray(weights)[slice(*self.window.queries), slice(*self.window.keys)]
        return pool(np.ascontiguousarray(part, np.float32), MAX_CELLS, how)

    def unseen(self) -> np.ndarray:
        """(rows, columns) bool: cells of which a causal model sees nothing; more keys than queries were read before."""
        first, last = self.window.queries
        last_query = np.minimum(first + (np.arange(len(self.y)) + 1) * self.rows, last) - 1 + self.keys - self.queries
        first_key = self.window.keys[0] + np.arange(len(self.x)) * self.columns
        return first_key[None, :] > last_query[:, None]

    @property
    def places(self) -> dict:
        return {"x": self.x, "y": self.y}

    @property
    def gaps(self) -> dict:
        gap = 1 if max(len(self.x), len(self.y)) <= 40 else 0
        return {"xgap": gap, "ygap": gap}

    def words(self, how: str) -> str:
        """What a cell is, where it is more than one pair of tokens."""
        if self.rows * self.columns == 1:
            return ""
        how = {"max": "largest weight"}.get(how, how)
        return f" Each cell shows the {how} of {self.rows} × {self.columns} tokens; zoom in for every number."


def _middles(first: int, last: int, size: int) -> np.ndarray:
    """Where the cells of `size` tokens from first up to last lie, in tokens, float32."""
    starts = np.arange(first, last, size, dtype=np.float32)
    return starts + (size - 1) / 2


def _with_axes(figure: go.Figure, grid: _Grid, query_labels, key_labels, begun, selected) -> go.Figure:
    rows, columns = grid.few
    shapes = []
    square = {"scaleanchor": "x"} if 0.4 <= rows / columns <= 2.5 else {}
    figure.update_xaxes(
        **_axis("key (attends to)", key_labels, grid.x, grid.columns, begun),
        range=[-0.5, grid.keys - 0.5],
        tickangle=-60 if columns > 6 else 0,
        domain=[0, min(1, columns / FEW)],
        constrain="domain",
        constraintoward="left",
    )
    figure.update_yaxes(
        **_axis("query (attends from)", query_labels, grid.y, grid.rows, begun),
        range=[grid.queries - 0.5, -0.5],
        domain=[1 - min(1, rows / FEW), 1],
        constrain="domain",
        constraintoward="top",
        **square,
    )
    if begun is not None and 0 < begun < grid.keys:
        line = {"type": "line", "line": {"color": WRITTEN, "width": 1.5, "dash": "dot"}, "layer": "above"}
        shapes.append(line | {"x0": begun - 0.5, "x1": begun - 0.5, "yref": "paper", "y0": 0, "y1": 1})
        shapes.append(line | {"y0": begun - 0.5, "y1": begun - 0.5, "xref": "paper", "x0": 0, "x1": 1})
    if selected is not None:
        query, key = selected
        x, y = (
            grid.x[(key - grid.window.keys[0]) // grid.columns],
            grid.y[(query - grid.window.queries[0]) // grid.rows],
        )
        shapes.append(frame(float(x), float(y), grid.columns, grid.rows))
    figure.layout.shapes = shapes
    return figure


def _axis(title: str, labels: Sequence[str], middles: np.ndarray, size: int, begun: int | None) -> dict:
    """An axis that counts tokens and shows their texts: at most 32 ticks, the text of every cell on hover."""
    step = -(-len(middles) // (MAX_TICKS if size == 1 else MAX_TICKS // 2))  # the names of blocks are longer
    starts = [int(middle - (size - 1) / 2) for middle in middles]
    written = [begun is not None and start >= begun for start in starts]
    ticks = [
        f'<span style="color:{WRITTEN}">{text}</span>' if new else text
        for text, new in zip((_cell_name(labels, start, size, TICK_LIMIT) for start in starts), written, strict=True)
    ]
    return {
        "title": {"text": title},
        "tickmode": "array",
        "tickvals": middles[::step].tolist(),
        "ticktext": ticks[::step],
        # what the hover says: Plotly looks up the place as it writes it, rounded
        "labelalias": {
            str(int(middle + 0.5)): _cell_name(labels, start, size)
            for middle, start in zip(middles, starts, strict=True)
        },
        "hoverformat": "d",
        "showgrid": False,
        "tickfont": {"family": MONO, "size": SMALL if len(middles) <= 24 else SMALL - 1},
    }


def _cell_name(labels: Sequence[str], start: int, size: int, limit: int | None = None) -> str:
    """A cell's name, escaped: its token, or "12–15 first word" of a block."""
    if size == 1:
        return label(labels[start], limit) if limit else label(labels[start])
    return f"{start}–{min(start + size, len(labels)) - 1} {label(plain_mark(labels[start], 6), None)}"


def frame(x: float, y: float, width: float = 1, height: float = 1) -> dict:
    """A frame in the accent colour round the place centred on (x, y), as a Plotly shape."""
    line = {"color": ACCENT, "width": 2.5}
    return {
        "type": "rect",
        "x0": x - width / 2,
        "x1": x + width / 2,
        "y0": y - height / 2,
        "y1": y + height / 2,
        "line": line,
        "layer": "above",
    }
