"""What can be shown for a model, found by recording a short text. Trusts no table of families."""

from dataclasses import dataclass, replace

from playground.analysis.text_display import listed
from playground.errors import PlaygroundError, log_unforeseen
from playground.models.decoder_start import NO_START, start_token
from playground.models.loaded_model import YES, Capabilities, Capability, LoadedModel
from playground.recording.attach import find_projections
from playground.recording.attention_checks import attention_matters, check_attention, check_qk
from playground.recording.hooks import AttentionKinds
from playground.recording.layer_numbers import AttendsTwice, trace_captured_calls
from playground.recording.layers.readout import NO_HEAD
from playground.recording.outputs import why_no_states
from playground.recording.passes import number_eager_layers
from playground.recording.probe_text import (
    later_half_matters,
    probe_ids,
    probe_inputs,
    probe_target,
    weighs_later_tokens,
)
from playground.recording.record import ModelFailed, record
from playground.recording.recording import Recording
from playground.recording.score_products import heads_of_scores


@dataclass(frozen=True)
class Probe:
    """What a short text showed of a model."""

    capabilities: Capabilities
    recording: Recording | None = None
    """Of the text; None where it failed."""


def probe(model: LoadedModel) -> Probe:
    """Records a short text and checks the recording; each check that fails is the reason why something is not shown.

    Attention that does not affect the output is not shown either. If weights·V can't be reproduced, the model gets its
    own eager attention back, which returns its weights. Sets the model's layer numbers, heads, states and projections, and
    its kind where a decoder by name reads both ways.
    """
    try:
        recording = _record_once(model)
    except AttendsTwice as error:
        return _without_recorder(model, str(error))
    except PlaygroundError as error:
        if isinstance(error, ModelFailed):
            return _not_recorded(model, error)
        if start_token(model) is None and model.model.config.is_encoder_decoder:
            off = Capability(NO_START)
            return Probe(Capabilities(attention=off, qk=off, **_other_capabilities(model)))
        raise
    except Exception as error:  # each family may fail in its own way; the rest of the page must go on
        return _not_recorded(model, error)
    _refuse_invalid_outputs(model, recording)
    if model.anatomy.kind == "decoder" and weighs_later_tokens(recording) and later_half_matters(model):
        model.anatomy = replace(model.anatomy, kind="encoder")
    attention = check_attention(model, recording)
    _measure_heads(model, recording, attention)
    qk = check_qk(recording, attention)
    if model.on_interface and not (attention and qk):
        return _without_recorder(model, qk.reason)
    if model.on_interface and not attention_matters(model, recording):
        attention = qk = Capability("changing the attention does not change the model's output")
    if not qk:
        model.projections = {}
    return Probe(Capabilities(attention=attention, qk=qk, **_other_capabilities(model, recording)), recording)


def _record_once(model: LoadedModel) -> Recording:
    """The recording of the probe's text. The layers are numbered and the output projections found in the same pass."""
    target = probe_target(model) if model.model.config.is_encoder_decoder else None
    if not model.on_interface:
        number_eager_layers(model)
        return record(model, probe_ids(model), target)
    kinds = AttentionKinds(model.model)
    with trace_captured_calls(model.model, kinds.of) as calls, find_projections(model.model) as projections:
        recording = record(model, probe_ids(model), target)
    model.attention_calls, model.projections = calls.numbers(), projections
    return recording


def _refuse_invalid_outputs(model: LoadedModel, recording: Recording) -> None:
    """PlaygroundError for a model whose outputs are no numbers, though its weights are: nothing of it could be shown."""
    if recording.has_invalid_outputs():
        number_format = str(model.model.dtype).removeprefix("torch.")
        raise PlaygroundError(
            f"On a few words this model's outputs are not numbers (NaN) in {number_format}: a setting in config.json is "
            "wrong, or the format is too narrow for it.",
            "Choose float32, else copy or download config.json again.",
        )


def _not_recorded(model: LoadedModel, error: Exception) -> Probe:
    what = f"recording failed for this family ({model.model.config.model_type})"
    reason = f"{what}; {log_unforeseen(what, error)}"
    if model.on_interface:
        return _without_recorder(model, reason)
    return Probe(Capabilities(attention=Capability(reason), qk=Capability(reason), **_other_capabilities(model)))


def _measure_heads(model: LoadedModel, recording: Recording, attention: Capability) -> None:
    """Replaces the stated numbers of heads by those of the recording, layer by layer."""
    if not recording.kinds or not attention:
        model.anatomy = replace(model.anatomy, heads=0, key_value_heads=0, head_width=0)
        return
    shapes: dict[tuple[int, int, int], list[int]] = {}
    for number in recording.layer_numbers():
        layer = recording.attention(number)
        shape = layer.heads, layer.own_key_heads or layer.heads, layer.head_width or 0
        shapes.setdefault(shape, []).append(number)
    (heads, groups, width), *others = shapes
    words = [f"{h} and {g} of width {w} in layers {listed(shapes[h, g, w])}" for h, g, w in others]
    if not model.on_interface:  # it returns weights alone
        groups, width = heads_of_scores(recording, heads)
    model.anatomy = replace(
        model.anatomy, heads=heads, key_value_heads=groups, head_width=width, other_heads="; ".join(words)
    )


def _without_recorder(model: LoadedModel, reason: str) -> Probe:
    """The probe with the model's own eager attention; `reason` says why queries and keys can't be shown."""
    model.model.set_attn_implementation("eager")
    model.on_interface, model.attention_function = False, "eager"
    again = probe(model)
    return replace(again, capabilities=replace(again.capabilities, qk=Capability(reason)))


def _other_capabilities(model: LoadedModel, recording: Recording | None = None) -> dict[str, Capability]:
    """What does not depend on the recording: logits, generate, chat, embeddings, pairs."""
    head = model.model.get_output_embeddings() is not None
    decoder, template = model.anatomy.has_decoder, model.tokenizer.chat_template
    no_logits = NO_HEAD
    if model.head is not None:
        no_logits = f"it {model.head.words}, which Tasks shows"
    if model.anatomy.kind == "encoder-decoder" and start_token(model) is None and not model.languages:
        return _without_start(model)
    no_generation = no_logits if not head else "it reads a text both ways, so it does not continue one word by word"
    return {
        "logits": YES if head else Capability(no_logits),
        "generate": YES if head and decoder else Capability(no_generation),
        "chat": YES if template and head and decoder else Capability("its tokenizer has no chat template"),
        "hidden_states": Capability(_no_states(model, recording)),
        "embeddings": YES,
        "pairs": YES if _reads_pairs(model) else Capability("only encoders such as BERT read two sentences"),
    }


def _without_start(model: LoadedModel) -> dict[str, Capability]:
    """Of an encoder-decoder whose decoder can't begin: nothing that needs a target."""
    off = Capability(NO_START)
    names = ("logits", "generate", "chat", "hidden_states")
    return dict.fromkeys(names, off) | {"embeddings": YES, "pairs": Capability("it has a decoder that can't begin")}


def _no_states(model: LoadedModel, recording: Recording | None) -> str:
    """Why the model's hidden states can't be shown; empty where they can."""
    if recording and (shape := recording.states_shape) and shape[1] == len(recording.tokens):
        model.state_count = shape[0]
        return ""
    try:
        return why_no_states(model, probe_inputs(model))
    except Exception as error:  # each family may fail in its own way
        what = "asking for them fails"
        return f"{what}; {log_unforeseen(f'hidden states of {model.model_id}: {what}', error)}"


def _reads_pairs(model: LoadedModel) -> bool:
    """Whether the model is an encoder whose tokenizer separates two sentences by a special token."""
    specials = [sum(t.special for t in model.vocabulary.tokenize("a", pair)[1]) for pair in (None, "b")]
    return model.anatomy.kind == "encoder" and specials[1] > specials[0]
