"""How a model reads a token over its key-value cache, tried against passes that read the whole text.

Some families count the positions of new tokens from 0 unless they are told (Bamba), some keep no cache that can be
handed on. Trusts no table of families. Knows nothing of generating.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicSlidingWindowLayer

from playground.generation.kv_cache import croppable_layers
from playground.models.architecture import embedding_matrix
from playground.models.families import cache_argument, takes_argument
from playground.models.loaded_model import LoadedModel
from playground.models.rounding import rounding
from playground.recording.attention import distinct_heads
from playground.recording.recording import Recording
from playground.texts.numbers import percent

_TRIAL_TOKENS = 14
_IN_CHUNKS, _ONE_BY_ONE, _FROM_ONE = (6, 1, 6, 1), (12, 1, 1), (1, 1, 1)
"""Tokens of the trial's text that each pass reads."""


@dataclass(frozen=True)
class CachedSteps:
    """How the tokens after those in the cache are read."""

    cache_name: str | None
    """The cache among the arguments of a forward pass; None where each pass reads the whole text again."""
    positions_name: str | None = None
    """The argument for the new tokens' positions; None where the model counts them itself."""
    in_chunks: bool = False
    """Whether several tokens may be read at once over a cache that holds some; a recurrent state goes on one by one."""
    why_uncached: str = ""
    """Why each pass reads the whole text again; empty with a cache."""
    bytes_per_token: int = 0
    """What the cache of one text grows by with each token, as long as no window is full."""
    fixed_bytes: int = 0
    """What it holds from the first token on and never more."""
    heads: tuple[int, int, int] = (0, 0, 0)
    """Of the first layer that keeps keys: heads in the cache, how many of them differ, and the width of a key."""

    def arguments(self, cache: Cache | None, start: int, ids: Tensor) -> dict[str, object]:
        """Arguments of a forward pass over ids (B, T) that follow `start` tokens in the cache."""
        if self.cache_name is None:
            return {}
        arguments: dict[str, object] = {self.cache_name: cache, "use_cache": True}
        if self.positions_name:
            count = ids.shape[1]
            arguments[self.positions_name] = torch.arange(start, start + count, device=ids.device).expand(len(ids), -1)
        return arguments


def cached_steps(model: LoadedModel, recording: Recording | None = None) -> CachedSteps:
    """How the model reads over its cache. Tried once for each loaded model, on a few tokens.

    recording: a pass that read a text without a cache, whose logits spare the trial a pass of its own."""
    return model.fact("cached steps", lambda: _try_ways(model, recording))


@torch.inference_mode()
def _try_ways(model: LoadedModel, recording: Recording | None) -> CachedSteps:
    """The first way of reading over the cache that gives the logits of reading the whole text."""
    network, name = model.model, cache_argument(model.model)
    if name is None:
        return CachedSteps(None, why_uncached="the family takes no cache")
    trial = _Trial(model, recording)
    position_names = ("decoder_position_ids",) if network.config.is_encoder_decoder else ("position_ids",)
    ways = [CachedSteps(name), *(CachedSteps(name, p) for p in position_names if takes_argument(network, p))]
    errors: list[float] = []
    for way in ways:
        error = trial.error(way, _IN_CHUNKS)
        in_chunks = error <= trial.tolerance and trial.cache_can_be_cut
        if error > trial.tolerance:
            error = trial.error(way, _ONE_BY_ONE)
        if error <= trial.tolerance and not trial.grows_evenly:
            error = max(error, trial.error(way, _FROM_ONE))
        if trial.returns_no_cache:
            return CachedSteps(None, why_uncached="the family gives its cache to no caller")
        if error <= trial.tolerance:
            growth, fixed = trial.cache_bytes()
            heads = trial.cached_heads
            return replace(way, in_chunks=in_chunks, bytes_per_token=growth, fixed_bytes=fixed, heads=heads)
        errors.append(error)
    if math.isinf(min(errors)):
        return CachedSteps(None, why_uncached="over its cache the family's own code fails, or gives no numbers")
    return CachedSteps(None, why_uncached=f"over its cache the logits are off by {percent(min(errors))}")


class _Trial:
    """A text of a few tokens, and its logits from one pass without a cache."""

    def __init__(self, model: LoadedModel, recording: Recording | None):
        network = model.model
        self._network, self._name, self._more = network, "input_ids", dict[str, object]()
        self.tolerance = rounding(network.dtype).logits
        if model.dtype.value == torch.int8:  # each pass rounds its inputs to int8 anew
            self.tolerance = rounding(torch.int8).implementation
        self.cache_can_be_cut = self.grows_evenly = self.returns_no_cache = False
        self.cached_heads = (0, 0, 0)
        self._sizes: dict[int, int] = {}
        """Tokens in the cache -> its bytes, without what a decoder keeps of an encoder's text."""
        count = min(_TRIAL_TOKENS, (model.anatomy.context_length or _TRIAL_TOKENS) - 1)
        if recording and not network.config.is_encoder_decoder and len(recording.tokens) >= count:
            self._ids = torch.tensor([[t.id for t in recording.tokens[:count]]], device=model.input_device)
            self._expected = recording.logits[:count].to(model.input_device)  # (T, V)
            return
        self._ids = torch.arange(5, 5 + count, device=model.input_device)[None] % len(embedding_matrix(network))
        uncached: dict[str, object] = {"use_cache": False} if takes_argument(network, "use_cache") else {}
        if network.config.is_encoder_decoder:
            self._name, self._more = "decoder_input_ids", {"encoder_outputs": network.get_encoder()(self._ids)}
            uncached["input_ids"] = self._ids  # without them FSMT's decoder sees later tokens
        arguments = {self._name: self._ids} | self._more | uncached
        self._expected = network(**arguments, return_dict=True).logits[0].float()

    def error(self, way: CachedSteps, sizes: Sequence[int]) -> float:
        """The largest difference of a logit, as a share of the largest logit, where passes read so many tokens each; inf
        where the family refuses to, or returns no cache."""
        assert way.cache_name is not None, "only ways with a cache are tried"
        cache, start, worst = None, 0, 0.0
        for size in sizes:
            ids = self._ids[:, start : start + size]
            if not ids.shape[1]:
                break
            try:
                arguments = way.arguments(cache, start, ids) | {self._name: ids} | self._more
                outputs = self._network(**arguments, return_dict=True)
            except Exception:  # any family may fail in its own way
                return float("inf")
            cache, start = outputs.get(way.cache_name), start + ids.shape[1]
            if cache is None:
                self.returns_no_cache = True
                return float("inf")
            layers = croppable_layers(cache)
            self.cache_can_be_cut = layers is not None
            self.grows_evenly = layers is not None and not any(isinstance(x, DynamicSlidingWindowLayer) for x in layers)
            own = getattr(cache, "self_attention_cache", cache)
            self._sizes[start], self.cached_heads = _tensor_bytes(own), _cached_heads(own)
            worst = max(worst, _share(outputs.logits[0, -1].float(), self._expected[start - 1]))
        return worst

    def cache_bytes(self) -> tuple[int, int]:
        """What the cache grows by with each token while no window is full, and what it holds whatever the text."""
        first = min((count for count in self._sizes if count + 1 in self._sizes), default=0)
        growth = self._sizes.get(first + 1, 0) - self._sizes.get(first, 0)
        return growth, max(0, self._sizes.get(first, 0) - growth * first)


def _cached_heads(cache: object) -> tuple[int, int, int]:
    """As in CachedSteps; zeros where no layer keeps keys (1, G, T, D)."""
    for layer in getattr(cache, "layers", ()):
        keys = getattr(layer, "keys", None)
        if isinstance(keys, Tensor) and keys.ndim == 4 and keys.numel():
            return keys.shape[1], distinct_heads(keys[0]), keys.shape[3]  # Falcon keeps a copy for each query head
    return 0, 0, 0


def _tensor_bytes(holder: object) -> int:
    """Bytes of the tensors that an object and the objects in it hold; storage held twice counts once."""
    storages, visited, stack = dict[int, int](), set[int](), [holder]
    while stack:
        item = stack.pop()
        if id(item) in visited:
            continue
        visited.add(id(item))
        if isinstance(item, Tensor) and item.is_floating_point():  # others count tokens
            storages[item.data_ptr()] = max(item.nbytes, storages.get(item.data_ptr(), 0))
        elif isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list | tuple):
            stack.extend(item)
        elif type(item).__module__.startswith("transformers."):
            stack.extend(vars(item).values())
    return sum(storages.values())


def _share(logits: Tensor, expected: Tensor) -> float:
    """The largest difference as a share of the largest expected number; what both hold at −∞ or NaN is no difference."""
    if not torch.equal(logits.isfinite(), expected.isfinite()):
        return float("inf")
    finite = expected.isfinite()
    difference = (logits[finite] - expected[finite]).abs()
    return float(difference.max() / expected[finite].abs().max()) if finite.any() else float("inf")
