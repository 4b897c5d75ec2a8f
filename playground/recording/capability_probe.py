"""What can be shown for a model, found by recording a short text. Trusts no table of families."""

from dataclasses import dataclass, replace

import torch

from playground.analysis.text_display import listed, sizes_text
from playground.errors import PlaygroundError, log_unforeseen
from playground.models.decoder_start import NO_START, start_token
from playground.models.loaded_model import YES, Capabilities, Capability, LoadedModel
from playground.recording.attach import find_projections
from playground.recording.hooks import AttentionKinds, capture_attention
from playground.recording.layer_numbers import AttendsTwice, trace_captured_calls
from playground.recording.outputs import why_no_states
from playground.recording.passes import number_eager_layers
from playground.recording.record import ModelFailed, record
from playground.recording.recording import Recording
from playground.recording.score_products import heads_of_scores
from playground.recording.softmax_watch import SoftmaxWatch

NO_ATTENTION = "it has no attention: its layers mix tokens in another way"
PROBE_TEXT = "The cat sat on the mat, and the dog sat on the cat."
_LEAST_TOKENS = 4
"""Different tokens of a probe."""


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
    if model.anatomy.kind == "decoder" and _weighs_later_tokens(recording) and _later_half_matters(model):
        model.anatomy = replace(model.anatomy, kind="encoder")
    attention = _check_attention(model, recording)
    _measure_heads(model, recording, attention)
    qk = _check_qk(recording, attention)
    if model.on_interface and not (attention and qk):
        return _without_recorder(model, qk.reason)
    if model.on_interface and not _attention_matters(model, recording):
        attention = qk = Capability("changing the attention does not change the model's output")
    if not qk:
        model.projections = {}
    return Probe(Capabilities(attention=attention, qk=qk, **_other_capabilities(model, recording)), recording)


def _record_once(model: LoadedModel) -> Recording:
    """The recording of the probe's text. The layers are numbered and the output projections found in the same pass."""
    target = "The cat" if model.model.config.is_encoder_decoder else None
    if not model.on_interface:
        number_eager_layers(model)
        return record(model, _ids(model), target)
    kinds = AttentionKinds(model.model)
    with trace_captured_calls(model.model, kinds.of) as calls, find_projections(model.model) as projections:
        recording = record(model, _ids(model), target)
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


def _ids(model: LoadedModel) -> list[int]:
    """The probe's text as token ids, shortened to the words that the model can read; of a vocabulary that knows no word of
    it (of proteins, of whole sentences), or is another model's, the first ids."""
    words = PROBE_TEXT.split()
    ids = model.vocabulary.tokenize(PROBE_TEXT)[0]
    while len(words) > 1 and len(ids) > model.max_tokens:
        words.pop()
        ids = model.vocabulary.tokenize(" ".join(words))[0]
    if len(set(ids)) >= _LEAST_TOKENS and max(ids) < model.anatomy.vocabulary:
        return ids
    count = max(_LEAST_TOKENS, min(len(PROBE_TEXT.split()), model.max_tokens))
    return [token_id % model.anatomy.vocabulary for token_id in range(count)]


def probe_inputs(model: LoadedModel) -> dict[str, torch.Tensor]:
    """The probe's text as inputs of the model."""
    ids = torch.tensor([_ids(model)], device=model.input_device)
    return {"input_ids": ids} | ({"decoder_input_ids": ids[:, :3]} if model.model.config.is_encoder_decoder else {})


@torch.inference_mode()
def reads_ahead(model: LoadedModel) -> bool:
    """Whether the last token changes the output at an earlier one: the model attends to later tokens."""
    ids = _ids(model)
    one, other = _states(model, [[*ids[:3], last] for last in (ids[1], ids[2])])
    return not torch.allclose(one[:-1], other[:-1], rtol=1e-2, atol=1e-4)


def _weighs_later_tokens(recording: Recording) -> bool:
    """Whether a text's tokens have weight on those after them."""
    if "self" not in recording.kinds:
        return False
    return any(bool(recording.attention(n, "self").weights.triu(1).any()) for n in recording.layer_numbers("self"))


@torch.inference_mode()
def _later_half_matters(model: LoadedModel) -> bool:
    """Whether other tokens in the second half of the text change the outputs of the first. Where weights are saturated,
    one token more or less, as in `reads_ahead`, changes none."""
    ids = _ids(model)
    half = len(ids) // 2
    one, other = _states(model, [ids, ids[:half] + ids[: len(ids) - half]])
    return not torch.allclose(one[:half], other[:half], rtol=1e-2, atol=1e-4)


def _states(model: LoadedModel, texts: list[list[int]]) -> torch.Tensor:
    """(B, T, …): logits or last states of texts of one length; a model that returns one vector of a text (DPR) is asked
    for its states."""
    inputs = torch.tensor(texts, device=model.input_device)
    rows: torch.Tensor = model.model(input_ids=inputs)[0]
    if rows.ndim == 3 and rows.shape[:2] == inputs.shape:
        return rows
    states: torch.Tensor = model.model(input_ids=inputs, output_hidden_states=True, return_dict=True).hidden_states[-1]
    return states


def _other_capabilities(model: LoadedModel, recording: Recording | None = None) -> dict[str, Capability]:
    """What does not depend on the recording: logits, generate, chat, embeddings, pairs."""
    head = model.model.get_output_embeddings() is not None
    decoder, template = model.anatomy.has_decoder, model.tokenizer.chat_template
    no_logits = "its weights come without a language-model head"
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


def _check_attention(model: LoadedModel, recording: Recording) -> Capability:
    """Checks shapes, rows (sum 1, less with sinks), and that causal weights above the diagonal are 0."""
    if not recording.kinds:
        return Capability(NO_ATTENTION if not _attends(model) else "the model returns no attention weights")
    for kind in recording.kinds:
        for layer in recording.layer_numbers(kind):
            attention = recording.attention(layer, kind)
            weights, place = attention.weights, f"layer {layer} ({kind})"
            expected = (len(attention.query_tokens), len(attention.key_tokens))
            own = tuple(weights.shape[1:])
            if own != expected and not _attends(model):
                return Capability(NO_ATTENTION)
            if own != expected:
                return Capability(
                    f"weights of {place} have shape {sizes_text(own)} (queries × keys), not {sizes_text(expected)}"
                )
            sums = weights.sum(-1)
            if not torch.isfinite(weights).all() or weights.min() < 0 or sums.max() > 1.02:
                return Capability(
                    f"what this family gives as weights of {place} are no shares: a row sums to {sums.max():.4g}, not 1"
                )
            causal = kind == "decoder" or (kind == "self" and model.anatomy.kind == "decoder")
            if causal and weights.triu(1).any():
                return Capability(f"{place} has weight on later tokens, though the model writes word by word")
    return YES


@torch.inference_mode()
def _attends(model: LoadedModel) -> bool:
    """Whether the model computes attention at all. One that states heads of attention and takes no softmax computes it in
    a way of its own (MRA)."""
    if "num_attention_heads" in model.model.config.get_text_config().to_dict():
        return True
    with SoftmaxWatch() as watch:
        model.model(**probe_inputs(model))
    return watch.seen


@torch.inference_mode()
def _attention_matters(model: LoadedModel, recording: Recording) -> bool:
    """Whether the output changes when every attention output is replaced by zeros."""
    inputs = probe_inputs(model)
    with capture_attention(lambda *call: torch.zeros_like(call[-1])):
        if (changed := recording.changed_again()) is not None:
            return changed
        without = model.model(**inputs)[0]
    return not torch.equal(model.model(**inputs)[0], without)


def _check_qk(recording: Recording, attention: Capability) -> Capability:
    if not attention:
        return attention
    verification = recording.verify()
    if verification.reason:
        return Capability(verification.reason)
    worst = verification.worst
    if not verification.passed and worst is not None:
        return Capability(
            f"weights·V of layer {worst.layer}, head {worst.head}, recomputed from queries and keys, is off by "
            f"{worst.error:.2g} (at most {worst.tolerance:.0e}): this family's formula is not understood"
        )
    return YES
