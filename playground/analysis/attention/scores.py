"""Scaled dot-product attention, step by step, on recorded queries and keys. Knows nothing of models.

Attention(Q, K, V) = softmax(Q K^T · scaling + bias) V     (Vaswani et al. 2017, section 3.2.1)

Letters: H query heads, G key-value heads (grouped-query attention, Ainslie et al. 2023: H is a multiple of G),
Q query tokens, K key tokens, D head width.
"""

import torch
from torch import Tensor


def repeat_groups(x: Tensor, heads: int) -> Tensor:
    """(G, K, D) -> (H, K, D): each key-value head once for every query head of its group."""
    return x.repeat_interleave(heads // x.shape[0], dim=0)


def attention_scores(
    query: Tensor,
    key: Tensor,
    scaling: float | None = None,
    softcap: float | None = None,
    bias: Tensor | None = None,
    allowed: Tensor | None = None,
    number_format: torch.dtype = torch.float32,
) -> Tensor:
    """What the softmax reads, (H, Q, K) float32: q·k scaled, capped, biased and masked.

    query (H, Q, D) and key (G, K, D), both after rotary; scaling D**-0.5 if None; softcap c turns s into
    c·tanh(s/c) (Gemma 2); bias, broadcast to (H, Q, K), is added (T5, ALiBi); where allowed (…, Q, K) is False
    the score is -inf. A row with nothing allowed stays as it is, so that its softmax is defined. number_format is
    what every step is rounded to: a half format where the model does so as well.
    """
    query, key = query.to(number_format), repeat_groups(key.to(number_format), query.shape[0])
    scores = query @ key.transpose(-1, -2)  # (H, Q, K)
    scores *= query.shape[-1] ** -0.5 if scaling is None else scaling
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    if bias is not None:
        scores = scores + bias.to(number_format)
    if allowed is not None:
        blocked = ~allowed & allowed.any(-1, keepdim=True)
        scores = scores.masked_fill(blocked, float("-inf"))
    return scores.float()


def attention_weights(scores: Tensor, sinks: Tensor | None = None) -> Tensor:
    """Weights after softmax, (H, Q, K); rows sum to 1.

    With sinks (H,), one learned score per head that takes its share and gives nothing (GPT-OSS), rows sum to
    less than 1: the missing mass is the sink's.
    """
    if sinks is None:
        return scores.softmax(-1)
    sink = sinks.float().reshape(-1, 1, 1).expand(*scores.shape[:-1], 1)  # (H, Q, 1)
    return torch.cat([scores, sink], dim=-1).softmax(-1)[..., :-1]


def head_outputs(weights: Tensor, value: Tensor) -> Tensor:
    """weights·V per head, (H, Q, V): weights (H, Q, K), value (G, K, V)."""
    return weights @ repeat_groups(value.float(), weights.shape[0])
