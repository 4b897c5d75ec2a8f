"""Another base of a model's rotary angles, made by the family's own code."""

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from transformers import PretrainedConfig

from playground.models.loaded_model import LoadedModel
from playground.models.rope_modules import rotary_modules
from playground.recording.module_hooks import patch_modules


@contextmanager
def with_rope_base(model: LoadedModel, factor: float) -> Iterator[None]:
    """Within, this thread's passes rotate by the angles of the model's rotary base times a factor."""
    with ExitStack() as hooks:
        for module in rotary_modules(model.model) if factor != 1 else ():
            hooks.enter_context(patch_modules([module], output=_outputs_of(_with_base(module, factor))))
        yield


def rope_base_refusal(model: LoadedModel) -> str:
    """Why the base of a rotary model can't be changed; empty where it can."""
    modules = rotary_modules(model.model)
    try:
        reproduced = modules and all(
            torch.equal(ours, theirs)
            for module in modules
            for ours, theirs in zip(_with_base(module, 1).buffers(), module.buffers(), strict=True)
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        reproduced = False
    return "" if reproduced else "its angles are kept in a form that can't be made anew with another base"


def _outputs_of(module: nn.Module) -> Callable[[tuple, dict, Any], Any]:
    """What another module gives in place of the one that is patched."""
    return lambda args, kwargs, output: module(*args, **kwargs)


def _with_base(module: nn.Module, factor: float) -> nn.Module:
    """A copy of a rotary module, made anew with each of its bases multiplied."""
    config: PretrainedConfig = copy.deepcopy(getattr(module, "config"))  # noqa: B009
    rope: dict = config.rope_parameters
    for kind in [value for value in rope.values() if isinstance(value, dict)] or [rope]:
        kind["rope_theta"] = kind["rope_theta"] * factor
    return type(module)(config=config).to(next(module.buffers()).device)
