"""How far two computations of the same numbers may differ by rounding, for each number format: one table for all checks.

Rounding differs where the same sums are taken in another order: by other kernels, over other batch sizes, on a cache.
float32 has 24 bits of precision, float16 has 11 and bfloat16 has 8, so one step of bfloat16 is 0.4 % of the number.
A difference above the bound of its column is no rounding: the code under check computes something else.
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Rounding:
    """Largest differences that rounding explains, each as a share of the largest number compared, if not said otherwise.

    The columns differ because their subjects pass through more or fewer operations.
    """

    logits: float
    """Logits of the same tokens by another way through the same model: in chunks, over a cache, by the head alone."""
    implementation: float
    """Outputs of a model under another attention function, and so with other kernels in every layer."""
    rotation: float
    """Queries and keys of one layer, rotated or rotated back."""
    positions: float
    """Outputs of a model that is given explicitly the positions that it counts itself: the kernels are the same."""
    rotary_score: float
    """One score before the softmax, summed over pairs of dimensions; of scores below 1 an absolute difference."""
    sums: float
    """A token's state after a layer against the state before plus what the layer adds, as a share of the state's length."""


_COARSE = Rounding(
    logits=0.0, implementation=1e-1, rotation=0.0, positions=5e-2, rotary_score=5e-2, sums=1e-5
)  # int8 and whatever else a model may be in: logits and single layers are not taken for equal unless they are
_TABLE = {
    torch.float32: Rounding(
        logits=1e-3, implementation=1e-3, rotation=1e-3, positions=1e-4, rotary_score=1e-4, sums=1e-5
    ),
    torch.float16: Rounding(
        logits=2e-2, implementation=1e-1, rotation=1e-2, positions=1e-2, rotary_score=5e-2, sums=4e-3
    ),
    torch.bfloat16: Rounding(
        logits=1e-1, implementation=1e-1, rotation=5e-2, positions=5e-2, rotary_score=5e-2, sums=3e-2
    ),
}


def rounding(number_format: torch.dtype) -> Rounding:
    """The bounds for a number format; for one that is not in the table those of a coarse format."""
    return _TABLE.get(number_format, _COARSE)
