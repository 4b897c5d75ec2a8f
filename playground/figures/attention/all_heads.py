"""All heads of all layers at once, as small maps in one picture. Draws arrays; knows nothing of models. Layers and heads
count from 0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from playground.analysis.attention.maps import Overview, peak_weights
from playground.analysis.text_display import counted
from playground.figures.attention.head import frame
from playground.figures.layout import colour_bar, finish, label
from playground.figures.theme import ACCENT, CATEGORIES, CLEAR, HALO, SEQUENTIAL, SMALL, SYMBOLS, WARM

STANDS_OUT = "largest weight beside the first token and itself"


@dataclass(frozen=True, eq=False)
class Property:
    """A number of every head, (L, H), NaN where there is no such head, and what it is called."""

    values: np.ndarray
    name: str
    words: np.ndarray | None = None
    """(L, H) of str: what is told instead of the number, if so; unescaped."""


def overview_figure(
    overview: Overview,
    selected: tuple[int, int] | None = None,
    *,
    title: str = "",
    order: np.ndarray | None = None,
    coloured: Property | None = None,
    labels: Mapping[str, Sequence[tuple[int, int]]] | None = None,
    shared_by: int = 1,
    told: Property | None = None,
) -> go.Figure:
    """All heads as small maps in one heat map: layers from top to bottom, heads from left to right.

    Each map is shaded by the square root of weight / its own largest weight, so that weak structure shows; weights
    of exactly 0 (what a causal head can't see) are blank. Drawn in 256 steps to keep the payload small.
    A click's x and y go through `overview_cell`. The height, 300..900 pixels, follows the number of layers.

    told: what is said of each head when pointed at, to the keyboard and in the table; if None, what stands out in its map.
    order: (L, H), the head that stands at each place of a layer, if not its own.
    coloured: a property as a mark in the corner of each map. labels: name -> (layer, head) of those marked with it.
    shared_by: query heads that share a key-value head; groups of them are set apart by lines, with the number of the
    key-value head below (grouped-query attention), unless the heads stand in another order.
    """
    layers, heads, rows, columns = overview.maps.shape
    moved = order is not None
    order = np.tile(np.arange(heads), (layers, 1)) if order is None else np.asarray(order)
    places = np.argsort(order, 1)  # (L, H): where each head stands
    repeat = max(1, 16 // max(rows, columns))  # a small map takes more pixels, so that gutters stay thin
    maps = np.take_along_axis(overview.maps, order[:, :, None, None], 1).repeat(repeat, axis=2).repeat(repeat, axis=3)
    rows, columns = rows * repeat, columns * repeat
    largest = np.nan_to_num(maps).max((2, 3), keepdims=True)  # (L, H, 1, 1)
    share = np.nan_to_num(maps) / np.where(largest > 0, largest, 1)
    shade = np.where(share > 0, np.ceil(1 + 254 * np.sqrt(share)), 0).clip(0, 255).astype(np.uint8)
    down, along = rows + _gutter(rows), columns + _gutter(columns)
    z = np.zeros((layers, down, heads, along), np.uint8)  # 0 = blank
    z[:, :rows, :, :columns] = shade.transpose(0, 2, 1, 3)
    z = z.reshape(layers * down, heads * along)
    per_query, per_key = overview.tokens_per_cell
    pooled = (
        "" if per_query * per_key == 1 else (f" Each cell is the {overview.how} of {per_query} × {per_key} tokens.")
    )
    told = told or Property(peak_weights(overview), STANDS_OUT)
    figure = go.Figure(_cells(told, order if moved else None))
    figure.add_heatmap(
        z=z,
        x=_centred(heads, columns, along),
        y=_centred(layers, rows, down),
        zmin=0,
        zmax=255,
        showscale=False,
        colorscale=[[0, CLEAR], [0.5 / 255, CLEAR], [0.5 / 255, SEQUENTIAL[0][1]], *SEQUENTIAL[1:]],
        hoverinfo="skip",
    )
    if coloured is not None:
        known = np.argwhere(np.isfinite(coloured.values))
        most = float(np.nanmax(coloured.values)) if len(known) else 1.0
        colours = {
            "color": coloured.values[tuple(known.T)].astype(np.float32),
            "colorscale": WARM,
            "cmin": 0,
            "cmax": most or 1.0,
            "colorbar": colour_bar(coloured.name),
        }
        figure.add_scatter(**_marks(known, places, colours, coloured.name, colours["color"]))
    for number, (name, which) in enumerate((labels or {}).items()):
        look = {"color": CATEGORIES[(number + 1) % len(CATEGORIES)], "symbol": SYMBOLS[number % len(SYMBOLS)]}
        figure.add_scatter(**_marks(np.array(which, int).reshape(-1, 2), places, look, name))
    finish(
        figure,
        f"{counted(layers, 'layer')} from top to bottom, {counted(heads, 'head')} from left to right; in each small "
        "map queries run down and keys to the right, darker is more, shaded up to the map's own largest weight."
        f"{pooled} The table tells each head's {told.name}.",
        title=title,
        uirevision=f"overview-{layers}-{heads}",
        height=int(np.clip(90 + 26 * layers, 300, 900)),
    )
    if shared_by > 1 and not moved:
        _set_apart(figure, layers, heads, shared_by)
    axis = {"showgrid": False, "constrain": "domain"}
    below = moved or coloured is not None or labels  # the colour bar or the legend stands above
    figure.update_xaxes(
        title={
            "text": f"heads, most “{coloured.name}” first" if moved and coloured else "head",
            "standoff": 22 if moved else 10,
        },
        showticklabels=not moved,
        range=[-0.55, heads - 0.45],
        side="bottom" if below else "top",
        **_numbered(heads, 12, "place {} of its layer" if moved else "head {}"),
        **axis,
    )
    figure.update_yaxes(
        title_text="layer",
        range=[layers - 0.45 + (0.9 if shared_by > 1 and not moved else 0), -0.55],
        **_numbered(layers, 16, "layer {}"),
        **axis,
    )
    if selected is not None:
        figure.add_shape(overview_mark(*selected, order if moved else None))
    return figure


def _cells(told: Property, order: np.ndarray | None) -> go.Heatmap:
    """A cell over each head's map, unseen, that answers for it; in another order it names the head as well."""
    values, words = np.asarray(told.values, np.float32), told.words
    if order is not None:
        words = np.vectorize("{:.3f}".format, otypes=[object])(values) if words is None else words
        values, words = (np.take_along_axis(np.asarray(found), order, 1) for found in (values, words))
        words = np.where(np.isfinite(values), np.vectorize("head {}: {}".format, otypes=[object])(order, words), "")
    where = "layer <b>%{y:d}</b>" + (", head <b>%{x:d}</b>" if order is None else "")
    what = f"{label(told.name, None)}: <b>{'%{z:.3f}' if words is None else '%{text}'}</b>"
    return go.Heatmap(
        z=values,
        x=np.arange(values.shape[1], dtype=np.float32),
        y=np.arange(values.shape[0], dtype=np.float32),
        opacity=0,
        showscale=False,
        hoverongaps=False,
        hovertemplate=f"{where}<br>{what}<extra></extra>",
        text=None if words is None else [[label(word, None) for word in row] for row in words.tolist()],
    )


def _numbered(count: int, most: int, words: str) -> dict:
    """An axis that counts things and shows at most about so many numbers; the table has words."""
    places = list(range(0, count, max(1, count // most)))
    return {
        "tickmode": "array",
        "tickvals": places,
        "ticktext": [str(place) for place in places],
        "labelalias": {str(place): words.format(place) for place in range(count)},
    }


def overview_mark(layer: int, head: int, order: np.ndarray | None = None) -> dict:
    """The frame round one head of `overview_figure`, as a Plotly shape."""
    return frame(head if order is None else int(np.flatnonzero(order[layer] == head)[0]), layer)


def _set_apart(figure: go.Figure, layers: int, heads: int, shared_by: int) -> None:
    """Lines between groups of heads that share keys and values, and the number of these below each group."""
    edges = np.arange(shared_by, heads, shared_by, dtype=np.float32) - np.float32(0.52)
    x, y = np.full((len(edges), 3), np.nan, np.float32), np.full((len(edges), 3), np.nan, np.float32)
    x[:, 0] = x[:, 1] = edges
    y[:, 0], y[:, 1] = -0.5, layers - 0.5
    figure.add_scatter(
        x=x.ravel(),
        y=y.ravel(),
        mode="lines",
        line={"color": ACCENT, "width": 1, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )
    for group, first in enumerate(range(0, heads, shared_by)):
        figure.add_annotation(
            x=first + (min(shared_by, heads - first) - 1) / 2,
            y=layers - 0.45,
            yanchor="top",
            showarrow=False,
            text=f"key-value head {group}" if group == 0 else str(group),
            font={"size": SMALL},
        )


def _marks(which: np.ndarray, places: np.ndarray, look: dict, name: str, values: np.ndarray | None = None) -> dict:
    """Marks in the upper right corners of the maps of heads `which` (N, 2), of their layers and numbers."""
    layer, head = which.T
    told = ": %{text}" if values is not None else ""
    return {
        "x": places[layer, head].astype(np.float32) + np.float32(0.36),
        "y": layer.astype(np.float32) - np.float32(0.36),
        "customdata": np.stack([head, layer], 1).astype(np.uint8),
        "mode": "markers",
        "name": label(name, None),
        "text": None if values is None else [f"{value:.3g}" for value in values],
        "marker": {"size": 9, "line": {"width": 1, "color": HALO}, **look},
        "showlegend": values is None,
        "hovertemplate": "layer <b>%{customdata[1]}</b>, head <b>%{customdata[0]}</b><br>"
        f"{label(name, None)}{told}<extra></extra>",
    }


def overview_cell(heads: Sequence[int], x: float, y: float) -> tuple[int, int] | None:
    """Layer and head whose map lies at (x, y) of an `overview_figure`, given the number of heads of each layer;
    None outside and where a layer has no such head."""
    if not (np.isfinite(x) and np.isfinite(y)):
        return None
    layer, head = int(np.floor(y + 0.5)), int(np.floor(x + 0.5))
    return (layer, head) if 0 <= layer < len(heads) and 0 <= head < heads[layer] else None


def _centred(maps: int, cells: int, step: int) -> np.ndarray:
    """Where the cells of `maps` small maps and their gutters lie, (maps·step,): map i is centred on i."""
    return ((np.arange(maps * step) - (cells - 1) / 2) / step).astype(np.float32)


def _gutter(cells: int) -> int:
    return max(1, round(cells / 10))
