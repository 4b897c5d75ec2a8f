"""The model of a recipe: an ordinary model of transformers with a tiny configuration, its first weights drawn from the
recipe's own seed."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
)

from playground.analysis.positions.schemes import sinusoidal
from playground.errors import PlaygroundError
from playground.training.recipe import Recipe
from playground.training.tokenizer import BEGIN, END, PAD

MAX_PARAMETERS = 2_000_000
MAX_BYTES = 64 * 1024**2
_BYTES_PER_PARAMETER = 16
"""The number itself, its gradient, and two means of AdamW, in float32."""


def build(recipe: Recipe, vocabulary: int, context: int) -> PreTrainedModel:
    """The untrained model. PlaygroundError where it or its steps would be too large."""
    _check_size(recipe, vocabulary, context)
    model = _MAKERS[recipe.architecture](recipe, vocabulary, context)
    draw_weights(model, recipe.seed, lambda name: _spread(recipe, name))
    _set_positions(model, recipe)
    if not recipe.mlp:
        _silence_mlps(model)
    if not recipe.encoder:
        model.loss_type = "ForCausalLM"  # transformers warns where it can't tell it from the class's name
    return model.eval()


def _check_size(recipe: Recipe, vocabulary: int, context: int) -> None:
    width, stacks = recipe.width, 2 if recipe.encoder else 1
    matrices = 12 * recipe.layers * width**2 * (stacks + (stacks - 1) / 3)
    parameters = int(matrices + (2 - recipe.tied) * vocabulary * width + stacks * context * width)
    if parameters > MAX_PARAMETERS:
        raise PlaygroundError(
            f"The model would have about {parameters:,} parameters; at most {MAX_PARAMETERS:,} are trained here.",
            "Choose fewer layers, a smaller width, or a text with fewer different characters.",
        )
    states = stacks * recipe.layers * (16 * width + 3 * recipe.heads * context) + 4 * vocabulary
    size = parameters * _BYTES_PER_PARAMETER + recipe.batch * context * states * 4
    if size > MAX_BYTES:
        raise PlaygroundError(
            f"A step would take about {size / 1024**2:,.0f} MB of memory; at most {MAX_BYTES // 1024**2} are allowed.",
            "Choose a smaller batch, fewer layers, or a smaller width.",
        )


def _gpt2(recipe: Recipe, vocabulary: int, context: int) -> PreTrainedModel:
    return GPT2LMHeadModel(
        GPT2Config(
            n_positions=context,
            n_embd=recipe.width,
            n_layer=recipe.layers,
            n_head=recipe.heads,
            resid_pdrop=0,
            embd_pdrop=0,
            attn_pdrop=0,
            n_inner=recipe.mlp_width or None,
            activation_function="gelu_pytorch_tanh",  # GPT-2's own formula in one step: a fifth of the time
            **_common(recipe, vocabulary),
        )
    )


def _llama(recipe: Recipe, vocabulary: int, context: int) -> PreTrainedModel:
    return LlamaForCausalLM(LlamaConfig(**_left_to_right(recipe, context), **_common(recipe, vocabulary)))


def _neox(recipe: Recipe, vocabulary: int, context: int) -> PreTrainedModel:
    more: dict[str, Any] = {"use_parallel_residual": False, "hidden_act": "gelu"}
    rotary: dict[str, Any] = {"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 1.0}
    return GPTNeoXForCausalLM(
        GPTNeoXConfig(rope_parameters=rotary, **more, **_left_to_right(recipe, context), **_common(recipe, vocabulary))
    )


def _left_to_right(recipe: Recipe, context: int) -> dict[str, Any]:
    return {
        "max_position_embeddings": context,
        "hidden_size": recipe.width,
        "intermediate_size": recipe.mlp_width or recipe.width * (4 if recipe.norm == "LayerNorm" else 2),
        "num_hidden_layers": recipe.layers,
        "num_attention_heads": recipe.heads,
    }


def _bart(recipe: Recipe, vocabulary: int, context: int) -> PreTrainedModel:
    stacks: dict[str, Any] = {
        f"{stack}_{name}": value
        for stack in ("encoder", "decoder")
        for name, value in (("layers", recipe.layers), ("attention_heads", recipe.heads), ("ffn_dim", 2 * recipe.width))
    }
    common = _common(recipe, vocabulary) | {"tie_word_embeddings": True}
    return BartForConditionalGeneration(
        BartConfig(
            d_model=recipe.width,
            max_position_embeddings=context,
            dropout=0,
            decoder_start_token_id=BEGIN,
            forced_eos_token_id=None,
            **stacks,
            **common,
        )
    )


def _common(recipe: Recipe, vocabulary: int) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary,
        "pad_token_id": PAD,
        "bos_token_id": BEGIN,
        "eos_token_id": END,
        "tie_word_embeddings": recipe.tied,
        "attn_implementation": "eager",  # it returns the weights
    }


def _spread(recipe: Recipe, name: str) -> float:
    """As GPT-2 begins: positions small, so that heads soon go by content, and what is added to the residual stream the
    smaller the more layers add to it (Radford et al. 2019). Without both, one induction head in five does not form."""
    if name.endswith(("wpe.weight", "embed_positions.weight", "shared.weight")):
        return min(recipe.spread, 0.02)
    if name.endswith("c_proj.weight"):
        return recipe.spread / math.sqrt(2 * recipe.layers)
    return recipe.spread


_MAKERS = {"gpt2": _gpt2, "llama": _llama, "neox": _neox, "bart": _bart}


@torch.no_grad()
def draw_weights(model: nn.Module, seed: int, spread: Callable[[str], float]) -> None:
    """Matrices from a normal distribution, biases 0, gains of norms 1. From a generator of their own: the global one is
    shared by all threads. spread: the name of a matrix -> the standard deviation of its numbers."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            parameter.normal_(0, spread(name), generator=generator)
        else:
            parameter.fill_(0 if name.endswith("bias") else 1)


@torch.no_grad()
def _set_positions(model: PreTrainedModel, recipe: Recipe) -> None:
    """Learned positions stay as they are; sinusoidal ones, or none, are fixed: the optimiser leaves them alone."""
    if recipe.positions not in ("sinusoidal", "none"):
        return
    for name, module in model.named_modules():
        if name.endswith(("wpe", "embed_positions")) and isinstance(module, nn.Embedding):
            rows, width = module.weight.shape
            table = sinusoidal(rows, width) if recipe.positions == "sinusoidal" else np.zeros((rows, width))
            module.weight.copy_(torch.as_tensor(table))
            module.weight.requires_grad_(False)


@torch.no_grad()
def _silence_mlps(model: PreTrainedModel) -> None:
    """The MLPs add exactly 0, for good: the model has attention alone. They stay in the file, so that every program can
    open it."""
    for name, parameter in model.named_parameters():
        if ".mlp." in name:
            parameter.zero_().requires_grad_(False)
