"""A measure of every head as a map, layers by heads, and all measures as a table. Draws arrays; knows no models. Layers and
heads count from 0."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from playground.analysis.attention.first_token import SINK, is_sink
from playground.analysis.attention.head_measures import MEASURES
from playground.analysis.text_display import counted, percent
from playground.figures.layout import colour_bar, finish
from playground.figures.theme import SEQUENTIAL, SMALL

INSTEAD = "previous"
"""The measure that is shown where induction can't be."""


class RolesPicture(NamedTuple):
    """One measure of every head."""

    measure: str  # the one that is shown
    figure: go.Figure | None
    sentence: str


def roles_picture(measures: Mapping[str, np.ndarray], measure: str) -> RolesPicture:
    """A measure of `measured_heads`; without a figure where it can't be measured."""
    words = ""
    if measure == "induction" and not np.isfinite(measures[measure]).any():  # of models that read no text in order
        measure, words = INSTEAD, f"Induction can't be measured on this model; “{INSTEAD}” is shown instead. "
    values = measures[measure]
    if not np.isfinite(values).any():
        twice = measure == "duplicate"
        words = "The text has no repeated token." if twice else "It can't be measured on this model or text."
        return RolesPicture(measure, None, words)
    layer, head = np.unravel_index(np.nanargmax(values), values.shape)
    words += f"Strongest: layer {layer}, head {head} ({values[layer, head]:.3f}). Click a head to see it."
    if measure != "first":
        words += sinks_note(int(is_sink(np.nan_to_num(measures["first"])).sum()))
    return RolesPicture(measure, roles_figure(values, measure), words)


def head_in_words(measures: Mapping[str, np.ndarray], layer: int, head: int) -> str:
    """What was measured of one head, the shares of its attention first."""
    first = measures["first"][layer, head]
    if is_sink(np.nan_to_num(first)):
        return f"Layer {layer}, head {head} rests on the first token: a sink, of which nothing else is said."
    values = [(name, float(measures[name][layer, head])) for name in MEASURES]
    parts = [f"{name} {value:.3f}" for name, value in values if np.isfinite(value)]
    return f"Layer {layer}, head {head}: {', '.join(parts) or 'nothing can be measured'}."


def sinks_note(sinks: int) -> str:
    """That the first token is set aside, and how many heads have no number for it."""
    words = " The first token is set aside"
    if not sinks:
        return f"{words}."
    rest = "rests" if sinks == 1 else "rest"
    return f"{words}; {counted(sinks, 'head')} {rest} on it with over {percent(SINK)}: sinks, left out."


def roles_table(measures: Mapping[str, np.ndarray]) -> list[list[float | None]]:
    """A row for each head: layer, head and every measure, None where it was not measured."""
    some = np.isfinite(np.stack([measures[name] for name in MEASURES])).any(0)  # of a sink only "first"
    heads = np.argwhere(some).tolist()
    return [[*head, *(_rounded(float(measures[name][tuple(head)])) for name in MEASURES)] for head in heads]


def _rounded(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None


def roles_figure(values: np.ndarray, name: str, *, title: str = "") -> go.Figure:
    """Heat map of a measure's values (layers, heads), NaN where a layer has fewer heads or nothing was measured; layers from
    bottom to top, as in X-ray. name: the measure's, unescaped. A click gives x = head, y = layer."""
    layers, heads = values.shape
    top = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
    figure = go.Figure(
        go.Heatmap(
            z=values.astype(np.float32),
            x=np.arange(heads),
            y=np.arange(layers),
            zmin=0,
            zmax=top if top > 1e-6 else 1.0,  # all 0: no scale of billionths
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
    words += f"strongest at “{name}”: layer {layer}, head {head}: {top:.3f}."
    height = int(np.clip(140 + 16 * layers, 240, 760))
    finish(figure, words, title=title, uirevision=f"roles-{layers}-{heads}", height=height)
    figure.update_xaxes(title_text="head", dtick=max(1, heads // 12), showgrid=False, tickfont={"size": SMALL})
    figure.update_yaxes(title_text="layer", range=[-0.5, layers - 0.5], dtick=-(-layers // 15), showgrid=False)
    return figure
