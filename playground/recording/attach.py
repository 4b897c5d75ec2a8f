"""Attaches the hooks to a model, once, at load: its attention, its rotary embeddings, its output projections.

A model is recorded only if it stays the same model with the hooks: a short test pass compares its outputs.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from transformers import PreTrainedModel

from playground.models.architecture import embedding_matrix
from playground.models.rounding import rounding
from playground.recording.hooks import EAGER, FAST, capture_attention, record_rope
from playground.recording.own_attention import needs_eager

_TEST_LENGTH = 11
"""Tokens of the test pass."""


def set_recorder(model: PreTrainedModel) -> bool:
    """Routes the model's attention through the hooks; False, and eager attention, if the family does not allow it.

    Called once, at load: the setting is part of the model's configuration, which all visitors share.
    """
    for module in model.modules():
        if "Rotary" in type(module).__name__:
            module.register_forward_hook(record_rope, with_kwargs=True)
    if not model._can_set_attn_implementation():  # else transformers warns and leaves some families half set
        return False
    exact = _number_format(model) == torch.float32
    for reference in ("eager",) if exact else ("sdpa", "eager"):  # in half formats these two may differ by rounding
        try:
            model.set_attn_implementation(reference)
            expected, _ = _test_pass(model)
        except Exception:  # each family may fail in its own way; many have no sdpa
            continue
        if any(_is_same_model(model, name, expected) for name in (FAST, EAGER)):
            return True
    model.set_attn_implementation("eager")
    return False


def _is_same_model(model: PreTrainedModel, name: str, expected: Tensor) -> bool:
    """Sets the attention function `name`; whether all calls can be recorded and the outputs are those expected.

    Some families compute something else under a name that they do not know, without a warning: DeepSeek 3.2's index
    checks for "eager" or "sdpa"; BigBird-Pegasus and Splinter get no mask, because a flag of their modules replaces it.
    """
    try:
        model.set_attn_implementation(name)
        outputs, calls = _test_pass(model)
    except Exception:  # masks that the family's own code can't add
        return False
    if not calls or (name == FAST and any(map(needs_eager, calls))):
        return False
    if any(options.get("indices") is not None for options in calls):  # an index selects keys; of so few tokens all
        return False
    share = (outputs - expected).abs().max() / expected.abs().max()
    return bool(share <= rounding(_number_format(model)).implementation)


def _number_format(model: PreTrainedModel) -> torch.dtype:
    """float32 if all matrices of the model are float32, else the format of the first other one (a half format, int8)."""
    return next((weight.dtype for weight in _matrices(model) if weight.dtype != torch.float32), torch.float32)


def _matrices(model: PreTrainedModel) -> Iterator[Tensor]:
    weights = (getattr(module, "weight", None) for module in model.modules())
    return (weight for weight in weights if isinstance(weight, Tensor) and weight.ndim == 2)


@torch.inference_mode()
def _test_pass(model: PreTrainedModel) -> tuple[Tensor, list[dict]]:
    """Logits, or last hidden states, in float32, of a few tokens; and the options of each attention call that was
    captured."""
    calls: list[dict] = []
    matrix = embedding_matrix(model)
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None) or _TEST_LENGTH
    count = max(3, min(_TEST_LENGTH, context - 2))  # RoBERTa counts positions from 2
    ids = torch.arange(5, 5 + count, device=matrix.device)[None] % len(matrix)  # (1, T)
    decoder_inputs = {"decoder_input_ids": ids[:, :7]} if model.config.is_encoder_decoder else {}
    with capture_attention(lambda module, query, key, value, mask, options, output: calls.append(options)):
        outputs = model(input_ids=ids, **decoder_inputs)
    return outputs[0].float(), calls


@contextmanager
def find_projections(model: PreTrainedModel) -> Iterator[dict[int, torch.nn.Module]]:
    """id of each attention module -> the linear layer that reads its heads' concatenated outputs, bit for bit: W^O.

    Filled by the passes that run within the context: inputs of layers are compared with outputs of attention, so no names
    are needed.
    """
    projections: dict[int, torch.nn.Module] = {}
    unread: list[tuple[int, Tensor]] = []

    def store_output(
        module: torch.nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        options: dict,
        out: Tensor,
    ) -> None:
        unread.append((id(module), out))

    def match_input(module: torch.nn.Module, args: tuple) -> None:
        for number, (attention, output) in enumerate(unread):
            if args and args[0].numel() == output.numel() and torch.equal(args[0].flatten(), output.flatten()):
                projections[attention] = module
                del unread[number]
                return

    leaves = [m for m in model.modules() if not list(m.children()) and getattr(m, "weight", None) is not None]
    hooks = [m.register_forward_pre_hook(match_input) for m in leaves if getattr(m.weight, "ndim", 0) == 2]
    try:
        with capture_attention(store_output):
            yield projections
    finally:
        for hook in hooks:
            hook.remove()
