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
    """What one pass left of the states of L layers."""

    changes: Tensor  # (L, T) float32: |state after - state before| / |state before|
    states: Tensor  # (L + 1, d_model): of one token, at the embedding and after every layer, before the final norm


def stream_of(states: Tensor, token: int) -> StreamPass:
    """The same from states (L + 1, T, d_model) that were kept, the last one as the last layer left it."""
    states = states.float()
    lengths = states[:-1].norm(dim=-1).clamp_min(torch.finfo(torch.float32).tiny)
    return StreamPass((states[1:] - states[:-1]).norm(dim=-1) / lengths, states[:, token])


@contextmanager
def last_states(model: PreTrainedModel) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Within the context the yielded list receives, of each pass of this thread, what the last layer reads and what it
    leaves, before the final norm, (T, d_model) each. It stays empty where a layer leaves something else, and for two
    stacks."""
    states: list[tuple[Tensor, Tensor]] = []

    def store(args: tuple, kwargs: dict, output: Any) -> Any:
        before, after = _input(args, kwargs), _state(output)
        if _is_state(before) and _is_state(after):
            states.append((before[0], after[0]))
        return output

    with patch_modules([] if model.config.is_encoder_decoder else _layers(model)[-1:], output=store):
        yield states


def read_states(model: PreTrainedModel, token: int, run: Callable[[], object], encoder: bool = False) -> StreamPass:
    """The states while `run()` runs the model over a text; of an encoder-decoder the decoder's, or the encoder's.

    PlaygroundError for a model whose layers don't pass on one state (1, T, d_model).
    """
    changes: list[Tensor] = []
    states: list[Tensor] = []
    previous: list[Tensor] = []

    def store(args: tuple, kwargs: dict, output: Any) -> Any:
        before, after = _input(args, kwargs), _state(output)
        if not (_is_state(before) and _is_state(after) and before.shape == after.shape):
            raise _NoStream
        if previous and not torch.equal(previous.pop().to(before), before):
            raise _NoStream
        previous[:] = [after]
        before, after = before[0].float(), after[0].float().to(before.device)
        if not states:
            states.append(before[token].cpu())
        states.append(after[token].cpu())
        length = before.norm(dim=-1).clamp_min(torch.finfo(torch.float32).tiny)
        changes.append(((after - before).norm(dim=-1) / length).cpu())
        return output

    try:
        with patch_modules(_layers(model, encoder), output=store):
            run()
    except _NoStream:
        changes.clear()
    if not changes:
        raise PlaygroundError("This model's states can't be shown:", "its layers don't pass on one state per token.")
    return StreamPass(torch.stack(changes), torch.stack(states))


@torch.inference_mode()
def logits_of_layers(model: PreTrainedModel, states: Tensor) -> Tensor:
    """(N, V) float32 on the CPU: logits that the model's own code computes from states (N, d_model) as if its last layer had
    left them. Runs the model on one dummy token, or on one for each state where its code insists on that (GPT-BigCode), and
    puts the states in the place of that layer's output."""
    layers, matrix = _layers(model), embedding_matrix(model)
    batch = states[:, None]  # (N, 1, d_model): a text of one token for each

    def replace(args: tuple, kwargs: dict, output: Any) -> Any:
        own = _state(output)
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


class _NoStream(Exception):
    """A layer that takes or leaves something else than one state."""


def _layers(model: PreTrainedModel, encoder: bool = False) -> list[torch.nn.Module]:
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


def _input(args: tuple, kwargs: dict) -> Any:
    return args[0] if args else kwargs.get("hidden_states")


def _state(output: Any) -> Any:
    return output[0] if isinstance(output, tuple) and output else output


def _is_state(value: Any) -> bool:
    return isinstance(value, Tensor) and value.ndim == 3 and value.shape[0] == 1
