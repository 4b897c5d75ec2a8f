"""A text run again with its order or its positions broken, and what that does to every token.

All variants that a model allows go through it (passes.py) and are laid beside the recorded text. Knows models; what is
compared and how stands in analysis/order.py.
"""

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground.analysis.positions import perturbations
from playground.analysis.positions.perturbations import Change, Variant
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token
from playground.positions.perturbed_passes import Passes
from playground.positions.position_override import PositionOverride, reach_of
from playground.recording.recording import Recording

MAX_TOKENS = 512
"""Longest text that is broken: every variant is a row of a batch, with logits of its own."""


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
    reach: PositionOverride
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
        perturbations.shuffled(units, movable, choices.seed),
        perturbations.swapped(count, *((first, second) if count > 2 else (0, count - 1))),
        perturbations.shifted(count, choices.shift),
        perturbations.equal(count),
        perturbations.backwards(count),
        perturbations.with_rope_base(count, choices.base_factor),
    ]
    trained = model.anatomy.context_length
    if trained:
        tried.append(perturbations.beyond(count, trained))
    judged = []
    for variant in tried:
        if choices.wrap and reach.rows and variant.name == "shifted":
            variant = _wrapped(variant, reach.rows)
        judged.append((variant, _refusal(variant, reach)))
    if not trained:
        judged.append((perturbations.beyond(count, count), "it states no length that it was trained on"))
    return judged


def _refusal(variant: Variant, reach: PositionOverride) -> str:
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
    starts = [i == 0 or token.text[:1].isspace() or token.start > tokens[i - 1].end for i, token in enumerate(tokens)]
    pieces = [token.piece is not None and token.piece[0] > 1 for token in tokens]
    units = perturbations.word_units(starts, movable, pieces)
    return units, [movable[unit[0]] for unit in units]


def too_long(recording: Recording) -> str:
    """Why a text is not broken, with both numbers; empty if it is."""
    tokens = max(len(recording.tokens), len(recording.target_tokens or ()))
    if tokens <= MAX_TOKENS:
        return ""
    return f"The text has {tokens:,} tokens; at most {MAX_TOKENS:,} are broken and run again."


def experiment(recording: Recording, choices: Choices | None = None) -> Experiment:
    """Runs every possible variant of a recorded text and compares it with the text as it is.

    PlaygroundError for a text of more than 512 tokens, and for choices out of range, with both numbers.
    """
    started, choices = time.perf_counter(), choices or Choices()
    model, tokens, told = recording.model, recording.tokens, recording.target_tokens or recording.tokens
    if why := too_long(recording):
        raise PlaygroundError(why, "Shorten it.")
    if model.capabilities.attention:
        recording.attention(choices.layer).head(choices.head)  # refuses layers and heads that there are not
    judged = variants(model, tokens, choices)
    possible = [variant for variant, missing in judged if not missing]
    reach = reach_of(model)
    pair = _blind_pair(model, tokens, choices) if reach else ()
    runs, whole = Passes(recording, reach, choices.layer, choices.head), _Whole(recording, choices)
    compared, blind = {}, []
    for variant, row, weights in runs.rows([*possible, *pair]):
        if variant in pair:
            blind.append(row)
        else:
            compared[variant.name] = whole.outcome(variant, row, weights)
    equivariance = None
    if pair:
        places = pair[1].places if recording.target_tokens is None else range(len(told))
        equivariance = perturbations.compare_states(*blind, list(places))[1]
    outcomes = tuple(compared.get(variant.name, Outcome(variant, missing)) for variant, missing in judged)
    return Experiment(model, reach, tokens, told, outcomes, whole.weights, equivariance, time.perf_counter() - started)


def _blind_pair(model: LoadedModel, tokens: tuple[Token, ...], choices: Choices) -> tuple[Variant, ...]:
    """Equal positions, as it is and shuffled: what an encoder can't tell apart."""
    if model.anatomy.kind == "decoder" or len(tokens) < 2:
        return ()
    mixed = perturbations.shuffled(*_units(tokens), choices.seed)
    return tuple(
        Variant(f"blind {i}", "", which, (0,) * len(tokens))
        for i, which in enumerate((tuple(range(len(tokens))), mixed.order))
    )


class _Whole:
    """The text as it is, as it was recorded, beside which its variants are laid."""

    def __init__(self, recording: Recording, choices: Choices):
        self._two_texts, self._told = recording.target_tokens is not None, recording.target_tokens or recording.tokens
        self.weights = None
        """(Q, K): the chosen head's, where they can be had."""
        if recording.model.capabilities.attention:
            self.weights = recording.attention(choices.layer).head(choices.head).numpy()
        self._unbroken, self._states = None, None
        if recording.model.capabilities.logits:
            ahead = 0 if recording.model.anatomy.kind == "encoder" else 1
            logits = torch.cat(list(recording.logits_in_blocks()))
            self._unbroken = perturbations.Unbroken(logits, [token.id for token in self._told], ahead)
        else:
            self._states = recording.hidden_states[-1]

    def outcome(self, variant: Variant, row: Tensor, weights: Tensor | None) -> Outcome:
        """What a variant's logits or last hidden states (T, …) and weights (Q, K) differ in."""
        places = list(range(len(self._told))) if self._two_texts else variant.places
        change, turned = None, None
        if self._unbroken is not None:
            change = self._unbroken.change(row, places)
            largest = change.largest
        else:
            turned, largest = perturbations.compare_states(self._states, row, places)
        if weights is None:
            return Outcome(variant, "", change, turned, largest)
        aligned = perturbations.realigned(weights, variant.places).numpy()
        moved = perturbations.attention_moved(self.weights, aligned)
        return Outcome(variant, "", change, turned, largest, aligned, moved)
