"""What each part adds to a logit: as a waterfall, as a map of heads, as bars of the strongest. Draws results; knows no
models. Layers and heads count from 0."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted, in_words
from playground.figures.bars import named_bars
from playground.figures.layers import maps
from playground.figures.layers.words import part_name
from playground.figures.layout import TICK_LIMIT, colour_bar, finish, label
from playground.figures.theme import ATTENTION, AXIS, KEY, MLP, MONO, RESIDUAL, REST, WRITTEN
from playground.texts.numbers import signed

if TYPE_CHECKING:
    from playground.analysis.layers.contributions import Contributions

EMBEDDING, BIASES, CAP, LOGIT = "embedding", "biases", "cap", "logit"
COLOURS = {
    EMBEDDING: RESIDUAL,
    "attention": ATTENTION,
    "cross": KEY,
    "mlp": MLP,
    BIASES: REST,
    CAP: REST,
    LOGIT: WRITTEN,
}
UNIT = "adds to the logit"
STRONGEST = 10
"""Parts drawn as bars."""
_MARGIN = {"l": 8, "r": 44, "t": 8, "b": 36}


class Row(NamedTuple):
    """One step of the sum."""

    kind: str
    layer: int
    """-1 for what belongs to no layer."""
    value: float
    name: str


def rows_of(result: "Contributions") -> list[Row]:
    """The steps from the embedding to the logit, in the order of the layers; biases and cap only where there are some."""
    rows = [Row(EMBEDDING, -1, result.embedding, "embedding")]
    for layer, (attention, mlp) in enumerate(zip(result.attention, result.mlps, strict=True)):
        rows.append(Row("attention", layer, float(attention), part_name("attention", layer)))
        if result.cross is not None:
            rows.append(Row("cross", layer, float(result.cross[layer]), part_name("cross", layer)))
        rows.append(Row("mlp", layer, float(mlp), part_name("mlp", layer)))
    if biases := result.norm_bias + result.head_bias:
        rows.append(Row(BIASES, -1, biases, "biases of the final norm and the head"))
    if result.cap:
        rows.append(Row(CAP, -1, result.cap, "the cap on logits"))
    return rows


def waterfall_figure(result: "Contributions", names: tuple[str, str | None]) -> go.Figure:
    """The sum from the embedding to the logit, step by step from left to right: each bar begins where the one before ended.
    names: of the token and of the one that it is compared with, unescaped. A click's x is the number of a row of
    `rows_of`."""
    rows = rows_of(result)
    values = np.array([row.value for row in rows])
    ends = np.cumsum(values)
    starts = ends - values
    ends[-1] = total = result.logit  # the sum, to within the error on the badge
    steps = zip(rows, ends, strict=True)
    hovers = [f"{label(row.name, None)}: <b>{signed(row.value)}</b><br>together {signed(end)}" for row, end in steps]
    figure = go.Figure(
        go.Bar(
            x=np.arange(len(rows) + 1, dtype=np.float32),
            y=np.append(values, total).astype(np.float32),
            base=np.append(starts, 0.0).astype(np.float32),
            marker={"color": [COLOURS[row.kind] for row in rows] + [WRITTEN], "line": {"width": 0}},
            hovertext=[*hovers, f"in all <b>{signed(total)}</b>"],
            hovertemplate="%{hovertext}<extra></extra>",
            textposition="none",
            showlegend=False,
        )
    )
    of = f"“{in_words(names[0])}”" + (f" against “{in_words(names[1])}”" if names[1] is not None else "")
    finish(
        figure,
        f"How the logit of {of} adds up from the embedding through {counted(len(result.mlps), 'layer')}, as a waterfall "
        "from left to right.",
        uirevision=f"waterfall-{len(rows)}",
        own_ticks=["xaxis"],
        bargap=0.12,
        margin={"l": 48, "r": 8, "t": 8, "b": 40},
    )
    figure.add_hline(y=0, line={"color": AXIS, "width": 1})
    step = max(1, len(result.mlps) // 10)
    named = range(0 if step == 1 else step, len(result.mlps), step)  # of many layers, layer 0 lies too near to “in”
    ticks = [
        (number, str(row.layer)) for number, row in enumerate(rows) if row.kind == "attention" and row.layer in named
    ]
    ticks = [(0, "in"), *ticks, (len(rows), "logit")]
    figure.update_xaxes(
        title_text="layer",
        tickmode="array",
        tickvals=[place + (0.5 if words not in ("in", "logit") else 0) for place, words in ticks],
        ticktext=[words for _, words in ticks],
        tickangle=0,  # labels that Plotly turns where they don't fit change the margin, and then fit again: without an end
        labelalias={str(number): label(row.name, None) for number, row in enumerate(rows)} | {str(len(rows)): "logit"},
        showgrid=False,
        range=[-0.8, len(rows) + 0.8],
    )
    figure.update_yaxes(title_text="logit" if names[1] is None else "difference of logits", nticks=6)
    return figure


def heads_figure(heads: np.ndarray) -> go.Figure:
    """Contributions (L, H) of all heads as a map, layers from bottom to top: blue below zero, orange above. NaN where a
    layer has no such head. A click's x is the head, its y the layer."""
    layers, count = heads.shape
    most = float(np.nanmax(np.abs(heads))) or 1.0
    hover = "layer <b>%{y}</b>, head <b>%{x}</b>: <b>%{customdata}</b><extra></extra>"
    spelled = [["" if np.isnan(value) else signed(float(value)) for value in row] for row in heads]
    figure = maps.cells(heads, (-most, most), colour_bar(UNIT), customdata=spelled, hovertemplate=hover)
    finish(
        figure,
        f"What each of {counted(count, 'head')} in each of {counted(layers, 'layer')} adds to the logit; layers from bottom "
        "to top.",
        uirevision=f"head-contributions-{layers}-{count}",
        margin=maps.MARGIN,
    )
    maps.layers_by_heads(figure, heads.shape)
    return figure


def strongest(result: "Contributions", count: int = STRONGEST) -> list[tuple[str, int, int, float]]:
    """The parts that add most or take most off: (kind, layer, head or -1, value), the largest size first. Heads where they
    are known, else whole attentions; MLPs; the embedding."""
    parts: list[tuple[str, int, int, float]] = [(EMBEDDING, -1, -1, result.embedding)]
    tables = (("attention", result.heads, result.attention), ("cross", result.cross_heads, result.cross))
    for kind, heads, whole in tables:
        if heads is not None:
            places = np.argwhere(np.isfinite(heads)).tolist()
            parts += [(kind, layer, head, float(heads[layer, head])) for layer, head in places]
        elif whole is not None:
            parts += [(kind, layer, -1, float(value)) for layer, value in enumerate(whole)]
    parts += [("mlp", layer, -1, float(value)) for layer, value in enumerate(result.mlps)]
    return sorted(parts, key=lambda part: -abs(part[3]))[:count]


def strongest_figure(result: "Contributions") -> go.Figure:
    """Bars of the strongest parts. A click's customdata is the kind's place in COLOURS, the layer and the head (-1 for
    none)."""
    parts = strongest(result)
    kinds = list(COLOURS)
    names = [
        "embedding" if kind == EMBEDDING else part_name(kind, layer, None if head < 0 else head)
        for kind, layer, head, _ in parts
    ]
    keys = np.array([(kinds.index(kind), layer, head) for kind, layer, head, _ in parts], np.int32)
    colours = [COLOURS[kind] for kind, *_ in parts]
    return signed_bars([value for *_, value in parts], names, colours, keys, UNIT)


def layer_heads_figure(heads: np.ndarray, kind: str, layer: int) -> go.Figure:
    """Bars of one layer's heads (H,) by the size of what they add; customdata as in `strongest_figure`."""
    order = [int(head) for head in np.argsort(-np.abs(heads), kind="stable") if np.isfinite(heads[head])]
    order = order[:STRONGEST]
    keys = np.array([(list(COLOURS).index(kind), layer, head) for head in order], np.int32)
    names = [part_name(kind, layer, head) for head in order]
    return signed_bars([float(heads[head]) for head in order], names, [COLOURS[kind]] * len(order), keys, UNIT)


def neurons_figure(neurons: np.ndarray) -> go.Figure:
    """Bars of the neurons (F,) of an MLP that add most or take most off; a click's customdata is the neuron."""
    order = np.argsort(-np.abs(neurons), kind="stable")[:STRONGEST]
    names = [f"neuron {number}" for number in order]
    return signed_bars(neurons[order].tolist(), names, [MLP] * len(order), order.astype(np.int32), UNIT)


def sources_figure(values: np.ndarray, labels: Sequence[str]) -> go.Figure:
    """Bars of the tokens through which a head adds most; labels (K,): unescaped."""
    order = np.argsort(-np.abs(values), kind="stable")[:STRONGEST]
    order = order[np.abs(values[order]) > 0] if np.any(values) else order[:1]
    names = [f"{in_words(labels[number], TICK_LIMIT)}  {number}" for number in order]
    return signed_bars(values[order].tolist(), names, [ATTENTION] * len(order), order.astype(np.int32), UNIT, own=False)


def signed_bars(
    values: Sequence[float], names: Sequence[str], colours: Sequence[str], keys: np.ndarray, unit: str, own: bool = True
) -> go.Figure:
    """Horizontal bars of signed numbers in the caller's order, the first on top. names: unescaped; keys: customdata. own:
    whether the names are the page's own, not tokens."""
    texts = [signed(value) for value in values]
    figure = named_bars(values, names, text=texts, customdata=keys, marker={"color": list(colours)})
    finish(
        figure,
        f"{counted(len(values), 'number')} with their signs, as bars, the largest on top.",
        bargap=0.25,
        uirevision=f"signed-{len(values)}",
        own_ticks=["yaxis"] if own else (),
        height=60 + 21 * max(4, len(values)),
        margin=_MARGIN,
    )
    low, high = min(0.0, *values), max(0.0, *values)
    room = 0.34 * max(high - low, 1e-9)
    figure.update_xaxes(title_text=unit, nticks=5, range=[low - room * (low < 0), high + room * (high > 0)])
    figure.update_yaxes(range=[max(4, len(values)) - 0.4, -0.6], tickfont={"family": MONO})
    return figure
