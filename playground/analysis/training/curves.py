"""Curves over a run's steps: where a score jumps, and losses thinned for a picture."""

from collections.abc import Sequence

import numpy as np

LEAST_RISE = 0.3
"""A score that rises by less has no jump."""


def jump_step(steps: Sequence[int], values: Sequence[float]) -> int | None:
    """The first step at which a score is at least half-way between its least and its largest value; None where these lie
    less than LEAST_RISE apart, or the largest came before the least. NaN counts as 0."""
    scores = np.nan_to_num(np.asarray(values, float))
    if not len(scores) or scores.max() - scores.min() < LEAST_RISE or scores.argmax() < scores.argmin():
        return None
    return int(steps[int(np.argmax(scores >= (scores.min() + scores.max()) / 2))])


def thinned(losses: Sequence[float], points: int = 150) -> tuple[np.ndarray, np.ndarray]:
    """(steps, mean losses), both (N,) float32, N at most `points`: the losses of steps 1, 2, … in bins that grow with the
    step, so that they lie evenly on a logarithmic axis. A bin stands at the geometric mean of its first and last step."""
    values = np.asarray(losses, np.float64)
    if not len(values):
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    edges = np.unique(np.geomspace(1, len(values) + 1, points + 1).astype(int))
    if len(edges) < 2:
        edges = np.array([1, 2])
    means = [values[first - 1 : last - 1].mean() for first, last in zip(edges, edges[1:], strict=False)]
    places = np.sqrt(edges[:-1] * (edges[1:] - 1))
    return places.astype(np.float32), np.array(means, np.float32)
