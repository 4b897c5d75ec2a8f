"""The architecture of a loaded model, read from its modules and configuration. Runs nothing.

Where families name their settings differently, the modules decide: they compute.
"""

from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from playground.errors import PlaygroundError
from playground.models.families import first_setting, text_part
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
    """Of the first layer that attends; 0 where that is not known."""
    key_value_heads: int
    """0 where that was not measured."""
    head_width: int
    """Numbers of a query; 0 where that was not measured."""
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
    """What a cache grows by with each token, all layers together (sliding layers keep only their window); None without a
    cache."""
    cache_fixed_bytes: int = 0
    """What a cache holds from the first token on and never more: the states of recurrent and convolutional layers."""
    why_uncached: str = ""
    """Why each token is written by a pass over the whole text, without a cache; empty with one."""
    cached_heads: int = 0
    """Heads that a layer's cache holds, copies included; 0 where that is not known."""
    other_heads: str = ""
    """How the heads of other layers differ from those of the first; empty where they do not."""
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
        groups = f"{self.key_value_heads} key-value" if self.key_value_heads else "key-value heads not measured"
        heads = f"{self.heads} query, {groups}" if self.heads else "not known"
        if 0 < self.key_value_heads < self.heads:
            heads += f" ({self.heads // self.key_value_heads} share one)"
        heads += f"; {self.other_heads}" if self.other_heads else ""
        facts = {
            "Family": f"{self.family} ({self.kind})",
            "Parameters": f"{self.parameters:,}",
            "Layers": layers,
            "Heads": heads,
            "Head width": f"{self.head_width}" if self.head_width else "not measured",
            "d_model": f"{self.d_model:,}",
            "Vocabulary": f"{self.vocabulary:,}",
            "Context": "no fixed limit" if self.context_length is None else f"{self.context_length:,} tokens",
            "Positions": self.positions,
            "Norm": self.norm,
            "Activation": self.activation,
            "Embeddings": "tied (input = output)" if self.tied_embeddings else "not tied",
            "Weights": size_text(self.weight_bytes),
        }
        if 0 < self.key_value_heads < self.heads:
            count = self.cached_heads or self.key_value_heads
            held = f"the KV cache holds {count} head{'' if count == 1 else 's'} instead of {self.heads}"
            if self.cached_heads > self.key_value_heads:
                held = (
                    f"{self.key_value_heads} key-value heads serve {self.heads}; the KV cache holds {self.cached_heads}"
                )
            facts["Grouped queries"] = f"{held} (Ainslie et al. 2023)"
        if self.cache_bytes_per_token is not None:
            facts["KV cache"] = f"{size_text(self.cache_bytes_per_token)} per token"
            if self.cache_fixed_bytes:
                facts["KV cache"] += f", and {size_text(self.cache_fixed_bytes)} for a text of any length"
        elif self.why_uncached:
            facts["KV cache"] = f"not used, each token is written by a pass over the whole text: {self.why_uncached}"
        return facts


def size_text(count: int) -> str:
    """A number of bytes with its unit, in binary multiples and three digits: 46080 -> "45 KiB"."""
    for unit, size in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if count >= size:
            return f"{count / size:.3g} {unit}" if count < 1000 * size else f"{count / size:,.0f} {unit}"
    return f"{count} B"


def embedding_matrix(model: PreTrainedModel) -> Tensor:
    """(V, d_model): the input embedding of each token id. PlaygroundError for a model without (CANINE hashes characters)."""
    try:
        return _weight(model.get_input_embeddings())
    except (NotImplementedError, AttributeError) as error:
        raise PlaygroundError(
            f"{type(model).__name__} has no matrix with an embedding of each token, which the pictures begin with.",
            "Choose a model with a vocabulary.",
        ) from error


def _weight(module: nn.Module) -> Tensor:
    return cast(Tensor, module.weight)  # torch types a module's attributes as tensors or modules


def examine(model: PreTrainedModel) -> Anatomy:
    """The anatomy of a model, whose weights may be random. Heads and head width are as the configuration states them, and
    the cache is left out: both are measured once the model has run (capability_probe.py, cached_steps.py)."""
    config = model.config.get_text_config()
    two_stacks = bool(model.config.is_encoder_decoder)
    kind = "encoder-decoder" if two_stacks else "decoder" if _is_causal(model) else "encoder"
    heads = _number(config, "num_attention_heads", "n_head", "n_heads", "encoder_attention_heads", "num_heads")
    layers = _number(config, "num_hidden_layers", "n_layer", "n_layers", "encoder_layers", "num_layers")
    decoder_layers = first_setting(config, "decoder_layers", "num_decoder_layers") if two_stacks else None
    parameters = list(model.parameters())
    embedding, head = embedding_matrix(model), model.get_output_embeddings()
    d_model = _number(config, "hidden_size", "n_embd", "d_model", "dim") or embedding.shape[-1]
    scheme, positions = position_scheme(model)
    return Anatomy(
        family=config.model_type,
        kind=kind,
        parameters=sum(p.numel() for p in parameters),
        layers=layers,
        decoder_layers=decoder_layers,
        heads=heads,
        key_value_heads=_number(config, "num_key_value_heads") or heads,
        head_width=_number(config, "qk_head_dim", "head_dim", "d_kv") or d_model // max(1, heads),
        d_model=d_model,
        vocabulary=embedding.shape[0],
        context_length=context_length(model, scheme),
        position_scheme=scheme,
        positions=positions,
        norm=_norm(model),
        activation=_activation(model, config),
        tied_embeddings=head is not None and _weight(head).data_ptr() == embedding.data_ptr(),
        weight_bytes=sum(p.numel() * p.element_size() for p in parameters),
        cache_bytes_per_token=None,
    )


def _is_causal(model: PreTrainedModel) -> bool:
    architecture = type(model).__name__
    return architecture.endswith(("ForCausalLM", "LMHeadModel")) or model.can_generate()


def _number(config: PretrainedConfig, *names: str) -> int:
    """The first of these settings that is a number, of a list (one for each layer) its first one; 0 without any."""
    values = (first_setting(config, name) for name in names)
    values = (value[0] if isinstance(value, list | tuple) and value else value for value in values)
    return next((value for value in values if isinstance(value, int)), 0)


def _norm(model: nn.Module) -> str:
    names = [type(module).__name__ for module in text_part(model).modules() if "Norm" in type(module).__name__]
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
    model = text_part(model)
    leaves = {path.rsplit(".", 1)[-1] for path, _ in model.named_modules()}
    leaves |= {path.rsplit(".", 1)[-1] for path, _ in model.named_parameters()}  # experts hold bare parameters
    gated = leaves & {"gate_proj", "gate_up_proj", "wi_0"} or config.model_type == "modernbert"
    return f"{name}, gated" if gated else str(name)
