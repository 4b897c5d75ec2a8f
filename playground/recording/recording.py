"""What a recording holds: attention calls, hidden states, logits, and what follows from them.

Knows what was captured of each layer (captured.py); knows nothing of hooks, of loading, or of the page.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token
from playground.recording.attention import AttentionCall, AttentionMap, LayerSteps

LOGIT_TOLERANCE = {torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 1e-1}
"""Largest difference of a logit that rounding explains, as a share of the largest logit."""
ROWS = 128
"""Rows of logits held at once, 25 MB where the vocabulary has 50,000 tokens."""


@dataclass(frozen=True)
class Verification:
    """How far the maths shown is from what the model used: largest absolute difference of weights·V per layer."""

    errors: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Kind -> one number per layer; empty if nothing could be checked."""
    tolerance: float = 0.0
    """What rounding explains in this number format: 1e-5 in float32, more where scores and outputs are large; in the
    half formats, whose steps are coarse, a share of the largest output."""
    reason: str = ""
    """Why nothing could be checked, if so."""

    @property
    def largest(self) -> float | None:
        return max((max(errors) for errors in self.errors.values()), default=None)

    @property
    def passed(self) -> bool:
        return self.largest is not None and self.largest <= self.tolerance


@dataclass(frozen=True)
class Outputs:
    """What one pass gave besides the attention calls; None where not asked for or not kept."""

    hidden_states: Tensor | None = None  # (layers + 1, tokens, d_model)
    logits: Tensor | None = None  # (tokens, vocabulary)
    last_logits: Tensor | None = None  # (vocabulary,)
    final_states: Tensor | None = None  # (tokens, d_model), what the head reads


@dataclass(frozen=True, eq=False)
class Recording:
    """What a model did with a text in one forward pass. Layers and heads count from 0.

    A short recording keeps everything; a long one keeps queries and keys, and makes the rest again by running the
    model once more when it is asked for.
    """

    model: LoadedModel
    tokens: tuple[Token, ...]
    target_tokens: tuple[Token, ...] | None
    """The decoder's own tokens, its start token first; None for models with one stack."""
    _attention: dict[str, list[AttentionCall] | list[Tensor]]
    _kept: Outputs
    _run_again: Callable[..., Outputs]
    _visit_calls: Callable[[Callable[[str, int, AttentionCall], None]], None]
    _trace: Callable[[str, int], "LayerSteps"]
    _head: Callable[[Tensor], Tensor]

    @property
    def kinds(self) -> tuple[str, ...]:
        """("self",) or ("encoder", "decoder", "cross")."""
        return tuple(self._attention)

    def layers(self, kind: str | None = None) -> int:
        """How many layers have attention of this kind; kind defaults to the first of `kinds`."""
        return len(self._attention[self._checked(kind)])

    def attention(self, layer: int, kind: str | None = None) -> AttentionMap:
        """The attention of a layer; kind defaults to the first of `kinds`. PlaygroundError if there is none."""
        kind = self._checked(kind)
        if not 0 <= layer < self.layers(kind):
            raise PlaygroundError(
                f"There is no layer {layer} of kind {kind!r}.", f"Layers count from 0 to {self.layers(kind) - 1}."
            )
        query_tokens = self.target_tokens if kind in ("decoder", "cross") else self.tokens
        key_tokens = self.target_tokens if kind == "decoder" else self.tokens
        return AttentionMap(layer, kind, query_tokens, key_tokens, self._attention[kind][layer])

    def maths(self, layer: int, kind: str | None = None) -> "LayerSteps":
        """Everything that one attention layer read and gave, from one more pass. PlaygroundError, with the reason, where
        queries and keys are not captured."""
        if not self.model.capabilities.maths:
            raise PlaygroundError("The maths of this model can't be shown:", self.model.capabilities.maths.reason + ".")
        self.attention(layer, kind)  # which checks the layer
        return self._trace(self._checked(kind), layer)

    def _checked(self, kind: str | None) -> str:
        if not self._attention:
            raise PlaygroundError("This model's attention can't be shown.", self.model.capabilities.attention.reason)
        if kind is None:
            return self.kinds[0]
        if kind not in self._attention:
            raise PlaygroundError(f"This recording has no {kind!r} attention.", f"It has: {', '.join(self.kinds)}.")
        return kind

    @property
    def hidden_states(self) -> Tensor:
        """(layers + 1, tokens, d_model) float32: the residual stream before the first layer and after each; the
        last is after the final norm. Of an encoder-decoder, the encoder's."""
        kept = self._kept.hidden_states
        return (self._run_again(hidden_states=True).hidden_states if kept is None else kept).float().cpu()

    @property
    def logits(self) -> Tensor:
        """(tokens, vocabulary) float32; of an encoder-decoder, one row for each target token."""
        if not self.model.capabilities.logits:
            raise PlaygroundError("This model gives no logits.", self.model.capabilities.logits.reason)
        kept = self._kept.logits
        return (self._run_again(logits=True).logits if kept is None else kept).float().cpu()

    def logits_of(self, rows: Sequence[int]) -> Tensor:
        """(rows, vocabulary) float32: some rows of `logits`, counted from 0. Of a long text the head reads these alone."""
        if not self.model.capabilities.logits or self._kept.logits is not None:
            return self.logits[list(rows)]
        found = self._by_head(rows)
        return self.logits[list(rows)] if found is None else found

    def logits_in_stretches(self, size: int | None = None) -> Iterator[Tensor]:
        """The rows of `logits` in order, (size, vocabulary) at a time (128 rows if None), the last ones fewer: never all of
        a long text's in memory, where its head can read them in parts."""
        count, whole, size = len(self.target_tokens or self.tokens), None, size or ROWS
        for start in range(0, count, size):
            found = self._by_head(range(start, min(start + size, count))) if whole is None else None
            if found is None:
                whole = self.logits if whole is None else whole
                found = whole[start : start + size]
            yield found

    def _by_head(self, rows: Sequence[int]) -> Tensor | None:
        """(rows, vocabulary): what the head makes of hidden states that were kept; None where none were, and where it does
        not make of the last one what the model gave there."""
        states, last = self._kept.final_states, self._kept.last_logits
        if states is None or last is None:
            return None
        try:
            *found, again = self._head(states[[*rows, -1]]).float()
        except (RuntimeError, TypeError, ValueError, IndexError):  # any family may have a head of another kind
            return None
        share = (again - last.float()).abs().max() / last.float().abs().max()
        tolerance = LOGIT_TOLERANCE.get(self.model.model.dtype, 0.0)
        return torch.stack(found).cpu() if share <= tolerance else None

    @property
    def last_logits(self) -> Tensor:
        """(vocabulary,) float32: the last row of `logits`, kept of long texts too."""
        return self.logits[-1] if self._kept.last_logits is None else self._kept.last_logits.float().cpu()

    def verify(self) -> Verification:
        """Recomputes softmax(scores)·V of every layer from what was kept and compares it with the attention output
        that the model really used."""
        return self._verification

    @cached_property
    def _verification(self) -> Verification:
        if not self.model.on_interface:
            return Verification(reason="the weights are the model's own output; its queries and keys are not captured")
        errors: dict[str, list[float]] = {kind: [] for kind in self.kinds}
        tolerances: list[float] = []

        def check(kind: str, layer: int, call: AttentionCall) -> None:
            kept = replace(self._attention[kind][layer], value=call.value, output=call.output)
            found = kept.compare()
            errors[kind].append(found.error)
            tolerances.append(found.tolerance(self.model.model.dtype))

        if self._attention[self.kinds[0]][0].output is None:
            self._visit_calls(check)
        else:
            for kind, calls in self._attention.items():
                for layer, call in enumerate(calls):
                    check(kind, layer, call)
        return Verification({kind: tuple(values) for kind, values in errors.items()}, max(tolerances))

    @property
    def nbytes(self) -> int:
        """Bytes kept; tensors that layers share count once."""
        tensors = [*vars(self._kept).values()]
        for entries in self._attention.values():
            for entry in entries:
                tensors += [entry] if isinstance(entry, Tensor) else vars(entry).values()
        storages = [tensor.untyped_storage() for tensor in tensors if isinstance(tensor, Tensor)]
        return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())
