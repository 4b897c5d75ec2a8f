"""Outputs of one pass besides its attention calls, taken from what transformers returns."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from transformers.utils import ModelOutput

from playground.analysis.text_display import sizes_text
from playground.models.loaded_model import LoadedModel
from playground.recording.residual_stream import StreamPass


@dataclass(frozen=True)
class Outputs:
    """Outputs of one pass besides its attention calls; None for what was not requested."""

    hidden_states: Tensor | None = None  # (L + 1, T, d_model)
    logits: Tensor | None = None  # (T, V)
    last_logits: Tensor | None = None  # (V,)
    final_states: Tensor | None = None  # (T, d_model), which the head reads
    last_states: Tensor | None = None  # (T, d_model), which the last layer leaves, before the final norm
    stream: StreamPass | None = None  # of a long text: all changes, and the states of its last tokens


class OutputsAgain(Protocol):
    """Runs the model again over the text of a recording."""

    def __call__(self, *, hidden_states: bool = False, logits: bool = False) -> Outputs:
        """The requested outputs."""


def outputs_of(outputs: ModelOutput, hidden_states: bool, logits: bool) -> Outputs:
    """The last row of the logits, and the rest only if requested."""
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
