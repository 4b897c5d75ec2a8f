"""Rotary embedding pair by pair: which dimensions rotate together, and what each pair adds to a score at any distance
(Su et al. 2021, RoFormer, section 3.4). Works on vectors; knows nothing of models.

    q·k at distance Δ = Σ_p |q_p||k_p| cos(Δ·θ_p + φ_p),  φ_p = angle of q_p - angle of k_p

Letters: P pairs, D width of a head, T tokens; distances are query position - key position, angles in radians.
"""

from dataclasses import dataclass

import numpy as np

from playground.analysis.arrays import ArrayLike, as_array, shaped
from playground.errors import PlaygroundError


@dataclass(frozen=True, eq=False)
class Layout:
    """Which dimensions of a head rotate together."""

    name: str
    """halves (i with i + P) or neighbours (2i with 2i + 1)"""
    pairs: np.ndarray
    """(P, 2) int64: dimensions of the head"""
    scale: float
    """The factor on the length of rotated dimensions (YaRN's attention factor); 1 elsewhere."""
    error: float
    """Largest difference between this rotation of the vectors before and those after, as a share of the largest number."""


def find_layout(before: ArrayLike, after: ArrayLike, frequencies: ArrayLike, tolerance: float = 1e-3) -> Layout | None:
    """The layout that rotates vectors before RoPE (H, T, D) into those after it, position t by t·frequency; None where no
    layout does.

    frequencies (P,) in radians per token; 2P may be less than D. PlaygroundError for fewer than two tokens, since position
    0 is not rotated.
    """
    before, after = (shaped("The vectors", v, "(heads, tokens, width)", 3) for v in (before, after))
    before, after = as_array(before, np.float64), as_array(after, np.float64)
    angles = as_array(frequencies, np.float64)
    width, count = before.shape[-1], len(angles)
    if before.shape[1] < 2:
        raise PlaygroundError(
            f"The text has {before.shape[1]} token; a rotation shows from the second on, at least 2 are needed.",
            "Write a longer text.",
        )
    rotation = np.exp(1j * np.outer(np.arange(before.shape[1]), angles))  # (T, P)
    largest = float(np.abs(after).max()) or 1.0
    best: Layout | None = None
    for start in {0, width - 2 * count}:
        if start < 0:
            continue
        halves = np.stack([np.arange(count), np.arange(count) + count], 1) + start
        neighbours = np.arange(2 * count).reshape(count, 2) + start
        for name, pairs in (("halves", halves), ("neighbours", neighbours)):
            length = float(np.linalg.norm(before[..., pairs]))
            scale = float(np.linalg.norm(after[..., pairs])) / length if length else 1.0
            error = (
                float(np.abs(as_complex(before, pairs) * rotation * scale - as_complex(after, pairs)).max()) / largest
            )
            if best is None or error < best.error:
                best = Layout(name, pairs, scale, error)
    return best if best is not None and best.error <= tolerance else None


def as_complex(vectors: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Each pair of dimensions as one complex number: (…, D) -> (…, P)."""
    return vectors[..., pairs[:, 0]] + 1j * vectors[..., pairs[:, 1]]


@dataclass(frozen=True, eq=False)
class RotaryScore:
    """One query and one key before RoPE: their score at any distance."""

    query: np.ndarray
    """(D,)"""
    key: np.ndarray
    """(D,)"""
    frequencies: np.ndarray
    """(P,) radians per token"""
    layout: Layout
    scaling: float
    """By which q·k is multiplied, mostly 1/√D."""
    softcap: float | None = None
    """c: a score s becomes c·tanh(s/c)."""

    @property
    def products(self) -> np.ndarray:
        """(P,) complex128: length = |q_p||k_p| with every scaling, angle = φ_p."""
        query, key = (np.asarray(v, np.float64) for v in (self.query, self.key))
        pairs = as_complex(query, self.layout.pairs) * as_complex(key, self.layout.pairs).conj()
        return pairs * self.layout.scale**2 * self.scaling

    @property
    def unrotated(self) -> float:
        """What the dimensions without rotation add to the score, the same at every distance; 0 where all rotate."""
        still = np.setdiff1d(np.arange(len(self.query)), self.layout.pairs)
        return float(np.dot(self.query[still].astype(np.float64), self.key[still]) * self.scaling)

    def parts(self, distances: ArrayLike) -> np.ndarray:
        """(n, P) float64: what each pair adds to the score at each distance."""
        angles = np.outer(np.asarray(distances, np.float64), np.asarray(self.frequencies, np.float64))
        return (np.exp(1j * angles) * self.products).real

    def scores(self, distances: ArrayLike) -> np.ndarray:
        """(n,) float64: the score at each distance (scaled, without bias and mask)."""
        raw = self.parts(distances).sum(1) + self.unrotated
        return raw if self.softcap is None else np.tanh(raw / self.softcap) * self.softcap
