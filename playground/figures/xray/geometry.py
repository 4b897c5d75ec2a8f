"""Where X-ray's parts lie. A token is one unit wide, a layer one unit high; the state after layer n lies at height n + 1,
the embedding at 0. Draws nothing.
"""

from dataclasses import dataclass

import numpy as np

from playground.analysis.xray.arcs import Arc

HEIGHT, MARGIN = 440, 8
"""Pixels of the picture without the player, and those that stay free above and below."""
LINE = 1.1
"""Height of a line of text, in sizes of its type."""
HALF = 0.36
"""Half of the widest stream."""
TOP, BOTTOM = 0.19, 0.12
"""Room above the last layer for the answer, and below the embedding for the tokens, as a share of the layers."""


@dataclass(frozen=True)
class Places:
    """The places of a picture of so many tokens and layers."""

    tokens: int
    layers: int

    @property
    def guesses(self) -> float:
        """The left edge of the guesses."""
        return self.tokens - 0.15

    @property
    def _side(self) -> float:
        """By how much what stands beside the tokens is wider in units, where many tokens make the unit narrow."""
        return max(1.0, self.tokens / 14)

    @property
    def ranks(self) -> tuple[float, float]:
        """The path of the answer's rank: the place of the last rank and of the first."""
        return self.guesses + 2.4 * self._side, self.guesses + 4.2 * self._side

    @property
    def width(self) -> float:
        """Units from the left edge of the first token to the right edge of the ranks."""
        return self.ranks[1] + 1.3 * self._side

    @property
    def top(self) -> float:
        return self.layers + max(1.2, TOP * self.layers)

    @property
    def bottom(self) -> float:
        return -max(0.8, BOTTOM * self.layers)

    @property
    def layer_pixels(self) -> float:
        """Pixels that a layer is high."""
        return (HEIGHT - 2 * MARGIN) / (self.top - self.bottom)


def stream_outline(widths: np.ndarray, column: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y, float32, of a stream's outline: up the left side and down the right one. widths (L,) in 0..1."""
    layers = len(widths)
    y = np.concatenate([[0], np.arange(layers) + 0.5, [layers]])
    half = HALF * np.concatenate([widths[:1], widths, widths[-1:]])
    x = np.concatenate([column - half, (column + half)[::-1], [column - half[0]]])
    return x.astype(np.float32), np.concatenate([y, y[::-1], y[:1]]).astype(np.float32)


def arc_curve(arc: Arc, first: int, layers: int, points: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """x and y, float32, of a bow from the key to the query at the height of the layer, the higher the farther they lie
    apart; `first` is the token in column 0."""
    share = np.linspace(0, 1, points)
    span = abs(arc.query - arc.key)
    height = layers * min(0.05 + 0.012 * span, 0.16)
    x = arc.key - first + (arc.query - arc.key) * share
    return x.astype(np.float32), (arc.layer + 0.5 + height * 4 * share * (1 - share)).astype(np.float32)


def rank_places(ranks: np.ndarray, places: Places) -> np.ndarray:
    """(L + 1,) float32: where ranks >= 1 lie, on a logarithmic scale; the first at the right."""
    left, right = places.ranks
    logs = np.log(np.asarray(ranks, float))
    return (right - (right - left) * logs / max(float(logs.max()), 1e-9)).astype(np.float32)


def spread(heights: list[float], gap: float) -> list[int]:
    """Which of some rising heights can carry a label with `gap` between them: the last one always, then downwards."""
    chosen: list[int] = []
    for place in reversed(range(len(heights))):
        if not chosen or heights[chosen[-1]] - heights[place] >= gap:
            chosen.append(place)
    return chosen[::-1]


def fitting(heights: list[float], sizes: list[int], order: list[int], pixels: float) -> list[int]:
    """Which of some labels touch none that comes before them in `order`, rising. sizes: of their type; pixels: of one unit
    of the heights."""
    chosen: list[int] = []
    for place in order:
        apart = (abs(heights[place] - heights[other]) * pixels for other in chosen)
        if all(gap >= LINE * (sizes[place] + sizes[other]) / 2 for gap, other in zip(apart, chosen, strict=True)):
            chosen.append(place)
    return sorted(chosen)
