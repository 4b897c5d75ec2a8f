"""The exchange of two texts as a map of layers by tokens or heads, and how far estimate and exact change agree. Draws
results; knows no models. Layers and heads count from 0."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from playground.analysis.layers.exchange import ATTENTION, HEAD, MLP, STATE
from playground.analysis.text_display import counted, in_words
from playground.figures.layers import maps
from playground.figures.layout import colour_bar, finish, label, token_axis
from playground.figures.theme import ACCENT, AXIS, INK
from playground.texts.numbers import minus, percent, signed, times

if TYPE_CHECKING:
    from playground.analysis.layers.exchange import Exchange

KINDS = {"states": STATE, "attention outputs": ATTENTION, "MLP outputs": MLP, "heads": HEAD}
"""What can be exchanged, by the words of the control."""
ESTIMATE, EXACT = "estimate", "exact"


def exchange_figure(result: "Exchange", values: np.ndarray, labels: Sequence[str]) -> go.Figure:
    """Changes (R, C) as a map, layers from bottom to top: orange towards the clean text's answer, blue away from it; NaN is
    left out. labels (C,): of the columns, unescaped. A click's x is the column's place, its y the row's."""
    most = max(abs(result.effect), float(np.nanmax(np.abs(values), initial=0.0))) or 1.0
    names = ["in" if layer < 0 else str(layer) for layer in result.layers]
    hover = "layer <b>%{y}</b>, <b>%{x}</b>: <b>%{z:+.2f}</b><extra></extra>"
    figure = maps.cells(values, (-most, most), colour_bar("change", nticks=4), hovertemplate=hover)
    columns = "head" if result.what == HEAD else "token"
    finish(
        figure,
        f"How the difference of two logits changes when one of {counted(len(result.layers), 'layer')} by "
        f"{counted(len(result.columns), columns)} is exchanged; layers from bottom to top.",
        uirevision=f"exchange-{result.what}-{values.shape}",
        margin=maps.MARGIN,
    )
    figure.update_xaxes(token_axis("head" if result.what == HEAD else "", labels, max_ticks=64, constrain="domain"))
    maps.named_rows(figure, "layer", names)
    return figure


def agreement_figure(result: "Exchange", cell: tuple[int, int] | None) -> go.Figure | None:
    """Estimate against exact change of every cell with both; None for fewer than three. cell: row and column, marked."""
    both = np.argwhere(np.isfinite(result.exact))
    if len(both) < 3:
        return None
    places = tuple(both.T)
    figure = go.Figure()
    figure.add_scatter(
        x=result.estimate[places],
        y=result.exact[places],
        mode="markers",
        marker={"color": INK, "size": 6, "opacity": 0.7, "line": {"width": 0}},
        text=[label(place_words(result, (int(row), int(column))), None) for row, column in both],
        hovertemplate="%{text}<br>estimate %{x:+.2f}, exact %{y:+.2f}<extra></extra>",
        showlegend=False,
    )
    if cell is not None and np.isfinite(result.exact[cell]):
        figure.add_scatter(
            x=[result.estimate[cell]],
            y=[result.exact[cell]],
            mode="markers",
            marker={"color": ACCENT, "size": 11, "symbol": "circle-open", "line": {"width": 2}},
            hoverinfo="skip",
            showlegend=False,
        )
    finish(
        figure,
        f"Estimate against exact change of {counted(len(both), 'cell')}.",
        uirevision=f"agreement-{result.what}",
        height=290,
        margin={"l": 48, "r": 10, "t": 10, "b": 44},
    )
    ends = [float(min(result.estimate[places].min(), result.exact[places].min())), float(result.exact[places].max())]
    ends[1] = max(ends[1], float(result.estimate[places].max()))
    figure.add_shape(type="line", x0=ends[0], y0=ends[0], x1=ends[1], y1=ends[1], line={"color": AXIS, "dash": "dot"})
    figure.update_xaxes(title_text="estimate", nticks=5)
    figure.update_yaxes(title_text="exact", nticks=5)
    return figure


def place_words(result: "Exchange", cell: tuple[int, int], labels: Sequence[str] | None = None) -> str:
    """A cell in words, unescaped. labels: of the columns."""
    layer, column = result.layers[cell[0]], result.columns[cell[1]]
    if result.what == HEAD:
        return f"head {column} of layer {layer}"
    of = {STATE: "state after", ATTENTION: "attention of", MLP: "MLP of"}[result.what]
    where = "state before layer 0" if layer < 0 else f"{of} layer {layer}"
    token = f"token {column}" if labels is None else f"“{in_words(labels[cell[1]])}” ({column})"
    return f"{where} at {token}"


def exchange_words(result: "Exchange", names: tuple[str, str], labels: Sequence[str]) -> str:
    """What is measured, and where most of it can be exchanged. names: of the two tokens compared."""
    one, other = (f"“{in_words(name)}”" for name in names)
    start = (
        f"The logit of {one} minus that of {other} is {minus(result.clean)} in your text and {minus(result.corrupted)} "
        f"in the "
        "other one."
    )
    every = np.isfinite(result.exact).sum() == np.isfinite(result.estimate).sum()
    kind, values = ("exactly", result.exact) if every else ("by the estimate", result.estimate)
    flat = int(np.nanargmax(np.abs(values)))
    row, column = divmod(flat, values.shape[1])
    place = place_words(result, (row, column), labels)
    most, the = float(values[row, column]), "" if result.what == HEAD else "the "
    return f"{start} Most changes with {the}{place}: {signed(most)} {kind}{_share(result, most)}."


def cell_words(result: "Exchange", cell: tuple[int, int], labels: Sequence[str]) -> str:
    """Both numbers of one cell."""
    estimate, exact = float(result.estimate[cell]), float(result.exact[cell])
    place = place_words(result, cell, labels)
    words = f"{place[0].upper()}{place[1:]}: estimate {signed(estimate)}"
    return f"{words}, exact {signed(exact)}{_share(result, exact)}." if np.isfinite(exact) else f"{words}."


def agreement_words(result: "Exchange") -> str:
    """How estimate and exact change go together."""
    done = int(np.isfinite(result.exact).sum())
    words = f"{done:,} of {int(np.isfinite(result.estimate).sum()):,} cells computed exactly"
    if (correlation := result.correlation) is None:
        return f"{words}."
    return f"{words}; correlation with the estimate {minus(correlation)}."


def _share(result: "Exchange", value: float) -> str:
    if abs(result.effect) < 1e-3:
        return ""
    share = value / result.effect
    if abs(share) > 1.05:
        return f", {'−' if share < 0 else ''}{times(abs(share))} the difference between the texts"
    spelled = f"−{percent(-share)}" if share < 0 else percent(share)
    return f", {spelled} of the difference between the texts"
