"""The arithmetic of attribution: what each token adds to a score.

Letters: B variants of a text, T tokens, D numbers of an embedding, S places on the way from baseline (0) to text (1).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.interpolate import BSpline

GRADIENT, INTEGRAL, OCCLUSION = "gradient × input", "integrated gradients", "occlusion"
METHODS = (INTEGRAL, GRADIENT, OCCLUSION)
LARGEST_ERROR = 0.01
"""Relative error of completeness up to which integrated gradients are shown."""
LARGEST_PATH_ERROR = 0.1
"""The same of its errors stretch by stretch, whatever their signs: a sum may come out right by chance."""
FIRST_PLACES = 9
"""Places that are enough for a smooth score."""
ADDED_PLACES = 4
"""Places that are added at once where they are not."""


@dataclass(frozen=True)
class Completeness:
    """Whether the parts add up: sum of the attributions beside score(text) - score(baseline)."""

    total: float
    difference: float
    off_on_path: float = 0.0
    """The sum of |sum of the attributions - difference of the scores| of each stretch between two places."""

    @property
    def error(self) -> float:
        """|total - difference| / |difference|; infinite where the scores do not differ and the parts do."""
        off = abs(self.total - self.difference)
        return off / abs(self.difference) if self.difference else (0.0 if not off else float("inf"))

    @property
    def path_error(self) -> float:
        """off_on_path / |difference|; infinite where the scores do not differ and a stretch is off."""
        if not self.difference:
            return float("inf") if self.off_on_path else 0.0
        return self.off_on_path / abs(self.difference)

    @property
    def holds(self) -> bool:
        """Whether the error is at most 1 %, and that of all stretches at most 10 %."""
        return self.error <= LARGEST_ERROR and self.path_error <= LARGEST_PATH_ERROR


def first_places() -> np.ndarray:
    """(S,): evenly from 0 to 1."""
    return np.linspace(0.0, 1.0, FIRST_PLACES)


def quadrature(places: np.ndarray) -> np.ndarray:
    """(S,): the weights of the places, with which the slopes there sum to the integral of the spline through them, cubic
    where there are more than `FIRST_PLACES`."""
    return _spline(places, np.eye(len(places))).integrate(0.0, 1.0)


def integral(parts: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(T,): integrated gradients (Sundararajan et al. 2017), the integral over the path of
    parts (S, T) = gradient · change."""
    return quadrature(places) @ parts


def stretch_errors(parts: np.ndarray, places: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(S - 1,): by how much the integral between two neighbouring places misses the difference of the scores (S,) there."""
    sums = _spline(places, parts.sum(1)).antiderivative()(places)
    return np.diff(sums) - np.diff(scores)


def further_places(places: np.ndarray, errors: np.ndarray, most: int) -> np.ndarray:
    """The middles of the stretches with the largest errors, at most `most`, in order."""
    worst = np.sort(np.argsort(-np.abs(errors), kind="stable")[:most])
    return (places[worst] + places[worst + 1]) / 2


def _spline(places: np.ndarray, values: np.ndarray) -> "BSpline":
    """Of degree 7 through the first places, where a smooth score is nearly a polynomial."""
    from scipy.interpolate import make_interp_spline  # takes long to import: the page is built without it

    return make_interp_spline(places, values, k=7 if len(places) <= FIRST_PLACES else 3)


def gradient_times_input(gradient: np.ndarray, change: np.ndarray) -> np.ndarray:
    """(B, T): sum over D of gradient (B, T, D) · change (T, D): what the score would lose by its slope there."""
    return (gradient * change).sum(-1)


def scaled(values: np.ndarray) -> np.ndarray:
    """The values divided by the largest size among them: -1..1; zeros stay."""
    largest = float(np.abs(values).max(initial=0.0))
    return values / largest if largest else values
