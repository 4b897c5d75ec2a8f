"""Numbers in ranks as horizontal bars, each with its name at the left and its number at its end."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from playground.figures.layout import label
from playground.figures.theme import SMALL


def named_bars(values: Sequence[float], names: Sequence[str], **bar: Any) -> go.Figure:
    """Bars in the caller's order, the first on top. names: unescaped. bar: Plotly's own of the bars: text, marker,
    customdata."""
    figure = go.Figure(
        go.Bar(
            x=np.array(values, np.float32),
            y=np.arange(len(values)),
            orientation="h",
            textposition="outside",
            cliponaxis=False,
            showlegend=False,
            hovertemplate="%{y}: <b>%{text}</b><extra></extra>",
            **bar,
        )
    )
    figure.update_yaxes(
        range=[len(values) - 0.4, -0.6],
        tickmode="array",
        tickvals=list(range(len(values))),
        ticktext=[label(name, None) for name in names],
        tickfont={"size": SMALL},
        showgrid=False,
    )
    return figure
