"""How much a head looks at what it has to copy. Letters: B texts, H heads, Q queries, K keys."""

import numpy as np
from torch import Tensor


def alignment_scores(weights: Tensor, is_source: Tensor) -> np.ndarray:
    """(H,) 0..1: the mean weight that the queries with a source give to it, all places of a source together.

    weights: (B, H, Q, K), after the softmax. is_source: (B, Q, K) bool, the places that tell what comes next; queries
    without any do not count.
    """
    has_source = is_source.any(-1)  # (B, Q)
    on_source = (weights * is_source[:, None]).sum(-1)  # (B, H, Q)
    summed = (on_source * has_source[:, None]).sum((0, 2))
    return (summed / has_source.sum()).double().numpy()
