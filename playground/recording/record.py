"""One forward pass of a model, recorded.

Families on transformers' AttentionInterface have their queries and keys kept; weights are computed from them when
somebody looks at a layer. The other families are asked for `output_attentions`. Knows nothing of how models are
loaded or shown, and leaves the hooks to recorder.py.
"""

import inspect
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token, check_text
from playground.recording.attention import LayerSteps
from playground.recording.hooks import (
    AttentionCallCollector,
    Receiver,
    capture_attention,
    final_states,
    logits_of_states,
    trace_layer,
)
from playground.recording.recording import Outputs, Recording
from playground.settings import Settings

KEEP_ALL_UP_TO = 256
"""Tokens up to which everything is kept. Longer texts keep queries and keys alone (SmolLM2 at 1,024 tokens:
91 MiB, against 1,080 MiB of weights)."""
MAX_TARGET_TOKENS = 64
"""Longest target generated for an encoder-decoder when none is given."""


def record(
    model: LoadedModel,
    text: str | Sequence[int],
    target_text: str | None = None,
    *,
    pair: str | None = None,
    segments: Sequence[int] = (),
    settings: Settings | None = None,
) -> Recording:
    """Runs the model once over a text, or over token ids as they are, and keeps what it did.

    target_text is an encoder-decoder's output (generated greedily if not given); pair is the second sentence for
    models that read two (BERT); of token ids segments tell the same, 0 or 1 for each id. PlaygroundError for an empty
    or too long text, with both numbers.
    """
    settings = settings or Settings()
    if isinstance(text, list | tuple):
        inputs, tokens = _inputs_of(model, list(text)), model.vocabulary.describe(text)
        if any(segments) and "token_type_ids" in model.tokenizer.model_input_names:  # RoBERTa reads pairs without
            inputs["token_type_ids"] = torch.tensor([list(segments)], device=model.input_device)
            tokens = tuple(replace(token, segment=n) for token, n in zip(tokens, segments, strict=True))
    else:
        inputs, tokens = _inputs(model, check_text(text, settings.max_text_bytes), pair)
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
    inputs = _inputs_of(model, ids)
    if pair:
        segments = model.tokenizer(text, pair)  # where the tokenizer tells the sentences apart
        if "token_type_ids" in segments:
            inputs["token_type_ids"] = torch.tensor([segments["token_type_ids"]], device=model.input_device)
    return inputs, tokens


def _inputs_of(model: LoadedModel, ids: list[int]) -> dict[str, Tensor]:
    check_length(len(ids), model.max_tokens)
    check_ids(model, ids)
    return {"input_ids": torch.tensor([ids], device=model.input_device)}


def check_length(count: int, limit: int) -> None:
    """PlaygroundError with both numbers if a text has more tokens than the model reads."""
    if count > limit:
        raise PlaygroundError(
            f"The text has {count:,} tokens; with this model at most {limit:,} can be read.",
            "Shorten it, or choose a model with a longer context.",
        )


def check_ids(model: LoadedModel, ids: Sequence[int], target: bool = False) -> None:
    """PlaygroundError with both numbers for an id beyond the embedding matrix, the decoder's for a target's ids: on a
    GPU a single one would end the driver's work for all visitors."""
    rows = len((model.model.get_decoder() if target else model.model).get_input_embeddings().weight)
    for token_id in ids:
        if not 0 <= token_id < rows:
            text = f" (“{model.vocabulary.text(token_id)}”)" if token_id > 0 else ""
            raise PlaygroundError(
                f"The text has token {token_id:,}{text}; this model's embedding matrix has {rows:,} rows, counted from 0.",
                "Leave it out: the tokenizer has it, but the model never learned it.",
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
        check_ids(model, ids, target=True)
    else:
        limit = min(MAX_TARGET_TOKENS, model.max_tokens - 1)
        seen = torch.ones_like(inputs["input_ids"])  # else transformers hides tokens that look like padding
        ids = model.model.generate(**inputs, attention_mask=seen, max_new_tokens=limit, do_sample=False, num_beams=1)[
            0
        ].tolist()
    while len(ids) > 1 and ids[-1] in ends:
        ids.pop()
    check_length(len(ids), model.max_tokens)
    return ids


def _record(model: LoadedModel, inputs: dict, tokens: tuple[Token, ...], target_tokens) -> Recording:
    if model.on_interface:
        keep_all = max(len(tokens), len(target_tokens or ())) <= KEEP_ALL_UP_TO
        attention: dict[str, list] = {}
        reader = AttentionCallCollector(
            model.model, lambda kind, _, call: attention.setdefault(kind, []).append(call), keep_all
        )
        with capture_attention(reader), final_states(model.model) as states:
            outputs = _forward(model, inputs, hidden_states=keep_all, logits=keep_all)
        if states and not keep_all:
            outputs = replace(outputs, final_states=states[-1][0])
    else:
        outputs, attention = _forward_eager(model, inputs)
    attention = {kind: attention[kind] for kind in _KINDS if kind in attention}
    again, visit = partial(_forward, model, inputs), partial(_visit, model, inputs)
    trace, head = partial(_trace, model, inputs), partial(logits_of_states, model.model)
    return Recording(model, tokens, target_tokens, attention, outputs, again, visit, trace, head)


_KINDS = ("self", "encoder", "decoder", "cross")


def _visit(model: LoadedModel, inputs: dict, receive: Receiver) -> None:
    """Runs the model again and hands on every attention call with its value and output, keeping none."""
    with capture_attention(AttentionCallCollector(model.model, receive)):
        _forward(model, inputs)


@torch.inference_mode()
def _trace(model: LoadedModel, inputs: dict, kind: str, layer: int) -> LayerSteps:
    """Runs the model again for everything that one attention layer reads and gives."""
    traced = trace_layer(model.model, kind, layer, partial(_forward, model, inputs))
    return LayerSteps(traced.call, traced.before_rotary(), model.projections.get(id(traced.module)))


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
    if rows is None:
        return Outputs(states)
    return Outputs(states, rows[0] if logits else None, rows[0, -1].clone())


@torch.inference_mode()
def _forward_eager(model: LoadedModel, inputs: dict) -> tuple[Outputs, dict[str, list[Tensor]]]:
    """For families off the interface: the model's own weights, all layers at once."""
    options = {"use_cache": False} if model.anatomy.has_decoder else {}
    outputs = model.model(**inputs, output_hidden_states=True, output_attentions=True, return_dict=True, **options)
    names = {
        "self": "attentions",
        "encoder": "encoder_attentions",
        "decoder": "decoder_attentions",
        "cross": "cross_attentions",
    }
    attention = {kind: [w[0] for w in outputs[name]] for kind, name in names.items() if outputs.get(name)}
    return _outputs(outputs, True, True), attention
