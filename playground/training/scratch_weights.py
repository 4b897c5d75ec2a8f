"""The weights of a trained GPT-2 or BART in the transformer from scratch, and how far their logits are apart."""

from typing import Any

import torch
from transformers import PreTrainedModel

from playground.errors import PlaygroundError
from playground.training.scratch import Mistakes, Transformer
from playground.training.scratch_encoder_decoder import EncoderDecoder, Stack
from playground.training.tasks.task import Batch

_PARTS = {
    "attn.c_attn": "attention.qkv",
    "attn.c_proj": "attention.out",
    "mlp.c_fc": "up",
    "mlp.c_proj": "down",
    "ln_1": "norm_1",
    "ln_2": "norm_2",
}
"""The parts of a block: GPT-2's name -> ours."""
_BART_PARTS = {
    "self_attn": "attention",
    "self_attn_layer_norm": "norm_1",
    "encoder_attn": "cross",
    "encoder_attn_layer_norm": "norm_2",
    "fc1": "up",
    "fc2": "down",
    "final_layer_norm": "norm_3",
}
_BART_OFFSET = 2
"""Its table of positions begins at row 2."""


@torch.no_grad()
def from_gpt2(model: PreTrainedModel) -> Transformer:
    """The transformer from scratch with a GPT-2's weights. PlaygroundError for another architecture."""
    config = model.config
    if config.model_type != "gpt2":
        raise PlaygroundError(
            f"The transformer from scratch has the parts of GPT-2 or BART; this model is a {config.model_type}.",
            "Choose learned positions and LayerNorm, or a lesson with an encoder.",
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


@torch.no_grad()
def from_bart(model: PreTrainedModel) -> EncoderDecoder:
    """The encoder-decoder from scratch with the weights of a BART of `building.build`."""
    config, source = model.config, model.base_model
    sizes = config.vocab_size, config.max_position_embeddings, config.d_model
    ours = EncoderDecoder(sizes, config.encoder_attention_heads, config.encoder_layers)
    source_stacks: Any = source.encoder, source.decoder
    ours.encoder.embedding.weight.copy_(source_stacks[0].embed_tokens.weight)
    for theirs, stack in zip(source_stacks, (ours.encoder, ours.decoder), strict=True):
        _copy_stack(theirs, stack)
    return ours.eval()


def _copy_stack(source: Any, target: Stack) -> None:
    target.positions.weight.copy_(source.embed_positions.weight[_BART_OFFSET:])
    _copy(source.layernorm_embedding, target.norm)
    for theirs, block in zip(source.layers, target.blocks, strict=True):
        for name, own in _BART_PARTS.items():
            if not hasattr(theirs, name):  # an encoder's layer
                continue
            part = theirs.get_submodule(name)
            if own in ("attention", "cross"):
                for letter in ("q", "k", "v", "out"):
                    _copy(part.get_submodule(f"{letter}_proj"), block.get_submodule(f"{own}.{letter}"))
            else:
                _copy(part, block.get_submodule(own))


def _copy(source: Any, target: Any) -> None:
    """GPT-2's Conv1D holds its matrix the other way round."""
    is_turned = type(source).__name__ == "Conv1D"
    target.weight.copy_(source.weight.T if is_turned else source.weight)
    target.bias.copy_(source.bias)


def from_trained(model: PreTrainedModel) -> Transformer | EncoderDecoder:
    """The code from scratch that has a model's parts, with its weights. PlaygroundError where there is none."""
    return from_bart(model) if model.config.model_type == "bart" else from_gpt2(model)


@torch.inference_mode()
def largest_difference(model: PreTrainedModel, batch: Batch) -> float:
    """The largest difference between a logit of a trained model and that of the code from scratch with its weights, over
    all tokens of a batch that count."""
    theirs, ours = (net(**batch, use_cache=False).logits for net in (model, from_trained(model)))
    counts = batch["labels"] != -100
    return float((ours - theirs).abs()[counts].max())
