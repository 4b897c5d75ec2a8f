"""Attention rollout and attention flow (Abnar and Zuidema 2020): how much of a token's state after each layer can come from
each token of the text. Reads weights after the softmax; knows no models.

Both take a layer as (mean over heads + identity) / 2: the residual stream counts half. Letters: L layers, H heads, T tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from playground.analysis.arrays import as_array, check_range
from playground.errors import PlaygroundError

if TYPE_CHECKING:
    from torch import Tensor

UNIT = 1_000_000
"""Units of flow in 1: the algorithm takes whole numbers."""


def rollout(layers: Iterable[Tensor]) -> Tensor:
    """(T, T): row i is how much of token i's state after the last layer comes from each token, the product of
    (mean over heads + identity) / 2 over the layers, the last layer first.

    layers (H, T, T), from the first on. Rows sum to 1, to less with sinks. PlaygroundError without layers.
    """
    import torch

    product: Tensor | None = None
    for weights in layers:
        layer = (weights.float().mean(0) + torch.eye(weights.shape[-1])) / 2
        product = layer if product is None else layer @ product
    if product is None:
        raise PlaygroundError("There are 0 layers to multiply; at least 1 is needed.", "Record a text first.")
    return product


def add_residual(layers: Iterable[Tensor], drop_first: bool = False) -> np.ndarray:
    """(L, T, T) float64: (mean over heads + identity) / 2 of each layer's weights (H, T, T).

    drop_first: the weight on the first token, where many heads rest, goes to the row's other tokens in their proportion;
    the first token keeps its own row.
    """
    means = np.stack([as_array(weights, np.float64).mean(0) for weights in layers])
    if drop_first:
        means[:, 1:, 0] = 0
        means[:, 1:] /= np.maximum(means[:, 1:].sum(-1, keepdims=True), 1e-12)
    return (means + np.eye(means.shape[-1])) / 2


def rollout_to(layers: np.ndarray, token: int) -> np.ndarray:
    """(L, T): row l is the token's row of the product of layers l … 0 of `add_residual`: the share of each token of the text
    in its state. Rows sum to 1, to less with sinks."""
    check_range("The token", token, 0, layers.shape[1] - 1)
    rows = []
    for last in range(len(layers)):
        row = layers[last, token]
        for layer in layers[:last][::-1]:
            row = row @ layer
        rows.append(row)
    return np.stack(rows)


def flow_to(layers: np.ndarray, token: int, tick: Callable[[int], None] = lambda layer: None) -> np.ndarray:
    """(L, T), 0..1: row l is the maximum flow from each token of the text to the token's state after layer l, where the
    edge from token j to token i of a layer has the capacity layers[layer, i, j] of `add_residual`.

    Rollout multiplies along every path and sums; flow is what all paths together let through, and its rows don't sum
    to 1. One maximum flow (Dinic 1970) per layer and token, in whole millionths. Calls tick(layer) after each layer.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import maximum_flow

    check_range("The token", token, 0, layers.shape[1] - 1)
    count, tokens, _ = layers.shape
    capacity = np.round(layers * UNIT).astype(np.int32)
    flow = np.zeros((count, tokens))
    layer, into, out = np.nonzero(capacity)  # node l·T + j: token j's state before layer l
    graph = coo_matrix((capacity[layer, into, out], (layer * tokens + out, (layer + 1) * tokens + into)))
    graph.resize((count + 1) * tokens, (count + 1) * tokens)
    graph = graph.tocsr()
    for last in range(count):
        size = (last + 2) * tokens
        part = graph[:size, :size]
        for source in range(tokens):
            flow[last, source] = maximum_flow(part, source, (last + 1) * tokens + token).flow_value / UNIT
        tick(last)
    return flow


def strongest_source(shares: np.ndarray, token: int) -> tuple[float, int, float]:
    """The token's own share of the last row of (L, T), the other token with the largest share, and that share. The token
    itself where there is no other."""
    row = shares[-1].copy()
    own, row[token] = float(row[token]), -1.0
    source = int(row.argmax())
    return own, source, float(shares[-1, source])
