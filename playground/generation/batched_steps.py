"""The next tokens of several texts in one forward pass, each over its own key-value cache.

The way of the data, for texts that each have R rows (one, or one for each sample) of one token, or one row of T tokens
(a prompt); B tokens in all:

    ids (B, 1), positions (B, 1)
      embedding, norms and linear layers run once for all tokens: a weight is read once for B tokens, not B times
      query, key, value (B, H, 1, D) of a layer are split by text; each text's keys and values go into its own cache, over
      which the family's own attention function runs; the outputs (B, 1, H, D) are joined again
    logits (B, V), split by text

Nothing is padded and no caches are merged, so a text may join or leave between any two tokens. The last token of a row sees
all that its cache holds and needs no mask; the tokens of a prompt see those before them. Orca calls this selective batching
(Yu et al. 2022).

Whether a family's own code allows it is tried: batch_trial.py. Knows nothing of who writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers.cache_utils import Cache, DynamicSlidingWindowLayer

from playground.generation.kv_cache import croppable_layers
from playground.models.families import takes_argument
from playground.models.loaded_model import LoadedModel
from playground.recording.hooks import replace_attention
from playground.recording.own_attention import own_function


@dataclass(frozen=True)
class UnreadTokens:
    """The tokens of a text that are not in its cache yet."""

    ids: Tensor
    """(R, 1), a row for each sample of the text, or (1, T) of a prompt."""
    start: int
    """Tokens in the cache."""
    cache: Cache
    """Of all rows of the text. For a prompt without layers that forget: they would need masks of their own."""


@torch.inference_mode()
def batched_step(model: LoadedModel, texts: Sequence[UnreadTokens]) -> list[Tensor]:
    """Reads the unread tokens of each text. Returns logits (R, V), float32, after the last token of each row, for each text
    in order. The caches grow by the tokens; if the pass fails, they are as they were, and its error is raised."""
    ids = torch.cat([text.ids.reshape(-1, 1) for text in texts])  # (B, 1)
    windows = [(layer, dict(vars(layer))) for text in texts for layer in _windows(text.cache)]
    try:
        with replace_attention(_AttentionByText(texts)):
            outputs = model.model(input_ids=ids, position_ids=_positions(texts), **options_of_pass(model))
    except BaseException:
        for text in texts:
            _cut(text)
        for layer, state in windows:
            vars(layer).clear()
            vars(layer).update(state)
        raise
    logits: Tensor = outputs.logits[:, -1].float().to(ids.device)  # the last layers may be on another GPU
    by_text = logits.split([text.ids.numel() for text in texts])
    return [own[-len(text.ids) :] for text, own in zip(texts, by_text, strict=True)]


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


class _AttentionByText:
    """Attention of one pass over several texts, text by text. Called by the attention function in the model's place."""

    def __init__(self, texts: Sequence[UnreadTokens]):
        self._texts = texts
        self._sizes = [text.ids.numel() for text in texts]
        self._masks: dict[int, Tensor] = {}
        """A prompt's place among the texts -> its mask (T, K): 0 where a token looks, the lowest number where it can't."""

    def __call__(self, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, options: dict[str, Any]) -> Tensor:
        """query (B, H, 1, D), key and value (B, G, 1, D), rotated. Returns (B, 1, H, D)."""
        attend, outputs = own_function(module, options), []
        split = zip(*(tensor.split(self._sizes) for tensor in (query, key, value)), strict=True)
        for number, (text, own) in enumerate(zip(self._texts, split, strict=True)):
            is_prompt = text.ids.shape[1] > 1
            own_query, own_key, own_value = (x.transpose(0, 2) if is_prompt else x for x in own)  # (1, H, T, D)
            keys, values = text.cache.update(own_key, own_value, cast(int, module.layer_idx))
            mask = self._mask(number, own_query) if is_prompt else None
            output = attend(module, own_query, keys, values, mask, **options)[0]  # (R, T, H, D)
            outputs.append(output.transpose(0, 1) if is_prompt else output)
        return torch.cat(outputs)

    def _mask(self, number: int, query: Tensor) -> Tensor:
        if number not in self._masks:
            count, start = query.shape[2], self._texts[number].start
            lowest = torch.finfo(query.dtype).min
            self._masks[number] = query.new_full((count, start + count), lowest).triu(start + 1)
        return self._masks[number].to(query.device)[None, None]
