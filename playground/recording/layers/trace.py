"""What the modules inside one layer of a model read and return in one short pass, in their order.

Knows modules and tensors; knows no names of modules.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from playground.models.architecture import embedding_matrix
from playground.recording.hooks import capture_attention
from playground.recording.module_hooks import patch_modules
from playground.recording.residual_stream import first_tensor, layer_input, stack_layers
from playground.recording.softmax_watch import SoftmaxWatch

_TOKENS = 11


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a module. T tokens."""

    module: nn.Module
    inputs: Tensor | None  # (T, …) float32, copied
    output: Tensor | None  # (T, …) float32, copied


@dataclass(frozen=True, eq=False)
class AttentionMark:
    """A place among the calls where attention was computed."""

    before: int
    """The number of the next call to return."""
    module: nn.Module | None
    """The attention module; None for families off the interface."""
    heads: int


@dataclass(eq=False)
class LayerTrace:
    """One layer: the states of its T tokens, and the calls inside of it in the order in which they return."""

    layer: nn.Module
    before: Tensor  # (T, D)
    after: Tensor  # (T, D)
    calls: list[Call] = field(default_factory=list)
    attention: list[AttentionMark] = field(default_factory=list)


@contextmanager
def trace_layers(model: PreTrainedModel, receive: Callable[[LayerTrace], None]) -> Iterator[None]:
    """Within the context `receive` gets every layer that this thread runs, when it returns. Of an encoder-decoder the
    decoder's. Modules that run twice in a layer, or in several layers, are left out."""
    layers = stack_layers(model)
    owners = Counter(module for layer in layers for module in set(layer.modules()))
    calls: list[Call] = []
    marks: list[AttentionMark] = []

    def store(module: nn.Module, args: tuple, kwargs: dict, output: Any) -> Any:
        calls.append(Call(module, _rows(layer_input(args, kwargs)), _rows(first_tensor(output))))
        return output

    def mark(module: nn.Module, *call: Any) -> None:
        marks.append(AttentionMark(len(calls), module, call[-1].shape[2]))

    def notice() -> None:
        if not marks or marks[-1].before != len(calls):
            marks.append(AttentionMark(len(calls), None, 0))

    def enter(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        calls.clear()  # what an encoder left
        marks.clear()
        return args, kwargs

    def leave(layer: nn.Module, args: tuple, kwargs: dict, output: Any) -> Any:
        before, after = _rows(layer_input(args, kwargs)), _rows(first_tensor(output))
        if before is not None and after is not None:
            times = Counter(call.module for call in calls)
            once = [call if times[call.module] == 1 else Call(call.module, None, None) for call in calls]
            receive(LayerTrace(layer, before, after, once, _with_heads(marks)))
        return output

    with ExitStack() as stack:
        for layer in layers:
            inner = [module for module in layer.modules() if module is not layer and owners[module] == 1]
            for module in inner:
                stack.enter_context(patch_modules([module], output=partial(store, module)))
            stack.enter_context(patch_modules([layer], inputs=enter, output=partial(leave, layer)))
        stack.enter_context(capture_attention(mark))
        stack.enter_context(SoftmaxWatch(notice))
        yield


@contextmanager
def trace_calls(model: PreTrainedModel) -> Iterator[list[Call]]:
    """Within the context the yielded list receives the calls of all modules outside of the layers."""
    inside = {module for layer in stack_layers(model) for module in layer.modules()}
    calls: list[Call] = []

    def store(module: nn.Module, args: tuple, kwargs: dict, output: Any) -> Any:
        calls.append(Call(module, _rows(layer_input(args, kwargs)), _rows(first_tensor(output))))
        return output

    with ExitStack() as stack:
        for module in model.modules():
            if module not in inside and module is not model:
                stack.enter_context(patch_modules([module], output=partial(store, module)))
        yield calls


def _with_heads(marks: list[AttentionMark]) -> list[AttentionMark]:
    """One mark for each attention: the recorder's where there is one at the same place."""
    best = {mark.before: mark for mark in sorted(marks, key=lambda mark: mark.heads)}
    return [best[place] for place in sorted(best)]


def test_inputs(model: PreTrainedModel, tokens: int = _TOKENS) -> dict[str, Tensor]:
    """A few different tokens, as many as the model reads; for an encoder-decoder fewer for its decoder."""
    matrix = embedding_matrix(model)
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None) or tokens
    count = max(3, min(tokens, context - 2))  # RoBERTa counts positions from 2
    ids = torch.arange(5, 5 + count, device=matrix.device)[None] % len(matrix)
    return {"input_ids": ids} | ({"decoder_input_ids": ids[:, :7]} if model.config.is_encoder_decoder else {})


def _rows(value: Any) -> Tensor | None:
    """A tensor (1, T, …) or (T, …) of a text as (T, width) float32, copied; None for anything else."""
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.ndim < 2:
        return None
    rows = value[0] if value.ndim > 2 and value.shape[0] == 1 else value
    return rows.detach().flatten(1).float().clone() if rows.ndim >= 2 else None
