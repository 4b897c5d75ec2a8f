"""All heads of all layers as small maps in one picture. Draws arrays; knows nothing of models. Layers and heads count from
0. Letters: L layers, H heads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import plotly.graph_objects as go

from playground.analysis.attention.maps import Overview, peak_weights
from playground.analysis.text_display import counted
from playground.figures.attention.token_grid import frame
from playground.figures.layout import colour_bar, finish, label
from playground.figures.theme import ACCENT, CATEGORIES, CLEAR, HALO, SEQUENTIAL, SMALL, SYMBOLS, WARM

PEAK = "largest weight beside the first token and itself"


@dataclass(frozen=True, eq=False)
class Property:
    """A number of every head, with its name."""

    values: np.ndarray
    """(L, H); NaN where a layer has no such head."""
    name: str
    words: np.ndarray | None = None
    """(L, H) of str, unescaped: the text in place of the number; None for the number."""


@dataclass(frozen=True, eq=False)
class OverviewMarks:
    """Marks over the small maps."""

    property: Property | None = None
    """Shaded as a mark in the corner of each map."""
    order: np.ndarray | None = None
    """(L, H): the head at each place of a layer; None for their own order."""
    labels: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    """Name -> (layer, head) of the heads marked with it."""
    hover: Property | None = None
    """The number of each head in the hover label, for the keyboard and in the table; None: the largest weight of its map."""


NO_MARKS = OverviewMarks()


def overview_figure(
    overview: Overview,
    selected: tuple[int, int] | None = None,
    marks: OverviewMarks = NO_MARKS,
    *,
    shared_by: int = 1,
    title: str = "",
) -> go.Figure:
    """All heads as small maps in one heat map: layers from bottom to top, as in X-ray, heads from left to right.

    Each map is shaded by the square root of weight / its own largest weight, so that weak structure shows; weights
    of exactly 0 (which a causal mask hides) are blank. 256 shades keep the payload small. `overview_cell` gives the
    layer and head of a click. The height, 300..900 pixels, follows the number of layers.

    selected: (layer, head) to frame. shared_by: query heads that share a key-value head (grouped-query attention): lines
    set these groups apart, with the number of the key-value head below, while heads stand in their own order.
    """
    order, coloured = marks.order, marks.property
    layers, heads, rows, columns = overview.maps.shape
    moved = order is not None
    order = np.tile(np.arange(heads), (layers, 1)) if order is None else np.asarray(order)
    places = np.argsort(order, 1)  # (L, H): where each head stands
    repeat = max(1, 16 // max(rows, columns))  # more pixels for small maps, so that gutters stay thin
    maps = np.take_along_axis(overview.maps, order[:, :, None, None], 1).repeat(repeat, axis=2).repeat(repeat, axis=3)
    rows, columns = rows * repeat, columns * repeat
    largest = np.nan_to_num(maps).max((2, 3), keepdims=True)  # (L, H, 1, 1)
    share = np.nan_to_num(maps) / np.where(largest > 0, largest, 1)
    shade = np.where(share > 0, np.ceil(1 + 254 * np.sqrt(share)), 0).clip(0, 255).astype(np.uint8)
    down, along = rows + _gutter(rows), columns + _gutter(columns)
    z = np.zeros((layers, down, heads, along), np.uint8)  # 0 = blank
    z[:, :rows, :, :columns] = shade[:, :, ::-1].transpose(0, 2, 1, 3)  # up is more: queries still run down
    z = z.reshape(layers * down, heads * along)
    per_query, per_key = overview.tokens_per_cell
    pooled = (
        "" if per_query * per_key == 1 else (f" Each cell is the {overview.how} of {per_query} × {per_key} tokens.")
    )
    hover = marks.hover or Property(peak_weights(overview), PEAK)
    figure = go.Figure(_cells(hover, order if moved else None))
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
        heads_with_value = np.argwhere(np.isfinite(coloured.values))
        values = coloured.values[tuple(heads_with_value.T)].astype(np.float32)
        colours = {
            "color": values,
            "colorscale": WARM,
            "cmin": 0,
            "cmax": (float(np.nanmax(coloured.values)) if len(values) else 1.0) or 1.0,
            "colorbar": colour_bar(coloured.name),
        }
        figure.add_scatter(**_marks(heads_with_value, places, colours, coloured.name, values))
    for number, (name, which) in enumerate(marks.labels.items()):
        look = {"color": CATEGORIES[(number + 1) % len(CATEGORIES)], "symbol": SYMBOLS[number % len(SYMBOLS)]}
        figure.add_scatter(**_marks(np.array(which, int).reshape(-1, 2), places, look, name))
    finish(
        figure,
        f"{counted(layers, 'layer')} from bottom to top, {counted(heads, 'head')} from left to right; in each small "
        "map queries run down and keys to the right, stronger shades are more, up to the map's own largest weight."
        f"{pooled} The table tells each head's {hover.name}.",
        title=title,
        uirevision=f"overview-{layers}-{heads}",
        height=int(np.clip(90 + 26 * layers, 260, 900)),
    )
    if moved:
        # its places are ranks: pinned pictures are not subtracted by place
        figure.layout.meta = {**figure.layout.meta, "ranking": True}
    if shared_by > 1 and not moved:
        _mark_groups(figure, layers, heads, shared_by)
    axis = {"showgrid": False, "constrain": "domain"}
    below = moved or coloured is not None or marks.labels  # the colour bar or the legend stands above
    figure.update_xaxes(
        title={
            "text": "head" if not moved else f"heads, most “{coloured.name}” first" if coloured else "heads, by role",
            "standoff": 22 if moved else 10,
        },
        showticklabels=not moved,
        range=[-0.55, heads - 0.45],
        side="bottom" if below else "top",
        **_counting_axis(heads, 12, "place {} of its layer" if moved else "head {}"),
        **axis,
    )
    figure.update_yaxes(
        title_text="layer",
        range=[-0.55 - (0.9 if shared_by > 1 and not moved else 0), layers - 0.45],
        **_counting_axis(layers, 16, "layer {}"),
        **axis,
    )
    if selected is not None:
        figure.add_shape(overview_mark(*selected, order if moved else None))
    return figure


def _cells(hover: Property, order: np.ndarray | None) -> go.Heatmap:
    """A transparent cell over each head's map, with its hover label; in another order the label names the head as well."""
    values, words = np.asarray(hover.values, np.float32), hover.words
    if order is not None:
        words = np.vectorize("{:.3f}".format, otypes=[object])(values) if words is None else words
        values, words = (np.take_along_axis(np.asarray(table), order, 1) for table in (values, words))
        words = np.where(np.isfinite(values), np.vectorize("head {}: {}".format, otypes=[object])(order, words), "")
    where = "layer <b>%{y:d}</b>" + (", head <b>%{x:d}</b>" if order is None else "")
    name = label(hover.name, None).replace(" beside ", "<br>beside ")  # two short lines fit a narrow picture
    what = f"{name}: <b>{'%{z:.3f}' if words is None else '%{text}'}</b>"
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


def _counting_axis(count: int, max_ticks: int, words: str) -> dict:
    """An axis of `count` things with about `max_ticks` numbers; `words` ("head {}") name a place in the table."""
    places = list(range(0, count, max(1, count // max_ticks)))
    return {
        "tickmode": "array",
        "tickvals": places,
        "ticktext": [str(place) for place in places],
        "labelalias": {str(place): words.format(place) for place in range(count)},
    }


def overview_mark(layer: int, head: int, order: np.ndarray | None = None) -> dict:
    """The frame round a head of `overview_figure`, as a Plotly shape."""
    return frame(head if order is None else int(np.flatnonzero(order[layer] == head)[0]), layer)


def _mark_groups(figure: go.Figure, layers: int, heads: int, shared_by: int) -> None:
    """Lines between the groups of heads that share keys and values, each with the number of its key-value head below."""
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
            y=-0.55,
            yanchor="top",
            showarrow=False,
            text=f"key-value head {group}" if group == 0 else str(group),
            font={"size": SMALL},
        )


def _marks(which: np.ndarray, places: np.ndarray, look: dict, name: str, values: np.ndarray | None = None) -> dict:
    """A scatter trace of marks in the upper right corners of the maps of some heads: `which` (N, 2) are their layers and
    numbers, `places` (L, H) where each head stands."""
    layer, head = which.T
    value = ": %{text}" if values is not None else ""
    return {
        "x": places[layer, head].astype(np.float32) + np.float32(0.36),
        "y": layer.astype(np.float32) + np.float32(0.36),
        "customdata": np.stack([head, layer], 1).astype(np.uint8),
        "mode": "markers",
        "name": label(name, None),
        "text": None if values is None else [f"{value:.3g}" for value in values],
        "marker": {"size": 9, "line": {"width": 1, "color": HALO}, **look},
        "showlegend": values is None,
        "hovertemplate": "layer <b>%{customdata[1]}</b>, head <b>%{customdata[0]}</b><br>"
        f"{label(name, None)}{value}<extra></extra>",
    }


def overview_cell(heads: Sequence[int], x: float, y: float) -> tuple[int, int] | None:
    """(layer, head) of the map at (x, y) of an `overview_figure`; None outside the maps. heads: how many each layer has."""
    if not (np.isfinite(x) and np.isfinite(y)):
        return None
    layer, head = int(np.floor(y + 0.5)), int(np.floor(x + 0.5))
    return (layer, head) if 0 <= layer < len(heads) and 0 <= head < heads[layer] else None


def _centred(maps: int, cells: int, step: int) -> np.ndarray:
    """(maps·step,): the places of the cells of `maps` small maps and their gutters; map i is centred on i."""
    return ((np.arange(maps * step) - (cells - 1) / 2) / step).astype(np.float32)


def _gutter(cells: int) -> int:
    return max(1, round(cells / 10))
