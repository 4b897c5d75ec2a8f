"""What one attention layer read and gave, as it was captured, and the maths from queries and keys to weights, outputs and
each head's share.

Knows the shapes and the maths of analysis/attention.py; knows nothing of hooks, of whole recordings, or of the page.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from playground.analysis.attention.head_steps import HeadInputs
from playground.analysis.attention.maps import How, block_size, pool, pool_blocks
from playground.analysis.attention.scores import attention_scores, attention_weights, head_outputs, repeat_groups
from playground.errors import PlaygroundError
from playground.models.vocabulary import Token

_TOLERANCE = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 2e-2}
"""Largest difference that rounding explains, where values are about 1."""
_LARGE_SCORE = 256
"""float32 rounds a score of this size by about 1e-5, and the weights with it, each by that share of itself."""
_CHUNK = 2**22
"""Scores held at once while verifying, 16 MiB in float32, as far as whole heads go."""
_STRETCH = 1024
"""Queries whose weights are computed at once in a long text: more no longer fit the processor's caches."""


@dataclass(frozen=True, eq=False)
class AttentionCall:
    """What one attention layer read and gave. H heads, G key-value heads, Q queries, K keys, D head width."""

    query: Tensor  # (H, Q, D), after rotary
    key: Tensor  # (G, K, D), after rotary
    allowed: Tensor | None  # (…, Q, K) bool; None = everything may be attended to
    bias: Tensor | None  # broadcasts to (H, Q, K): T5's position bias, a mask that is more than a mask
    scaling: float | None
    softcap: float | None
    sinks: Tensor | None  # (H,)
    value: Tensor | None  # (G, K, V)
    output: Tensor | None  # (Q, H, V), before the output projection
    eager: bool = False  # the family's own function computed it, step by step in the model's number format

    def scores(self, heads: slice = slice(None), rows: slice = slice(None)) -> Tensor:
        """(H, Q, K) float32, scaled, capped, biased and masked: what the softmax reads; of some heads and queries."""
        query, key = self.query[heads, rows], repeat_groups(self.key, self.query.shape[0])
        bias, allowed = _rows(self.bias, rows), _rows(self.allowed, rows)
        bias = bias[heads] if bias is not None and bias.shape[0] > 1 else bias
        number_format = query.dtype if self.eager else torch.float32  # sdpa keeps its scores in float32
        return attention_scores(query, key[heads], self.scaling, self.softcap, bias, allowed, number_format)

    def weights(self, heads: slice = slice(None), rows: slice = slice(None)) -> Tensor:
        """(H, Q, K) float32, after softmax; of some heads and queries."""
        return attention_weights(self.scores(heads, rows), None if self.sinks is None else self.sinks[heads])

    def compare(self) -> "Comparison":
        """weights·V recomputed from what was kept, beside what the model used."""
        (count, queries), value = self.query.shape[:2], repeat_groups(self.value, self.query.shape[0])
        step = max(1, _CHUNK // (queries * self.key.shape[1]))
        found = Comparison(0.0, 0.0, 0.0)
        for heads in (slice(start, start + step) for start in range(0, count, step)):
            for rows in (slice(start, start + _STRETCH) for start in range(0, queries, _STRETCH)):
                scores = self.scores(heads, rows)  # (H, Q, K)
                weights = attention_weights(scores, None if self.sinks is None else self.sinks[heads])
                used = self.output[rows, heads].transpose(0, 1).float()  # (H, Q, V)
                found = Comparison(
                    error=max(found.error, (head_outputs(weights, value[heads]) - used).abs().max().item()),
                    output=max(found.output, used.abs().max().item()),
                    score=max(found.score, scores.masked_fill(scores.isinf(), 0).abs().max().item()),
                )
        return found


@dataclass(frozen=True)
class Comparison:
    """Largest absolute values of one layer."""

    error: float
    """Of weights·V recomputed, less what the model used."""
    output: float
    """Of what the model used."""
    score: float
    """Of what the softmax read."""

    def tolerance(self, number_format: torch.dtype) -> float:
        """The largest error that rounding explains."""
        if number_format == torch.float32:
            return _TOLERANCE[number_format] * max(1.0, self.output * self.score / _LARGE_SCORE)
        return _TOLERANCE[number_format] * max(1.0, self.output)


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """One layer's attention; the matrix knows its own axes."""

    layer: int
    kind: str
    query_tokens: tuple[Token, ...]
    key_tokens: tuple[Token, ...]
    _call: AttentionCall | Tensor  # a call, or the weights where the model gave only these

    @property
    def heads(self) -> int:
        return (self._call if isinstance(self._call, Tensor) else self._call.query).shape[0]

    @property
    def key_value_heads(self) -> int | None:
        """Heads of keys and values, which query heads may share; None where these are not captured."""
        return None if isinstance(self._call, Tensor) else self._call.key.shape[0]

    @cached_property
    def weights(self) -> Tensor:
        """(heads, queries, keys) float32 on the CPU, after softmax; rows sum to 1, to less with sinks."""
        return (self._call.float() if isinstance(self._call, Tensor) else self._call.weights()).cpu()

    @cached_property
    def scores(self) -> Tensor | None:
        """(heads, queries, keys) float32 on the CPU: scaled, biased and masked, before softmax.
        None for families whose queries and keys are not captured."""
        return None if isinstance(self._call, Tensor) else self._call.scores().cpu()

    @property
    def allowed(self) -> np.ndarray | None:
        """(queries, keys) bool: which keys each query may attend to, as the model was told; None where it may attend to
        all, and where only weights are captured."""
        if isinstance(self._call, Tensor) or self._call.allowed is None:
            return None
        allowed = self._call.allowed
        return allowed.reshape(-1, *allowed.shape[-2:])[0].expand(*self.shape).cpu().numpy()

    @property
    def shape(self) -> tuple[int, int]:
        """Queries and keys."""
        return len(self.query_tokens), len(self.key_tokens)

    def pooled(self, cells: int, how: How = "max") -> np.ndarray:
        """(heads, rows, columns) float32: every head's weights in at most `cells` blocks per side, as
        analysis.attention_maps.pool makes them, without all of a long text's weights in memory at once."""
        if isinstance(self._call, Tensor) or "weights" in self.__dict__ or max(self.shape) <= _STRETCH:
            return pool(self.weights, cells, how)
        size = (block_size(self.shape[0], cells), block_size(self.shape[1], cells))
        step = max(1, _STRETCH // size[0]) * size[0]  # whole blocks of queries
        return np.stack(
            [
                np.concatenate(
                    [
                        pool_blocks(
                            self._call.weights(slice(head, head + 1), slice(start, start + step)).cpu(), size, how
                        )[0]
                        for start in range(0, self.shape[0], step)
                    ]
                )
                for head in range(self.heads)
            ]
        )

    def rows(self, head: int, rows: slice) -> Tensor:
        """(rows, keys) weights of some queries of one head, computed alone."""
        if isinstance(self._call, Tensor) or "weights" in self.__dict__:
            return self.weights[head][rows]
        return self._call.weights(slice(head, head + 1), rows)[0].cpu()

    def corner(self, most: int) -> Tensor:
        """(heads, queries, keys) float32 on the CPU: the weights of the first `most` queries on the first `most` keys,
        without those of the rest of a long text."""
        if isinstance(self._call, Tensor):
            return self._call[:, :most, :most].float().cpu().clone()
        return self._call.weights(rows=slice(0, most))[..., :most].cpu().clone()

    def head(self, head: int) -> Tensor:
        """(queries, keys) weights of one head, computed alone. PlaygroundError if there is no such head."""
        if not 0 <= head < self.heads:
            raise PlaygroundError(f"Layer {self.layer} has no head {head}.", f"Heads count from 0 to {self.heads - 1}.")
        if isinstance(self._call, Tensor) or "weights" in self.__dict__:
            return self.weights[head]
        stretches = range(0, self.shape[0], _STRETCH)
        return torch.cat([self.rows(head, slice(start, start + _STRETCH)) for start in stretches])


@dataclass(frozen=True, eq=False)
class LayerSteps:
    """One attention layer with its vectors before and after rotary, its values and its output projection."""

    call: AttentionCall
    before_rotary: tuple[Tensor, Tensor] | None
    """(query (H, Q, D), key (G, K, D)); None for a layer without a rotation."""
    _projection: torch.nn.Module | None

    def _group(self, head: int) -> int:
        """The key-value head that a head reads."""
        return head // (self.call.query.shape[0] // self.call.key.shape[0])

    def before(self, head: int, query: int) -> tuple[np.ndarray, np.ndarray] | None:
        """(D,) and (K, D): a head's query of one token and its keys before their rotation; None without one."""
        if self.before_rotary is None:
            return None
        queries, keys = self.before_rotary
        return _array(queries[head, query]), _array(keys[self._group(head)])

    def inputs(self, head: int, query: int) -> HeadInputs:
        """What a head reads for one query token."""
        call, group = self.call, self._group(head)
        bias = None if call.bias is None else _row(call.bias, head, query)
        allowed = None if call.allowed is None else _row(call.allowed, head, query)
        if allowed is not None and not allowed.any():
            allowed = None  # a row with nothing allowed stays as it is
        return HeadInputs(
            query=_array(call.query[head, query]),
            keys=_array(call.key[group]),
            values=_array(call.value[group]),
            scaling=call.query.shape[-1] ** -0.5 if call.scaling is None else float(call.scaling),
            softcap=call.softcap,
            bias=None if bias is None else _array(bias),
            allowed=None if allowed is None else allowed.cpu().numpy(),
            sink=None if call.sinks is None else float(call.sinks[head]),
        )

    def used(self, head: int, query: int) -> np.ndarray:
        """(V,): the head's output as the model computed it."""
        return _array(self.call.output[query, head])

    def outputs(self, query: int) -> np.ndarray:
        """(H, V): what every head gives for a query token, as the model computed it; one after the other they are
        Concat(head_1, …, head_h)."""
        return _array(self.call.output[query])

    @torch.inference_mode()
    def shares(self, query: int) -> np.ndarray | None:
        """(heads, d_model): what each head adds to the residual stream, its output times its part of W^O; None where the
        heads' outputs do not go straight into a projection. With the projection's bias they add up to `projected`."""
        if self._projection is None:
            return None
        heads, width = self.call.output.shape[1:]
        single = torch.zeros(heads, heads * width, dtype=self.call.output.dtype, device=self.call.output.device)
        for head in range(heads):
            single[head, head * width : (head + 1) * width] = self.call.output[query, head]
        nothing = self._projection(torch.zeros_like(single[:1]))
        return _array(self._projection(single) - nothing)

    @torch.inference_mode()
    def value_norms(self, head: int) -> tuple[np.ndarray, bool]:
        """(K,) float32: the length of what each key would add to the residual stream if it had all of the head's
        attention, |v W^O_head| (the |f(x)| of Kobayashi et al. 2020), and True; where the heads' outputs do not go straight
        into a projection, the length |v| of the value alone, and False."""
        heads, width = self.call.output.shape[1:]
        values = self.call.value[head // (heads // self.call.value.shape[0])]  # (K, V)
        if self._projection is None:
            return _array(values.float().norm(dim=-1)), False
        alone = torch.zeros(len(values), heads * width, dtype=values.dtype, device=values.device)
        alone[:, head * width : (head + 1) * width] = values
        added = self._projection(alone) - self._projection(torch.zeros_like(alone[:1]))  # (K, d_model)
        return _array(added.float().norm(dim=-1)), True

    @torch.inference_mode()
    def projected(self, query: int) -> tuple[np.ndarray, np.ndarray] | None:
        """(d_model,) twice: Concat(head_1, …) W^O as the model computes it, and the projection's bias alone."""
        if self._projection is None:
            return None
        whole = self.call.output[query].reshape(1, -1)
        return _array(self._projection(whole)[0]), _array(self._projection(torch.zeros_like(whole))[0])


def _rows(table: Tensor | None, rows: slice) -> Tensor | None:
    """Some queries of a table that broadcasts to (H, Q, K)."""
    return table if table is None or table.shape[-2] == 1 else table[..., rows, :]


def _row(table: Tensor, head: int, query: int) -> Tensor:
    """(K,) of a table that broadcasts to (H, Q, K)."""
    table = table if table.ndim == 3 else table[None]
    return table[head if table.shape[0] > 1 else 0, query if table.shape[1] > 1 else 0]


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy()
