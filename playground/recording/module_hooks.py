"""Changes what modules of a model read or return, for one thread and for the length of a context."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from playground.models.architecture import embedding_matrix


class PassEnded(Exception):
    """What a hook raises to end a pass whose later layers nobody reads; for `suppress` around the pass."""


@contextmanager
def patch_modules(
    modules: Iterable[torch.nn.Module],
    *,
    inputs: Callable[[tuple, dict], tuple[tuple, dict]] | None = None,
    output: Callable[[tuple, dict, Any], Any] | None = None,
    first: bool = False,
) -> Iterator[None]:
    """Within the context the modules read `inputs(args, kwargs)` and return `output(args, kwargs, output)`.

    first: before all other hooks, which then see what was changed; of several the last one entered.

    For this thread alone: other threads that run the model at the same time notice nothing. While a hook comes or goes,
    torch calls it in them without the keyword arguments, so neither hook may insist on these.
    """
    owner, handles = threading.get_ident(), list[RemovableHandle]()

    def before(module: torch.nn.Module, args: tuple, *kwargs: dict) -> tuple[tuple, dict] | None:
        return inputs(args, *kwargs) if inputs is not None and threading.get_ident() == owner else None

    def after(module: torch.nn.Module, args: tuple, *kwargs_and_result: Any) -> Any:
        return output(args, *kwargs_and_result) if output is not None and threading.get_ident() == owner else None

    try:
        for module in modules:
            if inputs is not None:
                handles.append(module.register_forward_pre_hook(before, with_kwargs=True, prepend=first))
            if output is not None:
                handles.append(module.register_forward_hook(after, with_kwargs=True, prepend=first))
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def final_states(model: PreTrainedModel) -> Iterator[list[Tensor]]:
    """Within the context the yielded list receives, of each pass of this thread, the states (B, T, d_model) that the
    head reads. It stays empty where the base model is no module of its own (T5)."""
    states: list[Tensor] = []

    def store(args: tuple, kwargs: dict, output: Any) -> Any:
        if _has_states(output):
            states.append(output["last_hidden_state"])
        return output

    with patch_modules(_base_models(model), output=store):
        yield states


@torch.inference_mode()
def logits_of_states(model: PreTrainedModel, states: Tensor) -> Tensor:
    """(T, V): logits that the model's own code computes from last hidden states (T, d_model), with its transforms, caps
    and scales. Runs the base model on one dummy token and replaces its output with `states`."""

    def replace(args: tuple, kwargs: dict, output: Any) -> Any:
        if _has_states(output):
            output["last_hidden_state"] = states[None]
        return output

    matrix = embedding_matrix(model)
    dummy = torch.full((1, 1), 5 % len(matrix), device=matrix.device)
    with patch_modules(_base_models(model), output=replace):
        return model(input_ids=dummy, return_dict=True).logits[0]


def _has_states(output: Any) -> bool:
    return isinstance(output, dict) and output.get("last_hidden_state") is not None


def _base_models(model: PreTrainedModel) -> list[torch.nn.Module]:
    """The modules whose output the head reads: transformers names one or two, one within the other (OPT); none for an
    encoder-decoder."""
    modules = {} if model.config.is_encoder_decoder else dict.fromkeys((model.base_model, model.get_decoder()))
    return [module for module in modules if module is not model]
