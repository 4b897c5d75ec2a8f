"""The losses of a fine-tuning over its steps."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.figures.layout import finish
from playground.figures.theme import CATEGORIES, INK


def finetuning_figure(losses: Sequence[float], held_out: Sequence[tuple[int, float]], steps: int) -> go.Figure:
    """Loss in nats per token: of the lines of each step, and of the lines that are held out, from step 0, the base, on.

    losses: of steps 1, 2, … held_out: step and loss. steps: of the whole.
    """
    figure = go.Figure()
    places, values = np.array(held_out, np.float32).T
    figure.add_scatter(
        x=np.arange(1, len(losses) + 1, dtype=np.float32), y=np.array(losses, np.float32), mode="lines", name="training",
        line={"color": INK, "width": 1.5}, hovertemplate="step %{x}<br>training <b>%{y:.3f}</b><extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=places, y=values, mode="lines+markers", name="held out", line={"color": CATEGORIES[1], "width": 2},
        marker={"size": 6}, hovertemplate="step %{x}<br>held out <b>%{y:.3f}</b><extra></extra>",
    )  # fmt: skip
    finish(
        figure,
        f"Loss after {len(losses)} steps: {values[-1]:.3f} nats per token on held-out lines; the base has {values[0]:.3f}.",
        uirevision=f"finetuning-{steps}",
        height=300,
    )
    figure.update_xaxes(title_text="step", range=[-0.02 * steps, steps * 1.02])
    figure.update_yaxes(title_text="loss (nats per token)", rangemode="tozero")
    return figure
