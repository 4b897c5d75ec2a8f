"""What is known of a model's layers: found once, on a short text, when it is first needed."""

from dataclasses import dataclass

import torch
from torch import Tensor

from playground.errors import log_unforeseen
from playground.models.loaded_model import LoadedModel
from playground.recording.layers.blocks import Block, NotUnderstood, Part, block_of
from playground.recording.layers.normed_blocks import NormedBlock, normed_block_of
from playground.recording.layers.readout import Readout, readout_of
from playground.recording.layers.trace import LayerTrace, test_inputs, trace_calls, trace_layers

NORMS_SUMS = (
    "its layers norm the sum after each part, as BERT's do, which rescales all that was added before, so that no part has "
    "a fixed share"
)
"""Why nothing adds up in layers of `NormedBlock`."""


@dataclass(frozen=True, eq=False)
class Build:
    """How a model is built: its layers' parts, and the way from the last state to the logits. What could not be found has
    its reason."""

    blocks: tuple[Block, ...] = ()
    """Whose parts add up to the state."""
    normed: tuple[NormedBlock, ...] = ()
    """Instead of these, layers that norm each sum."""
    why_no_parts: str = ""
    """Why no parts add up."""
    readout: Readout | None = None
    why_no_readout: str = ""

    def parts(self, layer: int) -> tuple[Part, ...]:
        """What a layer puts into the state, as far as it is known."""
        blocks = self.blocks or self.normed
        return blocks[layer].parts if layer < len(blocks) else ()


def build_of(model: LoadedModel) -> Build:
    """How a model is built, found at the first call and kept with the model."""
    return model.fact("how its layers are built", lambda: _find(model))


@torch.inference_mode()
def _find(model: LoadedModel) -> Build:
    blocks: list[Block] = []
    normed: list[NormedBlock | None] = []
    reasons: list[str] = []
    last: list[Tensor] = []

    def receive(trace: LayerTrace) -> None:
        if not reasons:
            try:
                blocks.append(block_of(model, len(blocks), trace))
            except NotUnderstood as error:
                reasons.append(str(error))
        if reasons and None not in normed:
            normed.append(normed_block_of(model, trace))
        last[:] = [trace.after]

    try:
        with trace_layers(model.model, receive), trace_calls(model.model) as calls:
            outputs = model.model(**test_inputs(model.model), return_dict=True)
    except Exception as error:  # each family may fail in its own way
        reason = f"its layers could not be watched; {log_unforeseen(f'layers of {model.model_id}', error)}"
        return Build(why_no_parts=reason, why_no_readout=reason)
    if not blocks and not reasons:
        reasons.append("its layers don't pass on one state per token")
    readout, why = None, ""
    try:
        if outputs.get("logits") is None or not last:
            raise NotUnderstood(model.capabilities.logits.reason or "it gives no logits")
        readout = readout_of(model, last[-1], calls, outputs["logits"][0].float())
    except NotUnderstood as error:
        why = str(error)
    if reasons:
        chains = tuple(block for block in normed if block is not None)
        whole = chains if len(chains) == len(normed) and not blocks else ()
        return Build((), whole, NORMS_SUMS if whole else reasons[0], readout, why)
    return Build(tuple(blocks), (), "", readout, why)
