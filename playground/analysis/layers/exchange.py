"""Activation patching (Meng et al. 2022; Wang et al. 2022): what becomes of an answer when numbers of one text are put into
the reading of another. Letters: R rows (layers), C columns (tokens or heads), T tokens, N heads (1 of what has none), W
numbers of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

STATE, ATTENTION, MLP, HEAD = WHAT = ("state", "attention", "mlp", "head")
"""What can be exchanged: the residual stream after a layer, what a layer's attention or its MLP adds, each at one token; or
what one head gives, at all tokens."""
EXCHANGED, ITSELF, CONE = "exchanged", "itself", "cone"


@dataclass(frozen=True, eq=False)
class Exchange:
    """A corrupted text read with numbers of a clean one, cell by cell. Measured is the logit of one token minus that of a
    second: `clean` in the clean text, `corrupted` in the corrupted one."""

    what: str
    """One of WHAT."""
    layers: tuple[int, ...]
    """Of the R rows; -1 for the embedding, before layer 0."""
    columns: tuple[int, ...]
    """The C tokens, from the first one that differs on; or the C heads."""
    token: int
    against: int
    position: int
    """The token after which, or in whose place, the answer stands."""
    clean: float
    corrupted: float
    estimate: np.ndarray  # (R, C) float32: the change of the measure, to first order (attribution patching, Nanda 2023)
    exact: np.ndarray  # (R, C) float32: the change of the measure; NaN where it was not computed
    errors: dict[str, float]
    """What must hold -> by how much it does not, as a share of the largest logit. EXCHANGED: all states exchanged before
    layer 0, against the clean text's logits. Once a cell is exact, ITSELF: the corrupted text read with numbers of its own
    in the places of the same; and CONE: what the exact cells change that the answer does not see."""

    @property
    def error(self) -> float:
        """All states exchanged before layer 0, against the clean text's logits."""
        return self.errors[EXCHANGED]

    @property
    def effect(self) -> float:
        """clean - corrupted: what all numbers together change."""
        return self.clean - self.corrupted

    @property
    def correlation(self) -> float | None:
        """Of estimate and exact change, over the cells with both; None for fewer than three, or where one is constant."""
        both = np.isfinite(self.exact)
        one, other = self.estimate[both].astype(np.float64), self.exact[both].astype(np.float64)
        if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
            return None
        return float(np.corrcoef(one, other)[0, 1])


def largest_change(result: Exchange, row: int, columns: list[int]) -> float | None:
    """The largest change by some cells of a row, of those that are exact; None for none."""
    changes = result.exact[row, columns]
    changes = changes[np.isfinite(changes)]
    return float(np.abs(changes).max()) if len(changes) else None


def first_order(clean: Tensor, corrupted: Tensor, gradient: Tensor, by_head: bool) -> Tensor:
    """(T,) or, by_head, (N,) float64: the change of a measure when clean values (T, N, W) take the place of corrupted
    ones, to first order: the difference times the gradient at the corrupted text, summed."""
    shares = (clean.double() - corrupted.double()) * gradient.double()
    return shares.sum((0, 2) if by_head else (1, 2))


def first_difference(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """The place of the first id that differs; of equal lists their length."""
    return next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))
