"""What every part of a model adds to one logit of a recorded text."""

from dataclasses import replace

import torch
from torch import Tensor

from playground.analysis.arrays import check_range
from playground.analysis.layers.contributions import Contributions, Direction, PartAtToken, contributions
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.rounding import rounding
from playground.recording.layers.build import Build, build_of
from playground.recording.layers.layer_pass import Added, LayerPass, layer_pass
from playground.recording.layers.lens import Text

LARGEST_ERROR = 1e-4
"""Of the sum of all parts, as a share of the largest logit, in float32."""


def parts_of(text: Text, position: int | range) -> LayerPass:
    """What each part added to the token at `position`, or to some tokens, and what its matrix read, from another pass.

    PlaygroundError, with the reason, for a model whose parts are not known.
    """
    build = known_build(text.model)
    tokens = position if isinstance(position, range) else range(position, position + 1)
    return layer_pass(text.model.model, build, tokens, text.run_again, with_inputs=True)


def known_build(model: LoadedModel) -> Build:
    """How the layers are built and how logits are read. PlaygroundError, with the reason, where one is not known."""
    build = build_of(model)
    if not build.blocks or build.readout is None:
        reason = model.capabilities.logits.reason or build.why_no_parts or build.why_no_readout
        raise PlaygroundError("What each part of this model adds to a logit can't be shown:", f"{reason}.")
    return build


@torch.inference_mode()
def contributions_of(
    text: Text, parts: LayerPass, token: int | None = None, against: int | None = None
) -> Contributions:
    """The contributions to the logit of a token, by its id; by default the most likely one. against: a second id, whose
    logit is subtracted.

    PlaygroundError where the parts don't add up to the model's own logit, with the number.
    """
    readout = build_of(text.model).readout
    assert readout is not None  # parts_of has refused
    position = parts.tokens.start
    logits = text.logits_of([position])[0]
    token = int(logits.argmax()) if token is None else token
    for chosen in (token, against):
        check_range("The token id", 0 if chosen is None else chosen, 0, len(logits) - 1)
    last = parts.states[-1, 0]
    direction = direction_of(text.model, parts, token, against)
    layers = [[part_at(added) for added in layer] for layer in parts.parts]
    result = contributions(parts.states[0, 0], layers, direction, (position, token, against))
    uncapped = readout.uncapped(last[None])[0].double()
    before_cap = float(uncapped[token] - (0 if against is None else uncapped[against]))
    logit = float(logits[token].double() - (0 if against is None else logits[against].double()))
    yardstick = float(logits.abs().max()) or 1.0
    cap = logit - before_cap if readout.cap is not None else 0.0
    errors = {"logit": abs(result.total + cap - logit) / yardstick, "states": max(parts.errors), **result.errors}
    reasons = {_NAMES[added.part.kind]: added.part.why for layer in parts.parts for added in layer if added.part.why}
    check_errors(text.model, errors, is_edited=bool(text.edits))
    return replace(result, logit=logit, cap=cap, errors=errors, reasons=reasons)


_NAMES = {"attention": "heads", "cross": "heads", "mlp": "neurons"}


def direction_of(model: LoadedModel, parts: LayerPass, token: int, against: int | None) -> Direction:
    """The direction in which the state before the final norm raises a logit, or a difference of two, at this state's own
    scale."""
    readout = build_of(model).readout
    assert readout is not None  # parts_of has refused
    weight = readout.weight
    row = weight[token].double() - (0 if against is None else weight[against].double())
    row = (row * readout.factor).to(readout.norm.gain.device)
    scale = final_scale(model, parts)
    bias = readout.bias_of(token) - (0.0 if against is None else readout.bias_of(against))
    return Direction(readout.norm.back(row, scale).cpu(), float(readout.norm.bias @ row), bias)


def final_scale(model: LoadedModel, parts: LayerPass) -> float:
    """By how much the final norm multiplies the last state of the one token of a pass."""
    return float(final_scales(model, parts.states[-1, :1])[0])


def final_scales(model: LoadedModel, last: Tensor) -> Tensor:
    """(N,): by how much the final norm multiplies states (N, D) that the last layer left."""
    readout = build_of(model).readout
    assert readout is not None  # parts_of has refused
    device, number_format = readout.norm_module_place
    inputs = last.to(device, number_format)
    return readout.norm.scale(inputs, readout.norm_module(inputs)).cpu()


def part_at(added: Added) -> PartAtToken:
    """A part as it was added to the one token of a pass."""
    part, matrix = added.part, added.part.projection
    if matrix is None or added.inputs is None or added.product is None:
        return PartAtToken(part.kind, added.added[0], part.factor)
    norm = matrix.norm.cpu() if matrix.norm is not None else None
    return PartAtToken(
        part.kind,
        added.added[0],
        part.factor,
        added.inputs[0],
        added.product[0],
        matrix.weight,
        matrix.bias,
        matrix.heads,
        norm,
    )


def check_errors(model: LoadedModel, errors: dict[str, float], is_edited: bool = False) -> None:
    """PlaygroundError, with the number, for an identity of `Contributions.errors` that does not hold. is_edited: whether the
    model is, which changes states by what none of its parts adds."""
    coarse = rounding(model.model.dtype).sums / rounding(torch.float32).sums  # 1 in float32
    for name, error in errors.items():
        if not error <= LARGEST_ERROR * coarse:  # NaN as well
            raise PlaygroundError(
                f"What each part of this model adds can't be shown: {_SAYS[name]} is off by {error:.1g}.",
                EDIT_OFF if is_edited else "Load the model in float32, or choose another one.",
            )


EDIT_OFF = "The edit that is kept may add what no part does: put it back."
_SAYS: dict[str, str] = {
    "logit": "the sum of all parts",
    "states": "a state, as the one before plus the layer's parts,",
    "heads": "an attention part, as the sum of its heads,",
    "neurons": "an MLP's part, as the sum of its neurons,",
}
