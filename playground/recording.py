"""One forward pass of a model, recorded. The only file that knows hooks.

It registers one function with transformers' AttentionInterface, which serves every family that goes through that
interface: the model computes its attention its own fast way, and what went in and came out is kept; weights are
computed from queries and keys when somebody looks at a layer. The other families are asked for
`output_attentions`. It knows nothing of how models are loaded or shown.
"""

import inspect
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from playground.errors import PlaygroundError
from playground.models.families import CROSS_ATTENTION_PATHS
from playground.models.loaded import LoadedModel
from playground.models.tokens import Token, check_text
from playground.recorded import AttentionCall, Outputs, Recording
from playground.settings import Settings

IMPLEMENTATION = "playground_recorder"
KEEP_ALL_UP_TO = 256
"""Tokens up to which everything is kept. Longer texts keep queries and keys alone (SmolLM2 at 1,024 tokens:
91 MiB, against 1,080 MiB of weights)."""
MAX_TARGET_TOKENS = 64
"""Longest target generated for an encoder-decoder when none is given."""

_ONLY_EAGER = ("softcap", "position_bias", "s_aux")  # what scaled_dot_product_attention can't do

Sink = Callable[[torch.nn.Module, Tensor, Tensor, Tensor, Tensor | None, dict, Tensor], Tensor | None]
_sink: ContextVar[Sink | None] = ContextVar("attention_sink", default=None)


def _attend(module, query, key, value, attention_mask, **options):
    """The function that transformers calls for every attention layer of a family on the interface."""
    if any(options.get(name) is not None for name in _ONLY_EAGER):
        attend = sys.modules[type(module).__module__].eager_attention_forward
    else:
        attend = ALL_ATTENTION_FUNCTIONS["sdpa"]
    output, _ = attend(module, query, key, value, attention_mask, **options)
    if (sink := _sink.get()) is not None:
        replacement = sink(module, query, key, value, attention_mask, options, output)
        output = output if replacement is None else replacement
    return output, None


AttentionInterface.register(IMPLEMENTATION, _attend)
AttentionMaskInterface.register(IMPLEMENTATION, eager_mask)  # else no mask is passed at all, silently


@contextmanager
def attention_sink(sink: Sink):
    """Within, every attention call of this thread is given to the sink; what it returns, if not None, replaces
    the layer's output."""
    token = _sink.set(sink)
    try:
        yield
    finally:
        _sink.reset(token)


class _CallReader:
    """A sink that hands on each attention call as `receive(kind, layer, call)`; layers count per kind."""

    def __init__(self, model: LoadedModel, receive: Callable[[str, int, AttentionCall], None], keep_all: bool = True):
        self._receive = receive
        self._keep_all = keep_all
        self._layers = Counter()
        self._masks: dict[int, tuple] = {}
        self._two_stacks = model.model.config.is_encoder_decoder
        self._paths = {module: path for path, module in model.model.named_modules()} if self._two_stacks else {}

    def __call__(self, module, query, key, value, mask, options, output) -> None:
        bias = options.get("position_bias")
        allowed, rest = self._split(mask)
        call = AttentionCall(
            query=_own(query[0]),
            key=_own(key[0]),
            allowed=allowed,
            bias=rest if bias is None else bias[0] if rest is None else bias[0] + rest,
            scaling=options.get("scaling"),
            softcap=options.get("softcap"),
            sinks=options.get("s_aux"),
            value=_own(value[0]) if self._keep_all else None,
            output=output[0] if self._keep_all else None,
        )
        kind = self._kind(module)
        self._receive(kind, self._layers[kind], call)
        self._layers[kind] += 1

    def _kind(self, module) -> str:
        if not self._two_stacks:
            return "self"
        path = self._paths[module]
        if any(part in path for part in CROSS_ATTENTION_PATHS):
            return "cross"
        return "encoder" if "encoder" in path else "decoder"

    def _split(self, mask: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
        """An additive mask as (allowed, what it adds besides), computed once for all layers that share it."""
        if mask is None:
            return None, None
        if id(mask) not in self._masks:
            allowed, rest = mask[0], None
            if mask.dtype != torch.bool:
                allowed = mask[0] > torch.finfo(mask.dtype).min / 2
                rest = torch.where(allowed, mask[0], 0)
                rest = rest if rest.any() else None
            self._masks[id(mask)] = mask, allowed, rest  # holding the mask keeps its id from being used again
        return self._masks[id(mask)][1:]


def _own(tensor: Tensor) -> Tensor:
    """The tensor without the larger storage that it may be a view of (fused q, k, v projections)."""
    return tensor.clone() if tensor.untyped_storage().nbytes() > tensor.nbytes else tensor


def record(
    model: LoadedModel,
    text: str,
    target_text: str | None = None,
    *,
    pair: str | None = None,
    settings: Settings | None = None,
) -> Recording:
    """Runs the model once over a text and keeps what it did.

    target_text is an encoder-decoder's output (generated greedily if not given); pair is the second sentence for
    models that read two (BERT). PlaygroundError for an empty or too long text, with both numbers.
    """
    settings = settings or Settings()
    text = check_text(text, settings.max_text_bytes)
    inputs, tokens = _inputs(model, text, pair)
    target_tokens = None
    if model.model.config.is_encoder_decoder:
        target_ids = _target_ids(model, inputs, target_text, settings)
        inputs["decoder_input_ids"] = torch.tensor([target_ids], device=model.input_device)
        target_tokens = model.vocabulary.describe(target_ids)
    elif target_text is not None:
        raise PlaygroundError("This model has no decoder of its own, so it takes no target text.", "Leave it empty.")
    return _record(model, inputs, tokens, target_tokens)


def _inputs(model: LoadedModel, text: str, pair: str | None) -> tuple[dict[str, Tensor], tuple[Token, ...]]:
    if pair and not model.capabilities.pairs:
        raise PlaygroundError("This model reads no sentence pairs.", model.capabilities.pairs.reason)
    ids, tokens = model.vocabulary.tokenize(text, pair or None)
    check_length(len(ids), model.max_tokens)
    inputs = {"input_ids": torch.tensor([ids], device=model.input_device)}
    if pair:
        segments = model.tokenizer(text, pair)  # where the tokenizer tells the sentences apart
        if "token_type_ids" in segments:
            inputs["token_type_ids"] = torch.tensor([segments["token_type_ids"]], device=model.input_device)
    return inputs, tokens


def check_length(count: int, limit: int) -> None:
    """PlaygroundError with both numbers if a text has more tokens than the model reads."""
    if count > limit:
        raise PlaygroundError(
            f"The text has {count:,} tokens; with this model at most {limit:,} can be read.",
            "Shorten it, or choose a model with a longer context.",
        )


@torch.inference_mode()
def _target_ids(model: LoadedModel, inputs: dict, target_text: str | None, settings: Settings) -> list[int]:
    """What the decoder reads: its start token, then the target without its end."""
    config = model.model.generation_config
    start = config.decoder_start_token_id if config.decoder_start_token_id is not None else config.bos_token_id
    end = config.eos_token_id
    ends = set(end) if isinstance(end, list) else {end}
    if target_text:
        labels = model.tokenizer(text_target=check_text(target_text, settings.max_text_bytes))["input_ids"]
        ids = [start, *labels]
    else:
        limit = min(MAX_TARGET_TOKENS, model.max_tokens - 1)
        ids = model.model.generate(**inputs, max_new_tokens=limit, do_sample=False, num_beams=1)[0].tolist()
    while len(ids) > 1 and ids[-1] in ends:
        ids.pop()
    check_length(len(ids), model.max_tokens)
    return ids


def _record(model: LoadedModel, inputs: dict, tokens: tuple[Token, ...], target_tokens) -> Recording:
    if model.on_interface:
        keep_all = max(len(tokens), len(target_tokens or ())) <= KEEP_ALL_UP_TO
        attention: dict[str, list] = {}
        reader = _CallReader(model, lambda kind, _, call: attention.setdefault(kind, []).append(call), keep_all)
        with attention_sink(reader):
            outputs = _forward(model, inputs, hidden_states=keep_all, logits=keep_all)
    else:
        outputs, attention = _forward_eager(model, inputs)
    attention = {kind: attention[kind] for kind in _KINDS if kind in attention}
    return Recording(
        model, tokens, target_tokens, attention, outputs, partial(_forward, model, inputs), partial(_visit, model, inputs)
    )


_KINDS = ("self", "encoder", "decoder", "cross")


def _visit(model: LoadedModel, inputs: dict, receive: Callable[[str, int, AttentionCall], None]) -> None:
    """Runs the model again and hands on every attention call with its value and output, keeping none."""
    with attention_sink(_CallReader(model, receive)):
        _forward(model, inputs)


@torch.inference_mode()
def _forward(model: LoadedModel, inputs: dict, *, hidden_states: bool = False, logits: bool = False) -> Outputs:
    """One forward pass; returns only what is asked for."""
    options = {"use_cache": False} if model.anatomy.has_decoder else {}
    if not logits and "logits_to_keep" in inspect.signature(model.model.forward).parameters:
        options["logits_to_keep"] = 1
    outputs = model.model(**inputs, output_hidden_states=hidden_states, return_dict=True, **options)
    return _outputs(outputs, hidden_states, logits)


def _outputs(outputs, hidden_states: bool, logits: bool) -> Outputs:
    states = None
    if hidden_states:
        states = outputs.get("encoder_hidden_states") or outputs.get("hidden_states")
        states = torch.stack([state[0].to(states[0].device) for state in states])
    rows = outputs.get("logits")
    return Outputs(states, rows[0] if logits and rows is not None else None)


@torch.inference_mode()
def _forward_eager(model: LoadedModel, inputs: dict) -> tuple[Outputs, dict[str, list[Tensor]]]:
    """For families off the interface: the model's own weights, all layers at once."""
    options = {"use_cache": False} if model.anatomy.has_decoder else {}
    outputs = model.model(**inputs, output_hidden_states=True, output_attentions=True, return_dict=True, **options)
    names = {"self": "attentions", "encoder": "encoder_attentions", "decoder": "decoder_attentions",
             "cross": "cross_attentions"}
    attention = {kind: [w[0] for w in outputs[name]] for kind, name in names.items() if outputs.get(name)}
    return _outputs(outputs, True, True), attention
