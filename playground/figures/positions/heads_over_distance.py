"""Every head's attention over distance, in pictures and sentences: all heads, a measure of each, one head's curve."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import plotly.graph_objects as go

from playground.analysis.attention.first_token import SINK
from playground.analysis.attention.head_measures import DISTANCE_MEASURES, measure_profile
from playground.analysis.positions.attention_distance import (
    BLIND,
    LOCAL,
    MIN_FOR_PERIOD,
    NEAR,
    PERIODIC,
    DistanceProfile,
)
from playground.analysis.text_display import counted, percent
from playground.figures.attention.head_roles import roles_figure
from playground.figures.positions.curves import all_heads_figure, over_distance_figure, row_mark

MAX_DISTANCES = 64
MAX_CELLS = 2**17
"""Rows times distances of the picture of all heads: half a megabyte."""


class HeadsOverDistance:
    """L layers of at most H heads; layers may differ in H, and those without attention have none. Layers and heads count
    from 0."""

    def __init__(self, profiles: Mapping[int, DistanceProfile], drop_first: bool, layers: int | None = None):
        """profiles by the layer's number. drop_first: the first token, on which most heads rest, is set aside. layers: L,
        by default as many as there are profiles."""
        self.profiles = profiles
        self.layers = range(layers or len(profiles))
        self.heads = max(len(layer.near) for layer in profiles.values())
        distances = next(iter(profiles.values())).distances
        count = max(1, len(distances) - drop_first)  # only the first token is farther away
        self.distances = distances[:count]
        self._means = {n: (layer.rest if drop_first else layer.mean)[:, :count] for n, layer in profiles.items()}
        self._close = near_distances(self.distances, self.heads * len(self.layers))
        self._measures = {name: self._grid(partial(measure_profile, name=name)) for name in DISTANCE_MEASURES}
        self._sinks = self._grid(lambda layer: layer.sinks) == 1  # (L, H)

    def _grid(self, values: Callable[[DistanceProfile], np.ndarray]) -> np.ndarray:
        """(L, H) of a number of each head."""
        numbers = {n: values(layer).astype(float) for n, layer in self.profiles.items()}
        return np.stack([_filled(numbers.get(n, np.empty(0)), self.heads) for n in self.layers])

    @property
    def farthest(self) -> int:
        """The farthest distance that the picture of all heads shows."""
        return int(np.abs(self.distances[self._close]).max())

    def all_heads(self) -> go.Figure:
        """Every head a row."""
        none = np.empty((0, len(self.distances)))  # of a layer without attention
        means = (self._means.get(n, none) for n in self.layers)
        rows = np.concatenate([_filled(mean, self.heads)[:, self._close] for mean in means])
        title = "Mean attention over distance, every head a row"
        return all_heads_figure(rows, self.distances[self._close], self.heads, title=title)

    def mark(self, layer: int, head: int) -> dict:
        """The frame round a head's row."""
        return row_mark(layer * self.heads + head, self.distances[self._close])

    def measure(self, name: str) -> go.Figure:
        """A measure of every head, by its name in DISTANCE_MEASURES."""
        return roles_figure(self._measures[name].clip(min=0), name, title=f"Every head: {name}")

    def curve(self, layer: int, head: int) -> go.Figure:
        """One head."""
        return over_distance_figure(
            self.distances,
            self._means[layer][head : head + 1],
            [f"layer {layer}, head {head}"],
            what="mean weight",
            title=f"Layer {layer}, head {head}: mean attention over distance",
        )

    def counts(self) -> str:
        """How many heads are local, periodic or blind to order."""
        local, explained, periodic = self._measures.values()
        sinks = int(self._sinks.sum())
        heads = counted(int(np.isfinite(local).sum()) + sinks, "head")
        words = f"Of {heads}, with the first token set aside, "
        if sinks:
            words = (
                f"Of {heads}, {sinks} rest on the first token with over {percent(SINK)} (sinks). With the first token "
            )
            words += "set aside, of the others "
        if all(layer.even > 1 - 1e-9 for layer in self.profiles.values()):
            words += f"none can be local (no tokens stand more than {NEAR} apart)"
        else:
            words += f"{(local >= LOCAL).sum()} are local"
        words += f" and {(explained < BLIND).sum()} ignore order (distance explains less than {percent(BLIND)})"
        if not any(layer.period.any() for layer in self.profiles.values()):
            return f"{words}. To find periods, the text needs {2 * MIN_FOR_PERIOD + 1} tokens."
        return f"{words}; {(periodic >= PERIODIC).sum()} are periodic (autocorrelation of {PERIODIC} or more)."

    def sentence(self, layer: int, head: int) -> str:
        """One head's measures."""
        measured = self.profiles[layer]
        if measured.sinks[head]:
            return (
                f"Layer {layer}, head {head} rests on the first token with {percent(measured.first[head])} of its "
                "attention: a sink. What little is left says nothing about distance."
            )
        words = (
            f"Layer {layer}, head {head}: with the first token set aside, {percent(measured.near[head])} of the attention "
            f"goes to tokens at most {NEAR} away (spread evenly it would be {percent(measured.even)}); "
            f"distance explains {percent(measured.explained[head])} of its variance"
        )
        if measured.period[head]:
            words += f"; it most repeats after {measured.period[head]} tokens "
            words += f"(autocorrelation {measured.periodic[head]:.2f})"
        return words + "."


def near_distances(distances: np.ndarray, rows: int) -> np.ndarray:
    """(n,) bool: which distances the picture of all heads shows, the nearest ones: the fewer the more heads there are."""
    sides = 1 if distances[0] >= 0 else 2
    farthest = min(MAX_DISTANCES, max(1, MAX_CELLS // (sides * max(1, rows)) - 1))
    return np.abs(distances) <= farthest


def _filled(values: np.ndarray, heads: int) -> np.ndarray:
    """Rows of NaN for the heads that a layer has fewer than another."""
    if len(values) == heads:
        return values
    return np.concatenate([values, np.full((heads - len(values), *values.shape[1:]), np.nan, values.dtype)])
