"""One pass of a model that keeps, of some tokens, every state of the residual stream and what each part added to it."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from playground.errors import PlaygroundError
from playground.recording.layers.blocks import Block, Part
from playground.recording.layers.build import Build
from playground.recording.module_hooks import patch_modules
from playground.recording.residual_stream import first_tensor, layer_input, stack_layers

EMBEDDING = "embedding"
"""The name of the first state."""


@dataclass(frozen=True, eq=False)
class Added:
    """What a part added to N tokens."""

    part: Part
    added: Tensor  # (N, D) float32: its factor times the module's output
    inputs: Tensor | None  # (N, F) float32: what its matrix read; None where that is not known, or was not requested
    product: Tensor | None  # (N, D) float32: what its matrix gave, before the part's norm


@dataclass(frozen=True, eq=False)
class LayerPass:
    """What one pass left of N tokens. S states, named "embedding", "0 attention", "0", "1 attention", "1", …"""

    tokens: range
    names: tuple[str, ...]
    states: Tensor  # (S, N, D) float32 on the CPU; the last is what the last layer leaves, before the final norm
    parts: tuple[tuple[Added, ...], ...]
    """For each layer its parts; empty where they are not known, or were not requested."""
    errors: tuple[float, ...]
    """For each layer the largest |state after - state before - parts| of any token of the text, as a share of the length
    of the state after."""

    @classmethod
    def of_stream(cls, tokens: range, states: Tensor) -> "LayerPass":
        """The same of states (L + 1, N, D) at the embedding and after every layer, without what is inside of layers."""
        return cls(tokens, (EMBEDDING, *map(str, range(len(states) - 1))), states, (), ())

    def after_layers(self) -> "LayerPass":
        """The same without the states inside of layers."""
        kept = [number for number, name in enumerate(self.names) if " " not in name]
        return replace(self, names=tuple(self.names[n] for n in kept), states=self.states[kept])

    def at(self, position: int) -> "LayerPass":
        """The same of one of the tokens."""
        here = slice(position - self.tokens.start, position - self.tokens.start + 1)

        def one(added: Added) -> Added:
            inputs, product = (None if rows is None else rows[here] for rows in (added.inputs, added.product))
            return Added(added.part, added.added[here], inputs, product)

        parts = tuple(tuple(map(one, layer)) for layer in self.parts)
        return replace(self, tokens=range(position, position + 1), states=self.states[:, here], parts=parts)

    @property
    def nbytes(self) -> int:
        """Bytes kept."""
        tensors = [self.states]
        for layer in self.parts:
            tensors += [t for one in layer for t in (one.added, one.inputs, one.product) if t is not None]
        return sum(t.untyped_storage().nbytes() for t in tensors)


@dataclass(eq=False)
class _Running:
    """Of the layer that is running: what its parts gave so far, of all tokens."""

    outputs: dict[int, Tensor] = field(default_factory=dict)
    inputs: dict[int, Tensor] = field(default_factory=dict)
    products: dict[int, Tensor] = field(default_factory=dict)


def layer_pass(
    model: PreTrainedModel, build: Build, tokens: range, run: Callable[[], object], with_inputs: bool = False
) -> LayerPass:
    """What `run()`, one pass of the model over a text, left of some tokens. Of an encoder-decoder, its decoder's.

    with_inputs: whether what each part added is kept as well, and what its matrix read. PlaygroundError for a model whose
    layers don't pass on one state (1, T, D).
    """
    keeper = _Keeper(build, tokens, with_inputs)
    with ExitStack() as stack:
        stack.enter_context(patch_modules(stack_layers(model), output=keeper.leave))
        places = {part.module: (place, part) for block in build.blocks for place, part in enumerate(block.parts)}
        for module, (place, part) in places.items():  # once each, also where a layer runs several times
            stack.enter_context(patch_modules([module], output=partial(keeper.output, place)))
            if with_inputs and part.projection is not None:
                stack.enter_context(patch_modules([part.projection.module], output=partial(keeper.product, place)))
        run()
    return keeper.result()


class _Keeper:
    """Receives what modules return during one pass, in their order."""

    def __init__(self, build: Build, tokens: range, with_inputs: bool):
        self._blocks, self._slice = build.blocks, slice(tokens.start, tokens.stop)
        self._tokens, self._with_inputs = tokens, with_inputs
        self._running = _Running()
        self._runs = 0
        self._names: list[str] = []
        self._states: list[Tensor] = []
        self._parts: list[tuple[Added, ...]] = []
        self._errors: list[float] = []

    def output(self, place: int, args: tuple, kwargs: dict, output: Any) -> Any:
        self._running.outputs[place] = _rows(first_tensor(output)).clone()  # some layers add in place
        return output

    def product(self, place: int, args: tuple, kwargs: dict, output: Any) -> Any:
        self._running.inputs[place] = self._kept(layer_input(args, kwargs))
        self._running.products[place] = self._kept(output)
        return output

    def leave(self, args: tuple, kwargs: dict, output: Any) -> Any:
        number, self._runs = self._runs, self._runs + 1
        running, self._running = self._running, _Running()
        before, after = layer_input(args, kwargs), first_tensor(output)
        if not (isinstance(before, Tensor) and isinstance(after, Tensor) and before.ndim == after.ndim == 3):
            return output
        if not self._states:
            self._keep(EMBEDDING, before)
        if number < len(self._blocks):
            self._add(number, self._blocks[number], running, before[0].float(), after[0].float())
        self._keep(str(number), after)
        return output

    def _add(self, number: int, block: Block, running: _Running, before: Tensor, after: Tensor) -> None:
        state, parts = before, []
        for place, part in enumerate(block.parts):
            added = running.outputs[place].view(before.shape).float().to(before.device)
            added = added if part.factor == 1 else added * part.factor
            state = state + added
            inputs, product = running.inputs.get(place), running.products.get(place)
            if self._with_inputs:
                kept = added[self._slice].cpu().clone()  # a part of all tokens would hold them all in memory
                parts.append(Added(part, kept, inputs, product))
            if place + 1 in block.stages:
                self._keep(f"{number} {part.kind}", state[None])
        self._parts.append(tuple(parts))
        self._errors.append(float(((after - state).norm(dim=-1) / after.norm(dim=-1).clamp_min(1e-30)).max()))

    def _kept(self, value: Tensor) -> Tensor:
        return _rows(value)[self._slice].float().cpu().clone()

    def _keep(self, name: str, state: Tensor) -> None:
        self._names.append(name)
        self._states.append(state[0][self._slice].float().cpu().clone())

    def result(self) -> LayerPass:
        if not self._states or self._states[0].shape[0] != len(self._tokens):
            raise PlaygroundError("This model's layers can't be shown:", "they don't pass on one state per token.")
        states = torch.stack(self._states)
        return LayerPass(self._tokens, tuple(self._names), states, tuple(self._parts), tuple(self._errors))


def _rows(value: Tensor) -> Tensor:
    """(T, width) of a text's (1, T, …) or (T, …)."""
    rows = value[0] if value.ndim > 2 and value.shape[0] == 1 else value
    return rows.flatten(1)
