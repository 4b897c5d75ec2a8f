"""Layers that norm the sum of the state and each of their parts (post-norm: BERT, BART's decoder). Each norm rescales
what the parts before it gave, so no logit is a sum of them; yet each part can be taken out. Found by trying sums on a short
text, as in blocks.py.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from playground.models.loaded_model import LoadedModel
from playground.recording.layers.blocks import Part, attention_marks, equal_outputs, part_of, same
from playground.recording.layers.trace import Call, LayerTrace


@dataclass(frozen=True, eq=False)
class NormedBlock:
    """One layer: after each part, state = norm(state + part)."""

    layer: nn.Module
    parts: tuple[Part, ...]
    """In the order in which they are computed."""
    norms: tuple[nn.Module, ...]
    """Of each part."""

    @torch.inference_mode()
    def bare(self, state: Tensor) -> Tensor:
        """What the layer leaves of states (1, T, D) with all parts taken out."""
        for norm in self.norms:
            state = norm(state)
        return state


def normed_block_of(model: LoadedModel, trace: LayerTrace) -> NormedBlock | None:
    """How a traced layer is built, or None if it is no chain of norms with one part each, one of them its attention."""
    groups = equal_outputs(trace)
    state, chosen, norms = trace.before, list[list[Call]](), list[nn.Module]()
    while not same(state, trace.after):
        step = _next_norm(trace, state, groups, set(norms))
        if step is None:
            return None
        group, norm = step
        chosen.append(group)
        norms.append(norm.module)
        assert norm.output is not None
        state = norm.output
    marks = attention_marks(trace, [group[0] for group in chosen])
    parts = [part_of(model, trace, group, 1.0, marks.get(trace.calls.index(group[0]))) for group in chosen]
    kinds = [part.kind for part in parts]
    if len(set(kinds)) < len(kinds) or "attention" not in kinds:
        return None
    return NormedBlock(trace.layer, tuple(parts), tuple(norms))


def _next_norm(
    trace: LayerTrace, state: Tensor, groups: list[list[Call]], done: set[nn.Module]
) -> tuple[list[Call], Call] | None:
    """The part that is added to the state next, and the call that norms the sum."""
    for call in trace.calls:
        if call.inputs is None or call.output is None or call.module in done or call.inputs.shape != state.shape:
            continue
        for group in groups:
            output = group[0].output
            if output is not None and call not in group and same(call.inputs, state + output):
                return group, call
    return None
