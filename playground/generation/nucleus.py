"""Nucleus sampling without sorting the whole vocabulary, which takes longer than all else that is done with a token's
logits. Knows nothing of models.
"""

import torch
from torch import Tensor
from transformers import TopPLogitsWarper

_MOST_PROBABLE = 1024
"""Tokens that are sorted; where they do not hold the nucleus, all are."""


class FastTopP(TopPLogitsWarper):
    """Keeps the fewest most probable tokens whose probabilities reach p (Holtzman et al. 2020): those before which the more
    probable ones add up to less than p. The tokens are those that transformers' own processor keeps."""

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """scores (B, V), with -inf for tokens that are cut. Returns them with -inf for those outside the nucleus too."""
        if scores.shape[-1] <= _MOST_PROBABLE:
            return super().__call__(input_ids, scores)
        values, ids = scores.topk(_MOST_PROBABLE)  # (B, K), in descending order
        shares = (values.double() - scores.double().logsumexp(-1, keepdim=True)).exp()
        before = shares.cumsum(-1) - shares
        if not bool((before[:, -1] >= self.top_p).all()):  # the nucleus may go on; or a number is NaN
            return super().__call__(input_ids, scores)
        kept = before < self.top_p
        kept[:, : self.min_tokens_to_keep] = True
        nucleus = values.masked_fill(~kept, self.filter_value)
        return torch.full_like(scores, self.filter_value).scatter(-1, ids, nucleus)
