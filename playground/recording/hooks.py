"""The recorder: one function registered with transformers' AttentionInterface, and what it hands on. The only file
that knows hooks.

It serves every family that goes through the interface: the model computes attention its own fast way, and whoever
listens in this thread is given what went in and what came out. It knows nothing of texts, nor of how models are
loaded or shown.
"""

import inspect
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import eager_mask, sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from playground.models.families import CROSS_ATTENTION_PATHS
from playground.recording.attention import AttentionCall

FAST, EAGER = "playground_recorder", "playground_recorder_eager"
"""The recorder's two names: with the masks that scaled_dot_product_attention reads, none where it knows that a layer
is causal; and with the additive masks that every family's own eager function reads."""

_ONLY_EAGER = ("softcap", "s_aux")  # caps and sinks are beyond scaled_dot_product_attention
_TRIED = 11
"""Ids that a way is tried on."""
_TOLERANCE, _ROUNDED_TOLERANCE = 1e-3, 1e-1
"""Largest difference of a logit that rounding explains, as a share of the largest: in float32, and in coarser formats."""

Sink = Callable[[torch.nn.Module, Tensor, Tensor, Tensor, Tensor | None, dict, Tensor], Tensor | None]
Receiver = Callable[[str, int, AttentionCall], None]
_sink: ContextVar[Sink | None] = ContextVar("attention_sink", default=None)
_rotations: ContextVar[list | None] = ContextVar("rotations", default=None)


def _attend(module, query, key, value, attention_mask, **options):
    """The function that transformers calls for every attention layer of a family on the interface."""
    if _needs_eager(options):
        attend = sys.modules[type(module).__module__].eager_attention_forward
    else:
        attend = ALL_ATTENTION_FUNCTIONS["sdpa"]
    output, _ = attend(module, query, key, value, attention_mask, **options)
    if (sink := _sink.get()) is not None:
        replacement = sink(module, query, key, value, attention_mask, options, output)
        output = output if replacement is None else replacement
    return output, None


def _needs_eager(options: dict) -> bool:
    return any(options.get(name) is not None for name in _ONLY_EAGER)


for _name, _mask in ((FAST, sdpa_mask), (EAGER, eager_mask)):
    AttentionInterface.register(_name, _attend)
    AttentionMaskInterface.register(_name, _mask)  # else no mask is passed at all, silently


@contextmanager
def capture_attention(sink: Sink):
    """Within, every attention call of this thread is given to the sink; what it returns, if not None, replaces
    the layer's output."""
    token = _sink.set(sink)
    try:
        yield
    finally:
        _sink.reset(token)


@contextmanager
def capture_rope():
    """Within, every call of a rotary embedding in this thread adds (layer type or None, cos, sin) to the list given."""
    found: list[tuple[str | None, Tensor, Tensor]] = []
    token = _rotations.set(found)
    try:
        yield found
    finally:
        _rotations.reset(token)


def _heard_rotation(module, arguments, named, output) -> None:
    if (found := _rotations.get()) is not None and isinstance(output, tuple):
        kinds = [value for value in (*arguments, *named.values()) if isinstance(value, str)]
        found.append((kinds[0] if kinds else None, *output))


def set_recorder(model: PreTrainedModel) -> bool:
    """Makes the model's attention go through the recorder; False, and eager, where the family does not allow it.

    For once, at load: the setting is part of the model's configuration, which all visitors share.
    """
    for module in model.modules():
        if "Rotary" in type(module).__name__:
            module.register_forward_hook(_heard_rotation, with_kwargs=True)
    if not model._can_set_attn_implementation():  # else transformers warns, and some families are left half set
        return False
    for reference in ("eager",) if _is_exact(model) else ("sdpa", "eager"):  # rounding alone can set these far apart
        try:
            model.set_attn_implementation(reference)
            expected, _ = _tried(model)
        except Exception:  # any family may fail in its own way; many have no sdpa
            continue
        if any(_is_same_model(model, way, expected) for way in (FAST, EAGER)):
            return True
    model.set_attn_implementation("eager")
    return False


def _is_same_model(model: PreTrainedModel, way: str, expected: Tensor) -> bool:
    """Sets a way and tells whether every call comes to the recorder in a form that it reads, and the model still gives
    what is expected, as it does in a way of transformers' own.

    Some families ask for the name "eager" or "sdpa" (DeepSeek 3.2's index) and some get no mask because a flag of
    their modules is taken for it (BigBird-Pegasus, Splinter): under another name these are other models, silently.
    """
    try:
        model.set_attn_implementation(way)
        found, calls = _tried(model)
    except Exception:  # masks of a form that the family's own code can't add
        return False
    if not calls or (way == FAST and any(map(_needs_eager, calls))):
        return False
    if any(
        given.get("indices") is not None for given in calls
    ):  # which keys are seen, but for these few ids all of them
        return False
    share = (found - expected).abs().max() / expected.abs().max()
    return bool(share <= (_TOLERANCE if _is_exact(model) else _ROUNDED_TOLERANCE))


def _is_exact(model: PreTrainedModel) -> bool:
    """Whether all matrices of the model are float32: neither a half format nor int8."""
    weights = (getattr(module, "weight", None) for module in model.modules())
    return all(w.dtype == torch.float32 for w in weights if isinstance(w, Tensor) and w.ndim == 2)


@torch.inference_mode()
def _tried(model: PreTrainedModel) -> tuple[Tensor, list[dict]]:
    """One forward pass over a few ids: logits, or last hidden states, in float32, and the options of every attention
    call; no options where the calls go past the recorder."""
    options = []
    matrix = model.get_input_embeddings().weight
    longest = getattr(model.config.get_text_config(), "max_position_embeddings", None) or _TRIED
    count = max(3, min(_TRIED, longest - 2))  # RoBERTa counts from 2
    ids = torch.arange(5, 5 + count, device=matrix.device)[None] % len(matrix)
    with capture_attention(lambda module, query, key, value, mask, given, output: options.append(given)):
        outputs = model(input_ids=ids, **({"decoder_input_ids": ids[:, :7]} if model.config.is_encoder_decoder else {}))
    return outputs[0].float(), options


@torch.inference_mode()
def find_projections(model: PreTrainedModel, inputs: dict) -> dict[int, torch.nn.Module]:
    """For each attention module (by its id) the linear layer that reads the heads' concatenated outputs: W^O.

    Found by running the model and watching what is given to whom, so it needs no names. For once, at load.
    """
    found: dict[int, torch.nn.Module] = {}
    waiting: list[tuple[int, Tensor]] = []

    def heard(module, query, key, value, mask, options, output) -> None:
        waiting.append((id(module), output))

    def read(module, arguments) -> None:
        for number, (name, output) in enumerate(waiting):
            if (
                arguments
                and arguments[0].numel() == output.numel()
                and torch.equal(arguments[0].flatten(), output.flatten())
            ):
                found[name] = module
                del waiting[number]
                return

    leaves = [m for m in model.modules() if not list(m.children()) and getattr(m, "weight", None) is not None]
    hooks = [m.register_forward_pre_hook(read) for m in leaves if m.weight.ndim == 2]
    try:
        with capture_attention(heard):
            model(**inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def trace_layer(model: PreTrainedModel, kind: str, layer: int, run: Callable[[], object]) -> "Traced":
    """Runs the model and gives one layer's attention call with its module and the rotation that it used, if any."""
    seen: list[tuple] = []
    found: list[AttentionCall] = []

    def receive(found_kind: str, number: int, call: AttentionCall) -> None:
        if (found_kind, number) == (kind, layer):
            found.append(call)
            seen.append(reader.module)

    reader = AttentionCallCollector(model, receive)
    with capture_rope() as rotations, capture_attention(reader):
        run()
    module = seen[0]
    types = getattr(model.config.get_text_config(), "layer_types", None)
    own = [r for r in rotations if r[0] is None or r[0] == (types[layer] if types else None)]
    return Traced(found[0], module, own[0][1:] if own else None)


@dataclass(frozen=True, eq=False)
class Traced:
    """One attention layer, with what stands around it."""

    call: AttentionCall
    module: torch.nn.Module
    rotation: tuple[Tensor, Tensor] | None
    """(cos, sin), each (1, tokens, rotated dimensions); of GPT-J and its kin (sin, cos)."""

    def before_rotary(self) -> tuple[Tensor, Tensor] | None:
        """Query (H, Q, D) and key (G, K, D) as they were before the rotation; None without one.

        Turned back by the family's own function with the angle's sign changed; where cos and sin are scaled (YaRN) the
        scale is taken off.
        """
        apply = getattr(sys.modules[type(self.module).__module__], "apply_rotary_pos_emb", None)
        if self.rotation is None or apply is None or hasattr(self.module, "qk_rope_head_dim"):
            return None  # DeepSeek's latent attention turns a part at the end, in an order of its own
        q, k = self.call.query[None], self.call.key[None]
        first, second = self.rotation  # cos and sin, but for a scale the same whichever is which
        scale = float(first[0, 0, 0] ** 2 + second[0, 0, 0] ** 2)
        for width in (first.shape[-1], 2 * first.shape[-1]):  # GPT-OSS gives one angle for two dimensions
            try:
                back = _turned_back(apply, q[..., :width], k[..., :width], first.to(q), second.to(q))
            except RuntimeError:  # the shapes do not fit
                continue
            return tuple(torch.cat([b / scale, a[..., width:]], -1)[0] for a, b in zip((q, k), back, strict=True))
        return None


def _turned_back(apply: Callable, q: Tensor, k: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Query (1, H, T, D) and key by the family's own function, with the angle's sign changed."""
    if list(inspect.signature(apply).parameters)[1:3] == ["sin", "cos"]:  # GPT-J: one of (1, T, H, D) at a time
        return tuple(apply(x.transpose(1, 2), -first, second).transpose(1, 2) for x in (q, k))
    return apply(q, k, first, -second)


@contextmanager
def final_states(model: PreTrainedModel):
    """Within, the list given gets what the head reads of each pass of this thread: the stack's last hidden states
    (B, T, D); nothing where the stack is not a module of its own (T5)."""
    found: list[Tensor] = []

    def read(args, kwargs, output):
        if _has_states(output):
            found.append(output["last_hidden_state"])
        return output

    with changed(_stacks(model), gives=read):
        yield found


@torch.inference_mode()
def logits_of_states(model: PreTrainedModel, states: Tensor) -> Tensor:
    """(T, V): what the model's own code makes of last hidden states (T, D), whatever it does to them: transforms, caps,
    scales. The stack reads one token meanwhile, and its answer is exchanged."""

    def exchanged(args, kwargs, output):
        if _has_states(output):
            output["last_hidden_state"] = states[None]
        return output

    matrix = model.get_input_embeddings().weight
    given = {"input_ids": torch.full((1, 1), 5 % len(matrix), device=matrix.device)}
    with changed(_stacks(model), gives=exchanged):
        return model(**given, return_dict=True).logits[0]


def _has_states(output) -> bool:
    return isinstance(output, dict) and output.get("last_hidden_state") is not None


def _stacks(model: PreTrainedModel) -> list[torch.nn.Module]:
    """The part of a model that its head reads, by transformers' own accounts of it, which may name one within another
    (OPT); of two stacks none."""
    found = {} if model.config.is_encoder_decoder else dict.fromkeys((model.base_model, model.get_decoder()))
    return [module for module in found if module is not model]


class AttentionCallCollector:
    """A sink that hands on each attention call as `receive(kind, layer, call)`; layers count per kind."""

    def __init__(self, model: PreTrainedModel, receive: Receiver, keep_all: bool = True, row: int = 0):
        self._row = row
        self._receive = receive
        self._keep_all = keep_all
        self.module: torch.nn.Module | None = None
        """The attention module whose call is being handed on."""
        self._layers = Counter()
        self._masks: dict[object, tuple] = {}
        self._two_stacks = model.config.is_encoder_decoder
        self._paths = {module: path for path, module in model.named_modules()} if self._two_stacks else {}

    def __call__(self, module, query, key, value, mask, options, output) -> None:
        bias = options.get("position_bias")
        causal = query.shape[2] if _causal_without_mask(module, query, mask, options) else 0
        allowed, rest = self._split(mask, causal, query.device)
        call = AttentionCall(
            query=_own(query[self._row]),
            key=_own(key[self._row]),
            allowed=allowed,
            bias=rest if bias is None else self._own_row(bias) if rest is None else self._own_row(bias) + rest,
            scaling=options.get("scaling"),
            softcap=options.get("softcap"),
            sinks=options.get("s_aux"),
            value=_own(value[self._row]) if self._keep_all else None,
            output=output[self._row] if self._keep_all else None,
            eager=_needs_eager(options),
        )
        kind, self.module = self._kind(module), module
        self._receive(kind, self._layers[kind], call)
        self._layers[kind] += 1

    def _own_row(self, shared: Tensor) -> Tensor:
        """This reader's row of what may be one for all rows of the batch."""
        return shared[self._row if shared.shape[0] > 1 else 0]

    def _kind(self, module) -> str:
        if not self._two_stacks:
            return "self"
        path = self._paths[module].replace("cross_attention", "crossattention")  # as NLLB-MoE writes it
        if any(part in path for part in CROSS_ATTENTION_PATHS):
            return "cross"
        first = re.search("encoder|decoder", path)  # a decoder made of BERT has an "encoder" further down its path
        return first[0] if first else "decoder"

    def _split(self, mask: Tensor | None, causal: int, device) -> tuple[Tensor | None, Tensor | None]:
        """A mask as (allowed, what it adds besides), computed once for all layers that share it; `causal` tokens
        see none that comes later, without a mask that says so."""
        if mask is None and not causal:
            return None, None
        key = (causal, device) if mask is None else (mask.data_ptr(), device, mask.shape, mask.stride())
        if key not in self._masks:
            rest = None
            if mask is None:
                allowed = torch.ones(1, causal, causal, dtype=torch.bool, device=device).tril()
            elif mask.dtype == torch.bool:
                allowed = self._own_row(mask)
            else:
                mine = self._own_row(mask)
                allowed = mine > torch.finfo(mask.dtype).min / 2
                rest = torch.where(allowed, mine, 0)
                rest = rest if rest.any() else None
            self._masks[key] = mask, allowed, rest  # holding the mask keeps its memory from being used again
        return self._masks[key][1:]


def _causal_without_mask(module, query: Tensor, mask: Tensor | None, options: dict) -> bool:
    """Whether transformers' sdpa hides later tokens by its flag alone (sdpa_attention_forward has the same rule)."""
    if mask is not None or query.shape[2] == 1 or _needs_eager(options):
        return False
    causal = options.get("is_causal")
    return bool(getattr(module, "is_causal", True) if causal is None else causal)


def _own(tensor: Tensor) -> Tensor:
    """The tensor without the larger storage that it may be a view of (fused q, k, v projections)."""
    return tensor.clone() if tensor.untyped_storage().nbytes() > tensor.nbytes else tensor


@contextmanager
def changed(modules: Iterable[torch.nn.Module], *, given: Callable | None = None, gives: Callable | None = None):
    """Within, and in this thread alone, the modules read what `given(args, kwargs)` makes of their arguments and give
    what `gives(args, kwargs, output)` makes of their output. Others who run the model meanwhile notice nothing."""
    owner, hooks = threading.get_ident(), []

    def before(module, args, kwargs):
        return given(args, kwargs) if threading.get_ident() == owner else None

    def after(module, args, kwargs, output):
        return gives(args, kwargs, output) if threading.get_ident() == owner else None

    try:
        for module in modules:
            if given is not None:
                hooks.append(module.register_forward_pre_hook(before, with_kwargs=True))
            if gives is not None:
                hooks.append(module.register_forward_hook(after, with_kwargs=True))
        yield
    finally:
        for hook in hooks:
            hook.remove()
