"""Through the layers: how much of a token's state after each layer can have come from each token of the text, by attention
rollout and attention flow (Abnar and Zuidema 2020). Reads weights after the softmax; knows no models.

Both take each layer as (mean over heads + identity) / 2, the residual stream counted half. Letters: L layers, T tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from playground.analysis.arrays import as_array, check_range

if TYPE_CHECKING:
    from torch import Tensor

UNIT = 1_000_000
"""Flow is counted in millionths: the algorithm takes whole numbers."""


def mixed(layers: Iterable[Tensor], without_first: bool = False) -> np.ndarray:
    """(L, T, T) float64: (mean over heads + identity) / 2 of each layer's weights (H, T, T).

    without_first: what goes to the first token, where many heads rest, is shared by the others; the first token's own row
    stays as it is.
    """
    means = np.stack([as_array(weights, np.float64).mean(0) for weights in layers])
    if without_first:
        means[:, 1:, 0] = 0
        means[:, 1:] /= np.maximum(means[:, 1:].sum(-1, keepdims=True), 1e-12)
    return (means + np.eye(means.shape[-1])) / 2


def rollout_to(mixed: np.ndarray, token: int) -> np.ndarray:
    """(L, T): row l is the token's row of the product of layers l … 0, its share of each token of the text; rows sum to 1,
    to less with sinks."""
    check_range("The token", token, 0, mixed.shape[1] - 1)
    rows = []
    for last in range(len(mixed)):
        row = mixed[last, token]
        for layer in mixed[:last][::-1]:
            row = row @ layer
        rows.append(row)
    return np.stack(rows)


def flow_to(mixed: np.ndarray, token: int, tick: Callable[[int], None] = lambda layer: None) -> np.ndarray:
    """(L, T): row l is the largest flow from each token of the text to the token's state after layer l, where the edge
    from token j to token i of a layer lets through mixed[layer, i, j], in 0..1.

    Unlike rollout, which multiplies along every path and sums, flow asks what all paths together let through; its rows
    don't sum to 1. One maximum flow (Dinic 1970) for each layer and token, in whole millionths; tick is called with each
    layer done.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import maximum_flow

    check_range("The token", token, 0, mixed.shape[1] - 1)
    count, tokens, _ = mixed.shape
    capacity = np.round(mixed * UNIT).astype(np.int32)
    found = np.zeros((count, tokens))
    layer, into, out = np.nonzero(capacity)  # node l·T + j: token j's state before layer l
    graph = coo_matrix((capacity[layer, into, out], (layer * tokens + out, (layer + 1) * tokens + into)))
    graph.resize((count + 1) * tokens, (count + 1) * tokens)
    graph = graph.tocsr()
    for last in range(count):
        size = (last + 2) * tokens
        part = graph[:size, :size]
        for source in range(tokens):
            found[last, source] = maximum_flow(part, source, (last + 1) * tokens + token).flow_value / UNIT
        tick(last)
    return found


def told(shares: np.ndarray, labels: Sequence[str], token: int) -> tuple[float, int, float]:
    """Of the last row of (L, T): the token's own share, and the other token with the largest share and that share."""
    row = shares[-1].copy()
    own, row[token] = float(row[token]), -1.0
    best = int(row.argmax()) if len(labels) > 1 else token
    return own, best, float(shares[-1, best])
