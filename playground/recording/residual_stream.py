"""The states of a text's tokens from layer to layer, and what the model would say of each of them.

The last state that transformers returns is already normed. Here every state is read where a layer leaves it, and the
model's own code goes on from there: its final norm with the state's own statistics, its head, its scales and caps. The
logit lens (nostalgebraist 2020). Knows the modules of a model; knows nothing of pictures.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from playground.errors import PlaygroundError
from playground.models.architecture import embedding_matrix
from playground.recording.module_hooks import patch_modules


@dataclass(frozen=True)
class StreamPass:
    """What one pass left of the states of L layers: the changes of all T tokens, and the states of N of them."""

    changes: Tensor  # (L, T) float32: |state after - state before| / |state before|
    states: Tensor  # (L + 1, N, d_model) float32: at the embedding and after every layer, before the final norm
    first: int = 0  # the first of the N tokens, counted from 0

    def has(self, token: int) -> bool:
        """Whether the states of a token were kept."""
        return self.first <= token < self.first + self.states.shape[1]

    def of(self, token: int) -> Tensor:
        """(L + 1, d_model): the states of one of the N tokens."""
        return self.states[:, token - self.first]


def stream_of(states: Tensor) -> StreamPass:
    """The same from states (L + 1, T, d_model) that were kept, the last one as the last layer left it."""
    states = states.float()
    return StreamPass(torch.stack([_changes(*pair) for pair in zip(states[:-1], states[1:], strict=True)]), states)


@contextmanager
def last_states(model: PreTrainedModel, rows: int = 1) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Within the context the yielded list receives, of each pass of this thread over so many texts, what the last layer
    reads and what it leaves, before the final norm, (rows, T, d_model) each. It stays empty where a layer leaves something
    else, and for two stacks."""
    states: list[tuple[Tensor, Tensor]] = []

    def store(args: tuple, kwargs: dict, output: Any) -> Any:
        before, after = layer_input(args, kwargs), first_tensor(output)
        if _is_state(before, rows) and _is_state(after, rows):
            states.append((before, after))
        return output

    with patch_modules([] if model.config.is_encoder_decoder else stack_layers(model)[-1:], output=store):
        yield states


class StreamCollector:
    """Receives what every layer of one pass reads and leaves, and keeps little of it.

    tokens: whose states are kept; None for the last ones of the text, as many as `last`.
    """

    def __init__(self, tokens: range | None, last: int = 0):
        self._tokens, self._last = tokens, last
        self._changes: list[Tensor] = []
        self._states: list[Tensor] = []
        self._previous: Tensor | None = None
        self._is_stream = True

    def receive(self, args: tuple, kwargs: dict, output: Any) -> Any:
        """A layer's output, unchanged. A layer that does not go on from the state that the one before left ends it all."""
        before, after = layer_input(args, kwargs), first_tensor(output)
        if self._is_stream:
            self._is_stream = _is_state(before) and _is_state(after) and before.shape == after.shape
        if self._is_stream and self._previous is not None:
            self._is_stream = torch.equal(self._previous.to(before), before)
        if not self._is_stream:
            self._previous = None
            return output
        self._previous = after
        before, after = before[0].float(), after[0].float().to(before.device)
        if not self._states:
            self._states.append(before[self._kept(len(before))].cpu())
        self._states.append(after[self._kept(len(after))].cpu())
        self._changes.append(_changes(before, after).cpu())
        return output

    def _kept(self, count: int) -> slice:
        tokens = range(max(0, count - self._last), count) if self._tokens is None else self._tokens
        return slice(tokens.start, tokens.stop)

    def result(self) -> StreamPass | None:
        """What was kept; None where the layers don't pass on one state (1, T, d_model), and without a pass."""
        self._previous = None
        if not self._is_stream or not self._changes:
            return None
        first = self._kept(self._changes[0].shape[0]).start
        return StreamPass(torch.stack(self._changes), torch.stack(self._states), first)


@contextmanager
def last_stream(model: PreTrainedModel, last: int) -> Iterator[StreamCollector]:
    """Within the context the yielded collector watches this thread's pass and keeps the states of the `last` tokens. It
    keeps nothing of two stacks."""
    collector = StreamCollector(None, last)
    with patch_modules([] if model.config.is_encoder_decoder else stack_layers(model), output=collector.receive):
        yield collector


def read_states(model: PreTrainedModel, tokens: range, run: Callable[[], object], encoder: bool = False) -> StreamPass:
    """The states of some tokens while `run()` runs the model over a text; of an encoder-decoder the decoder's, or the
    encoder's.

    PlaygroundError for a model whose layers don't pass on one state (1, T, d_model).
    """
    collector = StreamCollector(tokens)
    with patch_modules(stack_layers(model, encoder), output=collector.receive):
        run()
    if (stream := collector.result()) is None:
        raise PlaygroundError("This model's states can't be shown:", "its layers don't pass on one state per token.")
    return stream


def _changes(before: Tensor, after: Tensor) -> Tensor:
    """(T,): |after - before| / |before| of states (T, d_model)."""
    return (after - before).norm(dim=-1) / before.norm(dim=-1).clamp_min(torch.finfo(torch.float32).tiny)


@torch.inference_mode()
def logits_of_layers(model: PreTrainedModel, states: Tensor) -> Tensor:
    """(N, V) float32 on the CPU: logits that the model's own code computes from states (N, d_model) as if its last layer had
    left them. Runs the model on one dummy token, or on one for each state where its code insists on that (GPT-BigCode), and
    puts the states in the place of that layer's output."""
    layers, matrix = stack_layers(model), embedding_matrix(model)
    batch = states[:, None]  # (N, 1, d_model): a text of one token for each

    def replace(args: tuple, kwargs: dict, output: Any) -> Any:
        own = first_tensor(output)
        put = batch.to(own)
        return (put, *output[1:]) if isinstance(output, tuple) else put

    def run(texts: int) -> Tensor:
        dummy = torch.full((texts, 1), 5 % len(matrix), device=matrix.device)
        inputs = {"input_ids": dummy} | ({"decoder_input_ids": dummy} if model.config.is_encoder_decoder else {})
        with patch_modules(layers[-1:], output=replace):
            return model(**inputs, return_dict=True).logits[:, 0].float().cpu()

    try:
        return run(1)
    except RuntimeError:  # a shape that was read off the input
        return run(len(states))


def stack_layers(model: PreTrainedModel, encoder: bool = False) -> list[torch.nn.Module]:
    """The layers of the stack that the head reads, or of the encoder: the largest list of modules that lies in no other."""
    stack = model.base_model
    if model.config.is_encoder_decoder:
        stack = model.get_encoder() if encoder else model.get_decoder()
    lists: list[torch.nn.ModuleList] = []
    inner: set[int] = set()
    for module in (stack or model).modules():
        if isinstance(module, torch.nn.ModuleList) and id(module) not in inner:
            lists.append(module)
            inner.update(id(part) for part in module.modules())
    return list(max(lists, key=lambda part: sum(p.numel() for p in part.parameters()), default=[]))


def layer_input(args: tuple, kwargs: dict) -> Any:
    """The state that a layer reads."""
    return args[0] if args else kwargs.get("hidden_states")


def first_tensor(output: Any) -> Any:
    """What a module returns, of a tuple its first element."""
    return output[0] if isinstance(output, tuple) and output else output


def _is_state(value: Any, rows: int = 1) -> bool:
    return isinstance(value, Tensor) and value.ndim == 3 and value.shape[0] == rows
