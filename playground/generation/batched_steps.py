"""The next token of several texts in one forward pass, each over its own key-value cache.

The way of the data, for texts with R1, R2, … rows (one, or one for each sample), B in all:

    ids (B, 1), positions (B, 1)
      embedding, norms and linear layers run once for all rows: a weight is read once for B tokens, not B times
      query, key, value (B, H, 1, D) of a layer are split by text; each text's keys and values go into its own cache, over
      which the family's own attention function runs; the outputs (R, 1, H, D) are joined again
    logits (B, V), split by text

Nothing is padded and no caches are merged, so a text may join or leave between any two tokens. No mask is needed: the last
token sees all that its cache holds. Orca calls this selective batching (Yu et al. 2022).

Whether a family's own code allows it is tried once for each model. Knows nothing of who writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers.cache_utils import Cache, DynamicSlidingWindowLayer

from playground.generation.cached_steps import cached_steps
from playground.generation.kv_cache import croppable_layers
from playground.models.architecture import embedding_matrix
from playground.models.families import first_setting, takes_argument
from playground.models.loaded_model import LoadedModel
from playground.models.rope_modules import rotary_modules, scales_with_length
from playground.models.rounding import rounding
from playground.recording.hooks import replace_attention
from playground.recording.own_attention import own_function
from playground.texts import generate as texts
from playground.texts.numbers import percent

_TRIAL_LENGTHS = (3, 6)
"""Tokens in the caches of the two texts that the trial goes on with."""
_TRIAL_STEPS = 2
"""The second one reads what the first one put into the caches."""
_MAX_PROBABILITY_ERROR = 1e-4
"""Largest difference of a probability in float32 and int8; half formats differ by their rounding."""


@dataclass(frozen=True)
class NextToken:
    """The last token of a text, which is not in its cache yet."""

    ids: Tensor
    """(R, 1), a row for each sample of the text."""
    start: int
    """Tokens in the cache."""
    cache: Cache
    """Of all rows of the text."""


@torch.inference_mode()
def batched_step(model: LoadedModel, tokens: Sequence[NextToken]) -> list[Tensor]:
    """Reads the last token of each text. Returns logits (R, V), float32, for each text in order. The caches grow by that
    token; if the pass fails, they are as they were, and its error is raised."""
    rows = [len(token.ids) for token in tokens]
    ids = torch.cat([token.ids for token in tokens])  # (B, 1)
    starts = torch.tensor([token.start for token in tokens], device=ids.device)
    positions = starts.repeat_interleave(torch.tensor(rows, device=ids.device))[:, None]  # (B, 1)
    windows = [(layer, dict(vars(layer))) for token in tokens for layer in _windows(token.cache)]
    try:
        with replace_attention(_AttentionByText([token.cache for token in tokens], rows)):
            outputs = model.model(input_ids=ids, position_ids=positions, **_options(model))
    except BaseException:
        for token in tokens:
            _cut(token)
        for layer, state in windows:
            vars(layer).clear()
            vars(layer).update(state)
        raise
    logits: Tensor = outputs.logits[:, -1].float().to(ids.device)  # the last layers may be on another GPU
    return list(logits.split(rows))


def _windows(cache: Cache) -> list[DynamicSlidingWindowLayer]:
    """The layers that forget their first tokens, so that what was added can't be cut off again."""
    return [layer for layer in cache.layers if isinstance(layer, DynamicSlidingWindowLayer)]


def _cut(token: NextToken) -> None:
    """Cuts off what a pass added to the layers that keep all; a copy made before would take their memory twice."""
    for layer in croppable_layers(token.cache) or ():
        if not isinstance(layer, DynamicSlidingWindowLayer):
            layer.crop(min(0, token.start - layer.get_seq_length()))


def _options(model: LoadedModel) -> dict[str, object]:
    """The arguments of a pass that keeps no cache of its own."""

    def make() -> dict[str, object]:
        without_cache = {"use_cache": False} if takes_argument(model.model, "use_cache") else {}
        return {"return_dict": True, **without_cache}

    return model.fact("batched options", make)


class _AttentionByText:
    """Attention of one pass over several texts, text by text. Called by the attention function in the model's place."""

    def __init__(self, caches: Sequence[Cache], rows: Sequence[int]):
        """rows: how many of the batch each text has."""
        self._caches, self._rows = caches, list(rows)

    def __call__(self, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, options: dict[str, Any]) -> Tensor:
        """query (B, H, 1, D), key and value (B, G, 1, D), rotated. Returns (B, 1, H, D)."""
        attend, outputs = own_function(module, options), []
        split = (tensor.split(self._rows) for tensor in (query, key, value))
        for cache, own_query, own_key, own_value in zip(self._caches, *split, strict=True):
            keys, values = cache.update(own_key, own_value, cast(int, module.layer_idx))
            outputs.append(attend(module, own_query, keys, values, None, **options)[0])
        return torch.cat(outputs)


def why_unbatched(model: LoadedModel) -> str:
    """Why the model can't read the tokens of several texts in one pass; empty if it can. Tried once for each loaded
    model, on a few tokens, when two first write at once; the model's card says it from then on."""
    model.why_unbatched = model.fact("why unbatched", lambda: why_unbatched_by_build(model) or _trial(model))
    return model.why_unbatched


def why_unbatched_by_build(model: LoadedModel) -> str:
    """The same as far as the way the model is built tells, without a pass; empty where a trial decides."""
    network = model.model
    if network.config.is_encoder_decoder:
        return texts.UNBATCHED_ENCODER
    if not model.on_interface or not takes_argument(network, "position_ids"):
        return texts.UNBATCHED_ATTENTION
    if cached_steps(model).cache_name is None:
        return texts.UNBATCHED_CACHE
    if any(map(scales_with_length, rotary_modules(network))):  # the longest text would set the angles of all
        return texts.UNBATCHED_ANGLES
    if first_setting(
        network.config.get_text_config(), "attention_chunk_size"
    ):  # its caches hold tokens that a mask hides
        return texts.UNBATCHED_MASK
    return ""


def _trial(model: LoadedModel) -> str:
    try:
        return _try(model)
    except Exception:  # any family may fail in its own way
        return texts.UNBATCHED_FAILS


@torch.inference_mode()
def _try(model: LoadedModel) -> str:
    """Compares two texts of different length, read together over their caches, with one pass over the whole text."""
    network, steps, count = model.model, cached_steps(model), max(_TRIAL_LENGTHS) + _TRIAL_STEPS
    ids = torch.arange(5, 5 + count, device=model.input_device)[None] % len(embedding_matrix(network))  # (1, T)
    expected = network(input_ids=ids, **_options(model)).logits[0].float()  # (T, V)
    caches: list[Cache] = []
    for length in _TRIAL_LENGTHS:
        outputs = network(input_ids=ids[:, :length], **steps.arguments(None, 0, ids[:, :length]), return_dict=True)
        caches.append(outputs[cast(str, steps.cache_name)])
        if croppable_layers(caches[-1]) is None:
            return texts.UNBATCHED_STATE
    for step in range(_TRIAL_STEPS):
        places = [length + step for length in _TRIAL_LENGTHS]
        tokens = [NextToken(ids[:, n : n + 1], n, cache) for n, cache in zip(places, caches, strict=True)]
        difference = _difference(model, torch.cat(batched_step(model, tokens)), expected[places])
        if difference:
            return difference
    return ""


def _difference(model: LoadedModel, logits: Tensor, expected: Tensor) -> str:
    """What is said of logits (B, V) that are not those expected; empty where only rounding differs."""
    finite = expected.isfinite()
    share = float((logits - expected)[finite].abs().max() / expected[finite].abs().max())
    of_probability = float((logits.softmax(-1) - expected.softmax(-1)).abs().max())
    if model.model.dtype == torch.float32:
        is_same = of_probability <= _MAX_PROBABILITY_ERROR
    else:
        is_same = share <= rounding(model.model.dtype).logits
    return "" if is_same else texts.UNBATCHED_DIFFERS.format(share=percent(share))
