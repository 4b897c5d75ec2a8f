"""The few exceptions that neither a model's modules nor a probe can tell. Keep this short."""

import inspect

ALIBI_FAMILIES = frozenset({"bloom", "mpt"})
"""Attention with linear biases (Press et al. 2022); Falcon too where its config says `alibi`."""

DISENTANGLED_FAMILIES = frozenset({"deberta", "deberta-v2", "xlnet"})
"""Relative positions inside the attention scores (He et al. 2021; Dai et al. 2019)."""

CROSS_ATTENTION_PATHS = ("encoder_attn", "EncDecAttention", "crossattention", "cross_attn")
"""A module whose path contains one of these attends from the decoder to the encoder."""


def uses_alibi(config) -> bool:
    return config.model_type in ALIBI_FAMILIES or bool(getattr(config, "alibi", False))


def cache_argument(model) -> str | None:
    """What the model's forward pass calls its key-value cache, and its output too: `cache`, before transformers 5.24
    `past_key_values`; None for a family that keeps none."""
    accepted = inspect.signature(model.forward).parameters
    return next((name for name in ("cache", "past_key_values") if name in accepted), None)
