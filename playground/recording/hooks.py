"""Capture of attention calls and rotary angles during a forward pass.

One function is registered with transformers' AttentionInterface. It computes attention as the family does and passes
the layer's inputs and output to the sinks of this thread. How a model is made to call it is the subject
of attach.py. Knows nothing of texts, of loading or of the page.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import eager_mask, sdpa_mask

from playground.models.families import CROSS_ATTENTION_PATHS
from playground.models.loaded_model import LoadedModel
from playground.recording.attention import AttentionCall
from playground.recording.own_attention import OwnAttention, needs_eager, own_function

FAST, EAGER = "playground_recorder", "playground_recorder_eager"
"""The two names under which the function is registered. They differ in the masks that a model then makes: for FAST those
of scaled_dot_product_attention, which are left out for causal layers; for EAGER additive masks, as each family's own
eager function needs them."""

Sink = Callable[[torch.nn.Module, Tensor, Tensor, Tensor, Tensor | None, dict, Tensor], Tensor | None]
"""Called as sink(module, query (B, H, Q, D), key and value (B, G, K, D), mask, options, output (B, Q, H, D)). A tensor
that it returns replaces the output."""
Change = Callable[
    [torch.nn.Module, Tensor, Tensor, Tensor, Tensor | None, dict, Tensor], tuple[Tensor | None, Tensor, Tensor]
]
"""Called as a sink is, before it. Returns the mask and the output that sinks see, and the output that the layer goes on
with."""
Attend = Callable[[torch.nn.Module, Tensor, Tensor, Tensor, dict], Tensor]
"""Called as attend(module, query (B, H, Q, D), key and value (B, G, K, D), options) in the place of the family's function;
returns the output (B, Q, H, D)."""
Receiver = Callable[[str, int, AttentionCall], None]
"""Called as receive(kind of attention, layer, call)."""
RopeCall = tuple[str | None, Tensor, Tensor]
"""(layer type or None, cos, sin), cos and sin each (1, T, rotated dimensions); GPT-J and its kin give sin, then cos."""
_sinks: ContextVar[tuple[Sink, ...]] = ContextVar("attention_sinks", default=())
_change: ContextVar[Change | None] = ContextVar("attention_change", default=None)
_replacement: ContextVar[Attend | None] = ContextVar("attention_replacement", default=None)
_rope_calls: ContextVar[list[RopeCall] | None] = ContextVar("rope_calls", default=None)


def _attend(
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """The attention function of every layer whose family uses the interface."""
    if (attend := _replacement.get()) is not None:
        return attend(module, query, key, value, options), None
    output, _ = own_function(module, options)(module, query, key, value, attention_mask, **options)
    used = output
    if (change := _change.get()) is not None:
        attention_mask, output, used = change(module, query, key, value, attention_mask, options, output)
    for sink in _sinks.get():
        replacement = sink(module, query, key, value, attention_mask, options, output)
        used = used if replacement is None else replacement
    return used, None


for _name, _mask in ((FAST, sdpa_mask), (EAGER, eager_mask)):
    AttentionInterface.register(_name, _attend)
    AttentionMaskInterface.register(_name, _mask)  # without it transformers passes no mask, and does not warn


@contextmanager
def capture_attention(*sinks: Sink) -> Iterator[None]:
    """Within the context the sinks receive every attention call of this thread, one after another, after those of a context
    around it. Of several that replace the output the last one wins."""
    token = _sinks.set((*_sinks.get(), *sinks))
    try:
        yield
    finally:
        _sinks.reset(token)


@contextmanager
def change_attention(change: Change) -> Iterator[None]:
    """Within the context every attention call of this thread is changed by this, and by no context around it."""
    token = _change.set(change)
    try:
        yield
    finally:
        _change.reset(token)


@contextmanager
def replace_attention(attend: Attend) -> Iterator[None]:
    """Within the context this function computes every attention call of this thread. No sink sees the call, no change is
    made of it, and the model's mask is left out."""
    token = _replacement.set(attend)
    try:
        yield
    finally:
        _replacement.reset(token)


@contextmanager
def capture_rope() -> Iterator[list[RopeCall]]:
    """Within the context the yielded list receives every call of a rotary embedding in this thread."""
    calls: list[RopeCall] = []
    token = _rope_calls.set(calls)
    try:
        yield calls
    finally:
        _rope_calls.reset(token)


def record_rope(module: torch.nn.Module, args: tuple, kwargs: dict, output: Any) -> None:
    """Forward hook of a rotary embedding; appends its angles to the list of `capture_rope`."""
    if (calls := _rope_calls.get()) is not None and isinstance(output, tuple) and len(output) == 2:
        layer_types = [value for value in (*args, *kwargs.values()) if isinstance(value, str)]
        cos, sin = output
        calls.append((layer_types[0] if layer_types else None, cos, sin))


class AttentionKinds:
    """Which kind of attention a module computes."""

    def __init__(self, model: PreTrainedModel):
        self._two_stacks = model.config.is_encoder_decoder
        self._paths = {module: path for path, module in model.named_modules()} if self._two_stacks else {}

    def of(self, module: torch.nn.Module) -> str:
        """ "self", or of an encoder-decoder "encoder", "decoder" or "cross"."""
        if not self._two_stacks:
            return "self"
        path = self._paths[module].replace("cross_attention", "crossattention")  # NLLB-MoE's spelling
        if any(part in path for part in CROSS_ATTENTION_PATHS):
            return "cross"
        first = re.search("encoder|decoder", path)  # a decoder made of BERT has an "encoder" further down its path
        return first[0] if first else "decoder"


class AttentionCallCollector:
    """A sink that turns each attention call into `receive(kind, layer, call)`.

    kind is "self", or of an encoder-decoder "encoder", "decoder" or "cross"; layer is the model's own number.
    """

    def __init__(
        self, model: LoadedModel, receive: Receiver, keep_all: bool = True, row: int = 0, count: int | None = None
    ):
        """keep_all adds values and outputs to the calls; row is the text's row in the batch, count the number of its tokens
        where the batch is padded on the right."""
        self._row, self._tokens = row, slice(count)
        self._receive = receive
        self._keep_all = keep_all
        self.module: torch.nn.Module | None = None
        """The attention module of the current call."""
        self._numbers = model.attention_calls
        self._calls: Counter[str] = Counter()
        self._masks: dict[object, tuple[Tensor | None, Tensor | None, Tensor | None]] = {}
        self._kinds = AttentionKinds(model.model)

    def __call__(
        self,
        module: torch.nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        options: dict,
        output: Tensor,
    ) -> None:
        bias, own = options.get("position_bias"), query[self._row][:, self._tokens]
        causal = own.shape[1] if causal_without_mask(module, query, mask, options) else 0
        allowed, rest = self._split(mask, causal, query.device)
        call = AttentionCall(
            query=_compact(own),
            key=_compact(key[self._row][:, self._tokens]),
            allowed=allowed,
            bias=rest if bias is None else self._own_row(bias) if rest is None else self._own_row(bias) + rest,
            scaling=options.get("scaling"),
            softcap=options.get("softcap"),
            sinks=options.get("s_aux"),
            value=_compact(value[self._row][:, self._tokens]) if self._keep_all else None,
            output=_compact(output[self._row][self._tokens]) if self._keep_all else None,
            eager=needs_eager(options),
        )
        if self._keep_all and query.dtype != torch.float32:
            call = replace(call, own=self._own_call(module, call, mask, options))
        kind, self.module = self._kinds.of(module), module
        numbers, count = self._numbers.get(kind, ()), self._calls[kind]
        self._calls[kind] += 1
        self._receive(kind, numbers[count] if count < len(numbers) else count, call)

    def _own_call(
        self, module: torch.nn.Module, call: AttentionCall, mask: Tensor | None, options: dict
    ) -> OwnAttention:
        """The call as the model made it, of the text's row."""
        bias = options.get("position_bias")
        options = options if bias is None else options | {"position_bias": self._own_row(bias)[None]}
        mask = None if mask is None else self._own_row(mask)[None]
        return OwnAttention(module, call.query, call.key, call.value_and_output()[0], mask, options)

    def _own_row(self, shared: Tensor) -> Tensor:
        """(…, Q, K): the text's own part of a tensor (B, …, Q, K) that may have one row for the whole batch."""
        return shared[self._row if shared.shape[0] > 1 else 0][..., self._tokens, self._tokens]

    def _split(self, mask: Tensor | None, causal: int, device: torch.device) -> tuple[Tensor | None, Tensor | None]:
        """A mask as (allowed, bias), computed once for all layers that share the mask.

        With `causal` tokens and without a mask, allowed is the lower triangle.
        """
        if mask is None and not causal:
            return None, None
        name = (causal, device) if mask is None else (mask.data_ptr(), device, mask.shape, mask.stride())
        if name not in self._masks:
            rest = None
            if mask is None:
                allowed = torch.ones(1, causal, causal, dtype=torch.bool, device=device).tril()
            elif mask.dtype == torch.bool:
                allowed = _compact(self._own_row(mask))
            else:
                own = self._own_row(mask)
                allowed = own > torch.finfo(mask.dtype).min / 2
                bias = torch.where(allowed, own, 0)
                rest = bias if bias.any() else None
            self._masks[name] = mask, allowed, rest  # the mask is kept, so that no other gets its address
        return self._masks[name][1:]


def causal_without_mask(module: torch.nn.Module, query: Tensor, mask: Tensor | None, options: dict) -> bool:
    """Whether transformers' sdpa hides later tokens by its flag alone; the rule is that of sdpa_attention_forward."""
    if mask is not None or query.shape[2] == 1 or needs_eager(options):
        return False
    causal = options.get("is_causal")
    return bool(getattr(module, "is_causal", True) if causal is None else causal)


def _compact(tensor: Tensor) -> Tensor:
    """The tensor, copied if it is a view of a larger storage (fused q, k, v projections)."""
    return tensor.clone() if tensor.untyped_storage().nbytes() > tensor.nbytes else tensor
