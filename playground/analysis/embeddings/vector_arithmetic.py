"""Sums and similarities of vectors: arithmetic with signs, how alike random pairs are, clusters. Works on any vectors.

Letters: N vectors of D dimensions.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from playground.analysis.arrays import Array, ArrayLike, as_array, check_range, shaped
from playground.errors import PlaygroundError

ROWS = 8192
MAX_TERMS = 20


@dataclass(frozen=True)
class Term:
    """One word of a sum, added or taken away."""

    sign: int
    word: str


def signed_sum(text: str) -> tuple[Term, ...]:
    """The terms of "king - man + woman"; signs stand between spaces, so that "well-known" stays one word.

    PlaygroundError for a sum without a word, and for more than 20 terms.
    """
    parts = re.split(r"(?:^|\s)([+\-−–])(?=\s|$)", text.replace("\n", " "))
    terms = [Term(1, parts[0].strip())] if parts[0].strip() else []
    for sign, word in zip(parts[1::2], parts[2::2], strict=True):
        if not word.strip():
            raise PlaygroundError(
                f"A sign of “{text.strip()[:60]}” has no word behind it.", "Write: king - man + woman"
            )
        terms.append(Term(1 if sign == "+" else -1, word.strip()))
    if not terms:
        raise PlaygroundError("There is no sum.", "Write words with signs between them: king - man + woman")
    if len(terms) > MAX_TERMS:
        raise PlaygroundError(f"The sum has {len(terms)} terms; at most {MAX_TERMS} are added.", "Take some out.")
    return tuple(terms)


@dataclass(frozen=True)
class Anisotropy:
    """How much the vectors of a table point the same way (Ethayarajh 2019)."""

    mean_cosine: float
    """Mean cosine of all pairs of different vectors, -1..1; 0 if directions were spread evenly."""
    centred: float
    """The same after the mean of all vectors is taken off."""


def anisotropy(table: ArrayLike) -> Anisotropy:
    """Of a table (N, D), N >= 2; exact, over all pairs: of unit vectors u the mean is (|Σu|² - N) / (N (N - 1))."""
    table = shaped("The table", table, "(vectors, dimensions)", 2)
    check_range("The number of vectors", len(table), 2, 10**9)
    mean = sum(_block(table, i).sum(0) for i in range(0, len(table), ROWS)) / len(table)
    return Anisotropy(_mean_cosine(table, 0.0), _mean_cosine(table, mean))


def _mean_cosine(table: Array, origin: np.ndarray | float) -> float:
    total, count = np.zeros(table.shape[1]), 0
    for start in range(0, len(table), ROWS):
        rows = _block(table, start) - origin
        lengths = np.linalg.norm(rows, axis=1)
        total = total + (rows[lengths > 0] / lengths[lengths > 0, None]).sum(0)
        count += int((lengths > 0).sum())
    if count < 2:
        return 0.0
    return float((total @ total - count) / (count * (count - 1)))


def mean_of(table: Array) -> np.ndarray:
    """(D,) float64: the mean of a table (N, D), some rows at a time."""
    return sum(_block(table, i).sum(0) for i in range(0, len(table), ROWS)) / len(table)


def _block(table: Array, start: int) -> np.ndarray:
    return as_array(table[start : start + ROWS], np.float64)


def cosines(first: ArrayLike, second: ArrayLike | None = None) -> np.ndarray:
    """(N, M) float32 in -1..1: cosine of each of first (N, D) with each of second (M, D), by default first itself; 0 for a
    vector of zeros."""
    a = as_array(shaped("The vectors", first, "(vectors, dimensions)", 2), np.float64)
    b = a if second is None else as_array(shaped("The vectors", second, "(vectors, dimensions)", 2), np.float64)
    lengths = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)
    return np.clip(np.divide(a @ b.T, lengths, out=np.zeros_like(lengths), where=lengths > 0), -1, 1).astype(np.float32)


def mean_pair_cosine(cosine: np.ndarray) -> float:
    """Mean of the cosines (N, N) of all pairs of different vectors; 0 for a single vector."""
    count = len(cosine)
    return float((cosine.sum() - count) / max(1, count * (count - 1)))


def directions(vectors: ArrayLike) -> np.ndarray:
    """(N, D) float32: vectors (N, D) scaled to length 1; those of zeros stay."""
    rows = as_array(shaped("The vectors", vectors, "(vectors, dimensions)", 2))
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def clusters(points: ArrayLike, count: int, seed: int = 0) -> np.ndarray:
    """(N,) int: the cluster of each point by k-means (Lloyd 1982), in mini-batches where there are many.

    PlaygroundError for fewer points than clusters.
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans

    points = as_array(shaped("The points", points, "(points, dimensions)", 2))
    check_range("The number of clusters", count, 2, min(50, len(points)))
    method = KMeans if len(points) <= 5000 else MiniBatchKMeans
    return method(count, random_state=seed, n_init=3).fit_predict(points)


def dense_groups(points: ArrayLike, least: int = 15) -> np.ndarray:
    """(N,) int: the cluster of each point by density (HDBSCAN, Campello et al. 2013), -1 for those in none."""
    from sklearn.cluster import HDBSCAN

    points = as_array(shaped("The points", points, "(points, dimensions)", 2))
    check_range("The number of points", len(points), 3, 10**6)
    return HDBSCAN(min_cluster_size=min(least, max(2, len(points) // 2)), copy=True).fit_predict(points)


def group_names(numbers: Sequence[int]) -> np.ndarray:
    """Names of clusters for a legend: "cluster 3", and "none" for -1."""
    return np.array([f"cluster {number}" if number >= 0 else "none" for number in numbers], dtype=object)
