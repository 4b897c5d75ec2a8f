"""A head's contribution split over the tokens that it looks at, and the tokens that a neuron writes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from playground.analysis.layers.contributions import Contributions, split_weights
from playground.recording.layers.build import build_of
from playground.recording.layers.contributions import direction_of, part_at
from playground.recording.layers.layer_pass import LayerPass

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.recording.layer_steps import LayerSteps


@torch.inference_mode()
def source_contributions(
    model: "LoadedModel", parts: LayerPass, result: Contributions, head: tuple[str, int, int], steps: "LayerSteps"
) -> np.ndarray:
    """(K,) float64: what each token that a head looks at adds through it, its weight times its value through W^O. They sum
    to the head's contribution. head: the part's kind, layer and head. steps: of that layer."""
    kind, layer, number = head
    added = next(added for added in parts.parts[layer] if added.part.kind == kind)
    weights, _, _ = split_weights(part_at(added), direction_of(model, parts, result.token, result.against).vector)
    width = len(weights) // part_at(added).heads
    back = weights[number * width : (number + 1) * width]  # (V,)
    values = torch.from_numpy(steps.inputs(number, parts.tokens.start).values).double()  # (K, V)
    shares = steps.call.weights(slice(number, number + 1), slice(parts.tokens.start, parts.tokens.start + 1))[0, 0]
    return (shares.double().cpu() * (values @ back)).numpy()


@dataclass(frozen=True)
class NeuronTokens:
    """The tokens whose logits a neuron raises most where it is active, and those that it lowers most."""

    promoted: tuple[int, ...]
    held_back: tuple[int, ...]
    raises: tuple[float, ...]
    """By how much the promoted tokens' logits, at activation 1 and where the norms on the way multiply by 1."""
    lowers: tuple[float, ...]
    """The same of the tokens held back, below zero."""


@torch.inference_mode()
def neuron_tokens(model: "LoadedModel", layer: int, neuron: int, sign: float = 1.0, count: int = 6) -> NeuronTokens:
    """What a neuron writes into the residual stream, read through the final norm's gain and the head (Geva et al. 2021).
    sign: of its activation here, which turns the two lists round where it is negative."""
    build = build_of(model)
    part = next(part for part in build.blocks[layer].parts if part.kind == "mlp")
    assert part.projection is not None and build.readout is not None
    written: Tensor = part.projection.weight[:, neuron].double() * part.factor * (1 if sign >= 0 else -1)
    if part.projection.norm is not None:
        written = part.projection.norm.through(written)
    readout = build.readout
    scores = readout.weight.float() @ readout.norm.through(written.to(readout.norm.gain.device)).float()
    scores = scores * readout.factor
    count = min(count, len(scores))
    (raises, promoted), (lowers, held_back) = scores.topk(count), (-scores).topk(count)
    of_tokens = tuple(promoted.tolist()), tuple(held_back.tolist())
    return NeuronTokens(*of_tokens, tuple(raises.tolist()), tuple((-lowers).tolist()))
