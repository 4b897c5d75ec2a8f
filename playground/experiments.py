"""A text run again with its order or its positions broken, and what that does to every token.

All variants that a model allows go through it together, as rows of one batch where they fit. Knows models; what is
compared and how stands in analysis/order.py.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground.analysis import order
from playground.analysis.order import Change, Variant
from playground.errors import PlaygroundError
from playground.models.loaded import LoadedModel
from playground.models.reach import Reach, inputs, reach_of, rebased, telling
from playground.models.tokens import Token
from playground.recorded import Recording
from playground.recorder import CallReader, attention_sink

MOST_TOKENS = 512
"""Longest text that is broken: every variant is a row of a batch, with logits of its own."""
_LOGIT_BYTES = 256 * 2**20
"""Logits computed at once."""


@dataclass(frozen=True)
class Choices:
    """What a visitor may set. Layers, heads and tokens count from 0."""

    seed: int = 0
    first: int = 1
    second: int = -2
    """Tokens to swap; negative numbers count from the end."""
    shift: int = 100
    wrap: bool = False
    """Positions beyond a table's end begin again at its start."""
    base_factor: float = 0.1
    layer: int = 0
    head: int = 0


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one variant did; where it was not possible, `missing` says why and the rest is empty."""

    variant: Variant
    missing: str = ""
    change: Change | None = None
    """Of the predictions; None without a language-model head."""
    turned: np.ndarray | None = None
    """(T,) float32 without a head: 1 - cosine of each token's last hidden states."""
    largest: float = 0.0
    """Of all differences: of a log-probability in nats, without a head of a number of the last hidden state."""
    attention: np.ndarray | None = None
    """(Q, K) float32: the chosen head's weights, tokens in their first order."""
    moved: np.ndarray | None = None
    """(Q,) float32: share of each token's attention that goes elsewhere."""


@dataclass(frozen=True, eq=False)
class Experiment:
    """All variants of one text. `tokens` are those read; `told` those whose predictions are compared (of an
    encoder-decoder the target's)."""

    model: LoadedModel
    reach: Reach
    tokens: tuple[Token, ...]
    told: tuple[Token, ...]
    outcomes: tuple[Outcome, ...]
    attention: np.ndarray | None
    """(Q, K) of the text as it is."""
    equivariance: float | None
    """Encoders: the largest difference that shuffling makes once all positions are equal; None where not tried."""
    seconds: float

    def outcome(self, name: str) -> Outcome:
        """The outcome of a variant. PlaygroundError if there is no such variant."""
        for outcome in self.outcomes:
            if outcome.variant.name == name:
                return outcome
        raise PlaygroundError(f"There is no variant {name!r}.", f"Choose one of: {', '.join(self.names)}.")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(outcome.variant.name for outcome in self.outcomes)

    @property
    def nbytes(self) -> int:
        """Bytes kept, about."""
        arrays = [self.attention, *(a for o in self.outcomes for a in (o.attention, o.moved, o.turned))]
        arrays += [a for o in self.outcomes if o.change for a in vars(o.change).values()]
        return sum(a.nbytes for a in arrays if isinstance(a, np.ndarray))


def variants(model: LoadedModel, tokens: tuple[Token, ...], choices: Choices) -> list[tuple[Variant, str]]:
    """The variants of a text, each with why it is not possible for this model, empty where it is."""
    count, reach = len(tokens), reach_of(model)
    units, movable = _units(tokens)
    first, second = (n % count if -count <= n < count else n for n in (choices.first, choices.second))
    tried: list[Variant] = [
        order.shuffled(units, movable, choices.seed),
        order.swapped(count, *((first, second) if count > 2 else (0, count - 1))),
        order.shifted(count, choices.shift),
        order.equal(count),
        order.backwards(count),
        order.rebased(count, choices.base_factor),
    ]
    trained = model.anatomy.context_length
    if trained:
        tried.append(order.beyond(count, trained))
    judged = []
    for variant in tried:
        if choices.wrap and reach.rows and variant.name == "shifted":
            variant = _wrapped(variant, reach.rows)
        judged.append((variant, _refusal(variant, reach)))
    if not trained:
        judged.append((order.beyond(count, count), "it states no length that it was trained on"))
    return judged


def _refusal(variant: Variant, reach: Reach) -> str:
    if variant.name == "base":
        return reach.rebase_reason
    if not variant.needs_positions:
        return ""
    if not reach:
        return reach.reason
    last = max(variant.positions)
    if reach.rows is not None and last >= reach.rows:
        most = reach.rows - len(variant.positions)
        remedy = f"; shift by at most {most:,}, or let positions wrap around" if variant.name == "shifted" else ""
        return f"the last token would be at position {last:,}, and the table has {reach.rows:,}{remedy}"
    return ""


def _wrapped(variant: Variant, rows: int) -> Variant:
    positions = tuple(p % rows for p in variant.positions)
    return Variant(variant.name, f"{variant.words}, wrapped at {rows:,}", variant.order, positions)


def _units(tokens: tuple[Token, ...]) -> tuple[list[list[int]], list[bool]]:
    """Words as lists of tokens, and which of them may move: special tokens stay."""
    movable = [not token.special for token in tokens]
    starts = [
        i == 0 or token.text[:1].isspace() or token.start > tokens[i - 1].end for i, token in enumerate(tokens)
    ]
    pieces = [token.piece is not None and token.piece[0] > 1 for token in tokens]
    units = order.word_units(starts, movable, pieces)
    return units, [movable[unit[0]] for unit in units]


def experiment(recording: Recording, choices: Choices | None = None) -> Experiment:
    """Runs every possible variant of a recorded text and compares it with the text as it is.

    PlaygroundError for a text of more than 512 tokens, and for choices out of range, with both numbers.
    """
    started, choices = time.perf_counter(), choices or Choices()
    model, tokens, told = recording.model, recording.tokens, recording.target_tokens or recording.tokens
    if max(len(tokens), len(told)) > MOST_TOKENS:
        raise PlaygroundError(
            f"The text has {max(len(tokens), len(told)):,} tokens; at most {MOST_TOKENS:,} are broken and run again.",
            "Shorten it.",
        )
    if model.capabilities.attention:
        recording.attention(choices.layer).head(choices.head)  # refuses layers and heads that there are not
    judged = variants(model, tokens, choices)
    possible = [variant for variant, missing in judged if not missing]
    reach = reach_of(model)
    plain = order.unchanged(len(tokens))
    pair = _blind_pair(model, tokens, choices) if reach else ()
    runs = _Runs(recording, reach, choices)
    compared, blind, base = {}, [], None
    for variant, row, weights in runs.rows([plain, *possible, *pair]):
        if variant is plain:
            base = row, weights
        elif variant in pair:
            blind.append(row)
        else:
            compared[variant.name] = _outcome(variant, *base, row, weights, told, recording)
    equivariance = None
    if pair:
        places = pair[1].places if recording.target_tokens is None else range(len(told))
        equivariance = order.compare_states(*blind, list(places))[1]
    outcomes = tuple(compared.get(variant.name, Outcome(variant, missing)) for variant, missing in judged)
    attention = None if base[1] is None else base[1].numpy()
    return Experiment(
        model, reach, tokens, told, outcomes, attention, equivariance, time.perf_counter() - started
    )  # fmt: skip


def _blind_pair(model: LoadedModel, tokens: tuple[Token, ...], choices: Choices) -> tuple[Variant, ...]:
    """Equal positions, as it is and shuffled: what an encoder can't tell apart."""
    if model.anatomy.kind == "decoder" or len(tokens) < 2:
        return ()
    mixed = order.shuffled(*_units(tokens), choices.seed)
    return tuple(Variant(f"blind {i}", "", which, (0,) * len(tokens))
                 for i, which in enumerate((tuple(range(len(tokens))), mixed.order)))  # fmt: skip


def _outcome(variant, plain: Tensor, weights, row: Tensor, other, told, recording: Recording) -> Outcome:
    two_texts, change, turned = recording.target_tokens is not None, None, None
    places = list(range(len(told))) if two_texts else variant.places
    if recording.model.capabilities.logits:
        ahead = 0 if recording.model.anatomy.kind == "encoder" else 1
        change = order.compare_logits(plain, row, [token.id for token in told], places, ahead)
        largest = change.largest
    else:
        turned, largest = order.compare_states(plain, row, places)
    if weights is None:
        return Outcome(variant, "", change, turned, largest)
    aligned = order.realigned(other, variant.places).numpy()
    return Outcome(
        variant, "", change, turned, largest, aligned, order.attention_moved(weights.numpy(), aligned)
    )  # fmt: skip


class _Runs:
    """Forward passes over variants of one recorded text."""

    def __init__(self, recording: Recording, reach: Reach, choices: Choices):
        self._recording, self._reach, self._choices = recording, reach, choices
        self._model = recording.model
        self._ids = [token.id for token in recording.tokens]
        told_apart = "token_type_ids" in self._model.tokenizer.model_input_names  # RoBERTa reads pairs without
        self._segments = [token.segment if told_apart else 0 for token in recording.tokens]

    def rows(self, wanted: list[Variant]) -> Iterator[tuple[Variant, Tensor, Tensor | None]]:
        """Each variant with its logits or last hidden states (T, …) and the chosen head's weights (Q, K), on the CPU."""
        for batch in self._batches(wanted):
            told = torch.tensor([variant.positions for variant in batch], device=self._model.input_device)
            outputs, weights = self._pass(batch, told)
            for i, variant in enumerate(batch):
                yield variant, outputs[i].float().cpu(), weights[i]

    def _batches(self, wanted: list[Variant]) -> Iterator[list[Variant]]:
        count = len(self._recording.target_tokens or self._ids)
        size = max(1, _LOGIT_BYTES // (4 * self._model.anatomy.vocabulary * count)) if self._batchable() else 1
        for factor in dict.fromkeys(variant.base_factor for variant in wanted):
            same = [variant for variant in wanted if variant.base_factor == factor]
            yield from (same[start : start + size] for start in range(0, len(same), size))

    def _batchable(self) -> bool:
        """Rows may share a batch unless the way, or the scaling, looks at the batch as a whole."""
        words = self._model.anatomy.positions
        return self._reach.batched and not any(scaling in words for scaling in ("dynamic", "longrope"))

    @torch.inference_mode()
    def _pass(self, batch: list[Variant], positions: Tensor) -> tuple[Tensor, list[Tensor | None]]:
        model, target = self._model, self._recording.target_tokens
        device = model.input_device
        given = inputs(model, torch.tensor([[self._ids[i] for i in v.order] for v in batch], device=device))
        if any(self._segments):
            given["token_type_ids"] = torch.tensor([[self._segments[i] for i in v.order] for v in batch], device=device)
        if target:
            given["decoder_input_ids"] = torch.tensor([[token.id for token in target]] * len(batch), device=device)
        head: list[Tensor | None] = [None] * len(batch)
        can_tell = bool(self._reach) and any(variant.needs_positions for variant in batch)
        with rebased(model, batch[0].base_factor):
            if can_tell:
                with telling(model, self._reach, positions) as told:
                    outputs = self._watched(given | told, head)
            else:
                outputs = self._watched(given, head)
        return outputs["logits"] if "logits" in outputs else outputs["last_hidden_state"], head

    def _watched(self, given: dict, head: list[Tensor | None]):
        """The pass, with the chosen head's weights of each row put into `head` where they can be had."""
        network, layer, number = self._model.model, self._choices.layer, self._choices.head
        if not self._model.capabilities.attention:
            return network(**given)
        kind = self._recording.kinds[0]
        if not self._model.on_interface:
            outputs = network(**given, output_attentions=True)
            weights = outputs["encoder_attentions" if kind == "encoder" else "attentions"][layer]  # (B, H, Q, K)
            head[:] = [row[number].float().cpu() for row in weights]
            return outputs
        readers = [CallReader(network, self._keep(head, row, kind), False, row) for row in range(len(head))]

        def sink(*call) -> None:
            for reader in readers:
                reader(*call)

        with attention_sink(sink):
            return network(**given)

    def _keep(self, head: list, row: int, kind: str) -> Callable:
        def receive(of_kind, layer, call) -> None:
            if (of_kind, layer) == (kind, self._choices.layer):
                head[row] = call.weights(slice(self._choices.head, self._choices.head + 1))[0].cpu()

        return receive
