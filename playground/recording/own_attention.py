"""The attention function of a model's family: which one a call uses, and the same call done again in float32.

In a half number format rounding hides a formula that is a few percent off; in float32 it can't.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

_ONLY_EAGER = ("softcap", "s_aux")  # scaled_dot_product_attention has neither caps nor sinks


def needs_eager(options: dict) -> bool:
    """Whether an attention call has options that only the family's own eager function computes."""
    return any(options.get(name) is not None for name in _ONLY_EAGER)


def own_function(module: torch.nn.Module, options: dict) -> Callable[..., tuple[Tensor, Tensor | None]]:
    """The function that computes a call of this module: scaled_dot_product_attention, or the family's eager one."""
    if needs_eager(options):
        return sys.modules[type(module).__module__].eager_attention_forward
    return ALL_ATTENTION_FUNCTIONS["sdpa"]


@dataclass(frozen=True, eq=False)
class OwnAttention:
    """An attention call as a model made it in a half number format, for one text."""

    module: torch.nn.Module
    query: Tensor  # (H, Q, D)
    key: Tensor  # (G, K, D)
    value: Tensor  # (G, K, V)
    mask: Tensor | None  # (1, …, Q, K)
    options: dict[str, Any]

    @torch.inference_mode()
    def in_float32(self) -> Tensor:
        """(Q, H, V): the output of the same inputs in float32. Raises whatever the family's function may raise."""
        attend = own_function(self.module, self.options)
        inputs = (x[None].float() for x in (self.query, self.key, self.value))
        options = {name: _wide(value) for name, value in self.options.items()}
        return attend(self.module, *inputs, _wide(self.mask), **options)[0][0]


def _wide(value: Any) -> Any:
    """A tensor of numbers in float32; anything else as it is."""
    return value.float() if isinstance(value, Tensor) and value.is_floating_point() else value
