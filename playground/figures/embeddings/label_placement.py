"""Places for texts beside points, so that none covers another or is cut off at the edge. Knows places and lengths only."""

from collections.abc import Sequence

import numpy as np

WIDTH, HEIGHT = 620, 320
"""Size of the picture in pixels unless the caller knows better."""
LETTER, LINE, DOT = 6.8, 13, 6
"""Pixels: width of a letter, height of a line, distance of a text from its point."""
WAYS = {
    "top center": (-0.5, -1.5),
    "bottom center": (-0.5, 0.5),
    "middle right": (0.12, -0.5),
    "middle left": (-1.12, -0.5),
}
"""Plotly's name of a side -> offset of the text's left upper corner from the point, in the text's own widths and heights."""


def room_beside(
    points: np.ndarray, lengths: Sequence[int], sides: Sequence[str | None], width: int = WIDTH, height: int = HEIGHT
) -> tuple[float, float]:
    """(low, high) of the horizontal axis, so that texts of `lengths` characters beside points (N, 2), each on its side, fit
    into a picture of width × height pixels."""
    begins = np.array([WAYS[side][0] if side else 0 for side in sides])  # in widths of the texts
    widths = np.where([bool(side) for side in sides], lengths, 0) * LETTER / _scale(points, width, height)
    left = points[:, 0] + begins * widths
    return float(np.minimum(left, points[:, 0]).min()), float(np.maximum(left + widths, points[:, 0]).max())


def _scale(points: np.ndarray, width: int, height: int) -> float:
    """Pixels per unit, the same on both axes."""
    span = np.maximum(np.ptp(np.asarray(points, np.float64), axis=0), 1e-9)
    return float(min(width / span[0], height / span[1]))


def places_beside(
    points: np.ndarray, lengths: Sequence[int], width: int = WIDTH, height: int = HEIGHT
) -> list[str | None]:
    """The side of each point (N, 2) for its text of `lengths` characters, such as "top center"; None where on every side it
    would cover another text or point in a picture of width × height pixels."""
    points = np.asarray(points, np.float64)
    scale = _scale(points, width, height)
    dots = np.stack([points[:, 0] * scale, -points[:, 1] * scale], 1)  # y grows downwards
    taken: list[tuple[float, float, float, float]] = []
    sides: list[str | None] = []
    for number, ((x, y), length) in enumerate(zip(dots, lengths, strict=True)):
        others = np.delete(dots, number, 0)
        long = length * LETTER
        for name, (right, down) in WAYS.items():
            left, top = x + right * long + np.sign(right + 0.5) * DOT, y + down * LINE
            box = left, top, left + long, top + LINE
            covers = (
                (others[:, 0] > box[0] - 4)
                & (others[:, 0] < box[2] + 4)
                & (others[:, 1] > box[1] - 4)
                & (others[:, 1] < box[3] + 4)
            )
            if not covers.any() and not any(_meet(box, other) for other in taken):
                taken.append(box)
                sides.append(name)
                break
        else:
            sides.append(None)
    return sides


def _meet(a: tuple, b: tuple) -> bool:
    """Whether two boxes (left, top, right, bottom) overlap."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def spread_out(points: np.ndarray, fit: np.ndarray, cells: int = 9) -> np.ndarray:
    """Numbers of the points (N, 2) to name in a picture of many: the first of each cell of a grid that is `fit` (N,) for it.
    In a vocabulary the first is the most frequent."""
    points = np.asarray(points, np.float64)
    place = (points - points.min(0)) / max(1e-9, float(np.ptp(points, axis=0).max())) * cells
    cell = np.minimum(place.astype(int), cells - 1) @ [cells, 1]
    numbers = np.flatnonzero(fit)
    _, first = np.unique(cell[numbers], return_index=True)
    return numbers[first]
