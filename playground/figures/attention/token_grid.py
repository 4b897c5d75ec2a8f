"""The grid under a map of tokens by tokens: its cells, pooled where there are too many tokens, and its axes with the tokens'
texts. Knows no weights' meaning. Tokens count from 0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from playground.analysis.attention.maps import How, block_size, pool
from playground.analysis.text_display import plain_mark
from playground.figures.layout import TICK_LIMIT, coloured, label, raw_labels
from playground.figures.theme import ACCENT, MONO, SMALL, WRITTEN

MAX_CELLS = 256
"""Cells per side; a longer side is pooled."""
MIN_FULL = 8
"""Cells per side from which a map fills the picture; a smaller one takes its share, so that no cell becomes huge."""
MAX_TICKS = 32


@dataclass(frozen=True)
class Window:
    """The part of a map that is drawn: (first, end) of its queries and of its keys, end not included."""

    queries: tuple[int, int]
    keys: tuple[int, int]


def zoomed_window(ranges: Mapping[str, float], shape: tuple[int, int]) -> Window | None:
    """What of a map of this shape lies within the ranges x0, x1, y0, y1 of its axes, and a quarter more on each side; None
    for nearly all."""
    parts = []
    for axis, size in zip("yx", shape, strict=True):
        low, high = sorted((float(ranges[f"{axis}0"]), float(ranges[f"{axis}1"])))
        margin = (high - low) / 4
        parts.append((max(0, int(low - margin)), min(size, int(high + margin) + 2)))
    whole = all(high - low >= size for (low, high), size in zip(parts, shape, strict=True))
    return None if whole or any(low >= high for low, high in parts) else Window(*parts)


@dataclass(frozen=True)
class MapAxes:
    """The tokens along a map's sides, and the part of the map to draw."""

    queries: Sequence[str]
    """Token texts from top to bottom, unescaped."""
    keys: Sequence[str]
    """Token texts from left to right, unescaped."""
    causal: bool = False
    """Cells that a causal mask hides are blank."""
    generated_from: int | None = None
    """The first token that a model generated: a line and another colour set these apart. None where there is none."""
    window: Window | None = None
    """The part to draw, its cells in their places; None for the whole map."""


class TokenGrid:
    """The cells of a map of tokens, or of a window of it, and the axes that name them. Places are counted in tokens."""

    def __init__(self, shape: tuple[int, ...], axes: MapAxes):
        """shape: (queries, keys) of the whole map. The axes must have a label for each of them."""
        self.axes = axes
        self.queries, self.keys = queries, keys = shape
        self.window = axes.window or Window((0, queries), (0, keys))
        (top, bottom), (left, right) = self.window.queries, self.window.keys
        self.rows, self.columns = block_size(bottom - top, MAX_CELLS), block_size(right - left, MAX_CELLS)
        self.y, self.x = _middles(top, bottom, self.rows), _middles(left, right, self.columns)

    def pooled(self, weights: np.ndarray, how: How) -> np.ndarray:
        """(rows, columns) float32 of weights (Q, K)."""
        part = np.asarray(weights)[slice(*self.window.queries), slice(*self.window.keys)]
        return pool(np.ascontiguousarray(part, np.float32), MAX_CELLS, how)

    def hidden(self) -> np.ndarray:
        """(rows, columns) bool: cells that a causal mask hides whole. Of more keys than queries the surplus comes before the
        first query."""
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

    def cell_words(self, how: str) -> str:
        """A sentence on what a cell shows of its tokens; empty where a cell is one pair."""
        if self.rows * self.columns == 1:
            return ""
        value = {"max": "largest weight"}.get(how, how)
        return f" Each cell shows the {value} of {self.rows} × {self.columns} tokens; zoom in for every number."

    def row_frame(self, query: int) -> dict:
        """The frame round a query's row, as far as the query sees, as a Plotly shape."""
        end = min(self.keys, query + 1 + self.keys - self.queries) if self.axes.causal else self.keys
        y = self._middle(self.y, query - self.window.queries[0], self.rows)
        return frame((end - 1) / 2, y, end, self.rows)

    def column_frame(self, key: int) -> dict:
        """The frame round a key's column, as far as queries see it."""
        first = max(0, key - self.keys + self.queries) if self.axes.causal else 0
        x = self._middle(self.x, key - self.window.keys[0], self.columns)
        return frame(x, (first + self.queries - 1) / 2, self.columns, self.queries - first)

    def _middle(self, middles: np.ndarray, place: int, size: int) -> float:
        """The middle of the cell with the token at this place of the window; of one outside, the token's own place."""
        cell = place // size
        return float(middles[cell]) if 0 <= cell < len(middles) else float(middles[0]) - (size - 1) / 2 + place

    def add_axes(self, figure: go.Figure, selected: tuple[int, int] | None = None) -> go.Figure:
        """The figure with its axes, a line at the first generated token, and a frame round the selected (query, key)."""
        rows, columns = min(self.queries, MAX_CELLS), min(self.keys, MAX_CELLS)
        generated_from = self.axes.generated_from
        square = {"scaleanchor": "x"} if 0.4 <= rows / columns <= 2.5 else {}
        figure.update_xaxes(
            **_axis("key (attends to)", self.axes.keys, self.x, self.columns, generated_from),
            range=[-0.5, self.keys - 0.5],
            tickangle=-60 if columns > 6 else 0,
            domain=[0, min(1, columns / MIN_FULL)],
            constrain="domain",
            constraintoward="left",
        )
        figure.update_yaxes(
            **_axis("query (attends from)", self.axes.queries, self.y, self.rows, generated_from),
            range=[self.queries - 0.5, -0.5],
            domain=[1 - min(1, rows / MIN_FULL), 1],
            constrain="domain",
            constraintoward="top",
            **square,
        )
        shapes = []
        if generated_from is not None and 0 < generated_from < self.keys:
            at = generated_from - 0.5
            line = {"type": "line", "line": {"color": WRITTEN, "width": 1.5, "dash": "dot"}, "layer": "above"}
            shapes.append(line | {"x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1})
            shapes.append(line | {"y0": at, "y1": at, "xref": "paper", "x0": 0, "x1": 1})
        if selected is not None:
            query, key = selected
            x = self.x[(key - self.window.keys[0]) // self.columns]
            y = self.y[(query - self.window.queries[0]) // self.rows]
            shapes.append(frame(float(x), float(y), self.columns, self.rows))
        figure.layout.shapes = shapes
        return figure


def _middles(first: int, last: int, size: int) -> np.ndarray:
    """The middles of cells of `size` tokens from first up to last, in tokens, float32."""
    starts = np.arange(first, last, size, dtype=np.float32)
    return starts + (size - 1) / 2


def _axis(title: str, labels: Sequence[str], middles: np.ndarray, size: int, generated_from: int | None) -> dict:
    """An axis that counts tokens and shows their texts: at most 32 ticks, the text of every cell on hover."""
    step = -(-len(middles) // (MAX_TICKS if size == 1 else MAX_TICKS // 2))  # the names of blocks are longer
    starts = [int(middle - (size - 1) / 2) for middle in middles]
    generated = [generated_from is not None and start >= generated_from for start in starts]
    ticks = [
        coloured(text, WRITTEN) if new else text
        for text, new in zip((_cell_name(labels, start, size, TICK_LIMIT) for start in starts), generated, strict=True)
    ]
    return {
        "title": {"text": title},
        "tickmode": "array",
        "tickvals": middles[::step].tolist(),
        "ticktext": ticks[::step],
        # The text on hover: Plotly looks up a place by its rounded number.
        "labelalias": {
            str(int(middle + 0.5)): _cell_name(labels, start, size)
            for middle, start in zip(middles, starts, strict=True)
        },
        "categoryarray": raw_labels(labels) if size == 1 else None,
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
    """A frame in the accent colour, centred on (x, y), as a Plotly shape."""
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
