"""The activations of one layer's neurons on a recorded text, and what one neuron adds to logits at one token."""

from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from playground.analysis.arrays import check_range
from playground.analysis.layers.neurons import Activations
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.recording.layers.blocks import Part, Projection
from playground.recording.layers.build import build_of
from playground.recording.layers.contributions import check_errors, final_scales, known_build
from playground.recording.layers.layer_pass import LayerPass
from playground.recording.layers.lens import Text
from playground.recording.layers.part_details import neuron_tokens
from playground.recording.module_hooks import PassEnded, patch_modules
from playground.recording.residual_stream import first_tensor, layer_input, stack_layers

_BLOCK = 64
"""Tokens whose sums are checked at once."""


@torch.inference_mode()
def activations_of(text: Text, layer: int, tokens: range) -> Activations:
    """How active the neurons of a layer's MLP are at some tokens, from another pass; it ends at that layer where the text
    keeps the last states of these tokens.

    PlaygroundError, with the reason, for a model whose MLP has no single matrix, or where the neurons don't add up to it.
    """
    part, matrix = mlp_of(text.model, layer)
    kept: dict[str, Tensor] = {}
    last = _last_states(text, tokens)
    ends = last is not None and _runs_once(text.model, part)

    def store(name: str, value: Any) -> None:
        rows = value[0] if value.ndim > 2 and value.shape[0] == 1 else value
        kept[name] = rows.flatten(1)[tokens.start : tokens.stop].float().cpu().clone()

    def of_matrix(args: tuple, kwargs: dict, output: Any) -> Any:
        store("inputs", layer_input(args, kwargs))
        store("product", output)
        return output

    def of_part(args: tuple, kwargs: dict, output: Any) -> Any:
        store("part", first_tensor(output))
        if ends:
            raise PassEnded
        return output

    def of_last_layer(args: tuple, kwargs: dict, output: Any) -> Any:
        store("last", first_tensor(output))
        return output

    last_layer = stack_layers(text.model.model)[-1:] if last is None else []
    with (
        patch_modules([matrix.module], output=of_matrix),
        patch_modules([part.module], output=of_part),
        patch_modules(last_layer, output=of_last_layer),
        suppress(PassEnded),
    ):
        text.run_again()
    return _activations(text.model, layer, tokens, kept | ({} if last is None else {"last": last}))


@torch.inference_mode()
def activations_in(model: LoadedModel, layer: int, parts: LayerPass) -> Activations:
    """The same of the tokens of a pass that kept all parts and what their matrices read."""
    part, _ = mlp_of(model, layer)
    added = next(added for added in parts.parts[layer] if added.part.kind == "mlp")
    assert added.inputs is not None and added.product is not None  # mlp_of has refused
    kept = {
        "inputs": added.inputs,
        "product": added.product,
        "part": added.added / part.factor,
        "last": parts.states[-1],
    }
    return _activations(model, layer, parts.tokens, kept)


def _activations(model: LoadedModel, layer: int, tokens: range, kept: dict[str, Tensor]) -> Activations:
    """kept: of these tokens what the MLP's matrix read and gave, its part, and what the last layer leaves."""
    part, matrix = mlp_of(model, layer)
    inputs, product, weight = kept["inputs"], kept["product"], matrix.weight.float().cpu()
    bias = 0 if matrix.bias is None else matrix.bias.float().cpu()
    again = torch.cat([block @ weight.T + bias for block in inputs.split(_BLOCK)])
    error = float((again - product).abs().max() / product.abs().max().clamp_min(1e-30))
    check_errors(model, {"neurons": error})
    vectors, units = weight.T, torch.ones(len(inputs))  # (F, D)
    if matrix.norm is not None:
        norm = matrix.norm.cpu()
        vectors, units = norm.through(vectors.double()).float(), norm.scale(product, kept["part"]).float()
    lengths = inputs * (vectors.norm(dim=-1) * abs(part.factor)) * units[:, None]
    last, to_logits = kept.get("last"), None
    if last is not None and build_of(model).readout is not None:
        to_logits = (units.double() * final_scales(model, last).double()).numpy()
    return Activations(layer, tokens, inputs.numpy(), lengths.numpy(), error, to_logits)


def _last_states(text: Text, tokens: range) -> Tensor | None:
    """(N, D): what the last layer leaves of some tokens, if the text keeps it."""
    stream = text.stream
    if stream is None or not tokens or not (stream.has(tokens[0]) and stream.has(tokens[-1])):
        return None
    return stream.states[-1, tokens.start - stream.first :][: len(tokens)]


def _runs_once(model: LoadedModel, part: Part) -> bool:
    """Whether a part belongs to one layer alone, and not to several that share their weights."""
    return sum(other.module is part.module for block in build_of(model).blocks for other in block.parts) == 1


def mlp_of(model: LoadedModel, layer: int) -> tuple[Part, Projection]:
    """The MLP of a layer and its last matrix. PlaygroundError, with the reason, where there is none."""
    build = build_of(model)
    blocks = build.blocks or build.normed
    if not blocks:
        raise PlaygroundError("The neurons of this model can't be shown:", f"{build.why_no_parts}.")
    check_range("The layer", layer, 0, len(blocks) - 1)
    part = next((part for part in build.parts(layer) if part.kind == "mlp"), None)
    if part is None or part.projection is None:
        reason = part.why if part else f"layer {layer} has no MLP"
        raise PlaygroundError("The neurons of this layer can't be shown:", f"{reason}.")
    return part, part.projection


@torch.inference_mode()
def neuron_writes(
    model: LoadedModel, activations: Activations, place: tuple[int, int], count: int = 6
) -> tuple[tuple[tuple[int, float], ...], tuple[tuple[int, float], ...]]:
    """The tokens whose logits a neuron raises most at one token, and those that it lowers most: (id, what it adds to the
    logit), the largest first. Exact, at the final norm's own scale: the same numbers as in contributions.

    place: token, by its place among the N, and neuron. PlaygroundError, with the reason, where the way to the logits is not
    known."""
    token, neuron = place
    known_build(model)
    assert activations.to_logits is not None  # of a known build
    activation = float(activations.values[token, neuron])
    tokens = neuron_tokens(model, activations.layer, neuron, activation, count)
    size = abs(activation) * float(activations.to_logits[token])
    raised = tuple((token, size * score) for token, score in zip(tokens.promoted, tokens.raises, strict=True))
    lowered = tuple((token, size * score) for token, score in zip(tokens.held_back, tokens.lowers, strict=True))
    return raised, lowered
