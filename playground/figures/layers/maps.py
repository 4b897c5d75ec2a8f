"""What all maps of this tab share: cells with gaps, and axes of layers, heads or named rows. Knows no results."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from playground.figures.theme import DIVERGING, Scale

MARGIN = {"l": 40, "r": 8, "t": 40, "b": 36}


def cells(
    values: np.ndarray, limits: tuple[float, float], bar: dict, scale: Scale = DIVERGING, **more: Any
) -> go.Figure:
    """A heat map of values (R, C), NaN left out. limits: the values at the ends of the scale. more: of the trace."""
    return go.Figure(
        go.Heatmap(
            z=values.astype(np.float32),
            zmin=limits[0],
            zmax=limits[1],
            colorscale=[list(stop) for stop in scale],
            colorbar=bar,
            hoverongaps=False,
            xgap=1,
            ygap=1,
            **more,
        )
    )


def layers_by_heads(figure: go.Figure, shape: tuple[int, ...]) -> None:
    """Axes of a map (L, H), layers from bottom to top."""
    layers, heads = shape
    figure.update_xaxes(title_text="head", dtick=max(1, heads // 16), showgrid=False, constrain="domain")
    figure.update_yaxes(title_text="layer", dtick=max(1, layers // 10), showgrid=False, range=[-0.5, layers - 0.5])


def named_rows(figure: go.Figure, title: str, names: Sequence[str], **more: Any) -> None:
    """A vertical axis of rows with names, from bottom to top, about twelve of them written. more: of the axis."""
    places = list(range(0, len(names), max(1, len(names) // 12)))
    figure.update_yaxes(
        title_text=title,
        tickmode="array",
        tickvals=places,
        ticktext=[names[place] for place in places],
        labelalias={str(place): name for place, name in enumerate(names)},
        range=[-0.5, len(names) - 0.5],
        showgrid=False,
        **more,
    )
