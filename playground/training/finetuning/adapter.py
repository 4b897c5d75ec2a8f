"""LoRA (Hu et al. 2021): W + (α/r)·B·A in the place of some matrices W, of which only A and B learn. By peft, on a copy of
the model that shares all weights with it. Letters: r rank."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from playground.errors import PlaygroundError, unforeseen

SCALE = 2
"""α/r."""
_SMALLER = "Choose a smaller model or a smaller rank."
MAX_PARAMETERS = 2_000_000
"""Numbers of an adapter."""
MAX_CHANGED = 256 * 1024**2
"""Bytes of the matrices that differ from the base in the end."""


def shared_copy(model: PreTrainedModel) -> PreTrainedModel:
    """Modules of its own, without hooks, round the same weights."""
    made = copy.deepcopy(model, {id(parameter): parameter for parameter in model.parameters()})
    for module in made.modules():
        module._forward_hooks.clear()
        module._forward_hooks_with_kwargs.clear()
        module._forward_pre_hooks.clear()
        module._forward_pre_hooks_with_kwargs.clear()
    return made


def adapted(base: PreTrainedModel, base_id: str, rank: int, seed: int) -> Any:
    """A PeftModel round a shared copy of the base: A drawn from the seed, B 0, so that it gives the base's numbers at first.
    PlaygroundError where it would be too large, or where peft finds no matrix to adapt.

    base_id: what the adapter's own files call the base; peft would write where this server keeps it.
    """
    import peft  # imports a good part of transformers
    from peft.utils import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as TARGETS

    kind = base.config.model_type
    targets: Any = TARGETS.get(kind, "all-linear")
    settings = peft.LoraConfig(
        r=rank, lora_alpha=SCALE * rank, target_modules=targets, task_type="CAUSAL_LM",
        fan_in_fan_out=kind == "gpt2",
    )  # fmt: skip
    copied = shared_copy(base)
    copied.name_or_path = copied.config.name_or_path = base_id
    try:
        with torch.random.fork_rng(devices=[]):  # peft draws A as well, from the numbers of all threads
            model = peft.get_peft_model(copied, settings)
    except Exception as error:  # each family may fail in its own way
        raise unforeseen(
            f"peft has no adapter for a model of the kind {kind!r:.40}", error, "Choose another."
        ) from error
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if "lora_A" in name:
            drawn = torch.randn(parameter.shape, generator=generator) / parameter.shape[1] ** 0.5
            parameter.data.copy_(drawn)
    _check_size(model)
    return model


def _check_size(model: Any) -> None:
    parameters = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    if parameters > MAX_PARAMETERS:
        raise PlaygroundError(
            f"The adapter would have {parameters:,} parameters; at most {MAX_PARAMETERS:,} are trained here.", _SMALLER
        )
    changed = changed_bytes(model)
    if changed > MAX_CHANGED:
        raise PlaygroundError(
            f"The matrices with an adapter take {changed / 1024**2:,.0f} MB; at most {MAX_CHANGED // 1024**2} are kept "
            "beside the base.",
            "Choose a smaller model.",
        )


def _layers(model: Any) -> dict[str, Any]:
    """Path in the base -> the layer of peft that stands there."""
    from peft.tuners.lora import LoraLayer

    return {path: layer for path, layer in model.base_model.model.named_modules() if isinstance(layer, LoraLayer)}


def changed_bytes(model: Any) -> int:
    """Bytes of the matrices that differ from the base's."""
    return sum(layer.get_base_layer().weight.nbytes for layer in _layers(model).values())


@dataclass(frozen=True)
class AdapterFiles:
    """A PeftModel that is saved without its embeddings, which no adapter changes: else peft would ask the hub for the
    base's configuration."""

    model: Any

    def save_pretrained(self, folder: Path) -> None:
        """Writes A and B in peft's format."""
        self.model.save_pretrained(folder, save_embedding_layers=False)


@torch.no_grad()
def merged(base: PreTrainedModel, model: Any) -> PreTrainedModel:
    """An ordinary model with W + (α/r)·B·A; all other weights are the base's own tensors."""
    made = shared_copy(base)
    for path, layer in _layers(model).items():
        weight = layer.get_base_layer().weight
        (name,) = layer.active_adapters
        delta = layer.get_delta_weight(name).to(weight.dtype)
        made.get_submodule(path).weight = nn.Parameter(weight + delta, requires_grad=False)
    return made
