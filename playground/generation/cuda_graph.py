"""Reading one token over a key-value cache of fixed length: the same kernels on the same memory at every step, so that a
GPU can replay them as one CUDA graph instead of being handed hundreds of them, one by one. Knows nothing of texts.

A graph is tried before it is used: on a few tokens it has to give the logits that the model gives, and sooner. Until it
is ready, and whenever another visitor holds it, tokens are read the usual way. Without a GPU nothing is captured, but the
same step can be run and compared, which is what the tests do.
"""

import copy
import logging
import threading
import time

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer, StaticCache, StaticLayer

from playground.errors import PlaygroundError
from playground.models.families import cache_argument
from playground.models.loaded_model import LoadedModel
from playground.models.rounding import rounding

_BYTES = 512 * 2**20
"""Most that a cache of fixed length takes."""
_LEAST = 64
"""Tokens below which a cache is not worth it."""
_TRIED = (5, 6, 7, 8, 9, 10, 11, 12)
"""Token ids that a graph is tried on."""


class CudaGraphDecoder:
    """One token's forward pass over a fixed cache; whoever takes it has it alone."""

    def __init__(self, model: LoadedModel, length: int):
        """Makes a cache for `length` tokens. PlaygroundError where the family's can't be of fixed length."""
        self.length = length
        self.gain: float | None = None
        """How many times sooner it gives a token than the usual way, as measured; None before it was tried."""
        self._model, self._named = model.model, cache_argument(model.model)
        if self._named is None or model.model.config.is_encoder_decoder:
            raise PlaygroundError("Only decoders with a key-value cache are captured.", "Go on without.")
        self._token = torch.zeros(1, 1, dtype=torch.long, device=model.input_device)
        self._place = torch.zeros_like(self._token)
        self._cache = StaticCache(config=model.model.config, max_cache_len=length)
        if any(type(layer) is not StaticLayer for layer in self._cache.layers):
            raise PlaygroundError(
                "Layers with a sliding window are not captured: their masks follow the text.", "Go on without."
            )
        self._graph: torch.cuda.CUDAGraph | None = None
        self._logits: Tensor | None = None
        self._taken = threading.Lock()
        self._count = 0
        self._read()  # which makes the cache's tensors

    def take(self, cache: Cache) -> bool:
        """Goes on from what a cache holds; False where another has taken it, or where it holds too much."""
        count = cache.get_seq_length()
        plain = all(type(layer) is DynamicLayer for layer in getattr(cache, "layers", [None]))
        if not plain or count >= self.length or not self._taken.acquire(blocking=False):
            return False
        try:
            for mine, theirs in zip(self._cache.layers, cache.layers, strict=True):
                mine.keys[:, :, :count], mine.values[:, :, :count] = theirs.keys, theirs.values
                mine.cumulative_length.fill_(count)
        except BaseException:
            self._taken.release()
            raise
        self._count = count
        return True

    @property
    def full(self) -> bool:
        """There is no room for another token."""
        return self._count >= self.length

    def read(self, token: Tensor) -> Tensor:
        """Logits (1, vocabulary), float32, after one more token (1, 1)."""
        self._token.copy_(token)
        self._place.fill_(self._count)
        self._count += 1
        if self._graph is None:
            return self._read()
        self._graph.replay()
        return self._logits.clone()

    def leave(self, cache: Cache) -> Cache:
        """A cache like the one taken over, with all that was read since; others may take the step now."""
        try:
            mine = copy.copy(cache)
            mine.layers = [copy.copy(layer) for layer in cache.layers]
            for layer, held in zip(mine.layers, self._cache.layers, strict=True):
                layer.keys, layer.values = (tensor[:, :, : self._count].clone() for tensor in (held.keys, held.values))
            return mine
        finally:  # also where a GPU has no memory left for the copy
            self._taken.release()

    def _read(self) -> Tensor:
        named = {"input_ids": self._token, "position_ids": self._place, self._named: self._cache}
        return self._model(**named, use_cache=True, return_dict=True).logits[:, -1].float()

    def capture(self) -> None:
        """Records the step as a CUDA graph; the cache's contents are lost."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):  # what libraries do only once
                self._read()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # others go on meanwhile
            self._logits = self._read()
        self._graph = graph


@torch.inference_mode()
def tried(model: LoadedModel, step: CudaGraphDecoder) -> tuple[float, float]:
    """The largest difference of a logit from the usual way, as a share of the largest logit; and how many times sooner the
    step gives its tokens. PlaygroundError where it is another model's answer."""
    named = cache_argument(model.model)
    ids = torch.tensor([_TRIED], device=model.input_device)
    cache = model.model(ids[:, :4], use_cache=True)[named]
    kept = copy.copy(cache)
    kept.layers = [copy.copy(layer) for layer in cache.layers]
    usual, took = [], []
    for place in range(4, ids.shape[1]):
        started = time.perf_counter()
        outputs = model.model(**{"input_ids": ids[:, place : place + 1], named: cache}, use_cache=True)
        usual.append(outputs.logits[:, -1].float().cpu())
        took.append(time.perf_counter() - started)
    if not step.take(kept):
        raise PlaygroundError("The model's own cache can't be taken over.", "Go on without.")
    fixed, sooner = [], []
    for place in range(4, ids.shape[1]):
        started = time.perf_counter()
        fixed.append(step.read(ids[:, place : place + 1]).cpu())
        sooner.append(time.perf_counter() - started)
    step.leave(kept)
    expected, found = torch.cat(usual), torch.cat(fixed)
    difference = float((expected - found).abs().max() / expected.abs().max())
    if not difference <= rounding(model.model.dtype).logits:
        raise PlaygroundError(f"Over a cache of fixed length its logits are off by {difference:.1%}.", "Go on without.")
    return difference, min(took) / min(sooner)


def longest(model: LoadedModel, limit: int) -> int:
    """Tokens for which a fixed cache is made: the model's longest text, as far as 512 MiB go."""
    return min(limit, _BYTES // (model.anatomy.cache_bytes_per_token or _BYTES))


def warm_up(model: LoadedModel, limit: int) -> None:
    """Gives the model a CudaGraphDecoder once one is captured, tried and found to be sooner; in a thread of its own."""
    threading.Thread(target=_warm_up, args=(model, limit), daemon=True).start()


@torch.inference_mode()
def _warm_up(model: LoadedModel, limit: int) -> None:
    log = logging.getLogger(__name__)
    try:
        if (length := longest(model, limit)) < _LEAST:
            return
        step = CudaGraphDecoder(model, length)
        step.capture()
        difference, step.gain = tried(model, step)
        log.info("%s: a captured step is %.1f times as fast, off by %.0e", model.model_id, step.gain, difference)
        if step.gain > 1:
            model.graph = step
    except PlaygroundError as error:
        log.info("%s: no graph. %s", model.model_id, error)
    except Exception:  # whatever a family or a driver does: the usual way goes on
        log.exception("%s: no graph", model.model_id)
