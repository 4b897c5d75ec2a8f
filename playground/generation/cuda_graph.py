"""Reading one token over a key-value cache of fixed length. Every step runs the same kernels on the same memory, so a GPU
can replay them as one CUDA graph, where it would otherwise be handed hundreds of kernels one by one. Knows nothing of
texts.

Until a graph is ready, and while another visitor has it, tokens are read eagerly. Without a GPU nothing is captured; the
same step can still be run and compared, which the tests do.
"""

import copy
import threading
from typing import cast

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer, StaticCache, StaticLayer

from playground.errors import PlaygroundError
from playground.models.families import cache_argument
from playground.models.loaded_model import LoadedModel


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
            result = shallow_copy(cache)
            for layer, own in zip(cast(list[DynamicLayer], result.layers), self._layers, strict=True):
                layer.keys, layer.values = (tensor[:, :, : self._count].clone() for tensor in _tensors(own))
            return result
        finally:  # also if a GPU has no memory left for the copy
            self._lock.release()

    def _forward(self) -> Tensor:
        inputs = {"input_ids": self._token, "position_ids": self._position, self.cache_name: self._cache}
        logits: Tensor = self._model(**inputs, use_cache=True, return_dict=True).logits
        return logits[:, -1].float()

    def capture(self, stream: torch.cuda.Stream) -> None:
        """Records the step as a CUDA graph; the cache's contents are lost. Each stream costs its own workspace of cuBLAS,
        32 MiB on an H200, which stays."""
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):  # libraries initialize at their first calls
                self._forward()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(
            graph, stream=stream, capture_error_mode="thread_local"
        ):  # other threads use the GPU meanwhile
            self._logits = self._forward()
        self._graph = graph


def _tensors(layer: object) -> tuple[Tensor, Tensor]:
    """Keys and values (1, H, T, D) in a layer of a cache that was used."""
    used = cast(DynamicLayer | StaticLayer, layer)
    return cast(Tensor, used.keys), cast(Tensor, used.values)


def shallow_copy(cache: Cache) -> Cache:
    """A cache with layers of its own that share their tensors with the original's."""
    result = copy.copy(cache)
    result.layers = [copy.copy(layer) for layer in cache.layers]
    return result
