"""Reading one token over a key-value cache of fixed length. Every step runs the same kernels on the same memory, so a GPU
can replay them as one CUDA graph, where it would otherwise be handed hundreds of kernels one by one. Knows nothing of
texts.

A graph is compared with the eager forward pass before it is used: on a few tokens it has to give the same logits, and
faster. Until it is ready, and while another visitor has it, tokens are read eagerly. Without a GPU nothing is captured;
the same step can still be run and compared, which the tests do.
"""

import copy
import logging
import threading
import time
from typing import cast

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer, StaticCache, StaticLayer

from playground.errors import PlaygroundError
from playground.models.families import cache_argument
from playground.models.loaded_model import LoadedModel
from playground.models.rounding import rounding
from playground.texts.numbers import percent

_MAX_BYTES = 512 * 2**20
"""Largest cache of fixed length."""
_MIN_LENGTH = 64
"""Tokens below which a cache of fixed length is not worth its memory."""
_SHORTER = (256, 1024)
"""Lengths of further caches: a step attends over its whole cache, so that a short text is read faster over a short one."""
_TRIAL_IDS = (5, 6, 7, 8, 9, 10, 11, 12)
"""Token ids that a graph is compared on: the first four are the prompt."""
_TRIAL_PROMPT = 4


class CudaGraphDecoder:
    """The forward pass of one token over a cache of fixed length; one caller at a time acquires it."""

    def __init__(self, model: LoadedModel, length: int):
        """Makes a cache for `length` tokens. PlaygroundError for a family whose cache can't have a fixed length."""
        self.length = length
        self.gain: float | None = None
        """How many times as fast as the eager forward pass; None before it was measured."""
        self._model = model.model
        cache_name = cache_argument(model.model)
        if cache_name is None or model.model.config.is_encoder_decoder:
            raise PlaygroundError("Only decoders with a key-value cache are captured.", "Go on without.")
        self.cache_name = cache_name
        self._token = torch.zeros(1, 1, dtype=torch.long, device=model.input_device)
        self._position = torch.zeros_like(self._token)
        self._cache = StaticCache(config=model.model.config, max_cache_len=length)
        self._layers = [layer for layer in self._cache.layers if type(layer) is StaticLayer]
        if len(self._layers) < len(self._cache.layers):
            raise PlaygroundError(
                "Layers with a sliding window are not captured: their masks follow the text.", "Go on without."
            )
        self._graph: torch.cuda.CUDAGraph | None = None
        self._logits: Tensor | None = None
        self._lock = threading.Lock()
        self._count = 0
        self._forward()  # makes the cache's tensors

    def acquire(self, cache: Cache) -> bool:
        """Takes over what `cache` holds. False if another caller has the step, or if the cache holds too much."""
        count = cache.get_seq_length()
        is_plain = all(type(layer) is DynamicLayer for layer in getattr(cache, "layers", [None]))
        if not is_plain or count >= self.length or not self._lock.acquire(blocking=False):
            return False
        try:
            for own, other in zip(self._layers, cache.layers, strict=True):
                for fixed, tensor in zip(_tensors(own), _tensors(other), strict=True):
                    fixed[:, :, :count] = tensor
                cast(Tensor, own.cumulative_length).fill_(count)  # an int only until the first forward pass
        except BaseException:
            self._lock.release()
            raise
        self._count = count
        return True

    @property
    def full(self) -> bool:
        """Whether the cache has no room for another token."""
        return self._count >= self.length

    def read(self, token: Tensor) -> Tensor:
        """Logits (1, V), float32, after one more token (1, 1)."""
        self._token.copy_(token)
        self._position.fill_(self._count)
        self._count += 1
        if self._graph is None or self._logits is None:
            return self._forward()
        self._graph.replay()
        return self._logits.clone()

    def release(self, cache: Cache) -> Cache:
        """A cache like the one acquired with, and all that was read since. Others may acquire the step from now on."""
        try:
            result = _shallow_copy(cache)
            for layer, own in zip(cast(list[DynamicLayer], result.layers), self._layers, strict=True):
                layer.keys, layer.values = (tensor[:, :, : self._count].clone() for tensor in _tensors(own))
            return result
        finally:  # also if a GPU has no memory left for the copy
            self._lock.release()

    def _forward(self) -> Tensor:
        inputs = {"input_ids": self._token, "position_ids": self._position, self.cache_name: self._cache}
        logits: Tensor = self._model(**inputs, use_cache=True, return_dict=True).logits
        return logits[:, -1].float()

    def capture(self) -> None:
        """Records the step as a CUDA graph; the cache's contents are lost."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):  # libraries initialize at their first calls
                self._forward()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # other threads use the GPU meanwhile
            self._logits = self._forward()
        self._graph = graph


def _tensors(layer: object) -> tuple[Tensor, Tensor]:
    """Keys and values (1, H, T, D) in a layer of a cache that was used."""
    used = cast(DynamicLayer | StaticLayer, layer)
    return cast(Tensor, used.keys), cast(Tensor, used.values)


def _shallow_copy(cache: Cache) -> Cache:
    """A cache with layers of its own that share their tensors with the original's."""
    result = copy.copy(cache)
    result.layers = [copy.copy(layer) for layer in cache.layers]
    return result


@torch.inference_mode()
def compare_with_eager(model: LoadedModel, step: CudaGraphDecoder) -> tuple[float, float]:
    """The largest difference of a logit from the eager forward pass, as a share of the largest logit; and how many times
    as fast the step is. PlaygroundError if rounding does not explain the difference."""
    cache_name = step.cache_name
    ids = torch.tensor([_TRIAL_IDS], device=model.input_device)
    tokens = [ids[:, position : position + 1] for position in range(_TRIAL_PROMPT, len(_TRIAL_IDS))]
    cache = model.model(ids[:, :_TRIAL_PROMPT], use_cache=True)[cache_name]
    prompt_cache = _shallow_copy(cache)
    eager, eager_seconds = [], []
    for token in tokens:
        started = time.perf_counter()
        outputs = model.model(**{"input_ids": token, cache_name: cache}, use_cache=True)
        eager.append(outputs.logits[:, -1].float().cpu())
        eager_seconds.append(time.perf_counter() - started)
    if not step.acquire(prompt_cache):
        raise PlaygroundError("The model's own cache can't be taken over.", "Go on without.")
    fixed, fixed_seconds = [], []
    for token in tokens:
        started = time.perf_counter()
        fixed.append(step.read(token).cpu())
        fixed_seconds.append(time.perf_counter() - started)
    step.release(prompt_cache)
    expected, actual = torch.cat(eager), torch.cat(fixed)
    difference = float((expected - actual).abs().max() / expected.abs().max())
    if not difference <= rounding(model.model.dtype).logits:
        raise PlaygroundError(
            f"Over a cache of fixed length its logits are off by {percent(difference)}.", "Go on without."
        )
    return difference, min(eager_seconds) / min(fixed_seconds)


def cache_lengths(model: LoadedModel, limit: int) -> tuple[int, ...]:
    """Tokens for which caches of fixed length are made, growing: the last `limit`, or fewer if 512 MiB do not hold so
    many; none where that is too few."""
    longest = min(limit, _MAX_BYTES // (model.anatomy.cache_bytes_per_token or _MAX_BYTES))
    return (*(length for length in _SHORTER if length < longest), longest) if longest >= _MIN_LENGTH else ()


def capture_in_background(model: LoadedModel, limit: int) -> None:
    """Starts a thread that captures a CudaGraphDecoder for each of `cache_lengths`, and gives the model those that are
    right and faster than the eager forward pass."""
    threading.Thread(target=_capture, args=(model, limit), daemon=True).start()


@torch.inference_mode()
def _capture(model: LoadedModel, limit: int) -> None:
    log = logging.getLogger(__name__)
    try:
        for length in cache_lengths(model, limit):
            step = CudaGraphDecoder(model, length)
            step.capture()
            difference, step.gain = compare_with_eager(model, step)
            log.info(
                "%s: a captured step over %d tokens is %.1f times as fast, off by %.0e",
                model.model_id,
                length,
                step.gain,
                difference,
            )
            if step.gain > 1:
                model.graphs = (*model.graphs, step)
    except PlaygroundError as error:
        log.info("%s: no graph. %s", model.model_id, error)
    except Exception:  # whatever a family or a driver does, the eager forward pass goes on
        log.exception("%s: no graph", model.model_id)
