"""What a mask lets each token see, in words that are read off the mask itself. Knows no models.

Letters: Q queries, K keys.
"""

from dataclasses import dataclass

import numpy as np

from playground.analysis.arrays import shaped
from playground.analysis.text_display import percent


@dataclass(frozen=True)
class Mask:
    """What a mask (Q, K) is."""

    name: str
    """causal, sliding window, bidirectional, bidirectional window, padded, or other."""
    words: str
    """One sentence."""
    share: float
    """Of all pairs of tokens, 0..1, those that are allowed."""


def describe_mask(allowed: np.ndarray, cross: bool = False) -> Mask:
    """What a mask (Q, K) of bool is, by its shape alone: True where a query may attend to a key.

    Windows count the token itself. `cross` says that queries and keys are different texts.
    """
    allowed = np.asarray(shaped("The mask", allowed, "(queries, keys)", 2), bool)
    share, keys = float(allowed.mean()), allowed.shape[1]
    hidden = ~allowed.any(0)
    told = _unpadded(allowed[:, ~hidden], cross) if hidden.any() and not hidden.all() else _unpadded(allowed, cross)
    if hidden.any() and told[0] != "other":
        which = f"{int(hidden.sum())} of {keys} keys are hidden from every query, as padding is"
        told = ("padded", f"{which}; of the others: {told[1][0].lower()}{told[1][1:]}")
    return Mask(*told, share)


def _unpadded(allowed: np.ndarray, cross: bool) -> tuple[str, str]:
    queries, keys = allowed.shape
    if allowed.all():
        whom = "every token of the source" if cross else "every token, before and after it"
        return "bidirectional", f"Every token may attend to {whom}: nothing is masked."
    distance = np.arange(queries)[:, None] - np.arange(keys)  # tokens back
    if queries == keys:
        seen = np.unique(distance[allowed])
        if np.array_equal(allowed, (distance >= seen[0]) & (distance <= seen[-1])):
            back, ahead = int(seen[-1]), -int(seen[0])
            if ahead == 0 and back == queries - 1:
                return "causal", "Each token may attend to itself and to all before it: none sees what follows."
            if ahead == 0:
                return "sliding window", (
                    f"Each token may attend to itself and to the {back} before it: a sliding window of {back + 1} tokens."
                )
            if ahead > 0:
                return "bidirectional window", (
                    f"Each token may attend to {back} tokens before it and {ahead} after it, and to itself."
                )
    words = f"{percent(float(allowed.mean()))} of all pairs are allowed, in a pattern that has no common name."
    return "other", words
