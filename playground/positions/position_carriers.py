"""The modules through which positions enter a network, and how they are given other ones.

A carrier is a kind of module, not a scheme: MPNet has a table of positions and distance buckets besides.

Letters: B rows, T tokens, Q queries, K keys, H heads, D d_model.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from playground.models.families import uses_alibi
from playground.models.position_scheme import bucket_tables, first_position_row, position_table
from playground.recording.module_hooks import patch_modules


@dataclass(frozen=True)
class PositionCarrier:
    """A kind of module that brings positions into a network."""

    name: str
    is_in: Callable[[PreTrainedModel], bool]
    """Whether a stack of layers has such modules."""
    patch: Callable[[nn.Module, Tensor], AbstractContextManager]
    """Within it, this thread's passes of the stack see positions (B, T); `biases_scores` uses those of the first row."""
    biases_scores: bool = False
    """It adds biases to the scores, the same ones to all rows of a batch. Other carriers add vectors to the embeddings."""
    replaces_ids: bool = False
    """A network with it makes nothing of an argument `position_ids`."""


def _patch_table(stack: nn.Module, positions: Tensor) -> AbstractContextManager:
    """The vectors of other positions in place of those that the table looks up."""
    table = position_table(stack)
    assert table is not None
    vectors = table.weight[(positions + first_position_row(table)).to(table.weight.device)]  # (B, T, D)
    return patch_modules([table], output=lambda args, kwargs, output: _with_vectors(output, vectors))


def _with_vectors(output: Any, vectors: Tensor) -> Any:
    """What a table returns, with other vectors: ProphetNet's gives the positions after them."""
    return (vectors, *output[1:]) if isinstance(output, tuple) else vectors


def _patch_buckets(stack: nn.Module, positions: Tensor) -> AbstractContextManager:
    return patch_modules(
        bucket_tables(stack).values(), output=lambda args, kwargs, bias: _biases_at_distances(bias, positions[0])
    )


def _biases_at_distances(bias: Tensor, positions: Tensor) -> Tensor:
    """T5's biases (Q, K, H) of positions 0, 1, 2, …, rearranged to the distances of other positions (T,)."""
    positions = positions.to(bias.device)
    distances = positions[None, :] - positions[:, None]  # (Q, K), key - query
    last = len(positions) - 1
    by_distance = torch.cat([bias[1:, 0].flip(0), bias[0]])  # (2T - 1, H): distances -last..last
    return by_distance[distances.clamp(-last, last) + last]


def _patch_alibi(stack: nn.Module, positions: Tensor) -> AbstractContextManager:
    attentions = [module for module in stack.modules() if type(module).__name__.endswith("Attention")]
    return patch_modules(attentions, inputs=lambda args, kwargs: (args, _penalties_at(kwargs, positions[0])))


def _penalties_at(kwargs: dict, positions: Tensor) -> dict:
    """An attention layer's arguments with ALiBi's penalties, a straight line over the key's position, at others (T,)."""
    name = "alibi" if kwargs.get("alibi") is not None else "position_bias"
    line = kwargs[name]  # (…, 1, T)
    if line.shape[-1] == 1:
        return kwargs
    slope = line[..., 1:2] - line[..., :1]
    return kwargs | {name: (line[..., :1] + slope * positions.to(line.device)).to(line.dtype)}


TABLE = PositionCarrier("table", lambda stack: position_table(stack) is not None, _patch_table)
BUCKETS = PositionCarrier("buckets", lambda stack: bool(bucket_tables(stack)), _patch_buckets, biases_scores=True)


def _has_alibi(stack: nn.Module) -> bool:
    config = getattr(stack, "config", None)  # FSMT's encoder has none
    return isinstance(config, PretrainedConfig) and uses_alibi(config)


ALIBI = PositionCarrier("alibi", _has_alibi, _patch_alibi, biases_scores=True, replaces_ids=True)
