"""The cut of nucleus sampling without sorting the whole vocabulary: of 49,152 tokens mostly a few hundred decide it."""

import torch
from torch import Tensor

_MARGIN = 0.99
"""Of the bound below which a token is cut for sure; for rounding."""


def nucleus(scores: Tensor, top_p: float) -> Tensor:
    """Scores (V,) with -inf for every token outside the nucleus: the tokens of least probability that together have at most
    1 - top_p (Holtzman et al. 2020). At least one token stays. Of equal tokens the lower id is cut first; transformers'
    TopPLogitsWarper, which cuts as many, takes any.

    A token with less than (1 - top_p) / V is cut whatever the others have, for there are at most V of its kind. So only the
    others are sorted, above the sum of those. NaN gives NaN.
    """
    shares = scores.softmax(-1)  # (V,)
    ids = (shares >= _MARGIN * (1 - top_p) / len(shares)).nonzero()[:, 0]  # (n,)
    if not len(ids):
        return torch.full_like(scores, torch.nan)
    ascending, order = shares[ids].sort(stable=True)
    ascending = ascending.double()
    is_cut = ascending.cumsum(-1) + (1 - ascending.sum()) <= 1 - top_p
    is_cut[-1] = False
    kept = ids[order[~is_cut]]
    return torch.full_like(scores, -torch.inf).index_copy_(0, kept, scores[kept])
