"""Many dimensions seen in two or three: principal components, and nearest neighbours by three measures. Works
on any vectors; knows nothing of tokens, sentences or models.

Letters: N points of D dimensions, k components; V rows of a matrix that is searched.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from playground.analysis.arrays import Array, ArrayLike, as_array, check_range, shaped
from playground.analysis.text_display import percent
from playground.errors import PlaygroundError

Measure = Literal["cosine", "dot", "euclidean"]
MEASURES: dict[str, Measure] = {"cosine": "cosine", "dot product": "dot", "distance": "euclidean"}
"""Name for people -> measure."""
ROWS = 8192
"""Rows that are converted to a wider type at a time."""


@dataclass(frozen=True, eq=False)
class Projection:
    """Points on their principal axes (Pearson 1901). Axes that the points don't define are zero."""

    coordinates: np.ndarray
    """(N, k) float32, centred on 0."""
    explained_variance_ratio: np.ndarray
    """(k,) float64 in 0..1, falling: the share of the total variance along each axis."""
    mean: np.ndarray
    """(D,) float64: the point that lies at 0."""
    axes: np.ndarray
    """(k, D) float64: orthonormal rows; zero rows for axes that are not defined."""
    defined: int
    """How many of the k axes the points define, 0..k."""

    @property
    def note(self) -> str:
        """What a viewer should know: empty if all axes are defined."""
        count = len(self.axes)
        if self.defined == count:
            return ""
        spread = (
            "do not differ"
            if self.defined == 0
            else f"spread in only {self.defined} direction{'s' if self.defined > 1 else ''}"
        )
        return f"These points {spread}, so {count - self.defined} of {count} axes stay at 0."

    @property
    def axis_titles(self) -> tuple[str, ...]:
        """(k,): the number of each component, counted from 1, with its share of the variance."""
        shares = self.explained_variance_ratio
        return tuple(f"component {i + 1} ({percent(float(share))})" for i, share in enumerate(shares))

    def place(self, points: ArrayLike) -> np.ndarray:
        """Where other points (n, D) lie on the same axes: (n, k) float32; place(points) == coordinates."""
        points = shaped("points", points, f"(n, {len(self.mean)})", 2)
        if points.shape[1] != len(self.mean):
            raise PlaygroundError(
                f"The points have {points.shape[1]} dimensions, the axes {len(self.mean)}.",
                "Use vectors of the same model and layer.",
            )
        return ((as_array(points, np.float64) - self.mean) @ self.axes.T).astype(np.float32)


def pca(points: ArrayLike, components: int = 2) -> Projection:
    """Principal components of points (N, D), N >= 1, by singular value decomposition.

    The sign of each axis is fixed: its loading of largest magnitude is positive. Fewer than k+1 different
    points leave axes undefined; those stay zero (`defined`, `note`). Large inputs go through the D × D
    covariance (or the N × N Gram matrix) in float64, where spread below about 1e-6 of the largest counts as none.
    Raises PlaygroundError for components outside 1..3 or points that are not finite.
    """
    check_range("The number of components", components, 1, 3)
    points = shaped("points", points, "(points, dimensions)", 2)
    n, d = points.shape
    size, mean = 0.0, np.zeros(d)
    for block in _blocks(points):
        if not np.isfinite(block).all():
            raise PlaygroundError(f"Some of the {n:,} points are not finite.", "Leave them out.")
        mean = mean + block.sum(0) / n  # (D,)
        size += float((block**2).sum())
    values, axes, total = _principal(points, mean, min(components, n, d))  # (r,), (r, D)
    rounding = size**0.5 * max(n, d) * np.finfo(np.float64).eps
    defined = int((values > max(rounding, 1e-9 * values[0])).sum())
    full, ratio = np.zeros((components, d)), np.zeros(components)
    for i, axis in enumerate(axes[:defined]):
        leading = np.abs(axis) >= np.abs(axis).max() * (1 - 1e-9)  # first of equals
        full[i] = axis * np.sign(axis[leading.argmax()])
        ratio[i] = values[i] ** 2 / total
    coordinates = np.concatenate([(block - mean) @ full.T for block in _blocks(points)])  # (N, k)
    return Projection(coordinates.astype(np.float32), ratio, mean, full, defined)


def _blocks(points: Array) -> Iterator[np.ndarray]:
    """Rows of points in float64, some at a time, so that a large table is never copied whole."""
    return (as_array(points[i : i + ROWS], np.float64) for i in range(0, len(points), ROWS))


def _principal(points: Array, mean: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The `count` largest singular values and right singular vectors of points - mean, and the sum of all squared
    singular values."""
    n, d = points.shape
    if n > ROWS or (n > 256 and d <= n):
        gram = sum(x.T @ x for x in (block - mean for block in _blocks(points)))  # (D, D)
    else:
        x = as_array(points, np.float64) - mean  # (N, D)
        if min(n, d) <= 256:
            _, s, axes = np.linalg.svd(x, full_matrices=False)
            return s[:count], axes[:count], float((s**2).sum())
        gram = x @ x.T  # (N, N)
    import torch  # takes seconds: not before it is needed

    variances, vectors = torch.linalg.eigh(torch.from_numpy(gram))  # rising
    s = variances.numpy()[::-1][:count].clip(0)
    s = np.sqrt(np.where(s < 1e-12 * s[0], 0, s))  # squaring halves the digits
    axes = vectors.numpy()[:, ::-1][:, :count].T  # (count, D or N)
    if len(gram) != d:
        axes = (axes @ x) / np.where(s > 0, s, 1)[:, None]  # (count, D)
    return s, axes, float(gram.trace())


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Rows nearest to a query, the nearest first."""

    indices: np.ndarray
    """(n,) int64: row numbers."""
    values: np.ndarray
    """(n,) float32: cosine -1..1 or dot product, falling; or Euclidean distance, rising from 0."""
    measure: Measure


def nearest(
    matrix: ArrayLike,
    query: ArrayLike,
    count: int = 10,
    measure: Measure = "cosine",
    exclude: Iterable[int] = (),
    origin: ArrayLike | None = None,
) -> Neighbours:
    """The `count` rows of matrix (V, D) nearest to query (D,), without the rows in `exclude`.

    origin (D,): taken off rows and query first, so that a direction which all vectors share no longer counts.

    A vector of zeros has no direction: its cosine counts as 0. Rows with NaN are left out; of equals the
    lower row comes first. Raises PlaygroundError for another measure or a width that does not fit.
    """
    check_range("The number of neighbours", count, 1, 10_000)
    matrix = shaped("matrix", matrix, "(rows, dimensions)", 2)
    query = shaped("query", query, "(dimensions,)", 1)
    if measure not in ("cosine", "dot", "euclidean"):
        raise PlaygroundError(f"{measure!r} is not a measure.", "Choose cosine, dot or euclidean.")
    if matrix.shape[1] != len(query):
        raise PlaygroundError(
            f"The query has {len(query)} dimensions, the rows have {matrix.shape[1]}.", "Use vectors of the same model."
        )
    zero = None if origin is None else as_array(origin)
    q = as_array(query) if zero is None else as_array(query) - zero
    blocks = (as_array(matrix[i : i + ROWS]) for i in range(0, len(matrix), ROWS))
    values = np.concatenate([_measure(rows if zero is None else rows - zero, q, measure) for rows in blocks])  # (V,)
    order = values if measure == "euclidean" else -values
    order = np.where(np.isnan(order), np.inf, order)
    skip = np.fromiter((i for i in exclude if 0 <= i < len(order)), np.int64)
    order[skip] = np.inf
    best = np.argsort(order, kind="stable")[:count]
    best = best[order[best] < np.inf]
    return Neighbours(best, values[best].astype(np.float32), measure)


def _measure(rows: np.ndarray, query: np.ndarray, measure: Measure) -> np.ndarray:
    if measure == "euclidean":
        return np.linalg.norm(rows - query, axis=1)
    dots = rows @ query
    if measure == "dot":
        return dots
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows)) * np.linalg.norm(query)
    return np.clip(np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0), -1, 1)
