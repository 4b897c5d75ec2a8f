"""Attention maps small enough to draw, and weights with some keys dropped or scaled by their values. Reads weights after
the softmax; knows nothing of models, of recordings or of colours.

Letters: L layers, H heads, Q query tokens (they attend), K key tokens (they are attended to), all from 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from playground.analysis.arrays import check_range, shaped
from playground.errors import PlaygroundError

if TYPE_CHECKING:
    from torch import Tensor

How = Literal["max", "mean"]
"""What a cell shows of the weights that it covers."""


def block_size(tokens: int, cells: int) -> int:
    """Tokens of a cell, so that `tokens` need at most `cells` cells; the last cell may have fewer."""
    return -(-tokens // cells)


def cells_for(layers: int, heads: int, total: int = 160_000) -> int:
    """Cells per side, 4..24, so that an overview of layers × heads has at most `total` cells."""
    return max(4, min(24, int((total / (layers * heads)) ** 0.5)))


def pool(weights: Tensor | np.ndarray, cells: int = 24, how: How = "max") -> np.ndarray:
    """Maps (…, Q, K) as float32 (…, rows, columns) of at most `cells` per side.

    A cell covers block_size(Q, cells) × block_size(K, cells) weights, fewer at the lower and right edge.
    "max": their largest, so that no strong link is lost and max over cells = max over weights. "mean": their mean.
    A map of at most `cells` per side comes back unchanged. PlaygroundError for fewer than 1 cell, fewer than 2 axes or an
    unknown `how`.
    """
    check_range("The number of cells", cells, 1, 4096)
    if how not in ("max", "mean"):
        raise PlaygroundError(f"Maps can't be pooled by {how!r}.", "Choose max or mean.")
    import torch  # here, because it takes seconds to import

    x = torch.as_tensor(weights).detach().float()
    if x.ndim < 2 or 0 in x.shape:
        raise PlaygroundError(f"The weights have shape {tuple(x.shape)}.", "Pass them as (…, queries, keys).")
    return pool_blocks(x, (block_size(x.shape[-2], cells), block_size(x.shape[-1], cells)), how)


def pool_blocks(x: Tensor, size: tuple[int, int], how: How) -> np.ndarray:
    """`pool` with blocks of `size` (queries, keys): maps (…, Q, K) float32 as (…, rows, columns)."""
    import torch

    if size != (1, 1):
        flat = x.reshape(-1, 1, *x.shape[-2:])  # (N, 1, Q, K)
        pooled = torch.nn.functional.max_pool2d if how == "max" else torch.nn.functional.avg_pool2d
        flat = pooled(flat, size, ceil_mode=True)
        x = flat.reshape(*x.shape[:-2], *flat.shape[-2:])  # (…, rows, columns)
    return x.cpu().numpy()


@dataclass(frozen=True, eq=False)
class Overview:
    """All heads of all layers as small maps."""

    maps: np.ndarray
    """(L, H, rows, columns) float32; NaN where a layer has fewer heads than another."""
    queries: int
    """Query tokens of the full maps; block_size(queries, cells) of them share a row."""
    keys: int
    """Key tokens of the full maps."""
    how: How

    @property
    def layers(self) -> int:
        return self.maps.shape[0]

    @property
    def heads(self) -> int:
        return self.maps.shape[1]

    @property
    def tokens_per_cell(self) -> tuple[int, int]:
        """Query tokens and key tokens that share a cell."""
        return block_size(self.queries, self.maps.shape[2]), block_size(self.keys, self.maps.shape[3])


def overview(layers: Iterable[Tensor], cells: int = 24, how: How = "max") -> Overview:
    """The overview of layers' weights (H, Q, K), pooled layer by layer: one layer's weights are in memory at a time.

    Layers may differ in H. PlaygroundError without layers, or where Q or K differ.
    """
    small: list[np.ndarray] = []
    shape: tuple[int, ...] | None = None
    for number, weights in enumerate(layers):
        weights = shaped(f"Layer {number}", weights, "(heads, queries, keys)", 3)
        if shape is not None and tuple(weights.shape[1:]) != shape:
            raise PlaygroundError(
                f"Layer {number} has maps of {tuple(weights.shape[1:])} tokens, layer 0 of {shape}.",
                "Take layers of one kind of attention from one recording.",
            )
        shape = tuple(weights.shape[1:])
        small.append(pool(weights, cells, how))
        del weights  # before the next layer is computed
    if shape is None:
        raise PlaygroundError("There are 0 layers to look at; at least 1 is needed.", "Record a text first.")
    return stack_layers(small, shape[0], shape[1], how)


def stack_layers(
    pooled: Sequence[np.ndarray], queries: int, keys: int, how: How, layers: int | None = None
) -> Overview:
    """The overview of pooled layers (H, rows, columns), whose full maps have queries × keys tokens. With `layers`, it has so
    many layers; those not pooled yet are NaN."""
    heads = max(len(layer) for layer in pooled)
    maps = np.full((layers or len(pooled), heads, *pooled[0].shape[1:]), np.nan, np.float32)  # (L, H, rows, columns)
    for number, layer in enumerate(pooled):
        maps[number, : len(layer)] = layer
    return Overview(maps, queries, keys, how)


def peak_weights(overview: Overview, cross: bool = False) -> np.ndarray:
    """(L, H) float32: the largest cell of each small map. In self-attention the first column and the diagonal don't count:
    most heads rest on the first token or on the token itself. 0 where no cell counts, NaN where a layer has no such head."""
    maps = overview.maps
    if not cross:
        rows, columns = np.indices(maps.shape[2:])
        resting = (columns == 0) | (rows == columns)
        maps = np.where(resting & np.isfinite(maps), np.float32(0), maps)
    return maps.max((2, 3))


def drop_keys(weights: Tensor, keys: Sequence[int]) -> tuple[Tensor, float]:
    """Weights (Q, K) without some keys, each row divided by what remains of it, and the mean share that these keys had,
    0..1. A row that had weight on these keys only becomes 0.

    Many heads rest on the first token (attention sinks, Xiao et al. 2024), those of BERT on its special tokens (Clark et
    al. 2019). Without these keys the rest of the pattern can be seen.
    """
    rest = weights.clone()
    dropped = float(rest[:, list(keys)].sum(-1).mean())
    rest[:, list(keys)] = 0
    sums = rest.sum(-1, keepdim=True)
    return rest / sums.clamp(min=1e-12), dropped


def scale_by_value_norm(weights: Tensor, norms: np.ndarray) -> Tensor:
    """Weights (Q, K) times the norm of each key's value vector, (K,): the length of what each key adds to the output
    (Kobayashi et al. 2020). Vectors in different directions may still cancel each other."""
    import torch

    return weights * torch.from_numpy(norms)
