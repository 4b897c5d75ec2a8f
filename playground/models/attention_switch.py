"""Models that change to another kind of attention for short texts, and forget to change back: BigBird (Zaheer et al. 2020).

A text of at most (5 + 2 r) b tokens is read with full attention, a longer one block by block; r random blocks, block size
b. transformers switches the modules at the first short text and leaves them so: every later text then gets full attention.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import nn

_SPARSE, _FULL = "block_sparse", "original_full"


def isolate_attention_switch(model: nn.Module) -> None:
    """Makes each forward pass leave the kind of attention as it found it. Called once, at load."""
    for switch in _switches(model):
        switch.forward = partial(_forward, switch, _Switch(switch))


def full_attention_limit(model: nn.Module) -> int | None:
    """Longest text that is read with full attention, in tokens; None for a model with one kind of attention.

    Of a longer text the attention is sparse, and its weights do not pass through what is recorded."""
    limits = [_limit(switch) for switch in _switches(model)]
    return min(limits) if limits else None


def _limit(stack: nn.Module) -> int:
    config: Any = stack.config
    return (5 + 2 * config.num_random_blocks) * config.block_size


def _switches(model: nn.Module) -> list[nn.Module]:
    """The stacks whose attention can be switched and is sparse."""
    return [
        module
        for module in model.modules()
        if hasattr(module, "set_attention_type")
        and getattr(module, "attention_type", "") == _SPARSE
        and hasattr(getattr(module, "config", None), "num_random_blocks")
        and _is_outermost(module, model)
    ]


def _is_outermost(module: nn.Module, model: nn.Module) -> bool:
    above = (parent for parent in model.modules() if parent is not module and hasattr(parent, "set_attention_type"))
    return not any(module is inner for parent in above for inner in parent.modules())


class _Switch:
    """The two states of a stack: attributes and submodules for sparse and for full attention."""

    def __init__(self, stack: nn.Module):
        self.lock = threading.RLock()
        self._parts = [module for module in stack.modules() if hasattr(module, "set_attention_type")]
        self._sparse = [dict(part._modules) for part in self._parts]
        stack.set_attention_type(_FULL)  # type: ignore[operator]
        self._full = [dict(part._modules) for part in self._parts]
        self._install(self._sparse, _SPARSE)

    @contextmanager
    def restored(self, short: bool) -> Iterator[None]:
        """The stack with the attention for a short or a long text; afterwards with the sparse one again."""
        with self.lock:
            try:
                if short:
                    self._install(self._full, _FULL)
                yield
            finally:
                self._install(self._sparse, _SPARSE)

    def _install(self, states: list[dict[str, nn.Module | None]], kind: str) -> None:
        for part, state, sparse in zip(self._parts, states, self._sparse, strict=True):
            part.attention_type = kind  # type: ignore[assignment]
            for name, module in state.items():
                if module is not None and (origin := sparse[name]) is not None and module is not origin:
                    shared = origin._modules.keys() & module._modules.keys()
                    module._modules.update({key: origin._modules[key] for key in shared})  # perhaps in int8 by now
                    module.train(origin.training)
            part._modules.update(state)


def _forward(stack: nn.Module, switch: _Switch, *args: Any, **kwargs: Any) -> Any:
    inputs = kwargs.get("input_ids") if not args else args[0]
    if inputs is None:
        inputs = kwargs.get("inputs_embeds")
    with switch.restored(short=inputs is None or inputs.shape[1] <= _limit(stack)):
        return type(stack).forward(stack, *args, **kwargs)
