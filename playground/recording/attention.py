"""The attention of one layer as it was captured, and the weights computed from its queries and keys.

The formula is that of analysis/attention/scores.py. Knows nothing of hooks, of whole recordings, or of the page.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from playground.analysis.attention.maps import How, block_size, pool, pool_blocks
from playground.analysis.attention.scores import attention_scores, attention_weights, repeat_groups
from playground.errors import PlaygroundError
from playground.models.vocabulary import Token
from playground.recording.own_attention import OwnAttention

QUERY_BLOCK = 1024
"""Queries of a long text whose weights are computed at once: those of more do not fit the processor's caches."""


@dataclass(frozen=True, eq=False)
class AttentionCall:
    """Inputs and output of one attention layer for one text.

    H heads, G key-value heads (H is a multiple of G), Q queries, K keys, D width of query and key, V width of the values.
    """

    query: Tensor  # (H, Q, D), after rotary
    key: Tensor  # (G, K, D), after rotary
    allowed: Tensor | None  # (…, Q, K) bool; None: each query attends to all keys
    bias: Tensor | None  # broadcasts to (H, Q, K): T5's position bias, ALiBi
    scaling: float | None
    softcap: float | None
    sinks: Tensor | None  # (H,)
    value: Tensor | None  # (G, K, V)
    output: Tensor | None  # (Q, H, V), before the output projection
    eager: bool = False  # by the family's own function, each step in the model's number format
    own: OwnAttention | None = None  # the call as it was made, of a model in a half number format

    def scores(self, heads: slice = slice(None), rows: slice = slice(None)) -> Tensor:
        """(H, Q, K) float32: scores of these heads and queries, scaled, capped, biased and masked, before the softmax."""
        query, key = self.query[heads, rows], repeat_groups(self.key, self.query.shape[0])
        bias, allowed = _rows(self.bias, rows), _rows(self.allowed, rows)
        bias = bias[heads] if bias is not None and bias.shape[0] > 1 else bias
        number_format = query.dtype if self.eager else torch.float32  # sdpa keeps its scores in float32
        return attention_scores(query, key[heads], self.scaling, self.softcap, bias, allowed, number_format)

    def weights(self, heads: slice = slice(None), rows: slice = slice(None)) -> Tensor:
        """(H, Q, K) float32: weights of these heads and queries, after the softmax."""
        return attention_weights(self.scores(heads, rows), None if self.sinks is None else self.sinks[heads])

    def value_and_output(self) -> tuple[Tensor, Tensor]:
        """value (G, K, V) and output (Q, H, V). ValueError for a call without them, as a long recording keeps it."""
        if self.value is None or self.output is None:
            raise ValueError("this attention call was kept without its values and output")
        return self.value, self.output


def distinct_heads(keys: Tensor) -> int:
    """How many of the heads in keys (G, …) are no copies of another; G where all are zeros."""
    heads = keys.flatten(1)
    return len(torch.unique(heads, dim=0)) if heads.any() else len(heads)


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """The attention of one layer, with the tokens of its rows and columns."""

    layer: int
    kind: str
    query_tokens: tuple[Token, ...]
    key_tokens: tuple[Token, ...]
    _call: AttentionCall | Tensor  # a call, or weights (H, Q, K) of a model that returns only these

    @property
    def call(self) -> AttentionCall | None:
        """None where the model returned weights alone."""
        return None if isinstance(self._call, Tensor) else self._call

    @property
    def heads(self) -> int:
        return (self._call if isinstance(self._call, Tensor) else self._call.query).shape[0]

    @property
    def key_value_heads(self) -> int | None:
        """Number of heads of keys and values, which query heads may share; None if keys are not recorded."""
        return None if isinstance(self._call, Tensor) else self._call.key.shape[0]

    @property
    def own_key_heads(self) -> int | None:
        """`key_value_heads` without copies of the same keys (JetMoE repeats them); None if keys are not recorded."""
        return None if isinstance(self._call, Tensor) else distinct_heads(self._call.key)

    @property
    def head_width(self) -> int | None:
        """Numbers of a query; None if queries are not recorded."""
        return None if isinstance(self._call, Tensor) else self._call.query.shape[-1]

    @cached_property
    def weights(self) -> Tensor:
        """(H, Q, K) float32 on the CPU, after the softmax; rows sum to 1, to less with sinks."""
        return (self._call.float() if isinstance(self._call, Tensor) else self._call.weights()).cpu()

    @cached_property
    def scores(self) -> Tensor | None:
        """(H, Q, K) float32 on the CPU: scaled, capped, biased and masked, before the softmax.

        None for families whose queries and keys are not recorded.
        """
        return None if isinstance(self._call, Tensor) else self._call.scores().cpu()

    @property
    def allowed(self) -> np.ndarray | None:
        """(Q, K) bool: the keys that each query may attend to, from the model's own mask.

        None if each query attends to all keys, and if only weights are recorded.
        """
        if isinstance(self._call, Tensor) or self._call.allowed is None:
            return None
        allowed = self._call.allowed
        return allowed.reshape(-1, *allowed.shape[-2:])[0].expand(*self.shape).cpu().numpy()

    @property
    def shape(self) -> tuple[int, int]:
        """Number of queries and of keys."""
        return len(self.query_tokens), len(self.key_tokens)

    def pooled(self, cells: int, how: How = "max") -> np.ndarray:
        """(H, rows, columns) float32: every head's weights in at most `cells` blocks per side, as `analysis.attention.
        maps.pool` computes them, but block by block, so that a long text's weights are never in memory at once."""
        if isinstance(self._call, Tensor) or "weights" in self.__dict__ or max(self.shape) <= QUERY_BLOCK:
            return pool(self.weights, cells, how)
        size = (block_size(self.shape[0], cells), block_size(self.shape[1], cells))
        step = max(1, QUERY_BLOCK // size[0]) * size[0]  # whole blocks of queries
        starts = range(0, self.shape[0], step)

        def pooled_head(head: int) -> np.ndarray:
            """(rows, columns) of one head."""
            weights = (self.rows(head, slice(start, start + step)) for start in starts)
            return np.concatenate([pool_blocks(block, size, how) for block in weights])

        return np.stack([pooled_head(head) for head in range(self.heads)])

    def rows(self, head: int, rows: slice) -> Tensor:
        """(rows, K) float32: weights of some queries of one head; no other weights are computed."""
        if isinstance(self._call, Tensor) or "weights" in self.__dict__:
            return self.weights[head][rows]
        return self._call.weights(slice(head, head + 1), rows)[0].cpu()

    def query_rows(self, query: int) -> Tensor:
        """(H, K) float32 on the CPU: the weights of one query in every head; no other weights are computed."""
        if isinstance(self._call, Tensor) or "weights" in self.__dict__:
            return self.weights[:, query]
        return self._call.weights(rows=slice(query, query + 1))[:, 0].cpu()

    def rows_of_all(self, rows: slice) -> Tensor:
        """(H, rows, K) float32 on the CPU: weights of some queries of all heads; no other weights are computed."""
        if isinstance(self._call, Tensor) or "weights" in self.__dict__:
            return self.weights[:, rows]
        return self._call.weights(rows=rows).cpu()

    def corner(self, count: int) -> Tensor:
        """(H, count, count) float32 on the CPU: weights of the first `count` queries on the first `count` keys.

        Rows of other queries are not computed.
        """
        if isinstance(self._call, Tensor):
            return self._call[:, :count, :count].float().cpu().clone()
        return self._call.weights(rows=slice(0, count))[..., :count].cpu().clone()

    def head(self, head: int) -> Tensor:
        """(Q, K) float32: weights of one head; no other weights are computed. PlaygroundError without such a head."""
        if not 0 <= head < self.heads:
            raise PlaygroundError(f"Layer {self.layer} has no head {head}.", f"Heads count from 0 to {self.heads - 1}.")
        if isinstance(self._call, Tensor) or "weights" in self.__dict__:
            return self.weights[head]
        starts = range(0, self.shape[0], QUERY_BLOCK)
        return torch.cat([self.rows(head, slice(start, start + QUERY_BLOCK)) for start in starts])


def _rows(table: Tensor | None, rows: slice) -> Tensor | None:
    """Rows of some queries in a table that broadcasts to (H, Q, K)."""
    return table if table is None or table.shape[-2] == 1 else table[..., rows, :]
