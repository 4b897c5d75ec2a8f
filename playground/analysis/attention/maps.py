"""Attention weights made small enough to draw, and what stands out in one head, in numbers and in a sentence.
Reads weights after the softmax; knows nothing of models, of recordings or of colours.

Letters: L layers, H heads, Q query tokens (they attend), K key tokens (they are attended to), all from 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from playground.analysis.arrays import as_array, check_range, shaped
from playground.analysis.text_display import in_words, percent
from playground.errors import PlaygroundError

if TYPE_CHECKING:
    from torch import Tensor

How = Literal["max", "mean"]


def block_size(tokens: int, cells: int) -> int:
    """Tokens that share one cell so that at most `cells` are needed; the last cell may hold fewer."""
    return -(-tokens // cells)


def cells_for(layers: int, heads: int, most: int = 160_000) -> int:
    """Cells per side, 4..24, with which an overview of layers × heads stays within `most` cells in all."""
    return max(4, min(24, int((most / (layers * heads)) ** 0.5)))


def pool(weights: Tensor | np.ndarray, cells: int = 24, how: How = "max") -> np.ndarray:
    """Maps (…, Q, K) as float32 (…, rows, columns) of at most `cells` per side.

    Every cell covers block_size(Q, cells) × block_size(K, cells) weights (fewer at the lower and right edge).
    "max": the largest weight in it, so no single strong link is lost; max over cells = max over weights.
    "mean": their average. A map that is small enough comes back unchanged.
    Raises PlaygroundError for fewer than 1 cell, fewer than 2 axes or an unknown `how`.
    """
    check_range("The number of cells", cells, 1, 4096)
    if how not in ("max", "mean"):
        raise PlaygroundError(f"Maps can't be pooled by {how!r}.", "Choose max or mean.")
    import torch  # takes seconds: not before something is drawn

    x = torch.as_tensor(weights).detach().float()
    if x.ndim < 2 or 0 in x.shape:
        raise PlaygroundError(f"The weights have shape {tuple(x.shape)}.", "Pass them as (…, queries, keys).")
    return pool_blocks(x, (block_size(x.shape[-2], cells), block_size(x.shape[-1], cells)), how)


def pool_blocks(x: Tensor, size: tuple[int, int], how: How) -> np.ndarray:
    """`pool` with blocks of a given size: maps (…, Q, K) float32 as (…, rows, columns)."""
    import torch

    if size != (1, 1):
        flat = x.reshape(-1, 1, *x.shape[-2:])  # (N, 1, Q, K)
        pooled = torch.nn.functional.max_pool2d if how == "max" else torch.nn.functional.avg_pool2d
        flat = pooled(flat, size, ceil_mode=True)
        x = flat.reshape(*x.shape[:-2], *flat.shape[-2:])  # (…, rows, columns)
    return x.cpu().numpy()


@dataclass(frozen=True, eq=False)
class Overview:
    """Every head of every layer as a small map."""

    maps: np.ndarray
    """(L, H, rows, columns) float32; NaN where a layer has fewer heads than another."""
    queries: int
    """Tokens down the side of the full maps; block_size(queries, cells) of them share a row."""
    keys: int
    """Tokens along the top of the full maps."""
    how: How
    """What a cell says of its weights: their max or their mean."""

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
    """Pools weights (H, Q, K) layer by layer; only one layer's weights are held at a time.

    All layers share Q and K; heads may differ. Raises PlaygroundError without layers or where Q or K differ.
    """
    small, shape = [], None
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
    return stacked(small, *shape, how)


def stacked(pooled: Sequence[np.ndarray], queries: int, keys: int, how: How, layers: int | None = None) -> Overview:
    """The overview of layers pooled already, (H, rows, columns) each, of maps of queries × keys tokens; layers that are
    still to come, up to `layers`, are empty."""
    heads = max(len(layer) for layer in pooled)
    maps = np.full((layers or len(pooled), heads, *pooled[0].shape[1:]), np.nan, np.float32)  # (L, H, rows, columns)
    for number, layer in enumerate(pooled):
        maps[number, : len(layer)] = layer
    return Overview(maps, queries, keys, how)


def peak_weights(found: Overview, cross: bool = False) -> np.ndarray:
    """(L, H) float32: the largest cell of each small map; in self-attention beside the first column and the diagonal, since
    most heads rest on the first token or on the token itself. 0 where there is no other cell, NaN without such a head."""
    maps = found.maps
    if not cross:
        rows, columns = np.indices(maps.shape[2:])
        resting = (columns == 0) | (rows == columns)
        maps = np.where(resting & np.isfinite(maps), np.float32(0), maps)
    return maps.max((2, 3))


@dataclass(frozen=True, eq=False)
class HeadSummary:
    """What stands out in one head. Shares are 0..1 and averaged over all queries, so that
    first_share + what goes to the other keys + sink_share = 1."""

    queries: int
    keys: int
    pair: tuple[int, int] | None
    """Query and key of the largest weight; in self-attention the first key and the token itself don't count.
    None where nothing but those has any weight."""
    pair_weight: float
    """That weight, 0..1; 0.0 without a pair."""
    pair_words: tuple[str, str] | None
    """Its two tokens as a sentence names them, in quotes, with the position where a token repeats."""
    first_share: float
    """Attention that goes to the first key, the usual resting place (Xiao et al. 2024, arXiv:2309.17453)."""
    self_share: float | None
    """Attention of each token to itself; None in cross-attention."""
    previous_share: float | None
    """Attention of each token to the one just before; None in cross-attention."""
    entropy_bits: float
    """Mean entropy of the queries' weights: 0 = one key takes all, log2(keys) = spread evenly."""
    sink_share: float
    """Attention that goes to no token at all (learned sinks); 0 where rows sum to 1."""

    def sentence(self, layer: int | None = None, head: int | None = None) -> str:
        """One sentence such as: Layer 5, head 1: "sat" gives 71 % of its attention to "cat"; 43 % of all
        attention goes to the first token."""
        named = [f"{n} {i}" for n, i in (("layer", layer), ("head", head)) if i is not None]
        text = "; ".join(self._clauses()) + "."
        where = ", ".join(named)
        return f"{where[0].upper()}{where[1:]}: {text}" if where else text

    def _clauses(self) -> list[str]:
        clauses = []
        if self.keys == 1:
            clauses.append("there is only one token to attend to")
        elif self.pair_words is None:
            clauses.append("no token looks at anything but the first token and itself")
        else:
            query, key = self.pair_words
            clauses.append(f"{query} gives {percent(self.pair_weight)} of its attention to {key}")
        if self.keys > 1:
            habits = [
                (self.first_share, "the first token"),
                (self.previous_share, "the token just before"),
                (self.self_share, "the token itself"),
            ]
            share, where = max((h for h in habits if h[0] is not None), key=lambda habit: habit[0])
            clauses.append(f"{percent(share)} of all attention goes to {where}")
        if self.sink_share >= 0.005:
            clauses.append(f"{percent(self.sink_share)} goes to no token (the head's sink takes it)")
        return clauses


def summarise_head(
    weights: Tensor | np.ndarray, query_labels: Sequence[str], key_labels: Sequence[str], cross: bool = False
) -> HeadSummary:
    """What stands out in weights (Q, K) after softmax, rows summing to at most 1.

    Labels are the tokens' texts, unescaped; a token that occurs more than once is named with its position.
    `cross` says that queries and keys are different texts; where Q != K they are taken to be.
    Raises PlaygroundError where labels and weights don't fit.
    """
    weights = shaped("The head", weights, "(queries, keys)", 2)
    w = np.nan_to_num(as_array(weights, np.float64))  # (Q, K)
    queries, keys = w.shape
    if (len(query_labels), len(key_labels)) != w.shape:
        raise PlaygroundError(
            f"The map has {queries} × {keys} weights, the labels {len(query_labels)} × {len(key_labels)}.",
            "Pass one label for every token.",
        )
    cross = bool(cross) or queries != keys
    candidates = w.copy()
    if not cross:
        candidates[:, 0] = 0
        np.fill_diagonal(candidates, 0)
    query, key = (int(i) for i in np.unravel_index(candidates.argmax(), w.shape))
    found = candidates[query, key] > 0
    mass = w.sum(1)  # (Q,)
    p = w / np.where(mass > 0, mass, 1)[:, None]  # (Q, K), rows sum to 1 or are empty
    bits = -(p * np.log2(np.where(p > 0, p, 1))).sum(1)  # (Q,)
    return HeadSummary(
        queries=queries,
        keys=keys,
        pair=(query, key) if found else None,
        pair_weight=float(candidates[query, key]),
        pair_words=(_name(query_labels, query), _name(key_labels, key)) if found else None,
        first_share=float(w[:, 0].mean()),
        self_share=None if cross else float(w.diagonal().mean()),
        previous_share=None if cross else float(w.diagonal(-1).sum()) / queries,
        entropy_bits=float(bits.mean()),
        sink_share=max(0.0, 1.0 - float(mass.mean())),
    )


def _name(labels: Sequence[str], index: int) -> str:
    word = in_words(labels[index])
    repeated = Counter(in_words(label) for label in labels)[word] > 1
    return f'"{word}" (position {index})' if repeated else f'"{word}"'


def rollout(layers: Iterable[Tensor]) -> Tensor:
    """(Q, Q): how much of each token's final state comes from each token, through all layers given, if every head counted
    the same and the residual stream half: product of (mean over heads + identity) / 2, the last layer first.

    Attention rollout (Abnar and Zuidema 2020); layers (H, Q, Q) from the first on. Rows sum to 1, to less with sinks.
    """
    import torch

    whole = None
    for weights in layers:
        mixed = (weights.float().mean(0) + torch.eye(weights.shape[-1])) / 2
        whole = mixed if whole is None else mixed @ whole
    return whole


def times(weights: Tensor, norms: np.ndarray) -> Tensor:
    """Weights (Q, K) times the length of what each key adds, (K,) (Kobayashi et al. 2020): how much of each key gets
    through, as far as vectors that point elsewhere don't cancel it."""
    import torch

    return weights * torch.from_numpy(norms)


def without(weights: Tensor, keys: Sequence[int]) -> tuple[Tensor, float]:
    """Weights (Q, K) with nothing on some keys and the others of each row sharing the whole, and the mean share that those
    keys had, 0..1. Rows that saw them alone stay empty.

    Many heads rest on the first token (attention sinks, Xiao et al. 2024) or, in BERT, on its special tokens (Clark et al.
    2019); without these the rest can be seen.
    """
    rest = weights.clone()
    hidden = float(rest[:, list(keys)].sum(-1).mean())
    rest[:, list(keys)] = 0
    sums = rest.sum(-1, keepdim=True)
    return rest / sums.clamp(min=1e-12), hidden
