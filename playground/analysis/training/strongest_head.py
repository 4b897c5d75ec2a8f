"""The head that a score is highest for. Letters: L layers, H heads."""

from typing import NamedTuple

import numpy as np


class StrongestHead(NamedTuple):
    """A head and its score."""

    layer: int
    head: int
    value: float


def strongest_head(scores: np.ndarray) -> StrongestHead:
    """Of scores (L, H) the highest, of equal ones the first; NaN counts as 0."""
    values = np.nan_to_num(scores)
    layer, head = np.unravel_index(np.argmax(values), values.shape)
    return StrongestHead(int(layer), int(head), float(values[layer, head]))
