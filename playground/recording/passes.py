"""Forward passes over a text whose model may be edited: what a recording is made of, and what it asks for again.

For families on transformers' AttentionInterface the queries and keys of each call are captured; others return their
weights (`output_attentions`).
"""

import inspect
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor
from transformers.utils import ModelOutput

from playground.models.loaded_model import LoadedModel
from playground.recording.attention import AttentionCall
from playground.recording.edits.editing import Plan
from playground.recording.hooks import AttentionCallCollector, Receiver, capture_attention
from playground.recording.layer_numbers import number_returned_weights
from playground.recording.layer_steps import LayerSteps, trace_layer
from playground.recording.module_hooks import final_states
from playground.recording.outputs import Outputs, outputs_of
from playground.recording.residual_stream import last_states, last_stream

_NUMBERED_TOKENS = 7
"""Tokens of the pass that layers are numbered in."""
LAST_STATES = 24
"""Tokens at the end of a longer text whose states after every layer are kept as well (SmolLM2: 1.7 MB)."""


@dataclass(frozen=True, eq=False)
class EditedText:
    """A text as a model reads it, and how the model is edited meanwhile."""

    model: LoadedModel
    inputs: dict[str, Tensor]
    plan: Plan | None

    def edited(self) -> AbstractContextManager[None]:
        """The context in which a pass runs."""
        return self.plan.applied() if self.plan else nullcontext()


_WEIGHTS = {
    "self": "attentions",
    "encoder": "encoder_attentions",
    "decoder": "decoder_attentions",
    "cross": "cross_attentions",
}
"""Kind of attention, in the order of `Recording.kinds` -> name of its weights in the outputs of transformers."""


def forward_captured(text: EditedText, keep_all: bool) -> tuple[dict[str, list[AttentionCall]], Outputs]:
    """For families on the interface: the attention calls by kind, and the outputs to keep."""
    calls: dict[str, list[AttentionCall]] = {}
    model = text.model
    collector = AttentionCallCollector(
        model, lambda kind, layer, call: calls.setdefault(kind, []).append(call), keep_all
    )
    with capture_attention(collector), final_states(model.model) as states, last_states(model.model) as last:
        if keep_all:
            outputs = keep_last(forward(text, hidden_states=True, logits=True), last)
        else:
            with last_stream(model.model, LAST_STATES) as stream:
                outputs = forward(text)
            outputs = replace(outputs, stream=stream.result())
    if states and not keep_all:
        outputs = replace(outputs, final_states=states[-1][0])
    return {kind: calls[kind] for kind in _WEIGHTS if kind in calls}, outputs


@torch.inference_mode()
def forward_eager(text: EditedText) -> tuple[dict[str, list[Tensor]], Outputs]:
    """For families off the interface: the model's own weights (H, Q, K) of all layers by kind, and all outputs."""
    with last_states(text.model.model) as last, text.edited():
        returned, outputs = _returned_weights(text.model, text.inputs)
    weights = {kind: [layer[0] for layer in layers if layer is not None] for kind, layers in returned.items()}
    kept = keep_last(outputs_of(outputs, True, True), last)
    return {kind: layers for kind, layers in weights.items() if layers}, kept


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


def keep_last(outputs: Outputs, last: list[tuple[Tensor, Tensor]], row: int = 0) -> Outputs:
    """The outputs of one text of a pass with what the last layer leaves of it, if what this reads is the last but one of the
    hidden states. last: of `last_states`; row: the text's."""
    states = outputs.hidden_states
    if not last or states is None:
        return outputs
    before, after = (state[row, : states.shape[1]] for state in last[-1])
    return replace(outputs, last_states=after.clone()) if torch.equal(before.to(states), states[-2]) else outputs


def receive_calls(text: EditedText, receive: Receiver) -> None:
    """Runs the model again and passes every attention call, with its value and output, to `receive`."""
    with capture_attention(AttentionCallCollector(text.model, receive)):
        forward(text)


@torch.inference_mode()
def layer_steps(text: EditedText, kind: str, layer: int) -> LayerSteps:
    """Runs the model again for all steps of one attention layer."""
    return trace_layer(text.model, kind, layer, partial(forward, text))


@torch.inference_mode()
def forward(text: EditedText, *, hidden_states: bool = False, logits: bool = False) -> Outputs:
    """One forward pass; gives the last row of the logits, and the rest only if requested."""
    with text.edited():
        outputs = run(text.model, text.inputs, hidden_states=hidden_states, logits=logits)
    return outputs_of(outputs, hidden_states, logits)


def run(model: LoadedModel, inputs: dict[str, Tensor], *, hidden_states: bool, logits: bool) -> ModelOutput:
    """What transformers returns of a pass; without `logits` their last row alone, where the family allows that."""
    options: dict[str, bool | int] = {"use_cache": False} if model.anatomy.has_decoder else {}
    if not logits and "logits_to_keep" in inspect.signature(model.model.forward).parameters:
        options["logits_to_keep"] = 1
    return model.model(**inputs, output_hidden_states=hidden_states, return_dict=True, **options)
