"""The architecture of a loaded model, read from its modules and configuration. Runs nothing.

Where families name their settings differently, the modules decide: they compute.
"""

from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from playground.models.families import cache_argument, first_setting
from playground.models.position_scheme import context_length, position_scheme


@dataclass(frozen=True)
class Anatomy:
    """The facts on the architecture card; sizes in bytes, lengths in tokens. None for what a model does not have."""

    family: str
    kind: str
    """decoder (each token attends to itself and earlier ones), encoder (each attends to all) or encoder-decoder"""
    parameters: int
    layers: int
    """Of an encoder-decoder, the encoder's."""
    decoder_layers: int | None
    heads: int
    key_value_heads: int
    head_width: int
    d_model: int
    vocabulary: int
    context_length: int | None
    position_scheme: str
    positions: str
    """Description of the scheme, with its numbers."""
    norm: str
    activation: str
    tied_embeddings: bool
    weight_bytes: int
    cache_bytes_per_token: int | None
    """Keys and values of all layers for one token (sliding layers keep only their window); None without a cache."""
    mixed_layers: str = ""
    """Which layers attend and what the others have instead; empty where all attend."""

    @property
    def has_decoder(self) -> bool:
        return self.kind != "encoder"

    def card(self) -> dict[str, str]:
        """Name -> text, in the order of the card."""
        layers = f"{self.layers}"
        if self.decoder_layers is not None:
            layers += f" encoder, {self.decoder_layers} decoder"
        if self.mixed_layers:
            layers += f": {self.mixed_layers}"
        heads = f"{self.heads} query, {self.key_value_heads} key-value"
        if self.key_value_heads < self.heads:
            heads += f" ({self.heads // self.key_value_heads} share one)"
        facts = {
            "Family": f"{self.family} ({self.kind})",
            "Parameters": f"{self.parameters:,}",
            "Layers": layers,
            "Heads": heads,
            "Head width": f"{self.head_width}",
            "d_model": f"{self.d_model:,}",
            "Vocabulary": f"{self.vocabulary:,}",
            "Context": "no fixed limit" if self.context_length is None else f"{self.context_length:,} tokens",
            "Positions": self.positions,
            "Norm": self.norm,
            "Activation": self.activation,
            "Embeddings": "tied (input = output)" if self.tied_embeddings else "not tied",
            "Weights": size_text(self.weight_bytes),
        }
        if self.cache_bytes_per_token is not None:
            facts["KV cache"] = f"{size_text(self.cache_bytes_per_token)} per token"
        return facts


def size_text(count: int) -> str:
    """A number of bytes with its unit, in binary multiples and three digits: 46080 -> "45 KiB"."""
    for unit, size in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if count >= size:
            return f"{count / size:.3g} {unit}" if count < 1000 * size else f"{count / size:,.0f} {unit}"
    return f"{count} B"


def embedding_matrix(model: PreTrainedModel) -> Tensor:
    """(V, d_model): the input embedding of each token id."""
    return _weight(model.get_input_embeddings())


def _weight(module: nn.Module) -> Tensor:
    return cast(Tensor, module.weight)  # torch types a module's attributes as tensors or modules


def examine(model: PreTrainedModel) -> Anatomy:
    """The anatomy of a model, whose weights may be random."""
    config = model.config.get_text_config()
    two_stacks = bool(model.config.is_encoder_decoder)
    kind = "encoder-decoder" if two_stacks else "decoder" if _is_causal(model) else "encoder"
    heads = first_setting(config, "num_attention_heads", "n_head", "n_heads", "encoder_attention_heads", "num_heads")
    d_model = first_setting(config, "hidden_size", "n_embd", "d_model", "dim")
    head_width = first_setting(config, "qk_head_dim", "head_dim", "d_kv") or d_model // heads
    key_value_heads = _key_value_heads(config, heads)
    layers = first_setting(config, "num_hidden_layers", "n_layer", "n_layers", "encoder_layers", "num_layers")
    decoder_layers = first_setting(config, "decoder_layers", "num_decoder_layers") if two_stacks else None
    parameters = list(model.parameters())
    embedding, head = embedding_matrix(model), model.get_output_embeddings()
    scheme, positions = position_scheme(model)
    cached = 2 * key_value_heads * head_width
    if compressed := first_setting(config, "kv_lora_rank"):  # DeepSeek caches the latents of keys and values
        cached = compressed + config.qk_rope_head_dim
    caches = kind != "encoder" and cache_argument(model) is not None
    return Anatomy(
        family=config.model_type,
        kind=kind,
        parameters=sum(p.numel() for p in parameters),
        layers=layers,
        decoder_layers=decoder_layers,
        heads=heads,
        key_value_heads=key_value_heads,
        head_width=head_width,
        d_model=d_model,
        vocabulary=embedding.shape[0],
        context_length=context_length(model, scheme),
        position_scheme=scheme,
        positions=positions,
        norm=_norm(model),
        activation=_activation(model, config),
        tied_embeddings=head is not None and _weight(head).data_ptr() == embedding.data_ptr(),
        weight_bytes=sum(p.numel() * p.element_size() for p in parameters),
        cache_bytes_per_token=(decoder_layers or layers) * cached * model.dtype.itemsize if caches else None,
    )


def _is_causal(model: PreTrainedModel) -> bool:
    architecture = type(model).__name__
    return architecture.endswith(("ForCausalLM", "LMHeadModel")) or model.can_generate()


def _key_value_heads(config: PretrainedConfig, heads: int) -> int:
    """Fewer than heads with grouped-query attention, one with multi-query attention."""
    if config.model_type == "falcon":
        return config.num_kv_heads if config.new_decoder_architecture else 1 if config.multi_query else heads
    if getattr(config, "multi_query", False):
        return 1
    return first_setting(config, "num_key_value_heads") or heads


def _norm(model: nn.Module) -> str:
    names = [type(module).__name__ for module in model.modules() if "Norm" in type(module).__name__]
    if not names:
        return "none found"
    return "RMSNorm" if any("RMS" in name for name in names) or any("T5LayerNorm" in n for n in names) else "LayerNorm"


def _activation(model: nn.Module, config: PretrainedConfig) -> str:
    name = first_setting(
        config,
        "hidden_act",
        "activation_function",
        "hidden_activation",
        "dense_act_fn",
        "activation",
        "ff_activation",
        "afn",
    )
    name = name or ("gelu" if config.model_type in {"bloom", "mpt", "falcon"} else "not stated")
    leaves = {path.rsplit(".", 1)[-1] for path, _ in model.named_modules()}
    leaves |= {path.rsplit(".", 1)[-1] for path, _ in model.named_parameters()}  # experts hold bare parameters
    gated = leaves & {"gate_proj", "gate_up_proj", "wi_0"} or config.model_type == "modernbert"
    return f"{name}, gated" if gated else str(name)
