"""How the layers of a model are built: which modules' outputs each adds to the residual stream, and which matrices those
come from. Found by trying sums on a short text; trusts no names and no table of families.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn

from playground.analysis.layers.norms import NormForm, fit_norm
from playground.analysis.layers.sums import Sum, adds_up
from playground.analysis.text_display import percent
from playground.models.loaded_model import LoadedModel
from playground.models.rounding import rounding
from playground.recording.hooks import AttentionKinds
from playground.recording.layers.trace import AttentionMark, Call, LayerTrace

NO_MATRIX = "no single matrix makes this part, as in a mixture of experts"
NOT_CAPTURED = "its attention is code of its own, in which the outputs of its heads are not captured"


@dataclass(frozen=True, eq=False)
class Projection:
    """The matrix that a part comes from: part = factor · norm(inputs · Wᵀ + b), mostly without a norm."""

    module: nn.Module
    transposed: bool
    """Whether the module keeps Wᵀ (GPT-2)."""
    heads: int = 0
    """How many heads' outputs its inputs are, end to end; 0 of an MLP, whose inputs are its neurons."""
    norm_module: nn.Module | None = None
    norm: NormForm | None = None

    @property
    def weight(self) -> Tensor:
        """W (D, inputs)."""
        weight = cast(Tensor, self.module.weight).detach()
        return weight.T if self.transposed else weight

    @property
    def bias(self) -> Tensor | None:
        """b (D,)."""
        bias = getattr(self.module, "bias", None)
        return bias.detach() if isinstance(bias, Tensor) else None


@dataclass(frozen=True, eq=False)
class Part:
    """Something that a layer adds to the residual stream: factor times the output of a module."""

    kind: str
    """ "attention", "cross" (of a decoder to its encoder) or "mlp"."""
    module: nn.Module
    factor: float
    projection: Projection | None = None
    why: str = ""
    """Why the part can't be split into heads or neurons; empty if it can."""


@dataclass(frozen=True, eq=False)
class Block:
    """One layer: state after = state before + its parts."""

    layer: nn.Module
    parts: tuple[Part, ...]
    """In the order in which they are computed."""
    stages: tuple[int, ...]
    """After how many of its parts something reads the state so far; empty in parallel blocks."""


class NotUnderstood(Exception):
    """Why a layer's parts are not known, as a sentence."""


def block_of(model: LoadedModel, number: int, trace: LayerTrace) -> Block:
    """How a traced layer is built. NotUnderstood, with the size of what is left over."""
    bound = rounding(model.model.dtype).sums
    groups = equal_outputs(trace)
    whole = trace.after - trace.before
    fit = adds_up(whole, [_output(group[0]) for group in groups], trace.after.norm(dim=-1), bound)
    if fit is None or fit.error > bound:
        raise NotUnderstood(_leftover(number, fit))
    chosen = sorted(zip(fit.parts, fit.factors, strict=True), key=lambda one: trace.calls.index(groups[one[0]][0]))
    marks = attention_marks(trace, [groups[place][0] for place, _ in chosen])
    parts = []
    for place, factor in chosen:
        mark = marks.get(trace.calls.index(groups[place][0]))
        parts.append(part_of(model, trace, groups[place], factor, mark))
    kinds = [part.kind for part in parts]
    if len(set(kinds)) < len(kinds) or "attention" not in kinds:
        what = " and ".join(kinds) or "nothing"
        raise NotUnderstood(f"layer {number} adds {what} to the state, not attention and an MLP")
    return Block(trace.layer, tuple(parts), _stages(trace, parts))


def _output(call: Call) -> Tensor:
    assert call.output is not None
    return call.output


def equal_outputs(trace: LayerTrace) -> list[list[Call]]:
    """The calls that return states, grouped where they return the same numbers; without states before or after the layer."""
    groups: list[list[Call]] = []
    for call in trace.calls:
        if call.output is None or call.output.shape != trace.after.shape or not call.output.any():
            continue
        if any(same(call.output, state) for state in (trace.before, trace.after)):
            continue
        group = next((group for group in groups if same(_output(group[0]), call.output)), None)
        if group is None:
            groups.append([call])
        else:
            group.append(call)
    return groups


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same numbers to rounding."""
    return one.shape == other.shape and bool((one - other).abs().max() <= 1e-6 * other.abs().max())


def attention_marks(trace: LayerTrace, calls: Sequence[Call]) -> dict[int, AttentionMark]:
    """Number of a part's call -> the attention that it comes from: the first part that returns after it."""
    numbers = [trace.calls.index(call) for call in calls]
    marks: dict[int, AttentionMark] = {}
    for mark in trace.attention:
        later = [number for number in numbers if number >= mark.before and number not in marks]
        if later:
            marks[later[0]] = mark
    return marks


def part_of(
    model: LoadedModel, trace: LayerTrace, group: Sequence[Call], factor: float, mark: AttentionMark | None
) -> Part:
    module, projection = group[0].module, _projection(trace, group)
    if mark is None:
        return Part("mlp", module, factor, projection, "" if projection else NO_MATRIX)
    kind = "self" if mark.module is None else AttentionKinds(model.model).of(mark.module)
    kind = "cross" if kind == "cross" else "attention"
    if mark.module is None:
        return Part(kind, module, factor, None, NOT_CAPTURED)
    if projection is None or model.projections.get(id(mark.module)) is not projection.module:
        return Part(kind, module, factor, None, NO_MATRIX)
    return Part(kind, module, factor, replace(projection, heads=mark.heads))


def _projection(trace: LayerTrace, group: Sequence[Call]) -> Projection | None:
    """The matrix whose product a part is, or whose product its last norm reads."""
    for call in group:
        if (turned := _orientation(call)) is not None:
            return Projection(call.module, turned)
    last = group[0]
    if last.inputs is None or last.inputs.shape != trace.after.shape:
        return None
    for call in trace.calls:
        if call.output is None or not same(call.output, last.inputs) or (turned := _orientation(call)) is None:
            continue
        norm = fit_norm(last.inputs, _output(last), *(getattr(last.module, name, None) for name in ("weight", "bias")))
        if norm.error <= 1e-4:
            return Projection(call.module, turned, norm_module=last.module, norm=norm)
    return None


def _orientation(call: Call) -> bool | None:
    """Whether a module multiplies by its weight as it lies (True) or by its transpose (False); None if it does neither."""
    weight, bias = getattr(call.module, "weight", None), getattr(call.module, "bias", None)
    if call.inputs is None or call.output is None or not isinstance(weight, Tensor):
        return None
    if weight.ndim != 2 or not weight.is_floating_point():
        return None
    for turned in (False, True):
        matrix = (weight if turned else weight.T).detach().float()
        if matrix.shape != (call.inputs.shape[-1], call.output.shape[-1]):
            continue
        product = call.inputs @ matrix + (0 if bias is None else bias.detach().float())
        if bool((product - call.output).abs().max() <= _linear_bound(weight.dtype) * call.output.abs().max()):
            return turned
    return None


def _linear_bound(number_format: torch.dtype) -> float:
    """How far a product in this format may be from that in float32."""
    return 1e-4 if number_format == torch.float32 else rounding(number_format).rotation


def _stages(trace: LayerTrace, parts: Sequence[Part]) -> tuple[int, ...]:
    """After how many parts a call reads the state so far."""
    state, stages = trace.before, []
    for count, part in enumerate(parts[:-1], start=1):
        call = next(call for call in trace.calls if call.module is part.module)
        state = state + part.factor * _output(call)
        if any(c.inputs is not None and c.inputs.shape == state.shape and _close(c.inputs, state) for c in trace.calls):
            stages.append(count)
    return tuple(stages)


def _close(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).abs().max() <= 1e-5 * other.abs().max())


def _leftover(number: int, fit: Sum | None) -> str:
    if fit is None:
        return f"no module of layer {number} returns a state"
    return (
        f"layer {number} adds something to the state that is no sum of its modules' outputs: the nearest sum leaves "
        f"{percent(min(1.0, fit.error))} of the state unexplained"
    )
