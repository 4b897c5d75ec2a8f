"""A measure of every head as a map, layers by heads. Draws arrays; knows no models. Layers and heads count from 0."""

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted
from playground.figures.layout import colour_bar, finish
from playground.figures.theme import SEQUENTIAL, SMALL


def roles_figure(values: np.ndarray, name: str, *, title: str = "") -> go.Figure:
    """Heat map of a measure's values (layers, heads), NaN where a layer has fewer heads or nothing was measured; layers from
    top to bottom. name: the measure's, unescaped. A click gives x = head, y = layer."""
    layers, heads = values.shape
    top = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
    figure = go.Figure(
        go.Heatmap(
            z=values.astype(np.float32),
            x=np.arange(heads),
            y=np.arange(layers),
            zmin=0,
            zmax=max(top, 1e-9),
            xgap=1,
            ygap=1,
            colorscale=SEQUENTIAL,
            colorbar=colour_bar(name),
            hoverongaps=False,
            hovertemplate=f"layer <b>%{{y}}</b>, head <b>%{{x}}</b>: {name} <b>%{{z:.3f}}</b><extra></extra>",
        )
    )
    layer, head = np.unravel_index(np.nanargmax(values), values.shape) if np.isfinite(values).any() else (0, 0)
    words = f"{counted(layers, 'layer')} by {counted(heads, 'head')}; "
    words += f"most “{name}” has layer {layer}, head {head}: {top:.3f}."
    height = int(np.clip(140 + 16 * layers, 240, 760))
    finish(figure, words, title=title, uirevision=f"roles-{layers}-{heads}", height=height)
    figure.update_xaxes(title_text="head", dtick=max(1, heads // 12), showgrid=False, tickfont={"size": SMALL})
    figure.update_yaxes(title_text="layer", range=[layers - 0.5, -0.5], dtick=max(1, layers // 16), showgrid=False)
    return figure
