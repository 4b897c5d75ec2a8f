"""What a mistake did to the training loss, in one word."""

from collections.abc import Sequence

import numpy as np

LOWER, SAME, HIGHER, NO_NUMBER = "lower", "about the same", "higher", "no number"
OUTCOMES = (LOWER, SAME, HIGHER, NO_NUMBER)
SAME_WITHIN = 0.1
"""Means that differ by less than this share are about the same."""


def outcome(right: Sequence[float], wrong: Sequence[float]) -> str:
    """How the mean loss with a mistake compares with that without it, over the whole run; NO_NUMBER where a loss is none."""
    if not np.isfinite(wrong).all():
        return NO_NUMBER
    ratio = float(np.mean(wrong)) / float(np.mean(right))
    return SAME if abs(ratio - 1) < SAME_WITHIN else LOWER if ratio < 1 else HIGHER
