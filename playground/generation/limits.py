"""How many tokens may be written, and what is said where that differs from the request. Runs no model."""

from collections.abc import Sequence
from dataclasses import replace

from playground.generation.checkpoint_settings import checkpoint_differences
from playground.generation.sampling import unsupported_generation_config
from playground.generation.settings import GenerationSettings
from playground.models.decoder_start import decoder_start
from playground.models.input_checks import check_ids, check_length
from playground.models.loaded_model import LoadedModel
from playground.settings import Settings


def context_limit(model: LoadedModel, settings: Settings) -> int:
    """Tokens that a text may have with its continuation: the model's context, or this server's limit if that is less."""
    return min(settings.max_tokens, model.anatomy.context_length or settings.max_tokens)


def clamp_to_context(
    model: LoadedModel,
    ids: Sequence[int],
    continuation: Sequence[int],
    generation: GenerationSettings,
    settings: Settings,
) -> GenerationSettings:
    """The settings with as many new tokens as there is room for.

    `ids` are the prompt's, or those that an encoder reads; `continuation` those written after it so far.
    PlaygroundError, with both numbers, if there is no room, or for an id without a row in the embedding matrix.
    """
    limit = context_limit(model, settings)
    check_ids(model, ids)
    check_ids(model, continuation, target=model.model.config.is_encoder_decoder)
    if model.model.config.is_encoder_decoder:
        check_length(len(ids), limit)
        length = len(decoder_start(model, generation.target_language)) + len(continuation)
    else:
        length = len(ids) + len(continuation)
    check_length(length, limit - 1)
    return replace(generation, max_new_tokens=min(generation.max_new_tokens, settings.max_new_tokens, limit - length))


def clamp_note(
    requested: GenerationSettings, allowed: GenerationSettings, model: LoadedModel, settings: Settings
) -> str:
    """Why fewer tokens are written than requested; empty where there is room.

    `allowed` is what `clamp_to_context` returned for the requested settings.
    """
    count = allowed.max_new_tokens
    if count == requested.max_new_tokens:
        return ""
    if count == settings.max_new_tokens:
        reason = f"this server writes at most {count:,} in one go"
    else:
        limit = context_limit(model, settings)
        reason = f"a text may have {limit:,} tokens with what is written after it, which leaves room for {count:,}"
    return f"{requested.max_new_tokens:,} were asked for; {reason}."


def notes(
    requested: GenerationSettings, allowed: GenerationSettings, model: LoadedModel, settings: Settings
) -> tuple[str, ...]:
    """How the generation differs from the request or from the checkpoint's own configuration, a sentence each.

    `allowed` is what `clamp_to_context` returned for the requested settings.
    """
    sentences = [note] if (note := clamp_note(requested, allowed, model, settings)) else []
    if model.languages is not None and not requested.target_language:
        own = model.languages.target
        sentences.append(
            f"No target language was chosen; the tokenizer says {own!r}."
            if own
            else f"No target language was chosen, and the tokenizer names none: the model takes one of its "
            f"{len(model.languages.codes)} itself."
        )
    if requested.beams > 1:
        sentences.append(
            "Beam search draws nothing: temperature, top-k, top-p, min-p and typical-p are without effect."
        )
    elif requested.is_greedy and not requested.greedy:
        sentences.append("These settings leave only the most probable token: nothing is drawn.")
    return (*sentences, *checkpoint_differences(model, requested), *unsupported_generation_config(model))
