"""Pictures of cosine similarity: by layer as lines, between all points as a heat map. Draws arrays; knows no models."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from playground.figures.layout import colour_bar, finish, label, token_axis
from playground.figures.theme import DIVERGING, category_colour


def by_layer_figure(lines: Mapping[str, np.ndarray], *, description: str) -> go.Figure:
    """Cosines by layer, a line for each name (unescaped) -> (layers + 1,)."""
    figure = go.Figure()
    for number, (name, values) in enumerate(lines.items()):
        figure.add_scatter(
            x=np.arange(len(values), dtype=np.float32),
            y=np.asarray(values, np.float32),
            mode="lines+markers",
            name=label(name, None),
            line={"color": category_colour(number), "width": 2},
            marker={"size": 5},
            hovertemplate=f"after layer %{{x:d}}<br>{label(name, None)} <b>%{{y:.3f}}</b><extra></extra>",
        )
    finish(figure, description, uirevision=f"by-layer-{len(lines)}", height=360, margin={"t": 60})
    figure.update_xaxes(title_text="after layer (0: the embedding)")
    low = min((float(np.min(values)) for values in lines.values()), default=0.0)
    figure.update_yaxes(title_text="cosine", range=[min(-0.05, low - 0.05), 1.05])
    return figure


def cosines_figure(cosine: np.ndarray, names: Sequence[str], *, description: str) -> go.Figure:
    """Heat map of cosines (N, N): orange towards 1, blue towards -1. names (N,): unescaped."""
    places = np.arange(len(cosine), dtype=np.float32)
    figure = go.Figure(
        go.Heatmap(
            z=np.asarray(cosine, np.float32),
            x=places,
            y=places,
            zmin=-1,
            zmax=1,
            colorscale=DIVERGING,
            colorbar=colour_bar("cosine"),
            xgap=1 if len(cosine) <= 40 else 0,
            ygap=1 if len(cosine) <= 40 else 0,
            hovertemplate="<b>%{y}</b><br><b>%{x}</b><br>cosine <b>%{z:.3f}</b><extra></extra>",
        )
    )
    finish(figure, description, uirevision=f"cosines-{len(cosine)}", height=480)
    figure.update_xaxes(token_axis("", names, tickangle=-60, constrain="domain", constraintoward="left"))
    figure.update_yaxes(
        token_axis("", names, autorange="reversed", scaleanchor="x", constrain="domain", constraintoward="top")
    )
    return figure
