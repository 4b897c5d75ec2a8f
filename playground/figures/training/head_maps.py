"""Every head's weights on one fixed example, as small maps on one scale. Letters: L layers, H heads, Q queries, K keys."""

import math

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted
from playground.figures.layout import colour_bar, finish, label
from playground.figures.theme import SEQUENTIAL, SMALL
from playground.training.snapshot import ExampleWeights

MAX_CELLS = 9_000
"""Of larger examples the first tokens are drawn: a picture has at most 60 kB."""


def head_maps_figure(example: ExampleWeights, step: int) -> go.Figure:
    """Layers from top to bottom, heads from left to right; in each map queries run down and keys to the right. Colours mean
    the same weight in every map and at every step."""
    layers, heads, queries, keys = example.weights.shape
    most = max(2, math.isqrt(MAX_CELLS // (layers * heads)) - 1)
    queries, keys = min(queries, most), min(keys, most)
    z = np.full((layers, queries + 1, heads, keys + 1), np.nan, np.float32)
    z[:, :queries, :, :keys] = example.weights[:, :, :queries, :keys].transpose(0, 2, 1, 3)
    z = z.reshape(layers * (queries + 1), heads * (keys + 1))
    figure = go.Figure(
        go.Heatmap(
            z=z, x=np.arange(z.shape[1], dtype=np.float32), y=np.arange(z.shape[0], dtype=np.float32), zmin=0, zmax=1,
            colorscale=SEQUENTIAL, hoverongaps=False, colorbar=colour_bar("weight"),
            hovertemplate="query <b>%{y}</b><br>key <b>%{x}</b><br>weight <b>%{z:.2f}</b><extra></extra>",
        )
    )  # fmt: skip
    cut = "" if most >= len(example.queries) else f" Of the example its first {most} tokens."
    finish(
        figure,
        f"{counted(layers, 'layer')} of {counted(heads, 'head')} after {step} steps, each a map of {queries} queries by "
        f"{keys} keys of one example: darker is more.{cut}",
        uirevision=f"maps-{z.shape}",
        height=int(np.clip(120 + layers * max(90, 8 * queries), 240, 620)),
    )
    figure.update_xaxes(**_axis("head", heads, keys, list(example.keys)))
    figure.update_yaxes(**_axis("layer", layers, queries, list(example.queries)), autorange="reversed")
    return figure


def _axis(title: str, groups: int, size: int, tokens: list[str]) -> dict:
    """An axis whose ticks count the groups, and whose places are named by their tokens on hover."""
    middles = [group * (size + 1) + (size - 1) / 2 for group in range(groups)]
    names = {str(group * (size + 1) + i): label(tokens[i]) for group in range(groups) for i in range(size)}
    return {
        "tickmode": "array", "tickvals": middles, "ticktext": [f"{title} {group}" for group in range(groups)],
        "labelalias": names, "hoverformat": "d", "showgrid": False, "tickfont": {"size": SMALL},
    }  # fmt: skip
