"""The next tokens of several texts in one forward pass, each over its own key-value cache.

The way of the data, for texts that each have R rows (one, or one for each sample) of one token, or one row of T tokens
(a prompt); B tokens in all:

    ids (B, 1), positions (B, 1)
      embedding, norms and linear layers run once for all tokens: a weight is read once for B tokens, not B times
      query, key, value (B, H, 1, D) of a layer are split into parts: texts of like length, and each prompt. The keys and
      values of a text go into its own cache, over which the family's own attention function runs (joined_attention.py);
      the outputs (B, 1, H, D) are joined again
    logits (B, V), split by text

A text may join or leave between any two tokens. Orca calls this selective batching (Yu et al. 2022).

Whether a family's own code allows it is tried: batch_trial.py. Knows nothing of who writes.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers.cache_utils import Cache, DynamicSlidingWindowLayer

from playground.generation.joined_attention import JoinedCaches, Part, UnreadTokens
from playground.generation.kv_cache import croppable_layers
from playground.models.families import takes_argument
from playground.models.head_blocks import head_of
from playground.models.loaded_model import LoadedModel
from playground.recording.hooks import replace_attention


@torch.inference_mode()
def batched_step(model: LoadedModel, texts: Sequence[UnreadTokens], joined: JoinedCaches | None = None) -> list[Tensor]:
    """Reads the unread tokens of each text. Returns logits (R, V), float32, after the last token of each row, for each text
    in order. The caches grow by the tokens; if the pass fails, they are as they were, and its error is raised.

    joined: the groups of the passes before, to go on with.
    """
    joined = joined or JoinedCaches()
    parts = joined.arrange(texts)
    in_order = [text for part in parts for text in part.texts]
    ids = torch.cat([text.ids.reshape(-1, 1) for text in in_order])  # (B, 1)
    rows = _last_rows(in_order)
    windows = [(layer, dict(vars(layer))) for text in texts for layer in _windows(text.cache)]
    try:
        with replace_attention(_AttentionByPart(parts)), head_of(model, rows):
            outputs = model.model(input_ids=ids, position_ids=_positions(in_order), **options_of_pass(model))
    except BaseException:
        joined.forget()
        for text in texts:
            _cut(text)
        for layer, state in windows:
            vars(layer).clear()
            vars(layer).update(state)
        raise
    logits: Tensor = outputs.logits[:, -1]  # (R or B, V)
    logits = (logits if len(logits) == len(rows) else logits[rows.to(logits.device)]).float()
    by_text = logits.to(ids.device).split([len(text.ids) for text in in_order])  # the last layers may be on another GPU
    last = dict(zip(map(id, in_order), by_text, strict=True))
    return [last[id(text)] for text in texts]


def _last_rows(texts: Sequence[UnreadTokens]) -> Tensor:
    """(R,): where in a pass over all their tokens (B,) the last one of each text's rows stands."""
    ends, start = list[Tensor](), 0
    for text in texts:
        rows, count = text.ids.shape
        ends.append(start + count - 1 + torch.arange(rows) * count)
        start += rows * count
    return torch.cat(ends).to(texts[0].ids.device)


def _positions(texts: Sequence[UnreadTokens]) -> Tensor:
    """(B, 1)"""
    device, positions = texts[0].ids.device, list[Tensor]()
    for text in texts:
        rows, count = text.ids.shape
        positions.append(torch.arange(text.start, text.start + count, device=device).repeat(rows))
    return torch.cat(positions)[:, None]


def _windows(cache: Cache) -> list[DynamicSlidingWindowLayer]:
    """The layers that forget their first tokens, so that what was added can't be cut off again."""
    return [layer for layer in cache.layers if isinstance(layer, DynamicSlidingWindowLayer)]


def _cut(text: UnreadTokens) -> None:
    """Cuts off what a pass added to the layers that keep all; a copy made before would take their memory twice."""
    for layer in croppable_layers(text.cache) or ():
        if not isinstance(layer, DynamicSlidingWindowLayer):
            layer.crop(min(0, text.start - layer.get_seq_length()))


def options_of_pass(model: LoadedModel) -> dict[str, object]:
    """The arguments of a pass that keeps no cache of its own."""

    def make() -> dict[str, object]:
        without_cache = {"use_cache": False} if takes_argument(model.model, "use_cache") else {}
        return {"return_dict": True, **without_cache}

    return model.fact("batched options", make)


class _AttentionByPart:
    """Attention of one pass, part by part. Called by the attention function in the model's place."""

    def __init__(self, parts: Sequence[Part]):
        self._parts = parts
        self._sizes = [sum(text.ids.numel() for text in part.texts) for part in parts]

    def __call__(self, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, options: dict[str, Any]) -> Tensor:
        """query (B, H, 1, D), key and value (B, G, 1, D), rotated. Returns (B, 1, H, D)."""
        queries, keys, values = (tensor.split(self._sizes) for tensor in (query, key, value))
        split = zip(self._parts, queries, keys, values, strict=True)
        outputs = [part.attend(module, q, k, v, options) for part, q, k, v in split]
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs)
