"""Rotary angles of a GGUF file as transformers' settings: it reads neither `rope_freqs.weight` nor `*.rope.scaling.*`.

What is read is what llama.cpp computes; what would turn tokens by other angles and isn't read is refused by its name.
Letters: D rotated dimensions of a head, so D/2 frequencies.
"""

import math
from typing import Any

import numpy as np

from playground.errors import PlaygroundError
from playground.weights.gguf_file import GgufFile

_READ = frozenset(
    {
        *("dimension_count", "freq_base", "freq_base_swa", "scale_linear", "scaling.type", "scaling.factor"),
        *("scaling.original_context_length", "scaling.attn_factor", "scaling.finetuned"),
        *("scaling.yarn_beta_fast", "scaling.yarn_beta_slow"),
    }
)
_POSITIVE = _READ - {"scaling.type", "scaling.finetuned"}
"""Keys that hold a number; 0 says nothing."""
_NEUTRAL = {"scaling.yarn_ext_factor": 1.0, "scaling.yarn_attn_factor": 1.0, "scaling.alpha": 0.0}
"""Keys that are read at the one value with which they change nothing."""
_TENSORS = frozenset({"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"})
_TOLERANCE = 1e-5
"""Largest relative difference between frequencies that are the same, computed in float32."""
_LLAMA3_SHAPES = [(1.0, 4.0)]
"""(low, high) frequency factors of published models with `rope_type` llama3."""


def apply_rope(file: GgufFile, config: Any) -> None:
    """Write the file's rotary scaling into a configuration of transformers, in place.

    PlaygroundError naming the key or tensor that can't be read."""
    prefix = f"{file.architecture}.rope."
    values = {key.removeprefix(prefix): value for key, value in file.values.items() if key.startswith(prefix)}
    for key, value in values.items():
        if key not in _READ and value != _NEUTRAL.get(key, ""):
            raise _refusal(file, f"{prefix}{key} = {value}")
        if key in _POSITIVE and not (isinstance(value, int | float) and math.isfinite(value) and value >= 0):
            raise _refusal(file, f"{prefix}{key} = {value!r:.40}")
    for name in file.rope_tensors.keys() - _TENSORS:
        raise _refusal(file, name)
    parameters = getattr(config, "rope_parameters", None)
    if not isinstance(parameters, dict):
        if unread := next((key for key in values if key.startswith("scal")), next(iter(file.rope_tensors), "")):
            raise _refusal(file, unread)
        return
    main = parameters.get("full_attention", parameters)  # of layers with a window llama.cpp scales no angle
    nested = main is not parameters
    if "freq_base_swa" in values:
        if not isinstance(sliding := parameters.get("sliding_attention"), dict):
            raise _refusal(file, f"{prefix}freq_base_swa")
        sliding["rope_theta"] = float(values["freq_base_swa"])
    if values.get("dimension_count") and not nested:
        _set_dimensions(file, config, main, int(values["dimension_count"]))
    main.update(_scaling(file, values, config, main, nested))


def _scaling(file: GgufFile, values: dict, config: Any, main: dict, nested: bool) -> dict[str, Any]:
    """The settings that scale the angles; empty where the file scales none."""
    kind, factor = values.get("scaling.type", "linear"), float(values.get("scaling.factor") or 1.0)
    original = values.get("scaling.original_context_length")
    if values.get("scale_linear"):
        kind, factor = "linear", float(values["scale_linear"])
    if file.rope_tensors.keys() & {"rope_factors_long.weight", "rope_factors_short.weight"}:
        return _longrope(file, values, config)
    if kind not in ("none", "linear", "yarn"):
        raise _refusal(file, f"{file.architecture}.rope.scaling.type = {kind}")
    freqs = file.rope_tensors.get("rope_freqs.weight")
    if freqs is not None and not np.allclose(freqs, 1, rtol=_TOLERANCE):
        fits = 2 * len(freqs) in (values.get("dimension_count"), _width(file, config))
        if nested or kind == "yarn" or not fits or not np.isfinite(freqs).all() or (freqs <= 0).any():
            raise _refusal(file, "rope_freqs.weight")
        return _frequency_factors(freqs * (factor if kind == "linear" else 1.0), config, main)
    if kind == "linear":
        return {"rope_type": "linear", "factor": factor} if factor != 1 else {}
    if kind != "yarn":
        return {}
    yarn = {"rope_type": "yarn", "factor": factor}
    if original:
        yarn["original_max_position_embeddings"] = int(original)
    for name in ("beta_fast", "beta_slow"):
        if f"scaling.yarn_{name}" in values:
            yarn[name] = float(values[f"scaling.yarn_{name}"])
    if (attention := float(values.get("scaling.attn_factor") or 1.0)) != 1:
        yarn["attention_factor"] = attention * (0.1 * math.log(factor) + 1)
    return yarn


def _frequency_factors(factors: np.ndarray, config: Any, main: dict) -> dict[str, Any]:
    """Settings for factors (D/2,) by which frequencies are divided: Llama 3's rule where it gives them, else the list."""
    largest = float(factors.max())
    base = 1 / float(main["rope_theta"]) ** (np.arange(len(factors)) / len(factors))  # (D/2,)
    lengths = [2**power for power in range(4, 21)]
    for low, high in _LLAMA3_SHAPES:
        for original in lengths:
            waves = original * base / (2 * np.pi)  # turns within the original context
            smooth = np.clip((waves - low) / (high - low), 0, 1)
            if np.allclose(1 / ((1 - smooth) / largest + smooth), factors, rtol=_TOLERANCE):
                return {
                    "rope_type": "llama3",
                    "factor": largest,
                    "low_freq_factor": low,
                    "high_freq_factor": high,
                    "original_max_position_embeddings": original,
                }
    listed = [float(factor) for factor in factors]
    return {
        "rope_type": "longrope",
        "short_factor": listed,
        "long_factor": listed,
        "attention_factor": 1.0,
        "original_max_position_embeddings": config.max_position_embeddings,
    }


def _longrope(file: GgufFile, values: dict, config: Any) -> dict[str, Any]:
    """Phi-3's two lists of factors, for short and for long texts."""
    for name, other in (("long", "short"), ("short", "long")):
        if f"rope_factors_{other}.weight" not in file.rope_tensors:
            raise _refusal(file, f"rope_factors_{name}.weight without rope_factors_{other}.weight")
    original = values.get("scaling.original_context_length")
    if not original:
        raise _refusal(file, "rope_factors_long.weight without rope.scaling.original_context_length")
    if hasattr(config, "original_max_position_embeddings"):  # Phi-3 keeps it outside, and that one counts
        config.original_max_position_embeddings = int(original)
    return {
        "rope_type": "longrope",
        "short_factor": file.rope_tensors["rope_factors_short.weight"].tolist(),
        "long_factor": file.rope_tensors["rope_factors_long.weight"].tolist(),
        "attention_factor": float(values.get("scaling.attn_factor") or 1.0),
        "original_max_position_embeddings": int(original),
    }


def _set_dimensions(file: GgufFile, config: Any, main: dict, count: int) -> None:
    """Have `count` dimensions of each head rotated. Refuses a family that can rotate only whole heads."""
    width = _width(file, config)
    share = main.get("partial_rotary_factor") or getattr(config, "partial_rotary_factor", None)
    if count == int(width * (share or 1.0)) or getattr(config, "rotary_dim", None) == count:
        return
    if share is None:
        raise _refusal(file, f"{file.architecture}.rope.dimension_count = {count} of {width} dimensions")
    main["partial_rotary_factor"] = count / width


def _width(file: GgufFile, config: Any) -> int:
    """Dimensions of a head. transformers takes those that are rotated for all of them."""
    if latent := getattr(config, "qk_rope_head_dim", None):  # of which only these are rotated
        return int(latent)
    stated = file.value("attention.key_length") or file.head_width
    return int(stated or getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _refusal(file: GgufFile, name: str) -> PlaygroundError:
    return PlaygroundError(
        f"{file.name} turns its queries and keys by {name}, which can't be read here: the model would be another one.",
        "Choose the model's safetensors instead.",
    )
