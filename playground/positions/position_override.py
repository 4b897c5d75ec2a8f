"""How a model can be told other positions than 0, 1, 2, …: found out by trying, for no table of families would hold.

Three ways are known: the argument `position_ids`; other rows of the table that is added to the embeddings; another
distance in the biases that are added to the scores (T5's buckets, ALiBi). A way counts only if it changes nothing when
it tells the model what it knows anyway, and if it reaches everything: told equal positions, the first layer is
blind to the order of the tokens.
"""

import copy
import inspect
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from playground.models.families import uses_alibi
from playground.models.loaded_model import LoadedModel
from playground.models.position_scheme import bucket_tables, first_position_row, position_table
from playground.models.rope_modules import rotary_modules
from playground.models.rounding import rounding
from playground.recording.module_hooks import patch_modules

_TEXT = "The cat sat on the mat, and the dog sat on the cat."


@dataclass(frozen=True)
class PositionOverride:
    """A way to tell a model its positions; `reason` says why there is none."""

    reason: str = ""
    offset: int | None = None
    """Added to positions for the argument `position_ids`; None where it is not used."""
    table: bool = False
    buckets: bool = False
    alibi: bool = False
    rows: int | None = None
    """Positions that the model has, where it has a table of them."""
    rebase_reason: str = ""
    """Why the rotary base can't be changed; empty where it can."""

    def __bool__(self) -> bool:
        return not self.reason

    @property
    def batched(self) -> bool:
        """Whether rows of one batch may have positions of their own."""
        return not (self.buckets or self.alibi)


_found: WeakKeyDictionary[LoadedModel, PositionOverride] = WeakKeyDictionary()


def reach_of(model: LoadedModel) -> PositionOverride:
    """The way to tell this model its positions; tried once for each loaded model, in a few short passes."""
    if model not in _found:
        _found[model] = replace(_find(model), rebase_reason=_rebase_reason(model))
    return _found[model]


def _find(model: LoadedModel) -> PositionOverride:
    network, config = model.model, model.model.config
    table = position_table(_reading_stack(network))
    rows = table.num_embeddings - first_position_row(table) if table is not None else None
    if model.anatomy.position_scheme == "rotary" and not rotary_modules(network):
        rows = model.anatomy.context_length  # GPT-J, CodeGen: a table of angles
    common = {"buckets": bool(bucket_tables(_reading_stack(network))), "alibi": uses_alibi(config), "rows": rows}
    ways = []
    if "position_ids" in inspect.signature(network.forward).parameters and not common["alibi"]:
        offsets = {0, first_position_row(table)} if table is not None else {0}
        ways += [PositionOverride(offset=offset, **common) for offset in sorted(offsets)]
    if table is not None:
        ways.append(PositionOverride(table=True, **common))
    elif common["buckets"] or common["alibi"]:
        ways.append(PositionOverride(**common))
    if not ways:
        return PositionOverride("its forward pass takes no positions, and nothing that carries them was found")
    reasons = [_try(model, way) for way in ways]
    return next((way for way, reason in zip(ways, reasons, strict=True) if not reason), PositionOverride(reasons[-1]))


@torch.inference_mode()
def _try(model: LoadedModel, way: PositionOverride) -> str:
    """What speaks against a way; empty if nothing does."""
    ids = list(dict.fromkeys(model.vocabulary.tokenize(_TEXT)[0]))[1:4]
    exact = rounding(model.dtype.value).positions

    def states(order, positions) -> tuple[Tensor, ...]:
        given = torch.tensor([[ids[i] for i in order]], device=model.input_device)
        with telling(model, way, torch.tensor([positions], device=model.input_device)) as told:
            outputs = model.model(**inputs(model, given), **told, output_hidden_states=True)
        return outputs.get("encoder_hidden_states") or outputs["hidden_states"]

    def differ(a: Tensor, b: Tensor) -> bool:
        return (a - b).abs().max().item() > exact * a.abs().max().item()

    try:
        with torch.inference_mode():
            plain = model.model(
                **inputs(model, torch.tensor([ids], device=model.input_device)), output_hidden_states=True
            )
        plain = plain.get("encoder_hidden_states") or plain["hidden_states"]
        same, equal, mixed = states((0, 1, 2), (0, 1, 2)), states((0, 1, 2), (0, 0, 0)), states((1, 0, 2), (0, 0, 0))
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        return f"telling it other positions fails: {type(error).__name__}: {error}"[:200]
    if differ(plain[-1], same[-1]):
        return "telling it the positions that it has changes its output"
    if not differ(same[-1], equal[-1]):
        return "it takes other positions, but they change nothing"
    if differ(equal[1][0, 2], mixed[1][0, 2]):
        return "part of what it knows about order can't be reached from outside"
    return ""


def inputs(model: LoadedModel, ids: Tensor) -> dict:
    """The arguments of a forward pass over ids (B, T), of which none is padding."""
    network = model.model
    # Without a mask, transformers takes positions that don't rise by one for several texts in one row.
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "return_dict": True}
    if model.anatomy.has_decoder:
        given["use_cache"] = False
    if network.config.is_encoder_decoder:
        given["decoder_input_ids"] = ids[:, :1]
    return given


@contextmanager
def telling(model: LoadedModel, way: PositionOverride, positions: Tensor) -> Iterator[dict]:
    """Within, this thread's passes of the model see positions (B, T); yields further arguments of the pass."""
    told, stack = {}, _reading_stack(model.model)
    with ExitStack() as hooks:
        if way.offset is not None:
            told["position_ids"] = positions + way.offset
        if way.table:
            table = position_table(stack)
            vectors = table.weight[(positions + first_position_row(table)).to(table.weight.device)]  # (B, T, D)
            hooks.enter_context(patch_modules([table], output=lambda args, kwargs, output: vectors))
        if way.buckets:
            hooks.enter_context(
                patch_modules(
                    bucket_tables(stack).values(),
                    output=lambda args, kwargs, bias: _other_distances(bias, positions[0]),
                )
            )
        if way.alibi:
            attentions = [module for module in stack.modules() if type(module).__name__.endswith("Attention")]
            hooks.enter_context(
                patch_modules(attentions, inputs=lambda args, kwargs: (args, _other_penalties(kwargs, positions[0])))
            )
        yield told


def _other_distances(bias: Tensor, positions: Tensor) -> Tensor:
    """T5's biases (Q, K, H), read anew at the distances of other positions (T,)."""
    positions = positions.to(bias.device)
    distances = positions[None, :] - positions[:, None]  # (Q, K), key - query
    last = len(positions) - 1
    known = torch.cat([bias[1:, 0].flip(0), bias[0]])  # (2T - 1, H): distances -last..last
    return known[distances.clamp(-last, last) + last]


def _other_penalties(kwargs: dict, positions: Tensor) -> dict:
    """ALiBi's penalties, a straight line over the key's position, continued to other positions (T,)."""
    name = "alibi" if kwargs.get("alibi") is not None else "position_bias"
    line = kwargs[name]  # (…, 1, T)
    if line.shape[-1] == 1:
        return kwargs
    slope = line[..., 1:2] - line[..., :1]
    return kwargs | {name: (line[..., :1] + slope * positions.to(line.device)).to(line.dtype)}


def _reading_stack(network: nn.Module) -> nn.Module:
    """The part that reads the text: of an encoder-decoder the encoder."""
    return network.get_encoder() if network.config.is_encoder_decoder else network


@contextmanager
def with_rope_base(model: LoadedModel, factor: float) -> Iterator[None]:
    """Within, this thread's passes turn by the angles of another rotary base, made by the family's own code."""
    with ExitStack() as hooks:
        for module in rotary_modules(model.model) if factor != 1 else ():
            other = _with_base(module, factor)
            hooks.enter_context(
                patch_modules([module], output=lambda args, kwargs, output, other=other: other(*args, **kwargs))
            )
        yield


def _with_base(module: nn.Module, factor: float) -> nn.Module:
    """The same rotary module made anew with each base multiplied."""
    config = copy.deepcopy(module.config)
    rope = config.rope_parameters
    for kind in [value for value in rope.values() if isinstance(value, dict)] or [rope]:
        kind["rope_theta"] = kind["rope_theta"] * factor
    return type(module)(config=config).to(next(module.buffers()).device)


def _rebase_reason(model: LoadedModel) -> str:
    if model.anatomy.position_scheme != "rotary":
        return "it turns no queries and keys, so there is no rotary base"
    modules = rotary_modules(model.model)
    try:
        same = modules and all(
            torch.equal(ours, theirs)
            for module in modules
            for ours, theirs in zip(_with_base(module, 1).buffers(), module.buffers(), strict=True)
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        same = False
    return "" if same else "its angles are kept in a form that can't be made anew with another base"
