"""What a model reads: the ids of a text, of two sentences, or given as they are, and the target of an encoder-decoder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor
from transformers import GenerationMixin

from playground.errors import PlaygroundError
from playground.models.decoder_start import Target, decoder_start, with_source_language
from playground.models.input_checks import check_ids, check_length
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token, check_text
from playground.settings import Settings

MAX_TARGET_TOKENS = 64
"""Longest target that is generated for an encoder-decoder without a target text."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a model reads, as transformers takes it, and as tokens."""

    tensors: dict[str, Tensor]
    tokens: tuple[Token, ...]
    target_tokens: tuple[Token, ...] | None = None
    """What the decoder of an encoder-decoder reads."""


def inputs_of_text(model: LoadedModel, text: str, pair: str | None = None) -> Inputs:
    """A text, or two sentences; PlaygroundError where it is empty, too long, or a pair that the model can't read."""
    if pair and not model.capabilities.pairs:
        raise PlaygroundError("This model reads no sentence pairs:", f"{model.capabilities.pairs.reason}.")
    ids, tokens = model.vocabulary.tokenize(text, pair or None)
    tensors = _checked(model, ids)
    if pair:
        segments = model.tokenizer(text, pair)  # some tokenizers number the sentences
        if "token_type_ids" in segments:
            tensors["token_type_ids"] = torch.tensor([segments["token_type_ids"]], device=model.input_device)
    return Inputs(tensors, tokens)


def inputs_of_ids(model: LoadedModel, ids: Sequence[int], segments: Sequence[int] = ()) -> Inputs:
    """Token ids as they are; segments are 0 or 1 for each id of two sentences."""
    tensors, tokens = _checked(model, list(ids)), model.vocabulary.describe(ids)
    if any(segments) and "token_type_ids" in model.tokenizer.model_input_names:  # RoBERTa reads pairs without them
        tensors["token_type_ids"] = torch.tensor([list(segments)], device=model.input_device)
        tokens = tuple(replace(token, segment=n) for token, n in zip(tokens, segments, strict=True))
    return Inputs(tensors, tokens)


def with_target(model: LoadedModel, source: Inputs, target: Target, settings: Settings) -> Inputs:
    """The same source with what the decoder reads: the target, by default what the model itself writes, greedily.

    PlaygroundError for a target of a model without a decoder of its own.
    """
    if not model.model.config.is_encoder_decoder:
        if target != Target():
            raise PlaygroundError(
                "This model has no decoder of its own, so it takes no target text.", "Leave it empty."
            )
        return source
    tensors, tokens = dict(source.tensors), source.tokens
    ids = with_source_language(model, tensors["input_ids"][0].tolist(), target.source_language)
    if target.source_language:
        tensors["input_ids"] = torch.tensor([ids], device=model.input_device)
        tokens = tuple(replace(t, id=n, text=model.vocabulary.text(n)) for t, n in zip(tokens, ids, strict=True))
    target_ids = _target_ids(model, tensors, target, settings)
    tensors["decoder_input_ids"] = torch.tensor([target_ids], device=model.input_device)
    return Inputs(tensors, tokens, model.vocabulary.describe(target_ids))


def _checked(model: LoadedModel, ids: list[int]) -> dict[str, Tensor]:
    check_length(len(ids), model.max_tokens)
    check_ids(model, ids)
    return {"input_ids": torch.tensor([ids], device=model.input_device)}


@torch.inference_mode()
def _target_ids(model: LoadedModel, inputs: dict[str, Tensor], target: Target, settings: Settings) -> list[int]:
    """What the decoder reads: its start token, and its language's, then the target without its end token."""
    writes = isinstance(model.model, GenerationMixin)
    end = model.model.generation_config.eos_token_id if writes else None
    ends, start = set(end) if isinstance(end, list) else {end}, decoder_start(model, target.language)
    if target.ids is not None:
        ids = [*start, *target.ids]
        check_ids(model, ids, target=True)
    elif target.text:
        text = check_text(target.text, settings.max_text_bytes)
        if model.languages is not None:  # the start has the language's token
            labels = model.tokenizer(text, add_special_tokens=False)["input_ids"]
        else:
            labels = model.tokenizer(text_target=text)["input_ids"]
        ids = [*start, *labels]
        check_ids(model, ids, target=True)
    elif not writes:  # below a task's head: its decoder reads the text once more, one token later
        ids = [*start, *inputs["input_ids"][0].tolist()][:-1]
    else:
        limit = min(MAX_TARGET_TOKENS, model.max_tokens - len(start))
        mask = torch.ones_like(inputs["input_ids"])  # else transformers masks tokens with the id of padding
        generate = cast(GenerationMixin, model.model).generate
        begin = torch.tensor([start], device=model.input_device)
        options = {"max_new_tokens": limit, "do_sample": False, "num_beams": 1, "decoder_start_token_id": start[0]}
        generated = generate(**inputs, decoder_input_ids=begin, attention_mask=mask, **options)
        ids = cast(Tensor, generated)[0].tolist()
    while len(ids) > len(start) and ids[-1] in ends:
        ids.pop()
    check_length(len(ids), model.max_tokens)
    return ids
