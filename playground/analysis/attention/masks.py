"""Which tokens a mask lets each token see, in words, from the mask's shape alone. Knows no models.

Letters: Q queries, K keys.
"""

from dataclasses import dataclass

import numpy as np

from playground.analysis.arrays import shaped
from playground.analysis.text_display import percent


@dataclass(frozen=True)
class Mask:
    """A description of a mask (Q, K)."""

    name: str
    """causal, sliding window, bidirectional, bidirectional window, padded, or other."""
    words: str
    """One sentence."""
    share: float
    """Allowed pairs of tokens as a share of all pairs, 0..1."""


def describe_mask(allowed: np.ndarray, cross: bool = False) -> Mask:
    """Describes a mask (Q, K) of bool, True where a query may attend to a key.

    A window's size counts the token itself. `cross`: queries and keys are different texts. PlaygroundError for another
    number of axes or an empty mask.
    """
    allowed = np.asarray(shaped("The mask", allowed, "(queries, keys)", 2), bool)
    share, keys = float(allowed.mean()), allowed.shape[1]
    hidden = ~allowed.any(0)
    padded = bool(hidden.any())
    name, words = _unpadded(allowed[:, ~hidden] if padded and not hidden.all() else allowed, cross)
    if padded and name != "other":
        which = f"{int(hidden.sum())} of {keys} keys are hidden from every query, as padding is"
        name, words = "padded", f"{which}; of the others: {words[0].lower()}{words[1:]}"
    return Mask(name, words, share)


def _unpadded(allowed: np.ndarray, cross: bool) -> tuple[str, str]:
    """Name and sentence of a mask without padding."""
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
