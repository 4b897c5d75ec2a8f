"""Records one forward pass of a model.

For families on transformers' AttentionInterface a recording keeps queries and keys; weights are computed from them when
a layer is looked at. For other families it keeps the weights that the model returns (`output_attentions`). Knows
nothing of loading or of the page.
"""

import inspect
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import torch
from torch import Tensor
from transformers import GenerationMixin
from transformers.utils import ModelOutput

from playground.analysis.text_display import sizes_text
from playground.errors import PlaygroundError, unforeseen
from playground.models.decoder_start import Target, decoder_start, with_source_language
from playground.models.input_checks import check_ids, check_length
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token, check_text
from playground.recording.attention import AttentionCall
from playground.recording.edits.edit import Edit, edits_of
from playground.recording.edits.editing import Plan, check_positions, plan_of
from playground.recording.hooks import AttentionCallCollector, Receiver, capture_attention
from playground.recording.layer_numbers import number_returned_weights
from playground.recording.layer_steps import LayerSteps, trace_layer
from playground.recording.module_hooks import final_states, logits_of_states
from playground.recording.recording import Outputs, Recording, Replay
from playground.recording.residual_stream import last_states, last_stream
from playground.settings import Settings

KEEP_ALL_UP_TO = 256
"""Tokens up to which a recording keeps everything; of longer texts it keeps queries and keys (SmolLM2 at 1,024 tokens:
91 MiB, where the weights would take 1,080 MiB)."""
_NUMBERED_TOKENS = 7
"""Tokens of the pass that layers are numbered in."""
LAST_STATES = 24
"""Tokens at the end of a longer text whose states after every layer are kept as well (SmolLM2: 1.7 MB)."""
MAX_TARGET_TOKENS = 64
"""Longest target that is generated for an encoder-decoder without a target text."""


_OTHER = "Choose a text of another length, or another model."


class ModelFailed(PlaygroundError):
    """A model's own code raised on a text; its words are in the server's log."""


def record(
    model: LoadedModel,
    text: str | Sequence[int],
    target_text: str | Target | None = None,
    *,
    pair: str | None = None,
    segments: Sequence[int] = (),
    settings: Settings | None = None,
    edits: Sequence[Edit] = (),
) -> Recording:
    """Runs the model once over a text, or over token ids as they are, and records the pass.

    target_text is the output of an encoder-decoder, generated greedily if None; a Target names its language. pair is the
    second sentence for models that read two (BERT); for token ids, segments are 0 or 1 for each id. edits change what the
    model computes, in every pass that the recording makes. PlaygroundError for an empty text, with both numbers for one that
    is too long, and for an edit that the model does not allow.
    """
    settings = settings or Settings()
    target = target_text if isinstance(target_text, Target) else Target(target_text)
    if isinstance(text, list | tuple):
        inputs, tokens = _inputs_of(model, list(text)), model.vocabulary.describe(text)
        if any(segments) and "token_type_ids" in model.tokenizer.model_input_names:  # RoBERTa reads pairs without them
            inputs["token_type_ids"] = torch.tensor([list(segments)], device=model.input_device)
            tokens = tuple(replace(token, segment=n) for token, n in zip(tokens, segments, strict=True))
    else:
        inputs, tokens = _inputs(model, check_text(cast(str, text), settings.max_text_bytes), pair)
    target_tokens = None
    if model.model.config.is_encoder_decoder:
        source = with_source_language(model, inputs["input_ids"][0].tolist(), target.source_language)
        if target.source_language:
            inputs["input_ids"] = torch.tensor([source], device=model.input_device)
            tokens = tuple(replace(t, id=n, text=model.vocabulary.text(n)) for t, n in zip(tokens, source, strict=True))
        target_ids = _target_ids(model, inputs, target, settings)
        inputs["decoder_input_ids"] = torch.tensor([target_ids], device=model.input_device)
        target_tokens = model.vocabulary.describe(target_ids)
    elif target != Target():
        raise PlaygroundError("This model has no decoder of its own, so it takes no target text.", "Leave it empty.")
    return _record(model, inputs, tokens, target_tokens, edits_of(edits))


def _inputs(model: LoadedModel, text: str, pair: str | None) -> tuple[dict[str, Tensor], tuple[Token, ...]]:
    if pair and not model.capabilities.pairs:
        raise PlaygroundError("This model reads no sentence pairs.", model.capabilities.pairs.reason)
    ids, tokens = model.vocabulary.tokenize(text, pair or None)
    inputs = _inputs_of(model, ids)
    if pair:
        segments = model.tokenizer(text, pair)  # some tokenizers number the sentences
        if "token_type_ids" in segments:
            inputs["token_type_ids"] = torch.tensor([segments["token_type_ids"]], device=model.input_device)
    return inputs, tokens


def _inputs_of(model: LoadedModel, ids: list[int]) -> dict[str, Tensor]:
    check_length(len(ids), model.max_tokens)
    check_ids(model, ids)
    return {"input_ids": torch.tensor([ids], device=model.input_device)}


@torch.inference_mode()
def _target_ids(model: LoadedModel, inputs: dict[str, Tensor], target: Target, settings: Settings) -> list[int]:
    """What the decoder reads: its start token, and its language's, then the target without its end token."""
    writes = isinstance(model.model, GenerationMixin)
    end = model.model.generation_config.eos_token_id if writes else None
    ends, start = set(end) if isinstance(end, list) else {end}, decoder_start(model, target.language)
    if target.ids is not None:
        ids = [*start, *target.ids]
        check_ids(model, ids, target=True)
    elif target.text:
        text = check_text(target.text, settings.max_text_bytes)
        if model.languages is not None:  # the start has the language's token
            labels = model.tokenizer(text, add_special_tokens=False)["input_ids"]
        else:
            labels = model.tokenizer(text_target=text)["input_ids"]
        ids = [*start, *labels]
        check_ids(model, ids, target=True)
    elif not writes:  # below a task's head: its decoder reads the text once more, one token later
        ids = [*start, *inputs["input_ids"][0].tolist()][:-1]
    else:
        limit = min(MAX_TARGET_TOKENS, model.max_tokens - len(start))
        mask = torch.ones_like(inputs["input_ids"])  # else transformers masks tokens with the id of padding
        generate = cast(GenerationMixin, model.model).generate
        begin = torch.tensor([start], device=model.input_device)
        options = {"max_new_tokens": limit, "do_sample": False, "num_beams": 1, "decoder_start_token_id": start[0]}
        generated = generate(**inputs, decoder_input_ids=begin, attention_mask=mask, **options)
        ids = cast(Tensor, generated)[0].tolist()
    while len(ids) > len(start) and ids[-1] in ends:
        ids.pop()
    check_length(len(ids), model.max_tokens)
    return ids


@dataclass(frozen=True, eq=False)
class _Text:
    """A text as a model reads it, and how the model is edited meanwhile."""

    model: LoadedModel
    inputs: dict[str, Tensor]
    plan: Plan | None

    def edited(self) -> AbstractContextManager[None]:
        """The context in which a pass runs."""
        return self.plan.applied() if self.plan else nullcontext()


def _record(
    model: LoadedModel,
    inputs: dict[str, Tensor],
    tokens: tuple[Token, ...],
    target_tokens: tuple[Token, ...] | None,
    edits: tuple[Edit, ...],
) -> Recording:
    attention: dict[str, list[AttentionCall]] | dict[str, list[Tensor]]
    check_positions(edits, len(target_tokens or tokens), len(tokens))
    try:
        text = _Text(model, inputs, plan_of(model, edits, inputs) if edits else None)
        if not model.capabilities.attention:
            attention, outputs = {}, _forward(text, hidden_states=True, logits=True)
        elif model.on_interface:
            keep_all = max(len(tokens), len(target_tokens or ())) <= KEEP_ALL_UP_TO
            attention, outputs = _forward_captured(text, keep_all)
        else:
            attention, outputs = _forward_eager(text)
    except PlaygroundError:
        raise
    except Exception as error:  # some families take some lengths alone, and say so in words of their own
        failed = unforeseen(f"{model.model_id}'s own code fails on this text of {len(tokens):,} tokens", error, _OTHER)
        raise ModelFailed(failed.message, failed.remedy) from error
    replay = Replay(
        outputs=partial(_forward, text),
        calls=partial(_receive_calls, text),
        layer_steps=partial(_layer_steps, text),
        head=partial(logits_of_states, model.model),
        edited=lambda other: _record(model, inputs, tokens, target_tokens, edits_of(other)),
    )
    return Recording(model, tokens, target_tokens, attention, outputs, replay, edits)


_WEIGHTS = {
    "self": "attentions",
    "encoder": "encoder_attentions",
    "decoder": "decoder_attentions",
    "cross": "cross_attentions",
}
"""Kind of attention, in the order of `Recording.kinds` -> name of its weights in the outputs of transformers."""


def _forward_captured(text: _Text, keep_all: bool) -> tuple[dict[str, list[AttentionCall]], Outputs]:
    """For families on the interface: the attention calls by kind, and the outputs to keep."""
    calls: dict[str, list[AttentionCall]] = {}
    model = text.model
    collector = AttentionCallCollector(
        model, lambda kind, layer, call: calls.setdefault(kind, []).append(call), keep_all
    )
    with capture_attention(collector), final_states(model.model) as states, last_states(model.model) as last:
        if keep_all:
            outputs = _keep_last(_forward(text, hidden_states=True, logits=True), last)
        else:
            with last_stream(model.model, LAST_STATES) as stream:
                outputs = _forward(text)
            outputs = replace(outputs, stream=stream.result())
    if states and not keep_all:
        outputs = replace(outputs, final_states=states[-1][0])
    return {kind: calls[kind] for kind in _WEIGHTS if kind in calls}, outputs


@torch.inference_mode()
def _forward_eager(text: _Text) -> tuple[dict[str, list[Tensor]], Outputs]:
    """For families off the interface: the model's own weights (H, Q, K) of all layers by kind, and all outputs."""
    with last_states(text.model.model) as last, text.edited():
        returned, outputs = _returned_weights(text.model, text.inputs)
    weights = {kind: [layer[0] for layer in layers if layer is not None] for kind, layers in returned.items()}
    return {kind: layers for kind, layers in weights.items() if layers}, _keep_last(_outputs(outputs, True, True), last)


def _returned_weights(
    model: LoadedModel, inputs: dict[str, Tensor]
) -> tuple[dict[str, tuple[Tensor | None, ...]], ModelOutput]:
    """The weights (1, H, Q, K) that transformers returns by kind, None for a layer without, and all outputs."""
    options = {"use_cache": False} if model.anatomy.has_decoder else {}
    outputs = model.model(**inputs, output_hidden_states=True, output_attentions=True, return_dict=True, **options)
    return {kind: tuple(outputs[name]) for kind, name in _WEIGHTS.items() if outputs.get(name)}, outputs


@torch.inference_mode()
def number_eager_layers(model: LoadedModel) -> None:
    """Sets which layer the weights belong to that a model off the interface returns, on a few tokens."""
    count = min(_NUMBERED_TOKENS, model.max_tokens)
    inputs = {"input_ids": torch.arange(5, 5 + count, device=model.input_device)[None] % model.anatomy.vocabulary}
    if model.model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = inputs["input_ids"][:, :3]
    numbers = number_returned_weights(model.model, lambda: _returned_weights(model, inputs)[0])
    model.attention_calls = {kind: layers for kind, layers in numbers.items() if layers is not None}


def _keep_last(outputs: Outputs, last: list[tuple[Tensor, Tensor]]) -> Outputs:
    """The outputs with what the last layer leaves, if what it reads is the last but one of the hidden states."""
    states = outputs.hidden_states
    if not last or states is None or not torch.equal(last[-1][0].to(states), states[-2]):
        return outputs
    return replace(outputs, last_states=last[-1][1])


def _receive_calls(text: _Text, receive: Receiver) -> None:
    """Runs the model again and passes every attention call, with its value and output, to `receive`."""
    with capture_attention(AttentionCallCollector(text.model, receive)):
        _forward(text)


@torch.inference_mode()
def _layer_steps(text: _Text, kind: str, layer: int) -> LayerSteps:
    """Runs the model again for all steps of one attention layer."""
    return trace_layer(text.model, kind, layer, partial(_forward, text))


@torch.inference_mode()
def _forward(text: _Text, *, hidden_states: bool = False, logits: bool = False) -> Outputs:
    """One forward pass; gives the last row of the logits, and the rest only if requested."""
    model = text.model
    options: dict[str, bool | int] = {"use_cache": False} if model.anatomy.has_decoder else {}
    if not logits and "logits_to_keep" in inspect.signature(model.model.forward).parameters:
        options["logits_to_keep"] = 1
    with text.edited():
        outputs = model.model(**text.inputs, output_hidden_states=hidden_states, return_dict=True, **options)
    return _outputs(outputs, hidden_states, logits)


def _outputs(outputs: ModelOutput, hidden_states: bool, logits: bool) -> Outputs:
    states = _stacked_states(outputs) if hidden_states else None
    rows = outputs.get("logits")
    if rows is None:
        return Outputs(states)
    return Outputs(states, rows[0] if logits else None, rows[0, -1].clone())


def _stacked_states(outputs: ModelOutput) -> Tensor | None:
    """(L + 1, T, d_model); None where the layers' states have no such shape."""
    layers = _states(outputs)
    if not _are_tensors(layers) or any(layer.ndim != 3 or layer.shape != layers[0].shape for layer in layers):
        return None
    return torch.stack([layer[0].to(layers[0].device) for layer in layers])


def _are_tensors(layers: tuple) -> bool:
    """Whether each layer has one tensor of states; PEGASUS-X's have a second one, of global tokens."""
    return bool(layers) and all(isinstance(layer, Tensor) for layer in layers)


def _states(outputs: ModelOutput) -> tuple[Tensor, ...]:
    """Each layer's states as transformers returns them, for a plain text (1, T, d_model); of two stacks the encoder's."""
    return outputs.get("encoder_hidden_states") or outputs.get("hidden_states") or ()


@torch.inference_mode()
def why_no_states(model: LoadedModel, inputs: dict[str, Tensor]) -> str:
    """Why a recording has no hidden states; empty if it has. Sets how many there are."""
    outputs = model.model(**inputs, output_hidden_states=True, return_dict=True)
    layers, count = _states(outputs), inputs["input_ids"].shape[1]
    if not _are_tensors(layers):
        return "the model returns no states of its layers, or several of each"
    if len(shapes := list(dict.fromkeys(tuple(layer.shape[1:]) for layer in layers))) > 1:
        return f"the states of its layers have different shapes: {' and '.join(map(sizes_text, shapes))}"
    if len(shapes[0]) != 2 or shapes[0][0] != count:
        return f"the states of its layers have the shape {sizes_text(shapes[0])}, not one vector for each of {count} tokens"
    model.state_count = len(layers)
    return ""
