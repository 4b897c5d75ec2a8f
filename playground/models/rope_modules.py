"""The modules that compute rotary angles, and how their frequencies depend on the length of the text.

RoPE: Su et al. 2021. Some scalings (dynamic NTK, LongRoPE) compute other frequencies for longer texts.
"""

import copy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from playground.models.families import text_part


def rotary_modules(model: nn.Module) -> list[nn.Module]:
    """The modules that hold inverse frequencies, from which they compute rotary angles."""
    return [
        m for m in text_part(model).modules() if any(n.endswith("inv_freq") for n, _ in m.named_buffers(recurse=False))
    ]


def isolate_dynamic_rope(model: nn.Module) -> None:
    """Makes each forward pass start from the frequencies of the configuration. Called once, at load.

    transformers leaves the frequencies of the last text in the module. The pass of another visitor would then rotate its
    tokens by frequencies for another text's length.
    """
    for module in filter(scales_with_length, rotary_modules(model)):
        name = (
            "_old_forward" if hasattr(module, "_old_forward") else "forward"
        )  # accelerate wraps the first in the second
        setattr(module, name, partial(_forward_of_copy, module))


def scales_with_length(module: nn.Module) -> bool:
    """Whether a rotary module computes other frequencies for longer texts."""
    return any("dynamic" in kind or kind == "longrope" for kind in _scalings(module).values())


def frequency_buffers(module: nn.Module, length: int | None = None) -> dict[str, Tensor]:
    """A rotary module's buffers by name; with `length`, after a text of so many tokens, if its frequencies depend on it."""
    if length is not None and scales_with_length(module):
        module = _copy_with_buffers(module)
        positions = torch.arange(length, device=next(module.buffers()).device)[None]  # (1, T)
        for layer_type in _scalings(module):
            argument = {"layer_type": layer_type} if layer_type else {}
            type(module).forward(module, torch.zeros(1, device=positions.device), positions, **argument)
    return dict(module.named_buffers(recurse=False))


def frequency_kind(buffer: str) -> str | None:
    """The kind of layers whose frequencies are in a rotary module's buffer of this name; None for other buffers."""
    if not buffer.endswith("inv_freq") or buffer.startswith("original") or "_original_" in f"_{buffer}":
        return None
    return buffer.removesuffix("inv_freq").strip("_").replace("_", " ") or "all layers"


def _scalings(module: nn.Module) -> dict[str, str]:
    """Layer type -> name of the scaling; the only type is "" where all layers share one."""
    scaling = getattr(module, "rope_type", None) or ""
    return scaling if isinstance(scaling, dict) else {"": scaling}


def _forward_of_copy(module: nn.Module, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """The module's own forward pass on a copy: what it changes is dropped with the copy."""
    return type(module).forward(_copy_with_buffers(module), *args, **kwargs)


def _copy_with_buffers(module: nn.Module) -> nn.Module:
    """A shallow copy with buffers of its own."""
    twin = copy.copy(module)
    buffers = {name: None if buffer is None else buffer.clone() for name, buffer in module._buffers.items()}
    twin.__dict__["_buffers"] = buffers
    return twin
