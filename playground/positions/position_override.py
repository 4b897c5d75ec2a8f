"""How a model is told other positions than 0, 1, 2, …: determined by trying, since no table of families would hold.

There are two ways: the argument `position_ids`, and the modules that carry positions (`position_carriers`). A way
counts only if telling the model its usual positions changes nothing, and if it reaches every layer: with equal positions
the first layer must be blind to the order of the tokens.
"""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from playground.errors import log_unforeseen
from playground.models.loaded_model import LoadedModel
from playground.models.position_scheme import first_position_row, position_table
from playground.models.rounding import rounding
from playground.positions.model_inputs import model_inputs, reading_stack
from playground.positions.position_carriers import TABLE, PositionCarrier
from playground.positions.schemes import SCHEMES, scheme_of

_TEXT = "The cat sat on the mat, and the dog sat on the cat."


@dataclass(frozen=True)
class PositionOverride:
    """A way to tell a model its positions. False where there is none."""

    reason: str = ""
    """Why there is none; empty where there is one."""
    offset: int | None = None
    """Added to positions for the argument `position_ids`; None where that is not used."""
    carriers: tuple[PositionCarrier, ...] = ()
    """The modules whose positions are replaced."""
    rows: int | None = None
    """How many positions the model has; None: any number."""
    base_refusal: str = ""
    """Why the rotary base can't be changed; empty where it can."""

    def __bool__(self) -> bool:
        return not self.reason

    @property
    def batched(self) -> bool:
        """Whether rows of one batch may have positions of their own."""
        return not any(carrier.biases_scores for carrier in self.carriers)


def override_of(model: LoadedModel) -> PositionOverride:
    """The way to tell this model its positions; tried once for each loaded model, in a few short passes."""

    def determine() -> PositionOverride:
        return replace(_determine(model), base_refusal=scheme_of(model).base_refusal(model))

    return model.fact("position override", determine)


def _determine(model: LoadedModel) -> PositionOverride:
    """The first way that passes its trial; the reason of the last one where none does."""
    ways = _ways(model)
    if not ways:
        return PositionOverride("its forward pass takes no positions, and nothing that carries them was found")
    reasons = [_refusal(model, way) for way in ways]
    return next((way for way, reason in zip(ways, reasons, strict=True) if not reason), PositionOverride(reasons[-1]))


def _ways(model: LoadedModel) -> list[PositionOverride]:
    """What may work, in the order of trial. A network may have the carriers of several schemes (MPNet)."""
    stack, rows = reading_stack(model.model), scheme_of(model).rows(model)
    carriers = dict.fromkeys(scheme.carrier for scheme in SCHEMES.values() if scheme.carrier is not None)
    present = [carrier for carrier in carriers if carrier.is_in(stack)]
    biases = tuple(carrier for carrier in present if carrier.biases_scores)
    table, ways = position_table(stack), []
    if "position_ids" in inspect.signature(model.model.forward).parameters and not any(
        carrier.replaces_ids for carrier in present
    ):
        offsets = {0, first_position_row(table)} if table is not None else {0}
        ways += [PositionOverride(offset=offset, carriers=biases, rows=rows) for offset in sorted(offsets)]
    if TABLE in present:
        ways.append(PositionOverride(carriers=(TABLE, *biases), rows=rows))
    elif biases:
        ways.append(PositionOverride(carriers=biases, rows=rows))
    return ways


@torch.inference_mode()
def _refusal(model: LoadedModel, way: PositionOverride) -> str:
    """Why a way does not count; empty if it does."""
    ids = list(dict.fromkeys(model.vocabulary.tokenize(_TEXT)[0]))[1:4]
    tolerance = rounding(model.dtype.value).positions

    def states(order: Sequence[int], positions: Sequence[int] | None) -> tuple[Tensor, ...]:
        row = torch.tensor([[ids[i] for i in order]], device=model.input_device)
        arguments = model_inputs(model, row) | {"output_hidden_states": True}
        if positions is None:
            outputs = model.model(**arguments)
        else:
            row_positions = torch.tensor([positions], device=model.input_device)
            with override_positions(model, way, row_positions) as more:
                outputs = model.model(**arguments, **more)
        return outputs.get("encoder_hidden_states") or outputs["hidden_states"]  # of any shape: only compared

    def differ(a: Tensor, b: Tensor) -> bool:
        return (a - b).abs().max().item() > tolerance * a.abs().max().item()

    try:
        plain, usual = states((0, 1, 2), None), states((0, 1, 2), (0, 1, 2))
        equal, swapped = states((0, 1, 2), (0, 0, 0)), states((1, 0, 2), (0, 0, 0))
    except Exception as error:  # any family may fail in its own way
        what = "telling it other positions fails"
        return f"{what}; {log_unforeseen(f'{model.model_id}: {what}', error)}"
    if differ(plain[-1], usual[-1]):
        return "telling it the positions that it has changes its output"
    if not differ(usual[-1], equal[-1]):
        return "it takes other positions, but they change nothing"
    if differ(equal[1][..., 2, :], swapped[1][..., 2, :]):  # Gemma 3n has several states of a token
        return "part of what it knows about order can't be reached from outside"
    return ""


@contextmanager
def override_positions(model: LoadedModel, way: PositionOverride, positions: Tensor) -> Iterator[dict[str, Tensor]]:
    """Within, this thread's passes of the model see positions (B, T); yields further arguments of the pass."""
    stack = reading_stack(model.model)
    with ExitStack() as patches:
        for carrier in way.carriers:
            patches.enter_context(carrier.patch(stack, positions))
        yield {} if way.offset is None else {"position_ids": positions + way.offset}
