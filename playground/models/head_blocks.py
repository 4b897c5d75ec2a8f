"""The product of a few states with the matrix of a large vocabulary: of those whose logits are needed alone, and block by
block of its rows.

For 2 to 30 states the whole matrix (49,152 x 576) takes a quarter to half as long again as its blocks on a processor whose
library lays it out anew each time. Knows nothing of who asks.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from playground.models.loaded_model import LoadedModel

_BLOCK = 256
"""Rows of the matrix at a time."""
_LEAST, _MOST = 8192, 64
"""Rows of the matrix from which on, and states up to which, blocks are worth it."""
_rows: ContextVar[Tensor | None] = ContextVar("head_rows", default=None)
"""Numbers of the states whose logits are needed, within the context."""


@contextmanager
def head_of(model: LoadedModel, rows: Tensor) -> Iterator[None]:
    """Within the context, and in this thread, the model's head reads the states of these rows alone, of states (B, ..., D),
    and multiplies block by block where that is faster: tried once for each model. A head that is no plain linear layer
    reads all. Elsewhere it goes on as it was.

    rows: (R,), numbers of 0 to B - 1, in order.
    """
    model.fact("head of rows", lambda: _prepare(model.model.get_output_embeddings()))
    token = _rows.set(rows)
    try:
        yield
    finally:
        _rows.reset(token)


def by_blocks(states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """states (..., D) times weight (V, D) plus bias (V,): (..., V), as functional.linear up to rounding."""
    rows = states.reshape(-1, states.shape[-1])  # (B, D)
    count = len(weight) // _BLOCK
    blocks = weight[: count * _BLOCK].view(count, _BLOCK, -1).transpose(1, 2)  # (n, D, C)
    products = torch.bmm(rows.expand(count, *rows.shape), blocks)  # (n, B, C)
    logits = products.transpose(0, 1).reshape(len(rows), -1)
    if count * _BLOCK < len(weight):
        logits = torch.cat([logits, functional.linear(rows, weight[count * _BLOCK :])], -1)
    logits = logits.view(*states.shape[:-1], len(weight))
    return logits if bias is None else logits.add_(bias)


def _prepare(head: nn.Module | None) -> bool:
    """Whether the head reads some rows alone from now on, within the context."""
    if type(head) is not nn.Linear:
        return False
    vars(head)["forward"] = partial(_forward, head, _is_faster(head))  # a deep copy of the head gets a copy of this
    return True


def _forward(head: nn.Linear, has_blocks: bool, states: Tensor) -> Tensor:
    rows = _rows.get()
    if rows is None:
        return nn.Linear.forward(head, states)
    if len(rows) < len(states):
        states = states[rows.to(states.device)]
    if has_blocks and 1 < states.shape[:-1].numel() <= _MOST:
        return by_blocks(states, head.weight, head.bias)
    return nn.Linear.forward(head, states)


@torch.inference_mode()
def _is_faster(head: nn.Linear) -> bool:
    weight = head.weight
    if (
        weight.device.type != "cpu"
        or weight.dtype != torch.float32
        or len(weight) < _LEAST
        or not weight.is_contiguous()
    ):
        return False
    states = torch.ones(8, weight.shape[1])
    return _least_seconds(by_blocks, states, weight) < _least_seconds(functional.linear, states, weight)


def _least_seconds(multiply: Callable[..., Tensor], states: Tensor, weight: Tensor) -> float:
    """Of a few tries, in CPU time of this thread: other work on the machine only adds."""
    seconds = []
    for _ in range(3):
        started = time.thread_time()
        multiply(states, weight, None)
        seconds.append(time.thread_time() - started)
    return min(seconds)
