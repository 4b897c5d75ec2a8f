"""Which configurations are refused before anything is loaded: by their sizes, their number format, their program.

Judges config.json alone. Knows nothing of where it lies."""

from collections.abc import Mapping
from typing import Any

from playground.errors import PlaygroundError
from playground.weights.file_rules import refuse_unknown_family

_SIZES = frozenset(
    {
        *("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "intermediate_size"),
        *("vocab_size", "head_dim", "n_embd", "n_layer", "n_head", "n_positions", "n_ctx", "d_model", "d_ff", "d_kv"),
        *("num_layers", "num_heads", "num_decoder_layers", "encoder_layers", "decoder_layers", "n_layers", "n_heads"),
        *("encoder_attention_heads", "decoder_attention_heads", "encoder_ffn_dim", "decoder_ffn_dim", "dim"),
        *("hidden_dim", "ffn_dim", "word_embed_proj_dim", "embedding_size", "max_position_embeddings"),
        "sliding_window",
    }
)
"""Settings that count something a model can't do without."""
_READ_QUANTIZATIONS = frozenset({"mxfp4", "gguf"})
"""Those that transformers unpacks itself, without another package."""
_QUANTIZATIONS = {"quantization": "MLX", "quantization_config": "", "compression_config": "compressed-tensors"}
"""Settings that say how weights are quantized, and the method of those whose name tells it."""
_NESTED = ("text_config", "encoder", "decoder", "llm_config", "language_config")


def check_config(config: Any, where: str) -> None:
    """Raises PlaygroundError for a configuration that is no object, needs its own program, is quantized in a format that
    isn't read, or counts something by less than 1 or by a fraction."""
    refuse_unknown_family(config, where)
    _refuse_quantized(config, where)
    _check_sizes(config, where)


def _refuse_quantized(config: Mapping, where: str) -> None:
    for key, own in _QUANTIZATIONS.items():
        if (settings := config.get(key)) is None:
            continue
        method = _method(settings) or own
        if method not in _READ_QUANTIZATIONS:
            raise PlaygroundError(
                f"The weights of {where} are quantized by {method or 'an unknown method'} ({key} in config.json), a "
                "format that is not read here.",
                "Choose the model that they were quantized from, or a GGUF of it.",
            )
    for name in _NESTED:
        if isinstance(part := config.get(name), Mapping):
            _refuse_quantized(part, where)


def unpacked_codes(config: Mapping) -> bool:
    """Whether transformers unpacks the codes of this checkpoint by itself (mxfp4)."""
    return _method(config.get("quantization_config")) == "mxfp4"


def _method(settings: Any) -> str:
    """The name of a quantization; empty where its settings name none."""
    if not isinstance(settings, Mapping):
        return ""
    if method := settings.get("quant_method") or settings.get("quant_algo"):
        return str(method)[:40]
    loads = ((bits, f"load_in_{bits}") for bits in ("4bit", "8bit"))
    return next((f"bitsandbytes {bits}" for bits, key in loads if settings.get(key) or settings.get(f"_{key}")), "")


def _check_sizes(config: Mapping, where: str, place: str = "config.json") -> None:
    for name, value in config.items():
        unused = name == "sliding_window" and config.get("use_sliding_window") is False
        if name in _SIZES and value is not None and not _is_count(value) and not unused:
            raise PlaygroundError(
                f"{name} in {place} of {where} is {value!r:.40}; it has to be a whole number of at least 1.",
                "Copy or download config.json again.",
            )
        if name in _NESTED and isinstance(value, Mapping):
            _check_sizes(value, where, f"{place}, {name},")


def _is_count(value: object) -> bool:
    if isinstance(value, list):  # one for each layer; 0 where a layer has none
        return all(isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in value)
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
