"""A picture of paths through the layers, animated. Draws arrays; knows no models and not what a path stands for."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from playground.figures.animation import player
from playground.figures.layout import finish, label
from playground.figures.theme import ACCENT, CATEGORIES, RESIDUAL

COLOURS = (RESIDUAL, *CATEGORIES)
"""Of the first path, of the text under the lens, and of others."""


def paths_figure(paths: Mapping[str, np.ndarray], axes: Sequence[str], *, description: str) -> go.Figure:
    """Paths through the layers, name (unescaped) -> (layers + 1, 2 or 3), as lines with a dot for every layer. An animation
    moves along them, one frame a layer. axes: titles."""
    three = next(iter(paths.values())).shape[1] == 3
    kind = go.Scatter3d if three else go.Scatter
    names, steps = list(paths), len(next(iter(paths.values())))
    colours = [COLOURS[number % len(COLOURS)] for number in range(len(names))]

    def xyz(points) -> dict:
        return {axis: points[:, i].astype(np.float32) for i, axis in enumerate("xyz"[: 3 if three else 2])}

    figure = go.Figure()
    for (name, points), colour in zip(paths.items(), colours, strict=True):
        figure.add_trace(
            kind(
                **xyz(points),
                mode="lines+markers",
                name=label(name, None),
                line={"color": colour, "width": 2},
                marker={"size": 4, "color": colour},
                customdata=np.arange(steps, dtype=np.int16),
                hovertemplate=f"<b>{label(name, None)}</b><br>after layer %{{customdata}} of {steps - 1}<extra></extra>",
            )
        )
    for name, colour in zip(names, colours, strict=True):
        figure.add_trace(
            kind(
                **xyz(paths[name][:1]),
                mode="markers",
                showlegend=False,
                hoverinfo="skip",
                marker={"size": 15 if not three else 8, "color": colour, "line": {"color": ACCENT, "width": 3}},
            )
        )
    moving, which = list(range(len(names), 2 * len(names))), "scatter3d" if three else "scatter"
    figure.frames = [
        {
            "name": str(step),
            "traces": moving,
            "data": [{"type": which} | xyz(paths[name][step : step + 1]) for name in names],
        }
        for step in range(steps)
    ]
    finish(
        figure,
        description,
        uirevision=f"paths-{len(names)}-{steps}",
        height=520,
        **player(
            [f"after layer {step} of {steps - 1}" for step in range(steps)], redraw=three, below=0 if three else 40
        ),
        margin={"b": 110 if three else 150},
    )
    titles = [*axes, "", "", ""]
    if three:
        figure.update_scenes(xaxis_title_text=titles[0], yaxis_title_text=titles[1], zaxis_title_text=titles[2])
    else:
        figure.update_xaxes(title_text=titles[0])
        figure.update_yaxes(title_text=titles[1])
    return figure
