"""What an edit changes: two distributions side by side, the attention of heads that changed, and every part taken out by
itself. Draws results; knows no models. Layers and heads count from 0."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted, in_words, percent
from playground.figures.layers import maps
from playground.figures.layout import colour_bar, finish, label, percent_ticks
from playground.figures.theme import ACCENT, INK, MONO, SEQUENTIAL, SIZE, SMALL
from playground.texts.numbers import signed

if TYPE_CHECKING:
    from playground.analysis.layers.without import Shift

WHOLE, EDITED = "whole model", "without it"


def shift_figure(shift: "Shift", texts: Sequence[str]) -> go.Figure:
    """The probabilities of K tokens before and after as pairs of bars. texts (K,): of the tokens, unescaped."""
    figure, places = go.Figure(), np.arange(len(texts), dtype=np.float32)
    for values, name, colour in ((shift.before, WHOLE, INK), (shift.after, EDITED, ACCENT)):
        figure.add_bar(
            x=values.astype(np.float32),
            y=places,
            orientation="h",
            name=name,
            marker={"color": colour, "line": {"width": 0}},
            text=[percent(float(value)) for value in values],
            textposition="outside",
            textfont={"size": SMALL - 1},
            cliponaxis=False,
            hovertemplate=f"<b>%{{y}}</b>, {name}: <b>%{{text}}</b> (%{{x:.4f}})<extra></extra>",
            showlegend=False,  # the axis says which is which
        )
    end = min(float(max(shift.before.max(), shift.after.max())) * 1.2, 1.15) or 1
    finish(
        figure,
        f"The next token with the whole model and without what is taken out, {counted(len(texts), 'token')}: first "
        f"“{in_words(texts[shift.ids.index(shift.first[0])])}”, then “{in_words(texts[shift.ids.index(shift.first[1])])}”.",
        uirevision=f"shift-{len(texts)}",
        barmode="group",
        bargap=0.25,
        bargroupgap=0.08,
        margin={"l": 8, "r": 40, "t": 8, "b": 52},
    )
    figure.update_xaxes(
        title_text=f"probability; upper bar {WHOLE},<br>lower bar {EDITED}", range=[0, end], **percent_ticks(end)
    )
    figure.update_yaxes(
        range=[len(texts) - 0.5, -0.5],
        tickmode="array",
        tickvals=places,
        ticktext=[label(text) for text in texts],
        tickfont={"family": MONO, "size": SIZE},
        showgrid=False,
    )
    return figure


def changed_figure(changed: np.ndarray) -> go.Figure:
    """How much of each head's attention (L, H) goes elsewhere, layers from bottom to top. A click's x is the head, its y the
    layer."""
    layers, heads = changed.shape
    ends = 0.0, max(1e-6, float(np.nanmax(changed)))
    figure = maps.cells(changed, ends, colour_bar("share of attention elsewhere", nticks=4), SEQUENTIAL)
    shares = [["" if np.isnan(share) else percent(float(share)) for share in row] for row in changed]
    figure.update_traces(
        customdata=shares,
        hovertemplate="layer <b>%{y}</b>, head <b>%{x}</b>: <b>%{customdata}</b> elsewhere<extra></extra>",
    )
    finish(
        figure,
        f"How much of the attention of each of {counted(heads, 'head')} in each of {counted(layers, 'layer')} goes to other "
        "tokens; layers from bottom to top.",
        uirevision=f"changed-{layers}-{heads}",
        margin=maps.MARGIN,
    )
    maps.layers_by_heads(figure, changed.shape)
    return figure


def effects_figure(effects: np.ndarray, direct: np.ndarray | None, names: Sequence[str]) -> go.Figure:
    """What taking out each part changes of a logit (L, P), NaN where it is not known yet: blue where the logit falls, orange
    where it rises. direct (L, P): what each part's own contribution alone would change. names (P,): of the columns. A
    click's x is the column, its y the layer."""
    layers, columns = effects.shape
    most = float(np.nanmax(np.abs(effects), initial=0.0)) or 1.0
    figure = maps.cells(effects, (-most, most), colour_bar("changes the logit by"))
    hovers = [
        [_hover(names[column], layer, effects, direct, column) for column in range(columns)] for layer in range(layers)
    ]
    figure.update_traces(hovertext=hovers, hovertemplate="%{hovertext}<extra></extra>")
    finish(
        figure,
        f"What taking out each part of {counted(layers, 'layer')} by itself changes of the logit; layers from bottom to "
        "top.",
        uirevision=f"one-by-one-{layers}-{columns}",
        own_ticks=["xaxis"],
        margin=maps.MARGIN,
    )
    maps.layers_by_heads(figure, effects.shape)
    step = max(1, columns // 16)
    ticks = [place for place in range(columns) if place % step == 0 or not names[place].isdecimal()]
    figure.update_xaxes(tickmode="array", tickvals=ticks, ticktext=[label(names[place], None) for place in ticks])
    return figure


def _hover(name: str, layer: int, effects: np.ndarray, direct: np.ndarray | None, column: int) -> str:
    value = effects[layer, column]
    if not np.isfinite(value):
        return ""
    what = f"layer <b>{layer}</b>, {'head ' if name.isdecimal() else ''}<b>{label(name, None)}</b>"
    alone = None if direct is None else direct[layer, column]
    said = f"in fact <b>{signed(float(value))}</b>"
    if alone is None or not np.isfinite(alone):
        return f"{what}: {said}"
    return f"{what}: direct {signed(float(alone))}, {said}"
