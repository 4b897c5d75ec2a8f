"""Where a script finds a model's modules and its attention: paths, and the numbers of calls in a pass."""

import sys

import torch
from torch import nn

from playground.models.loaded_model import LoadedModel
from playground.recording.layers.build import build_of
from playground.recording.residual_stream import stack_layers
from playground.scripts.layer_states import Stages
from playground.scripts.paths import TensorPlace
from playground.texts import scripts as texts


def attention_call(model: LoadedModel, layer: int, kind: str) -> int | str:
    """The number of an attention call in a pass; or why a script does not find it."""
    numbers = model.attention_calls.get(kind, ())
    if not hasattr(sys.modules[type(model.model).__module__], "eager_attention_forward") or layer not in numbers:
        return texts.OWN_ATTENTION
    call = numbers.index(layer)
    if kind in ("decoder", "cross"):  # after the encoder's calls: by turns, or its own alone
        if len(model.attention_calls.get("cross", ())) != len(model.attention_calls.get("decoder", ())):
            return texts.OWN_ATTENTION
        call = len(model.attention_calls.get("encoder", ())) + 2 * call + (kind == "cross")
    return call


def path_of(model: nn.Module, module: nn.Module | None) -> str:
    """Where a module lies within another one; empty where it does not."""
    return next((name for name, each in model.named_modules() if each is module), "")


def place_of(model: nn.Module, tensor: torch.Tensor | None) -> TensorPlace | None:
    """Where a parameter or a buffer lies in a model; None where it is neither."""
    for path, module in model.named_modules():
        own = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
        if name := next((name for name, each in own if each is tensor), ""):
            return TensorPlace(path, name)
    return None


def stage_paths(model: LoadedModel) -> Stages | str:
    """The parts between which each layer reads its state; empty where none does, as in layers whose parts all read the same
    state. Or why a script does not find them."""
    blocks, layers = build_of(model).blocks, stack_layers(model.model)
    if not any(block.stages for block in blocks):
        return ()
    if len(blocks) != len(layers) or len(set(layers)) < len(layers):
        return texts.NO_PARTS.format(reason=texts.RUN_AGAIN)
    stages = []
    for block in blocks:
        parts = block.parts[: max(block.stages, default=0)]
        paths = [path_of(block.layer, part.module) for part in parts]
        if not all(paths):
            return texts.NO_PARTS.format(reason=texts.RUN_AGAIN)
        stages.append(
            tuple(
                (part.kind, path, round(float(part.factor), 6), place in block.stages)
                for place, (part, path) in enumerate(zip(parts, paths, strict=True), start=1)
            )
        )
    return tuple(stages[:1] if len(set(stages)) == 1 else stages)
