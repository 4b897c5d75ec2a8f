"""The weights of a trained GPT-2 in the transformer from scratch, and how far their logits are apart."""

from typing import Any

import torch
from transformers import PreTrainedModel

from playground.errors import PlaygroundError
from playground.training.scratch import Mistakes, Transformer

_PARTS = {
    "attn.c_attn": "attention.qkv",
    "attn.c_proj": "attention.out",
    "mlp.c_fc": "up",
    "mlp.c_proj": "down",
    "ln_1": "norm_1",
    "ln_2": "norm_2",
}
"""The parts of a block: GPT-2's name -> ours."""


@torch.no_grad()
def from_gpt2(model: PreTrainedModel) -> Transformer:
    """The transformer from scratch with a GPT-2's weights. PlaygroundError for another architecture."""
    config = model.config
    if config.model_type != "gpt2":
        raise PlaygroundError(
            f"The transformer from scratch has GPT-2's parts; this model is a {config.model_type}.",
            "Choose learned positions and LayerNorm, without an encoder.",
        )
    ours = Transformer(config.vocab_size, config.n_positions, config.n_embd, config.n_head, config.n_layer, Mistakes())
    source_head: Any = model.get_output_embeddings()
    source: Any = model.base_model
    ours.embedding.weight.copy_(source.wte.weight)
    ours.positions.copy_(source.wpe.weight)
    for theirs, block in zip(source.h, ours.blocks, strict=True):
        for name, own in _PARTS.items():
            _copy(theirs.get_submodule(name), block.get_submodule(own))
    _copy(source.ln_f, ours.norm)
    ours.output.weight.copy_(source_head.weight)
    return ours.eval()


def _copy(source: Any, target: Any) -> None:
    """GPT-2's Conv1D holds its matrix the other way round."""
    is_turned = type(source).__name__ == "Conv1D"
    target.weight.copy_(source.weight.T if is_turned else source.weight)
    target.bias.copy_(source.bias)


@torch.inference_mode()
def largest_difference(model: PreTrainedModel, ids: torch.Tensor) -> float:
    """The largest difference between a logit of a GPT-2 and that of the transformer from scratch with its weights, for
    token ids (B, T)."""
    return float((from_gpt2(model)(ids).logits - model(input_ids=ids, use_cache=False).logits).abs().max())
