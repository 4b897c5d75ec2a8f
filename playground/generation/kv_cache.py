"""Key-value caches of texts read before, so that a continuation from the middle of a text does not read the text again.
Knows nothing of how a model is run.
"""

import copy
from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer, DynamicSlidingWindowLayer, EncoderDecoderCache

from playground.concurrency.byte_budget_cache import ByteBudgetCache
from playground.models.loaded_model import LoadedModel

C = TypeVar("C", bound=Cache)
PrefixKey = tuple[tuple[str, str, str, str], tuple[int, ...], tuple[int, ...]]
"""The model's key, the ids that its encoder read, and the ids in the cache."""


_CROPPABLE = (DynamicLayer, DynamicSlidingWindowLayer)


class PrefixCaches:
    """Key-value caches of texts read before, for all visitors, within a budget in bytes.

    A cache grows by new tensors, never in place, so any number of continuations share those of their prefix. Only views
    of larger tensors are copied: a sliding window of a whole prompt, and a text's rows among those of all who wrote at once.
    """

    def __init__(self, budget: int):
        self._caches: ByteBudgetCache[PrefixKey, Cache] = ByteBudgetCache(budget)

    def put(self, model: LoadedModel, source: Sequence[int], ids: Sequence[int], cache: Cache) -> None:
        """Stores a copy of the cache of `ids`; for an encoder-decoder `source` is what its encoder read. A cache that can't
        be cut, or that is larger than the budget, is left out. The cache itself is let go: the tensors of all who wrote at
        once live as long as one of their caches (`JoinedCaches`)."""
        layers = croppable_layers(cache)
        if layers is None or not ids:
            return
        size = sum(t.nbytes for layer in layers for t in (layer.keys, layer.values) if t is not None)
        if size <= self._caches.budget:
            kept = cropped(cache, 0)
            for layer in croppable_layers(kept) or ():
                layer.keys, layer.values = _without_base(layer.keys), _without_base(layer.values)
            self._caches.get((model.key, tuple(source), tuple(ids)), lambda: kept, lambda _: size)

    def find(self, model: LoadedModel, source: Sequence[int], ids: Sequence[int]) -> tuple[int, Cache | None]:
        """The cache with the longest common prefix of `ids`, cut to it, and the length of that prefix: at most all ids but
        the last. (0, None) without any."""
        longest, best, keys = 0, None, self._caches.keys()
        for key in keys:
            if key[:2] == (model.key, tuple(source)) and (length := _common_length(key[2], ids)) > longest:
                longest, best = length, key
        cache = self._caches.peek(best) if best else None
        count = min(longest, len(ids) - 1)
        if best is None or cache is None or not count:
            return 0, None
        try:
            return count, cropped(cache, len(best[2]) - count)
        except (RuntimeError, ValueError):  # a sliding window that no longer holds the prefix
            return 0, None

    def forget(self, model: LoadedModel) -> None:
        """Drops the caches of an evicted model."""
        self._caches.forget(lambda key, _: key[0] == model.key)


def _common_length(first: Sequence[int], second: Sequence[int]) -> int:
    """How many ids two texts have in common at their beginning."""
    return next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def croppable_layers(cache: Cache) -> list[DynamicLayer] | None:
    """The layers of a cache that grows by new tensors and can be cut; None for another kind (a recurrent state)."""
    if type(cache) not in (DynamicCache, EncoderDecoderCache):
        return None
    if isinstance(cache, EncoderDecoderCache):
        layers = [*cache.self_attention_cache.layers, *cache.cross_attention_cache.layers]
    else:
        layers = list(cache.layers)
    plain = [layer for layer in layers if isinstance(layer, DynamicLayer) and type(layer) in _CROPPABLE]
    return plain if len(plain) == len(layers) else None


def _without_base(tensor: Tensor | None) -> Tensor | None:
    """The tensor, copied if it is a view that keeps a larger tensor in memory."""
    if tensor is not None and tensor.untyped_storage().nbytes() > tensor.nbytes:
        return tensor.clone()
    return tensor


def cropped(cache: Cache, surplus: int) -> Cache:
    """A copy of a cache without its last `surplus` tokens; the original stays as it is."""
    if isinstance(cache, EncoderDecoderCache):
        both = copy.copy(cache)
        both.self_attention_cache = _cropped_stack(cache.self_attention_cache, surplus)
        both.cross_attention_cache = _cropped_stack(cache.cross_attention_cache, 0)
        both.is_updated = dict(cache.is_updated)
        return both
    return _cropped_stack(cache, surplus)


def _cropped_stack(cache: C, surplus: int) -> C:
    result = copy.copy(cache)
    result.layers = [copy.copy(layer) for layer in cache.layers]
    if surplus:
        result.crop(-surplus)
    return result
