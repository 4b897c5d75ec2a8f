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
    """Scores (scaled, capped, biased, masked: as the softmax reads them), (H, Q, K) float32.

    query (H, Q, D) and key (G, K, D), both after RoPE. scaling: D**-0.5 if None. softcap c: s becomes c·tanh(s/c)
    (Gemma 2). bias, broadcast to (H, Q, K), is added (T5, ALiBi). allowed (…, Q, K): the score is -inf where it is
    False; a row without any True is not masked, so that its softmax is defined. number_format: every step is
    rounded to it, as a model in half precision rounds.
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
    """Weights (after softmax), (H, Q, K); rows sum to 1.

    sinks (H,): one learned score per head that takes part in the softmax and has no value (GPT-OSS). With them rows
    sum to less than 1; the rest is the sink's weight.
    """
    if sinks is None:
        return scores.softmax(-1)
    sink = sinks.float().reshape(-1, 1, 1).expand(*scores.shape[:-1], 1)  # (H, Q, 1)
    return torch.cat([scores, sink], dim=-1).softmax(-1)[..., :-1]


def head_outputs(weights: Tensor, value: Tensor) -> Tensor:
    """weights·V per head, (H, Q, V): weights (H, Q, K), value (G, K, V)."""
    return weights @ repeat_groups(value.float(), weights.shape[0])
