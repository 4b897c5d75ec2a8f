"""The modules that make rotary angles. Scalings whose frequencies follow the length of the text (dynamic, LongRoPE) make
them anew for each text. Draws and records nothing."""

import copy
from functools import partial

import torch
from torch import Tensor, nn


def rotary_modules(model: nn.Module) -> list[nn.Module]:
    """The modules that make rotary angles: those that hold inverse frequencies."""
    return [m for m in model.modules() if any(n.endswith("inv_freq") for n, _ in m.named_buffers(recurse=False))]


def isolate_dynamic_rope(model: nn.Module) -> None:
    """Lets each pass of the model begin with the frequencies of its configuration and scale them for its own text.

    transformers leaves what it made for the last text in the module, where the pass of another visitor meets it: one
    text's tokens would be turned by the frequencies of another's length. For once, at load.
    """
    for module in filter(scales_with_length, rotary_modules(model)):
        name = "_old_forward" if hasattr(module, "_old_forward") else "forward"  # beneath what accelerate put there
        setattr(module, name, partial(_apart, module))


def scales_with_length(module: nn.Module) -> bool:
    """Whether a rotary module makes other frequencies for longer texts."""
    return any("dynamic" in kind or kind == "longrope" for kind in _kinds(module).values())


def frequency_buffers(module: nn.Module, length: int | None = None) -> dict[str, Tensor]:
    """A rotary module's buffers by name, with the frequencies for a text of so many tokens, if told and if it matters."""
    if length is not None and scales_with_length(module):
        module = _copied(module)
        places = torch.arange(length, device=next(module.buffers()).device)[None]
        for kind in _kinds(module):
            of_kind = {"layer_type": kind} if kind else {}
            type(module).forward(module, torch.zeros(1, device=places.device), places, **of_kind)
    return dict(module.named_buffers(recurse=False))


def _kinds(module: nn.Module) -> dict[str, str]:
    """Layer type -> scaling; the type is "" where all layers share one."""
    found = getattr(module, "rope_type", None) or ""
    return found if isinstance(found, dict) else {"": found}


def _apart(module: nn.Module, *arguments, **named):
    """The module's own forward pass on a copy, in which whatever it changes stays."""
    return type(module).forward(_copied(module), *arguments, **named)


def _copied(module: nn.Module) -> nn.Module:
    own = copy.copy(module)
    own.__dict__["_buffers"] = {name: buffer.clone() for name, buffer in module._buffers.items()}
    return own
