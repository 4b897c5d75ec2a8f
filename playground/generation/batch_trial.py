"""Whether a model's own code lets several texts be read in one pass (batched_steps.py), tried on a few tokens."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

from playground.generation.batched_steps import batched_step, options_of_pass
from playground.generation.cached_steps import cached_steps
from playground.generation.joined_attention import UnreadTokens
from playground.generation.kv_cache import croppable_layers
from playground.models.architecture import embedding_matrix
from playground.models.families import first_setting, takes_argument
from playground.models.loaded_model import LoadedModel
from playground.models.rope_modules import rotary_modules, scales_with_length
from playground.models.rounding import rounding
from playground.texts import generate as texts
from playground.texts.numbers import percent

_LENGTHS = (3, 6)
"""Tokens in the caches of the two texts that the trial goes on with."""
_ONE_BY_ONE = ((1, 1), (1, 1))
"""Tokens of both texts that each pass reads: the second one reads what the first one put into the caches."""
_PROMPTS = ((3, 2), (1, 4))
"""The same from empty caches: two prompts, then a token beside the rest of a prompt."""
_COUNT = 8
"""Tokens that are read in all."""
_MAX_PROBABILITY_ERROR = 1e-4
"""Largest difference of a probability in float32 and int8; half formats differ by their rounding."""


def why_unbatched(model: LoadedModel) -> str:
    """Why the model can't read the tokens of several texts in one pass; empty if it can. Tried once for each loaded
    model, on a few tokens, when two first write at once; the model's card says it from then on."""
    model.why_unbatched = model.fact("why unbatched", lambda: why_unbatched_by_build(model) or _trial(model))
    return model.why_unbatched


def may_batch_prompts(model: LoadedModel) -> bool:
    """Whether a pass over several texts may read all tokens of short prompts too. Tried once for each loaded model."""
    return model.fact("batched prompts", lambda: not why_unbatched(model) and _prompts_fit(model))


def empty_cache(model: LoadedModel) -> Cache:
    """The cache of a text of which nothing was read yet."""
    return DynamicCache(config=model.model.config)


def keeps_all(cache: Cache) -> bool:
    """Whether each layer of the cache keeps all tokens."""
    return all(type(layer) is DynamicLayer for layer in cache.layers)


def why_unbatched_by_build(model: LoadedModel) -> str:
    """`why_unbatched` as far as the way the model is built tells, without a pass; empty where a trial decides."""
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
    steps, ids = cached_steps(model), _ids(model)
    caches: list[Cache] = []
    for length in _LENGTHS:
        outputs = model.model(input_ids=ids[:, :length], **steps.arguments(None, 0, ids[:, :length]), return_dict=True)
        caches.append(outputs[cast(str, steps.cache_name)])
        if croppable_layers(caches[-1]) is None:
            return texts.UNBATCHED_STATE
    return _read_together(model, ids, caches, _LENGTHS, _ONE_BY_ONE)


@torch.inference_mode()
def _prompts_fit(model: LoadedModel) -> bool:
    caches = [empty_cache(model), empty_cache(model)]
    try:
        return all(map(keeps_all, caches)) and not _read_together(model, _ids(model), caches, (0, 0), _PROMPTS)
    except Exception:  # any family may fail in its own way
        return False


def _ids(model: LoadedModel) -> Tensor:
    """(1, T)"""
    return torch.arange(5, 5 + _COUNT, device=model.input_device)[None] % len(embedding_matrix(model.model))


def _read_together(
    model: LoadedModel, ids: Tensor, caches: Sequence[Cache], places: Sequence[int], passes: Sequence[Sequence[int]]
) -> str:
    """What is said of passes that read so many tokens of each text, which is ids (1, T) from its place on, where their
    logits are not those of one pass over all of ids; empty where only rounding differs."""
    expected = model.model(input_ids=ids, **options_of_pass(model)).logits[0].float()  # (T, V)
    for counts in passes:
        ends = [place + count for place, count in zip(places, counts, strict=True)]
        parts = zip(places, ends, caches, strict=True)
        logits = batched_step(model, [UnreadTokens(ids[:, start:end], start, cache) for start, end, cache in parts])
        difference = _difference(model, torch.cat(logits), expected[[end - 1 for end in ends]])
        if difference:
            return difference
        places = ends
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
