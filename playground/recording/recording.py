"""What a model did with a text in one forward pass: attention, hidden states, logits, and what follows from them.

Knows the attention of each layer (attention.py, layer_steps.py); knows nothing of loading or of the page.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import torch
from torch import Tensor

from playground.analysis.arrays import check_range
from playground.analysis.layers.contributions import Contributions
from playground.analysis.layers.lens import Lens, LensRequest
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.rounding import rounding
from playground.models.vocabulary import Token
from playground.recording.attention import AttentionCall, AttentionMap
from playground.recording.edits.edit import Edit
from playground.recording.hooks import Receiver
from playground.recording.kept_tensors import Name, kept_tensors
from playground.recording.layer_steps import LayerSteps
from playground.recording.layers.contributions import contributions_of, parts_of
from playground.recording.layers.lens import LAST, lens_of, states_of
from playground.recording.logit_rows import LogitRows
from playground.recording.missing_attention import layers_listed, no_such_layer, switched_away
from playground.recording.outputs import Outputs, OutputsAgain
from playground.recording.residual_stream import StreamPass, stream_of
from playground.recording.verification import Verification, verify_calls


@dataclass(frozen=True)
class Replay:
    """Further passes over the text of a recording, for what the recording does not keep."""

    outputs: OutputsAgain
    calls: Callable[[Receiver], None]
    """Passes every attention call, with its values and output, to a receiver."""
    layer_steps: Callable[[str, int], LayerSteps]
    """Of a kind of attention and a layer."""
    head: Callable[[Tensor], Tensor]
    """Logits (N, V) of last hidden states (N, d_model); runs the head, not the layers."""
    edited: "Callable[[Sequence[Edit]], Recording]"
    """Records the same text with other edits."""


@dataclass(frozen=True, eq=False)
class Recording:
    """What a model did with a text in one forward pass. Layers and heads count from 0.

    A recording of a short text keeps everything. That of a long text keeps queries, keys and what the head reads;
    the rest comes from another pass when it is needed.
    """

    model: LoadedModel
    tokens: tuple[Token, ...]
    target_tokens: tuple[Token, ...] | None
    """The decoder's own tokens, its start token first; None for a model with one stack."""
    _attention: Mapping[str, Sequence[AttentionCall] | Sequence[Tensor]]
    """Kind -> for each layer a call, or weights (H, Q, K) of a model that returns only these."""
    _outputs: Outputs
    _replay: Replay
    edits: tuple[Edit, ...] = ()
    """What of the model was changed while it read the text; every further pass changes it too. The attention that is kept
    of an edited head is what the head gave before it was replaced."""
    in_company: bool = False
    """Whether other texts were read in the same pass, so that the last bits may differ from those of a pass of its own."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """("self",) or ("encoder", "decoder", "cross"); empty for a model whose attention can't be shown."""
        return tuple(self._attention)

    @property
    def why_no_attention(self) -> str:
        """Why the recording has no attention; empty if it has."""
        if self._attention:
            return ""
        return self.model.capabilities.attention.reason or switched_away(self.model)

    def layers(self, kind: str | None = None) -> int:
        """Number of layers with this kind of attention; kind defaults to the first of `kinds`."""
        return len(self._attention[self._check_kind(kind)])

    def layer_numbers(self, kind: str | None = None) -> tuple[int, ...]:
        """The model's numbers of the layers with this kind of attention, rising; in hybrids other layers lie between."""
        kind = self._check_kind(kind)
        numbers = tuple(dict.fromkeys(self.model.attention_calls.get(kind, ())))
        return numbers if len(numbers) == self.layers(kind) else tuple(range(self.layers(kind)))

    def nearest_layer(self, layer: int, kind: str | None = None) -> int:
        """The layer with this kind of attention whose number is nearest; of two the lower one."""
        return min(self.layer_numbers(kind), key=lambda number: abs(number - layer))

    def depth(self, kind: str | None = None) -> int:
        """How many layers the stack with this kind of attention has, those without attention included."""
        kind, anatomy = self._check_kind(kind), self.model.anatomy
        stated = anatomy.decoder_layers if kind in ("decoder", "cross") else anatomy.layers
        last = self.layer_numbers(kind)[-1]
        others = self.layers(kind) < last + 1 or (kind == "self" and self.model.layer_type(last + 1))
        return max(last + 1, stated or 0) if others else self.layers(kind)

    def attention(self, layer: int, kind: str | None = None) -> AttentionMap:
        """The attention of a layer, by the model's own number; kind defaults to the first of `kinds`.

        PlaygroundError, with the layers that have attention, for a layer without.
        """
        kind = self._check_kind(kind)
        numbers = self.layer_numbers(kind)
        if layer not in numbers:
            raise PlaygroundError(
                no_such_layer(self.model, layer, kind), f"{layers_listed(numbers, self.depth(kind))}."
            )
        targets = self.target_tokens or ()
        query_tokens = targets if kind in ("decoder", "cross") else self.tokens
        key_tokens = targets if kind == "decoder" else self.tokens
        return AttentionMap(layer, kind, query_tokens, key_tokens, self._attention[kind][numbers.index(layer)])

    def layer_steps(self, layer: int, kind: str | None = None) -> LayerSteps:
        """All steps of one attention layer, from another pass.

        PlaygroundError, with the reason, for a model whose queries and keys are not recorded.
        """
        if not self.model.capabilities.qk:
            raise PlaygroundError("The maths of this model can't be shown:", self.model.capabilities.qk.reason + ".")
        self.attention(layer, kind)  # checks the layer
        return self._replay.layer_steps(self._check_kind(kind), layer)

    def _check_kind(self, kind: str | None) -> str:
        if not self._attention:
            raise PlaygroundError("This model's attention can't be shown:", f"{self.why_no_attention}.")
        if kind is None:
            return self.kinds[0]
        if kind not in self._attention:
            raise PlaygroundError(f"This recording has no {kind!r} attention.", f"It has: {', '.join(self.kinds)}.")
        return kind

    @property
    def hidden_states(self) -> Tensor:
        """(L + 1, T, d_model) float32 on the CPU: the residual stream before the first layer and after each layer.

        The last is after the final norm. Of an encoder-decoder, the encoder's. PlaygroundError, with the reason, for a
        model whose layers give no states of one shape.
        """
        if not self.model.capabilities.hidden_states:
            reason = self.model.capabilities.hidden_states.reason
            raise PlaygroundError("What this model knows of a token after each layer can't be shown:", f"{reason}.")
        states = self._outputs.hidden_states
        if states is None:
            states = self._replay.outputs(hidden_states=True).hidden_states
        return cast(Tensor, states).float().cpu()

    @property
    def states_shape(self) -> tuple[int, ...] | None:
        """The shape of `hidden_states` where the recording keeps them; else None."""
        states = self._outputs.hidden_states
        return None if states is None else tuple(states.shape)

    @property
    def keeps_stream(self) -> bool:
        """Whether `kept_stream` is there."""
        states, last = self._outputs.hidden_states, self._outputs.last_states
        return states is not None and last is not None and last.shape == states.shape[1:]

    @property
    def kept_stream(self) -> Tensor | None:
        """`hidden_states`, but the last before the final norm, where the recording keeps them; else None."""
        if not self.keeps_stream:
            return None
        states, last = cast(Tensor, self._outputs.hidden_states), cast(Tensor, self._outputs.last_states)
        return torch.cat([states[:-1], last[None].to(states)]).float().cpu()

    @property
    def stream(self) -> StreamPass | None:
        """How much each layer changes each token, with the states of all tokens, or of a long text's last ones; None
        where the recording keeps no states, as of two stacks."""
        kept = self.kept_stream
        return self._outputs.stream if kept is None else stream_of(kept)

    @property
    def logits(self) -> Tensor:
        """(T, V) float32 on the CPU; of an encoder-decoder, T target tokens. PlaygroundError for a model without."""
        return self._logit_rows.whole()

    def logits_of(self, rows: Sequence[int]) -> Tensor:
        """(rows, V) float32: some rows of `logits`, counted from 0. Of a long text only these are computed."""
        return self._logit_rows.of(rows)

    def logits_in_blocks(self, size: int | None = None) -> Iterator[Tensor]:
        """The rows of `logits` in order, (size, V) at a time; size defaults to 128, the last block may be smaller.

        The logits of a long text are never in memory at once if the head can compute them block by block.
        """
        return self._logit_rows.in_blocks(self.length, size)

    @property
    def _logit_rows(self) -> LogitRows:
        if not self.model.capabilities.logits:
            raise PlaygroundError("This model gives no logits:", f"{self.model.capabilities.logits.reason}.")
        replay = self._replay
        return LogitRows(self._outputs, replay.outputs, replay.head, rounding(self.model.model.dtype).logits)

    @property
    def last_logits(self) -> Tensor:
        """(V,) float32 on the CPU: the last row of `logits`, which long recordings keep as well."""
        return self.logits[-1] if self._outputs.last_logits is None else self._outputs.last_logits.float().cpu()

    def has_invalid_outputs(self) -> bool:
        """Whether any kept logit or state is NaN."""
        kept = (tensor for tensor in vars(self._outputs).values() if isinstance(tensor, Tensor))
        return any(bool(tensor.isnan().any()) for tensor in kept)

    def changed_again(self) -> bool | None:
        """Whether another pass over the text gives other logits than those kept, or other states of a model without; None
        where neither is kept."""
        kept, again = self._outputs, self._replay.outputs(hidden_states=True, logits=True)
        pairs = (kept.logits, again.logits), (kept.hidden_states, again.hidden_states)
        changed = (not torch.equal(one, other) for one, other in pairs if one is not None and other is not None)
        return next(changed, None)

    def with_edits(self, edits: Sequence[Edit]) -> "Recording":
        """The recording of the same text, and of the same target, with these edits in the place of its own."""
        return self._replay.edited(edits)

    def by_itself(self) -> "Recording":
        """The recording of a pass over this text alone, whose bits further passes repeat: this one, or one made anew."""
        return self._replay.edited(self.edits) if self.in_company else self

    def run_again(self) -> None:
        """Runs the model once more over the text, for what modules of it are watched meanwhile (module_hooks.py)."""
        self._replay.outputs()

    @property
    def length(self) -> int:
        """Tokens that have logits: of an encoder-decoder the decoder's."""
        return len(self.target_tokens or self.tokens)

    def lens(
        self, top: int = 5, tokens: range | None = None, *, measures: Collection[str] = (), chosen: int | None = None
    ) -> Lens:
        """What the model would say of every state on its way: `top` tokens each, with their probabilities.

        From another pass.
        tokens: a range of the text; by default the last 64. measures: "entropy" and "divergence", of every state. chosen:
        the id of a token whose rank is read as well. PlaygroundError, with the reason, for a model without logits.
        """
        tokens = range(max(0, self.length - LAST), self.length) if tokens is None else tokens
        check_range("The first token", tokens.start, 0, self.length - 1)
        check_range("The number of tokens", len(tokens), 1, self.length - tokens.start)
        return lens_of(self, states_of(self, tokens), LensRequest(top, measures, chosen))

    def contributions(self, position: int = -1, token: int | None = None, against: int | None = None) -> Contributions:
        """What the embedding, every head, every MLP and the biases add to the logit of a token that follows `position`,
        counted from 0, or back from the end. token: its id, by default the most likely one. against: the id of a second
        token, for the difference of the two logits.

        PlaygroundError, with the reason, for a model whose parts are not known or don't add up. From another pass.
        """
        check_range("The position", position, -self.length, self.length - 1)
        return contributions_of(self, parts_of(self, position % self.length), token, against)

    def verify(self) -> Verification:
        """Recomputes weights·V of every layer from queries and keys and compares it with what the model used."""
        return self._verification

    @cached_property
    def _verification(self) -> Verification:
        if not self._attention:
            return Verification(reason=self.why_no_attention)
        if not self.model.on_interface:
            own = "the weights are the model's own output; its queries and keys are not captured"
            return Verification(reason=self.model.capabilities.qk.reason or own)
        calls = cast(Mapping[str, Sequence[AttentionCall]], self._attention)
        return verify_calls(calls, {kind: self.layer_numbers(kind) for kind in calls}, self._replay.calls)

    def kept_tensors(self) -> dict[Name, Tensor]:
        """All that is kept."""
        return kept_tensors(self._attention, self._outputs)

    @property
    def nbytes(self) -> int:
        """Bytes kept; tensors that layers share count once."""
        storages = [tensor.untyped_storage() for tensor in self.kept_tensors().values()]
        return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())
