"""The arithmetic of attribution: what each token adds to a score.

Letters: T tokens, D numbers of an embedding, S steps.
"""

from dataclasses import dataclass

import numpy as np

GRADIENT, INTEGRAL, OCCLUSION = "gradient × input", "integrated gradients", "occlusion"
METHODS = (INTEGRAL, GRADIENT, OCCLUSION)
LARGEST_ERROR = 0.01
"""Relative error of completeness up to which integrated gradients are shown."""


@dataclass(frozen=True)
class Completeness:
    """Whether the parts add up: sum of the attributions beside score(text) - score(baseline)."""

    total: float
    difference: float

    @property
    def error(self) -> float:
        """|total - difference| / |difference|; infinite where the scores do not differ and the parts do."""
        off = abs(self.total - self.difference)
        return off / abs(self.difference) if self.difference else (0.0 if not off else float("inf"))

    @property
    def holds(self) -> bool:
        """Whether the error is at most 1 %."""
        return self.error <= LARGEST_ERROR


def path_steps(count: int) -> tuple[np.ndarray, np.ndarray]:
    """(S,) places on the way from the baseline (0) to the text (1), and their weights, which sum to 1: Gauss-Legendre
    quadrature, exact for polynomials up to degree 2S - 1."""
    places, weights = np.polynomial.legendre.leggauss(count)
    return (places + 1) / 2, weights / 2


def integral(gradients: np.ndarray, weights: np.ndarray, change: np.ndarray) -> np.ndarray:
    """(T,): integrated gradients (Sundararajan et al. 2017), sum over D of change · ∫ gradient. gradients (S, T, D) along
    the path, weights (S,), change (T, D) = text - baseline."""
    return np.einsum("s,std,td->t", weights, gradients, change)


def gradient_times_input(gradient: np.ndarray, change: np.ndarray) -> np.ndarray:
    """(T,): sum over D of gradient (T, D) · change (T, D): what the score would lose by its slope at the text."""
    return (gradient * change).sum(-1)


def scaled(values: np.ndarray) -> np.ndarray:
    """The values divided by the largest size among them: -1..1; zeros stay."""
    largest = float(np.abs(values).max(initial=0.0))
    return values / largest if largest else values
