"""Answers that a model writes freely, token by token, always the most likely one. Letters: B texts, S, T and D tokens."""

import torch
from torch import Tensor
from transformers import PreTrainedModel

from playground.training.tokenizer import BEGIN, END, PAD


def translate(model: PreTrainedModel, source: Tensor, length: int) -> Tensor:
    """(B, length): the answers to sources (B, S) of an encoder with a decoder, END included, then PAD."""
    mask = (source != PAD).long()
    encoded = model.get_encoder()(input_ids=source, attention_mask=mask)
    written = torch.full((len(source), 1), BEGIN)
    for _ in range(length):
        out = model(encoder_outputs=encoded, attention_mask=mask, decoder_input_ids=written, use_cache=False)
        written = torch.cat([written, _next(out.logits[:, -1], written[:, -1:])], 1)
        if bool((written[:, -1] == PAD).all()):
            break
    return padded(written[:, 1:], length)


def complete(model: PreTrainedModel, texts: Tensor, starts: Tensor, length: int) -> Tensor:
    """(B, length): the answers of a model that reads from left to right, END included, then PAD.

    texts: (B, T), T at least start + length. starts: (B,), where each answer begins; what stands there is not read.
    """
    texts = texts.clone()
    rows = torch.arange(len(texts))
    last = torch.full((len(texts), 1), BEGIN)
    written = []
    for number in range(length):
        end = int(starts.max()) + number
        logits = model(input_ids=texts[:, :end], use_cache=False).logits[rows, starts + number - 1]
        last = _next(logits, last)
        written.append(last)
        texts[rows, starts + number] = last[:, 0]
        if bool((last == PAD).all()):
            break
    return padded(torch.cat(written, 1), length)


def _next(logits: Tensor, last: Tensor) -> Tensor:
    """(B, 1): the most likely token; PAD after END."""
    ended = (last == END) | (last == PAD)
    return logits.argmax(-1, keepdim=True).masked_fill(ended, PAD)


def padded(answers: Tensor, length: int) -> Tensor:
    """(B, length): the answers, PAD behind them."""
    return torch.nn.functional.pad(answers, (0, length - answers.shape[1]), value=PAD)
