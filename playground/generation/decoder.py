"""Feeding a model its own choices, one token a row and step, through its key-value cache; and keeping caches, so that
a continuation from the middle of a text does not read the text again. Knows nothing of how tokens are chosen.
"""

import copy
import inspect
import math
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer, DynamicSlidingWindowLayer, EncoderDecoderCache

from playground.concurrency.byte_budget_cache import ByteBudgetCache
from playground.models.families import cache_argument
from playground.models.input_checks import check_ids
from playground.models.loaded_model import LoadedModel
from playground.models.rope_modules import rotary_modules, scales_with_length
from playground.models.rounding import rounding

PREFILL_CHUNK = 1024
"""Tokens of a long text that are read at once where that takes seconds: not on a GPU, which reads thousands in no time. In
stretches the whole takes an eighth longer."""


class PrefixCaches:
    """Key-value caches of texts read before, for all visitors, within a budget in bytes.

    Only what is part of a larger tensor is copied, such as a sliding window of all that was read at once: a cache
    grows by new tensors, never in place, so any number of continuations share the prefix's.
    """

    def __init__(self, budget: int):
        self._caches = ByteBudgetCache(budget)

    def put(self, model: LoadedModel, source: Sequence[int], ids: Sequence[int], cache: Cache) -> None:
        """Keeps what was read: ids, of a decoder with the source that its encoder read."""
        if (layers := _plain_layers(cache)) is not None and ids:
            size = sum(t.nbytes for layer in layers for t in (layer.keys, layer.values) if t is not None)
            if size <= self._caches.budget:
                for layer in layers:
                    layer.keys, layer.values = _own(layer.keys), _own(layer.values)
                self._caches.get((model.key, tuple(source), tuple(ids)), lambda: cache, lambda _: size)

    def find(self, model: LoadedModel, source: Sequence[int], ids: Sequence[int]) -> tuple[int, Cache | None]:
        """How many of the ids, all but the last at most, need not be read again, and the cache that holds these."""
        best, key, candidates = 0, None, self._caches.keys()
        for candidate in candidates:
            if candidate[:2] == (model.key, tuple(source)) and (n := _common(candidate[2], ids)) > best:
                best, key = n, candidate
        cache = self._caches.peek(key) if best else None
        count = min(best, len(ids) - 1)
        if cache is None or not count:
            return 0, None
        try:
            return count, _cropped(cache, len(key[2]) - count)
        except (RuntimeError, ValueError):  # a sliding window that has forgotten what stood before
            return 0, None

    def forget(self, model: LoadedModel) -> None:
        """Forgets what belongs to a model that was evicted."""
        self._caches.forget(lambda key, _: key[0] == model.key)


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many ids two texts begin with together."""
    return next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def _plain_layers(cache: Cache) -> list | None:
    """The layers of a cache that grows by new tensors; None for one of another kind (a recurrent state)."""
    if type(cache) not in (DynamicCache, EncoderDecoderCache):
        return None
    layers = (
        [*cache.self_attention_cache.layers, *cache.cross_attention_cache.layers]
        if isinstance(cache, EncoderDecoderCache)
        else getattr(cache, "layers", [None])
    )
    return layers if all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers) else None


def _own(tensor: Tensor | None) -> Tensor | None:
    """The tensor without the larger storage that it may be a view of."""
    view = tensor is not None and tensor.untyped_storage().nbytes() > tensor.nbytes
    return tensor.clone() if view else tensor


def _cropped(cache: Cache, surplus: int) -> Cache:
    """A cache without the last `surplus` tokens; the one given stays as it is."""
    mine = copy.copy(cache)
    if isinstance(cache, EncoderDecoderCache):
        mine.self_attention_cache = _cropped(cache.self_attention_cache, surplus)
        mine.cross_attention_cache = _cropped(cache.cross_attention_cache, 0)
        mine.is_updated = dict(cache.is_updated)
        return mine
    mine.layers = [copy.copy(layer) for layer in cache.layers]
    if surplus:
        mine.crop(-surplus)
    return mine


class IncrementalDecoder:
    """One text that grows in one or several rows; gives the logits after each row's last token."""

    def __init__(
        self,
        model: LoadedModel,
        ids: Sequence[int],
        begun: Sequence[int] = (),
        rows: int = 1,
        prefixes: PrefixCaches | None = None,
    ):
        """
        Parameters:
            ids: the text, or what the encoder of an encoder-decoder reads.
            begun: tokens already written after it.
            rows: continuations at once, all alike at first.
            prefixes: where caches of texts read before are found, and this one's is left.
        """
        self._loaded, self._model, self._prefixes = model, model.model, prefixes
        accepted = inspect.signature(self._model.forward).parameters
        self._cached_as = cache_argument(self._model)
        self._options = {"return_dict": True}
        if "logits_to_keep" in accepted:
            self._options["logits_to_keep"] = 1  # of a long prompt only the last row is needed
        self._source: tuple[int, ...] = ()
        read = [*ids, *begun]
        check_ids(model, ids)
        check_ids(model, begun, target=self._model.config.is_encoder_decoder)
        if self._model.config.is_encoder_decoder:
            self._source, read = tuple(ids), [decoder_start(model), *begun]
            with torch.inference_mode():
                source = torch.tensor([list(ids)], device=model.input_device)
                self._encoded = self._model.get_encoder()(input_ids=source)
        self._rows, self._shared = rows, True
        self.ids = torch.tensor([read], device=model.input_device)  # (rows, tokens); one row until they part
        known, self._cache = prefixes.find(model, self._source, read) if prefixes and self._cached_as else (0, None)
        self._fresh = self.ids[:, known:]
        self._left = 0
        """Stretches that come before the last one."""
        if self._fresh.shape[1] > PREFILL_CHUNK and not self._source and supports_chunked_prefill(model):
            self._left = math.ceil(self._fresh.shape[1] / PREFILL_CHUNK) - 1
        self._graph = None
        """The model's captured step, while this text has it."""
        self._kept = 0
        """Tokens of the cache last left with `prefixes`."""

    @property
    def reused(self) -> int:
        """Tokens that were read before, as long as the last one was not."""
        return self.ids.shape[1] - self._fresh.shape[1]

    @property
    def behind(self) -> bool:
        """Whether stretches of a long text are still to be read before the last one, which `next_logits` reads."""
        return self._left > 0

    @torch.inference_mode()
    def prefill_chunk(self) -> tuple[int, int]:
        """Reads the next stretch of a long text. Returns how many tokens have been read, and how many there are."""
        size = math.ceil(self._fresh.shape[1] / (self._left + 1))  # alike, for a stretch of a few tokens costs as much
        stretch, self._fresh = self._fresh[:, :size], self._fresh[:, size:]
        self._left -= 1
        self._read(stretch)
        return self.reused, self.ids.shape[1]

    @torch.inference_mode()
    def next_logits(self) -> Tensor:
        """(rows, vocabulary) float32 after each row's last token."""
        if self._by_graph():
            return self._graph.read(self._fresh)
        self._left = 0
        logits = self._read(self._fresh)
        if self._shared and self._rows > 1:
            logits = self._part(logits)
        return logits

    def _read(self, ids: Tensor) -> Tensor:
        """(rows, vocabulary) after the last of these ids (rows, tokens), which go on from what was read before."""
        name = "decoder_input_ids" if self._source else "input_ids"
        options = dict(self._options)
        if self._source:
            options["encoder_outputs"] = self._encoded
        if self._cached_as:
            outputs = self._model(**{name: ids, self._cached_as: self._cache}, use_cache=True, **options)
            self._cache = outputs.get(self._cached_as)
            if (
                self._cache is None
            ):  # RecurrentGemma keeps its state in the model, where another visitor's would meet it
                self._cached_as, self._options["use_cache"] = None, False
        else:  # an old family (openai-gpt) reads the whole text again
            outputs = self._model(**{name: self.ids}, **options)
        return outputs.logits[:, -1].float().to(self.ids.device)  # the last layers may lie on another GPU

    def _by_graph(self) -> bool:
        """Whether the next token is read by the model's captured step: taken once it is ready and free, left where the text
        grows beyond it."""
        if self._graph is not None and self._graph.full:
            self._leave_graph()
        elif self._graph is None and self._cache is not None and self._rows == 1 and self._fresh.shape[1] == 1:
            step = self._loaded.graph
            if step is not None and step.take(self._cache):
                self._graph = step
        return self._graph is not None

    def _leave_graph(self) -> None:
        """Goes on in the usual way, with all that was read."""
        if self._graph is not None:
            step, self._graph = self._graph, None  # left once, whatever comes of it
            self._cache = step.leave(self._cache)

    def _part(self, logits: Tensor) -> Tensor:
        """Makes one row into many, once the text before them has been read."""
        self.keep()
        self._shared = False
        self.ids = self.ids.repeat(self._rows, 1)
        first = torch.zeros(self._rows, dtype=torch.long, device=self.ids.device)
        if self._cache is not None:
            self._cache = _cropped(self._cache, 0) if _plain_layers(self._cache) is not None else self._cache
            self._cache.reorder_cache(first)  # which recurrent states know too
        if self._source:
            self._encode_rows(first)
        return logits.expand(self._rows, -1)

    def _encode_rows(self, rows: Tensor) -> None:
        self._encoded = copy.copy(self._encoded)
        self._encoded["last_hidden_state"] = self._encoded.last_hidden_state[rows]

    @torch.inference_mode()
    def append(self, token_ids: Sequence[int], rows: Sequence[int] | None = None) -> None:
        """Adds a token to each row; `rows` names those that go on, all if None."""
        if rows is not None and len(rows) < len(self.ids):
            chosen = torch.tensor(rows, device=self.ids.device)
            self.ids = self.ids[chosen]
            if self._cache is not None:
                self._cache.reorder_cache(chosen)
            if self._source:
                self._encode_rows(chosen)
        self._fresh = torch.tensor(token_ids, device=self.ids.device)[:, None]
        self.ids = torch.cat([self.ids, self._fresh], dim=1)

    def keep(self) -> None:
        """Leaves the cache for whoever goes on from here or from any token before."""
        self._leave_graph()
        if self._prefixes is None or self._cache is None or not self._shared or _plain_layers(self._cache) is None:
            return
        count = self._cache.get_seq_length()
        if count > self._kept:
            self._prefixes.put(self._loaded, self._source, self.ids[0, :count].tolist(), self._cache)
            self._kept = count


_in_stretches: WeakKeyDictionary[LoadedModel, bool] = WeakKeyDictionary()


def supports_chunked_prefill(model: LoadedModel) -> bool:
    """Whether a text may be read a stretch at a time: it takes seconds here, and gives the logits that reading it at once
    gives. Tried once for each loaded model, on a few tokens."""
    if model not in _in_stretches:
        _in_stretches[model] = model.device.value.type != "cuda" and _stretches_agree(model)
    return _in_stretches[model]


@torch.inference_mode()
def _stretches_agree(model: LoadedModel) -> bool:
    network, named = model.model, cache_argument(model.model)
    if named is None or network.config.is_encoder_decoder or any(map(scales_with_length, rotary_modules(network))):
        return False
    ids = torch.arange(5, 17, device=model.input_device)[None] % len(network.get_input_embeddings().weight)
    whole = network(input_ids=ids, use_cache=True)
    if (cache := whole.get(named)) is None or _plain_layers(cache) is None:  # a recurrent state goes on token by token
        return False
    cache = None
    for start in range(0, ids.shape[1], 4):
        found = network(**{"input_ids": ids[:, start : start + 4], named: cache}, use_cache=True)
        cache = found.get(named)
    expected, last = whole.logits[0, -1].float(), found.logits[0, -1].float()
    return bool((last - expected).abs().max() <= rounding(network.dtype).logits * expected.abs().max())


def decoder_start(model: LoadedModel) -> int:
    """The token that an encoder-decoder's decoder begins with."""
    config = model.model.generation_config
    return config.bos_token_id if config.decoder_start_token_id is None else config.decoder_start_token_id
