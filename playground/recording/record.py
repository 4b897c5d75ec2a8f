"""Records one forward pass of a model.

For families on transformers' AttentionInterface a recording keeps queries and keys; weights are computed from them when
a layer is looked at. For other families it keeps the weights that the model returns (`output_attentions`). Knows
nothing of loading or of the page.
"""

from collections.abc import Sequence
from functools import partial
from typing import cast

from torch import Tensor

from playground.errors import PlaygroundError, unforeseen
from playground.models.decoder_start import Target
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import check_text
from playground.recording.attention import AttentionCall
from playground.recording.edits.edit import Edit, check_positions, edits_of
from playground.recording.edits.editing import plan_of
from playground.recording.inputs import Inputs, inputs_of_ids, inputs_of_text, with_target
from playground.recording.module_hooks import logits_of_states
from playground.recording.outputs import Outputs
from playground.recording.passes import EditedText, forward, forward_captured, forward_eager, layer_steps, receive_calls
from playground.recording.recording import Recording, Replay
from playground.settings import Settings

KEEP_ALL_UP_TO = 256
"""Tokens up to which a recording keeps everything; of longer texts it keeps queries and keys (SmolLM2 at 1,024 tokens:
91 MiB, where the weights would take 1,080 MiB)."""
_OTHER = "Choose a text of another length, or another model."


class ModelFailed(PlaygroundError):
    """A model's own code raised on a text; its words are in the server's log."""


def record(
    model: LoadedModel,
    text: str | Sequence[int],
    target_text: str | Target | None = None,
    *,
    pair: str | None = None,
    segments: Sequence[int] = (),
    settings: Settings | None = None,
    edits: Sequence[Edit] = (),
) -> Recording:
    """Runs the model once over a text, or over token ids as they are, and records the pass.

    target_text is the output of an encoder-decoder, generated greedily if None; a Target names its language. pair is the
    second sentence for models that read two (BERT); for token ids, segments are 0 or 1 for each id. edits change what the
    model computes, in every pass that the recording makes. PlaygroundError for an empty text, with both numbers for one that
    is too long, and for an edit that the model does not allow.
    """
    settings = settings or Settings()
    return record_inputs(model, read_inputs(model, text, target_text, pair, segments, settings), edits_of(edits))


def read_inputs(
    model: LoadedModel,
    text: str | Sequence[int],
    target_text: str | Target | None,
    pair: str | None,
    segments: Sequence[int],
    settings: Settings,
) -> Inputs:
    """What the model reads for the parameters of `record`, which says what is refused."""
    target = target_text if isinstance(target_text, Target) else Target(target_text)
    if isinstance(text, list | tuple):
        inputs = inputs_of_ids(model, text, segments)
    else:
        inputs = inputs_of_text(model, check_text(cast(str, text), settings.max_text_bytes), pair)
    return with_target(model, inputs, target, settings)


def record_inputs(model: LoadedModel, inputs: Inputs, edits: tuple[Edit, ...] = ()) -> Recording:
    """Runs the model once over the inputs. PlaygroundError as `record` says."""
    attention: dict[str, list[AttentionCall]] | dict[str, list[Tensor]]
    tokens, target_tokens = inputs.tokens, inputs.target_tokens
    check_positions(edits, len(target_tokens or tokens), len(tokens))
    try:
        text = EditedText(model, inputs.tensors, plan_of(model, edits, inputs.tensors) if edits else None)
        if not model.capabilities.attention:
            attention, outputs = {}, forward(text, hidden_states=True, logits=True)
        elif model.on_interface:
            keep_all = max(len(tokens), len(target_tokens or ())) <= KEEP_ALL_UP_TO
            attention, outputs = forward_captured(text, keep_all)
        else:
            attention, outputs = forward_eager(text)
    except PlaygroundError:
        raise
    except Exception as error:  # some families take some lengths alone, and say so in words of their own
        failed = unforeseen(f"{model.model_id}'s own code fails on this text of {len(tokens):,} tokens", error, _OTHER)
        raise ModelFailed(failed.message, failed.remedy) from error
    return recording_of(text, inputs, attention, outputs, edits)


def recording_of(
    text: EditedText,
    inputs: Inputs,
    attention: dict[str, list[AttentionCall]] | dict[str, list[Tensor]],
    outputs: Outputs,
    edits: tuple[Edit, ...] = (),
    *,
    in_company: bool = False,
) -> Recording:
    """The recording of what one pass left of a text, and how the rest is had from further passes."""
    replay = Replay(
        outputs=partial(forward, text),
        calls=partial(receive_calls, text),
        layer_steps=partial(layer_steps, text),
        head=partial(logits_of_states, text.model.model),
        edited=lambda other: record_inputs(text.model, inputs, edits_of(other)),
    )
    return Recording(text.model, inputs.tokens, inputs.target_tokens, attention, outputs, replay, edits, in_company)
