"""One attention layer, from its queries and keys before RoPE to what its heads add to the residual stream.

Knows attention calls and the hooks that capture them; knows nothing of whole recordings or of the page.
"""

import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground.analysis.attention.head_steps import HeadInputs
from playground.models.families import first_setting
from playground.models.loaded_model import LoadedModel
from playground.recording.attention import AttentionCall
from playground.recording.hooks import AttentionCallCollector, capture_attention, capture_rope
from playground.recording.module_hooks import PassEnded


@dataclass(frozen=True, eq=False)
class LayerSteps:
    """One attention layer with its vectors before and after RoPE, its values and its output projection."""

    call: AttentionCall
    before_rotary: tuple[Tensor, Tensor] | None
    """(query (H, Q, D), key (G, K, D)); None for a layer without a rotation."""
    projection: torch.nn.Module | None
    """W^O, which reads the outputs of all heads; None where no module does."""

    @property
    def _value(self) -> Tensor:  # (G, K, V)
        return self.call.value_and_output()[0]

    @property
    def _output(self) -> Tensor:  # (Q, H, V)
        return self.call.value_and_output()[1]

    def _group(self, head: int) -> int:
        """The key-value head that a query head reads."""
        return head // (self.call.query.shape[0] // self.call.key.shape[0])

    def vectors_before_rotary(self, head: int, query: int) -> tuple[np.ndarray, np.ndarray] | None:
        """(D,) and (K, D): one token's query and all keys of a head before their rotation; None without one."""
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
            allowed = None  # a row without any allowed key is not masked
        return HeadInputs(
            query=_array(call.query[head, query]),
            keys=_array(call.key[group]),
            values=_array(self._value[group]),
            scaling=call.query.shape[-1] ** -0.5 if call.scaling is None else float(call.scaling),
            softcap=call.softcap,
            bias=None if bias is None else _array(bias),
            allowed=None if allowed is None else allowed.cpu().numpy(),
            sink=None if call.sinks is None else float(call.sinks[head]),
        )

    def head_output(self, head: int, query: int) -> np.ndarray:
        """(V,): the output of one head for a query token, as the model computed it."""
        return _array(self._output[query, head])

    def head_outputs(self, query: int) -> np.ndarray:
        """(H, V): the outputs of all heads for a query token, as the model computed them. Their concatenation is
        Concat(head_1, …, head_h) of Vaswani et al. 2017."""
        return _array(self._output[query])

    @torch.inference_mode()
    def head_contributions(self, query: int) -> np.ndarray | None:
        """(H, d_model): what each head adds to the residual stream, its output times its rows of W^O.

        With the bias of the projection they sum to `layer_output`. None if the heads' outputs are not the direct input
        of a projection.
        """
        if self.projection is None:
            return None
        heads, width = self._output.shape[1:]
        single = torch.zeros(heads, heads * width, dtype=self._output.dtype, device=self._output.device)
        for head in range(heads):
            single[head, head * width : (head + 1) * width] = self._output[query, head]
        bias = self.projection(torch.zeros_like(single[:1]))
        return _array(self.projection(single) - bias)

    @torch.inference_mode()
    def value_norms(self, head: int) -> tuple[np.ndarray, bool]:
        """((K,) float32, True): the norm |v W^O_head| of what each key would add with all of the head's attention.

        This is |f(x)| of Kobayashi et al. 2020. The norm |v| of the value alone, and False, if the heads' outputs are
        not the direct input of a projection.
        """
        heads, width = self._output.shape[1:]
        values = self._value[head // (heads // self._value.shape[0])]  # (K, V)
        if self.projection is None:
            return _array(values.float().norm(dim=-1)), False
        alone = torch.zeros(len(values), heads * width, dtype=values.dtype, device=values.device)
        alone[:, head * width : (head + 1) * width] = values
        added = self.projection(alone) - self.projection(torch.zeros_like(alone[:1]))  # (K, d_model)
        return _array(added.float().norm(dim=-1)), True

    @torch.inference_mode()
    def layer_output(self, query: int) -> tuple[np.ndarray, np.ndarray] | None:
        """(d_model,) twice: Concat(head_1, …, head_h) W^O + b as the model computes it, and the bias b alone."""
        if self.projection is None:
            return None
        concat = self._output[query].reshape(1, -1)
        return _array(self.projection(concat)[0]), _array(self.projection(torch.zeros_like(concat))[0])


def trace_layer(model: LoadedModel, kind: str, layer: int, run: Callable[[], object]) -> LayerSteps:
    """The steps of one attention layer, captured while `run()` runs the model, which ends there."""
    captured: list[tuple[AttentionCall, torch.nn.Module]] = []

    def receive(call_kind: str, number: int, call: AttentionCall) -> None:
        if (call_kind, number) == (kind, layer) and collector.module is not None:
            captured.append((call, collector.module))
            raise PassEnded

    collector = AttentionCallCollector(model, receive)
    with capture_rope() as rope_calls, capture_attention(collector), suppress(PassEnded):
        run()
    call, module = captured[0]
    types = first_setting(model.model.config.get_text_config(), "layer_types")
    own_type = types[layer] if types and layer < len(types) else None
    angles = [(first, second) for layer_type, first, second in rope_calls if layer_type in (None, own_type)]
    before = _undo_rope(call, module, *angles[0]) if angles else None
    return LayerSteps(call, before, model.projections.get(id(module)))


def _undo_rope(
    call: AttentionCall, module: torch.nn.Module, first: Tensor, second: Tensor
) -> tuple[Tensor, Tensor] | None:
    """Query (H, Q, D) and key (G, K, D) before RoPE; None if the rotation can't be undone.

    The family's own function rotates them back, with the sign of the angle changed. first and second are cos and sin,
    or sin and cos; where they are scaled (YaRN) the result is divided by the scale.
    """
    rotate = getattr(sys.modules[type(module).__module__], "apply_rotary_pos_emb", None)
    if rotate is None or hasattr(module, "qk_rope_head_dim"):
        return None  # DeepSeek's latent attention rotates the last dimensions, in an order of its own
    q, k = call.query[None], call.key[None]
    scale = float(first[0, 0, 0] ** 2 + second[0, 0, 0] ** 2)  # cos² + sin², in either order
    for width in (first.shape[-1], 2 * first.shape[-1]):  # GPT-OSS gives one angle for two dimensions
        try:
            back = _rotate_back(rotate, q[..., :width], k[..., :width], first.to(q), second.to(q))
        except Exception:  # the shapes do not fit, or a family's function takes other arguments
            continue
        query, key = (torch.cat([b / scale, a[..., width:]], -1)[0] for a, b in zip((q, k), back, strict=True))
        return query, key
    return None


def _rotate_back(rotate: Callable, q: Tensor, k: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Query (1, H, T, D) and key, rotated by the family's own function with the sign of the angle changed."""
    names = list(inspect.signature(rotate).parameters)
    if names[1:3] == ["sin", "cos"]:  # GPT-J: rotate(x (1, T, H, D), sin, cos)
        query, key = (rotate(x.transpose(1, 2), -first, second).transpose(1, 2) for x in (q, k))
        return query, key
    if names[1:3] == ["cos", "sin"]:  # Gemma 3n: rotate(x (1, H, T, D), cos, sin)
        return rotate(q, first, -second), rotate(k, first, -second)
    return rotate(q, k, first, -second)


def _row(table: Tensor, head: int, query: int) -> Tensor:
    """(K,): one row of a table that broadcasts to (H, Q, K)."""
    table = table if table.ndim == 3 else table[None]
    return table[head if table.shape[0] > 1 else 0, query if table.shape[1] > 1 else 0]


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy()
