"""What differs between families and shows neither in a model's modules nor in a probe. Keep this short."""

import inspect
from typing import Any

from torch import nn
from transformers import PretrainedConfig

ALIBI_FAMILIES = frozenset({"bloom", "mpt"})
"""Attention with linear biases (Press et al. 2022); Falcon too where its config says `alibi`."""

DISENTANGLED_FAMILIES = frozenset({"deberta", "deberta-v2"})
"""Relative positions inside the attention scores (He et al. 2021)."""

CROSS_ATTENTION_PATHS = ("encoder_attn", "EncDecAttention", "crossattention", "cross_attn")
"""A module whose path contains one of these attends from the decoder to the encoder."""


def uses_alibi(config: PretrainedConfig) -> bool:
    """Whether attention has linear biases, one slope for each head."""
    return config.model_type in ALIBI_FAMILIES or bool(getattr(config, "alibi", False))


def first_setting(config: PretrainedConfig, *names: str) -> Any:
    """The value of the first of these names that the configuration has and sets; None without any. Of a setting that
    differs from layer to layer (Gemma 4) that of the first layer."""
    return next((value for name in names if (value := _setting(config, name)) is not None), None)


def _setting(config: PretrainedConfig, name: str) -> Any:
    try:
        return getattr(config, name, None)
    except Exception:  # transformers' own error for settings that differ from layer to layer
        layers = getattr(config, "per_layer_config", None) or [None]
        return getattr(layers[0], name, None)


def cache_argument(model: nn.Module) -> str | None:
    """The name of the key-value cache among the arguments of a model's forward pass, and in its output.

    `cache`, before transformers 5.24 `past_key_values`; None for a family without a cache.
    """
    accepted = inspect.signature(model.forward).parameters
    return next((name for name in ("cache", "past_key_values") if name in accepted), None)


def takes_argument(model: nn.Module | type[nn.Module], name: str) -> bool:
    """Whether the forward pass of a model, or of a class of models, names this argument."""
    return name in inspect.signature(model.forward).parameters


def text_part(model: nn.Module) -> nn.Module:
    """The part of a larger model that reads text (Gemma 3 beside its picture tower); the model itself where it reads
    nothing else."""
    config = getattr(model, "config", None)
    if not isinstance(config, PretrainedConfig) or (own := config.get_text_config()) is config:
        return model
    return next((m for m in model.modules() if m is not model and getattr(m, "config", None) is own), model)
