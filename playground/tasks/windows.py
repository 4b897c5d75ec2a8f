"""A text, or a question with its passage, as the windows that a model reads: one where it fits, else several that overlap.
Nothing is cut off."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from transformers.utils import ModelOutput

from playground.errors import PlaygroundError, unforeseen
from playground.models.families import takes_argument
from playground.models.input_checks import check_ids, check_length
from playground.models.loaded_model import LoadedModel
from playground.models.task_head import Task, TaskHead
from playground.models.vocabulary import Token, check_text
from playground.settings import Settings

OVERLAP = 128
"""Tokens that two neighbouring windows share, where half a window has room for them."""
Tick = Callable[[float], None]
"""Called with the share done, 0..1; raises to stop."""


def no_tick(share: float) -> None:
    """For callers that show no progress."""


@dataclass(frozen=True)
class Window:
    """One input of a model."""

    ids: tuple[int, ...]
    tokens: tuple[Token, ...]
    """Their offsets point into the text; those of a passage (segment 1) into the passage."""
    segment_ids: tuple[int, ...] | None
    """token_type_ids, of a tokenizer that gives them."""


def head_of(model: LoadedModel, task: Task) -> TaskHead:
    """The model's head for this task. PlaygroundError for a model without one."""
    if model.head is not None and model.head.task == task:
        return model.head
    does = f"it {model.head.words}" if model.head else "its checkpoint has no head for a task"
    kind = {
        "classify": "…ForSequenceClassification", "answer": "…ForQuestionAnswering", "tag": "…ForTokenClassification",
    }[task]  # fmt: skip
    raise PlaygroundError(f"{model.model_id} can't do this: {does}.", f"Load a checkpoint of the kind {kind}.")


def windows(model: LoadedModel, text: str, passage: str | None = None) -> tuple[Window, ...]:
    """The text in windows, or the question `text` before each window of the passage.

    PlaygroundError for an empty text, one of too many bytes, and a question that leaves the passage no room.
    """
    limit, text = model.max_tokens, check_text(text, Settings().max_text_bytes)
    if passage is not None:
        passage = check_text(passage, Settings().max_text_bytes)
    if not model.tokenizer.is_fast:
        return (_whole(model, text, passage),)
    specials = len(model.tokenizer("", "" if passage is not None else None, verbose=False)["input_ids"])
    room = limit - specials
    if passage is not None:
        question = len(model.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
        room -= question
        if room < max(8, limit // 4):
            raise PlaygroundError(
                f"The question has {question:,} tokens; this model reads {limit:,}, the passage among them.",
                "Shorten the question.",
            )
    encoded = model.tokenizer(
        text, passage, truncation=True if passage is None else "only_second", max_length=limit,
        stride=min(OVERLAP, room // 2), return_overflowing_tokens=True, return_offsets_mapping=True, verbose=False,
    )  # fmt: skip
    return tuple(_windows_of(model, encoded))


def _windows_of(model: LoadedModel, encoded: Any) -> Iterator[Window]:
    segments = encoded.get("token_type_ids") or [None] * len(encoded["input_ids"])
    for number, (ids, offsets, of_window) in enumerate(
        zip(encoded["input_ids"], encoded["offset_mapping"], segments, strict=True)
    ):
        if not ids:
            raise PlaygroundError("The text has no tokens for this model.", "Type a sentence.")
        check_ids(model, ids)
        tokens = [
            replace(token, start=start, end=end, special=sentence is None, segment=sentence or 0)
            for token, (start, end), sentence in zip(
                model.vocabulary.describe(ids), offsets, encoded.sequence_ids(number), strict=True
            )
        ]
        yield Window(tuple(ids), tuple(tokens), None if of_window is None else tuple(of_window))


def _whole(model: LoadedModel, text: str, passage: str | None) -> Window:
    """Of a Python tokenizer, which gives no windows: all of it, if the model reads so much."""
    ids, tokens = model.vocabulary.tokenize(text, passage)
    check_length(len(ids), model.max_tokens)
    check_ids(model, ids)
    segments = model.tokenizer(text, passage, verbose=False).get("token_type_ids")
    return Window(tuple(ids), tokens, None if segments is None else tuple(segments))


def inputs_of(model: LoadedModel, window: Window, *, ids: bool = True) -> dict[str, Tensor]:
    """A window as arguments of the head's network, each (1, T). ids: without them the caller passes embeddings."""
    assert model.head is not None
    network, length = model.head.network, len(window.ids)
    inputs = {"attention_mask": torch.ones(1, length, dtype=torch.long)}
    if ids:
        inputs["input_ids"] = torch.tensor([window.ids])
    if window.segment_ids is not None and takes_argument(network, "token_type_ids"):
        inputs["token_type_ids"] = torch.tensor([window.segment_ids])
    return {name: value.to(model.input_device) for name, value in inputs.items()}


@torch.inference_mode()
def head_outputs(model: LoadedModel, parts: tuple[Window, ...], tick: Tick = no_tick) -> Iterator[ModelOutput]:
    """What the head's network says of each window, in order. PlaygroundError where its own code fails."""
    assert model.head is not None
    network = model.head.network
    options = {"use_cache": False} if takes_argument(network, "use_cache") else {}
    for number, window in enumerate(parts):
        tick(number / len(parts))
        try:
            outputs = network(**inputs_of(model, window), **options, return_dict=True)
        except Exception as error:  # each family may fail in its own way
            raise unforeseen(
                f"{model.model_id}'s own code fails on this text of {len(window.ids):,} tokens", error,
                "Choose another text, or another model.",
            ) from error  # fmt: skip
        yield outputs


def finite(values: Tensor) -> Tensor:
    """The values (float32, on the CPU). PlaygroundError where one is no number."""
    values = values.detach().float().cpu()
    if not torch.isfinite(values).all():
        raise PlaygroundError("The head's scores are not numbers (NaN).", "Choose float32 in the sidebar.")
    return values
