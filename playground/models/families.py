"""The few exceptions that neither a model's modules nor a probe can tell. Keep this short."""

ALIBI_FAMILIES = frozenset({"bloom", "mpt"})
"""Attention with linear biases (Press et al. 2022); Falcon too where its config says `alibi`."""

DISENTANGLED_FAMILIES = frozenset({"deberta", "deberta-v2", "xlnet"})
"""Relative positions inside the attention scores (He et al. 2021; Dai et al. 2019)."""

CROSS_ATTENTION_PATHS = ("encoder_attn", "EncDecAttention", "crossattention", "cross_attn")
"""A module whose path contains one of these attends from the decoder to the encoder."""


def uses_alibi(config) -> bool:
    return config.model_type in ALIBI_FAMILIES or bool(getattr(config, "alibi", False))
