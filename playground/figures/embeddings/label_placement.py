"""Where texts beside points go so that none covers another or is cut at the edge. Knows places and lengths only."""

from collections.abc import Sequence

import numpy as np

WIDTH, HEIGHT = 620, 320
"""Pixels of the picture that are usually reckoned with; a wider one has more room."""
LETTER, LINE, DOT = 6.8, 13, 6
WAYS = {
    "top center": (-0.5, -1.5),
    "bottom center": (-0.5, 0.5),
    "middle right": (0.12, -0.5),
    "middle left": (-1.12, -0.5),
}
"""Plotly's name -> where the text begins, in its own widths and heights from the point."""


def room_beside(
    points: np.ndarray, lengths: Sequence[int], sides: Sequence[str | None], width: int = WIDTH, height: int = HEIGHT
) -> tuple[float, float]:
    """From where to where the horizontal axis must go for the texts beside points (N, 2), each on its side, to fit into a
    picture so wide."""
    begins = np.array([WAYS[side][0] if side else 0 for side in sides])  # in widths of the texts
    widths = np.where([bool(side) for side in sides], lengths, 0) * LETTER / _scale(points, width, height)
    left = points[:, 0] + begins * widths
    return float(np.minimum(left, points[:, 0]).min()), float(np.maximum(left + widths, points[:, 0]).max())


def _scale(points: np.ndarray, width: int, height: int) -> float:
    """Pixels for a step of 1; axes share it."""
    span = np.maximum(np.ptp(np.asarray(points, np.float64), axis=0), 1e-9)
    return float(min(width / span[0], height / span[1]))


def places_beside(
    points: np.ndarray, lengths: Sequence[int], width: int = WIDTH, height: int = HEIGHT
) -> list[str | None]:
    """For each point (N, 2), with a text of so many characters, on which side it goes ("top center", …); None where every
    side would cover another text or point in a picture so wide."""
    points = np.asarray(points, np.float64)
    scale = _scale(points, width, height)
    dots = np.stack([points[:, 0] * scale, -points[:, 1] * scale], 1)  # down is more
    taken: list[tuple[float, float, float, float]] = []
    found: list[str | None] = []
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
                found.append(name)
                break
        else:
            found.append(None)
    return found


def _meet(a: tuple, b: tuple) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def spread_out(points: np.ndarray, fit: np.ndarray, cells: int = 9) -> np.ndarray:
    """Numbers of some of the points (N, 2), to be named in a picture of many: of each cell of a grid over them the first
    that is `fit` (N,) to be named. Vocabularies begin with what is frequent."""
    points = np.asarray(points, np.float64)
    place = (points - points.min(0)) / max(1e-9, float(np.ptp(points, axis=0).max())) * cells
    cell = np.minimum(place.astype(int), cells - 1) @ [cells, 1]
    numbers = np.flatnonzero(fit)
    _, first = np.unique(cell[numbers], return_index=True)
    return numbers[first]
