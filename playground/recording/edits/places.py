"""Where in a model an edit acts: found by how the model is built, or refused with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from playground.analysis.text_display import listed
from playground.errors import PlaygroundError
from playground.models.input_checks import check_ids, check_length
from playground.models.loaded_model import LoadedModel
from playground.recording.edits.edit import ADD, ARROW, ATTENTION, EMBEDDING, HEAD, LAYER, MLP, NEURON, STATE, Edit
from playground.recording.hooks import AttentionKinds, capture_attention
from playground.recording.layers.blocks import Part
from playground.recording.layers.build import build_of
from playground.recording.layers.trace import test_inputs
from playground.recording.residual_stream import read_states, stack_layers

INPUT, OUTPUT, ADDED, ATTENDED = "input", "output", "added", "attended"


class Site(NamedTuple):
    """What of the model is changed: the input or the output of a module, all that a layer adds, or an attention call."""

    at: str
    layer: int
    module: nn.Module | None = None
    kind: str = ""
    """Of an attention call, as recordings name it."""


@dataclass(frozen=True, eq=False)
class Place:
    """An edit and one of the sites where it acts."""

    edit: Edit
    site: Site
    row: int | None = None
    """The row of a batch that is changed; None for all."""


def places_of(model: LoadedModel, edit: Edit, row: int | None = None) -> tuple[Place, ...]:
    """Where an edit acts. PlaygroundError for what the model does not have, or for what is not known of it."""
    if edit.text:
        check_length(len(edit.text), model.max_tokens)
        check_ids(model, edit.text)
    if edit.part in (HEAD, ARROW):
        return (Place(edit, _attention_site(model, edit), row),)
    if edit.part == STATE and edit.kind == "encoder":
        return (Place(edit, _encoder_site(model, edit), row),)
    layers, depth = stack_layers(model.model), depth_of(model)
    if edit.layer >= depth:
        raise PlaygroundError(f"There is no layer {edit.layer:,}.", f"Layers count from 0 to {depth - 1}.")
    if edit.part == STATE:
        _check_states(model)
        if edit.how == ADD:
            _check_direction(model, edit)
        at, number = (INPUT, 0) if edit.layer == EMBEDDING else (OUTPUT, edit.layer)
        return (Place(edit, Site(at, number, layers[number % len(layers)]), row),)
    build = build_of(model)
    if edit.part == LAYER and not build.blocks:
        _check_states(model)
        return (Place(edit, Site(ADDED, edit.layer, layers[edit.layer % len(layers)]), row),)
    parts = build.parts(edit.layer)
    if not parts:
        raise PlaygroundError(f"The {_NAMES[edit.part]} of this model can't be edited:", f"{build.why_no_parts}.")
    if edit.part == LAYER:
        return tuple(Place(edit, Site(OUTPUT, edit.layer, part.module), row) for part in parts)
    part = _part(edit, parts)
    if edit.part != NEURON:
        return (Place(edit, Site(OUTPUT, edit.layer, part.module), row),)
    if part.projection is None:
        raise PlaygroundError("The neurons of this model can't be edited:", f"{part.why}.")
    count = part.projection.weight.shape[1]
    if (most := max(edit.which)) >= count:
        raise PlaygroundError(
            f"The MLP of layer {edit.layer} has no neuron {most:,}.", f"Its neurons count from 0 to {count - 1:,}."
        )
    return (Place(edit, Site(INPUT, edit.layer, part.projection.module), row),)


_NAMES = {ATTENTION: "attention parts", MLP: "MLPs", NEURON: "neurons"}


def _part(edit: Edit, parts: Sequence[Part]) -> Part:
    kind = MLP if edit.part in (MLP, NEURON) else "cross" if edit.kind == "cross" else ATTENTION
    if edit.kind == "encoder":
        raise PlaygroundError("The attention parts of an encoder before a decoder can't be edited.", "Edit its heads.")
    for part in parts:
        if part.kind == kind:
            return part
    has = " and ".join(part.kind for part in parts)
    raise PlaygroundError(f"Layer {edit.layer} has no part {kind!r}.", f"It has: {has}.")


def depth_of(model: LoadedModel) -> int:
    """How many layers the stack has whose states the head reads."""
    anatomy = model.anatomy
    return (anatomy.decoder_layers if anatomy.kind == "encoder-decoder" else anatomy.layers) or anatomy.layers


def call_kind(model: LoadedModel, kind: str) -> str:
    """A kind of attention as recordings name it."""
    return (kind or "decoder") if model.model.config.is_encoder_decoder else "self"


def _attention_site(model: LoadedModel, edit: Edit) -> Site:
    kind = call_kind(model, edit.kind)
    if edit.kind and kind == "self":
        raise PlaygroundError(f"This model has no {edit.kind!r} attention.", "It has one stack: leave `kind` empty.")
    if not model.capabilities.attention or not model.on_interface:
        reason = model.capabilities.attention.reason or "the outputs of its heads are not captured"
        raise PlaygroundError("The heads of this model can't be edited:", f"{reason}.")
    numbers = model.attention_calls.get(kind, ())
    counts = head_counts(model)
    if edit.layer not in numbers:
        raise _no_such_layer(model, edit, numbers, max(counts[kind, number] for number in numbers))
    heads = counts[kind, edit.layer]
    if edit.which and (most := max(edit.which)) >= heads:
        raise PlaygroundError(f"Layer {edit.layer} has no head {most:,}.", f"Heads count from 0 to {heads - 1}.")
    return Site(ATTENDED, edit.layer, None, kind)


def _no_such_layer(model: LoadedModel, edit: Edit, numbers: Sequence[int], heads: int) -> PlaygroundError:
    """For an edit of a layer that is not among those with this kind of attention."""
    of = {"": "", "cross": "cross-attention ", "encoder": "encoder "}[edit.kind]
    whole = list(numbers) == list(range(len(numbers)))
    there = f"count from 0 to {max(numbers)}" if whole else f"with attention are {listed(numbers)}"
    missing = f"There is no {of}layer {edit.layer:,}."
    if not whole and edit.layer < depth_of(model):
        missing = f"Layer {edit.layer} has no attention."
    return PlaygroundError(missing, f"Layers {there}; heads from 0 to {heads - 1}.")


def _encoder_site(model: LoadedModel, edit: Edit) -> Site:
    if not model.model.config.is_encoder_decoder:
        raise PlaygroundError(f"This model has no {edit.kind!r} states.", "It has one stack: leave `kind` empty.")
    layers = stack_layers(model.model, encoder=True)
    if edit.layer >= len(layers):
        raise PlaygroundError(
            f"The encoder has no layer {edit.layer:,}.", f"Its layers count from 0 to {len(layers) - 1}."
        )
    _check_states(model, encoder=True)
    if edit.how == ADD:
        _check_direction(model, edit)
    at, number = (INPUT, 0) if edit.layer == EMBEDDING else (OUTPUT, edit.layer)
    return Site(at, number, layers[number], edit.kind)


def _check_states(model: LoadedModel, encoder: bool = False) -> None:
    """PlaygroundError for a model whose layers don't pass on one state per token."""

    def check() -> bool:
        return read_states(model.model, range(0, 1), lambda: _short_pass(model), encoder) is not None

    model.fact(f"passes states {encoder}", check)


@torch.inference_mode()
def _short_pass(model: LoadedModel) -> None:
    model.model(**test_inputs(model.model), return_dict=True)


def head_counts(model: LoadedModel) -> dict[tuple[str, int], int]:
    """Kind of attention and layer -> heads, as a short pass showed. For a model on the attention interface."""

    def measure() -> dict[tuple[str, int], int]:
        counter, counts = CallCounter(model), dict[tuple[str, int], int]()

        def note(module: nn.Module, *call: object) -> None:
            counts[counter.place(module)] = cast(Tensor, call[-1]).shape[2]

        with capture_attention(note):
            _short_pass(model)
        return counts

    return model.fact("head counts", measure)


class CallCounter:
    """Numbers the attention calls of one pass as recordings do."""

    def __init__(self, model: LoadedModel, first_layer: int = 0):
        """first_layer: of a pass that begins at a later layer."""
        self._kinds, self._numbers = AttentionKinds(model.model), model.attention_calls
        self._calls = {kind: sum(n < first_layer for n in numbers) for kind, numbers in self._numbers.items()}

    def place(self, module: nn.Module) -> tuple[str, int]:
        """Kind and layer of the call that is made now."""
        kind = self._kinds.of(module)
        numbers, count = self._numbers.get(kind, ()), self._calls.get(kind, 0)
        self._calls[kind] = count + 1
        return kind, numbers[count] if count < len(numbers) else count


def _check_direction(model: LoadedModel, edit: Edit) -> None:
    width = model.anatomy.d_model
    if len(edit.direction) != width:
        raise PlaygroundError(
            f"The direction has {len(edit.direction):,} numbers; a state of this model has {width:,}.", "Give as many."
        )
