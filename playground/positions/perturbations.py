"""A recorded text run again with its order or its positions perturbed, and what that does to every token.

Runs the variants that a model allows (`variants`, `perturbed_passes`) and compares each with the recorded text; how they
are compared stands in `playground.analysis.positions.perturbation_effects`.
"""

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground.analysis.positions import perturbation_effects as effects
from playground.analysis.positions.perturbation_effects import PredictionChange
from playground.analysis.positions.perturbations import Variant
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token
from playground.positions.perturbed_passes import PerturbedPasses, reading_kind
from playground.positions.position_override import PositionOverride, override_of
from playground.positions.schemes import PositionScheme, scheme_of
from playground.positions.variants import PerturbationSettings, blind_pair, variants
from playground.recording.recording import Recording

MAX_TOKENS = 512
"""Longest text that is perturbed: every variant is a row of a batch, with logits of its own."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one variant did; where the model does not allow it, `missing` says why and the rest is empty."""

    variant: Variant
    missing: str = ""
    change: PredictionChange | None = None
    """None without a language-model head."""
    cosine_change: np.ndarray | None = None
    """(T,) float32 without a head: 1 - cosine of each token's last hidden states."""
    largest: float = 0.0
    """Largest difference of a log-probability in nats; without a head, of a number of the last hidden states."""
    attention: np.ndarray | None = None
    """(Q, K) float32: the chosen head's weights (after softmax), tokens in their first order."""
    attention_shift: np.ndarray | None = None
    """(Q,) float32: share of each token's attention that goes elsewhere."""


@dataclass(frozen=True, eq=False)
class Experiment:
    """All variants of one text."""

    model: LoadedModel
    override: PositionOverride
    tokens: tuple[Token, ...]
    """The tokens that are perturbed."""
    predicted_tokens: tuple[Token, ...]
    """The tokens whose predictions are compared: the target's of an encoder-decoder, else the same."""
    outcomes: tuple[Outcome, ...]
    attention: np.ndarray | None
    """(Q, K): the chosen head's weights in the text as it is."""
    equivariance: float | None
    """Encoders: the largest difference that shuffling makes once all positions are equal; None where not measured."""
    seconds: float

    @property
    def scheme(self) -> PositionScheme:
        """The model's position scheme, which says what must hold."""
        return scheme_of(self.model)

    def outcome(self, name: str) -> Outcome:
        """The outcome of a variant. PlaygroundError if there is no such variant."""
        for outcome in self.outcomes:
            if outcome.variant.name == name:
                return outcome
        raise PlaygroundError(f"There is no variant {name!r}.", f"Choose one of: {', '.join(self.names)}.")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the variants."""
        return tuple(outcome.variant.name for outcome in self.outcomes)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        arrays = [self.attention]
        for outcome in self.outcomes:
            arrays += [outcome.attention, outcome.attention_shift, outcome.cosine_change]
            arrays += list(vars(outcome.change).values()) if outcome.change else []
        return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))


def length_refusal(recording: Recording) -> str:
    """Why a text is too long to be perturbed, with both numbers; empty if it is not."""
    tokens = max(len(recording.tokens), len(recording.target_tokens or ()))
    if tokens <= MAX_TOKENS:
        return ""
    return f"The text has {tokens:,} tokens; at most {MAX_TOKENS:,} are broken and run again."


def experiment(recording: Recording, settings: PerturbationSettings | None = None) -> Experiment:
    """Runs every variant of a recorded text that its model allows and compares it with the text as it is.

    PlaygroundError for a text of more than 512 tokens, and for settings out of range, with both numbers.
    """
    started, settings = time.perf_counter(), settings or PerturbationSettings()
    model, tokens = recording.model, recording.tokens
    if refusal := length_refusal(recording):
        raise PlaygroundError(refusal, "Shorten it.")
    if kind := reading_kind(recording):
        recording.attention(settings.layer, kind).head(settings.head)  # refuses layers and heads that there are not
    candidates = variants(model, tokens, settings)
    possible = [variant for variant, missing in candidates if not missing]
    override = override_of(model)
    pair = blind_pair(model, tokens, settings.seed) if override else ()
    passes = PerturbedPasses(recording, override, settings.layer, settings.head)
    baseline = _Baseline(recording, settings)
    compared, blind_outputs = {}, []
    for variant, output, weights in passes.rows([*possible, *pair]):
        if variant in pair:
            blind_outputs.append(output)
        else:
            compared[variant.name] = baseline.outcome(variant, output, weights)
    equivariance = None
    if pair:
        places = baseline.places(pair[1])
        equivariance = effects.compare_states(blind_outputs[0], blind_outputs[1], places)[1]
    outcomes = tuple(compared.get(variant.name, Outcome(variant, missing)) for variant, missing in candidates)
    return Experiment(
        model=model,
        override=override,
        tokens=tokens,
        predicted_tokens=recording.target_tokens or tokens,
        outcomes=outcomes,
        attention=baseline.weights,
        equivariance=equivariance,
        seconds=time.perf_counter() - started,
    )


class _Baseline:
    """The text as it was recorded, with which its variants are compared."""

    def __init__(self, recording: Recording, settings: PerturbationSettings) -> None:
        self._target = recording.target_tokens
        self.weights: np.ndarray | None = None
        """(Q, K): the chosen head's, where they can be recorded."""
        if kind := reading_kind(recording):
            self.weights = recording.attention(settings.layer, kind).head(settings.head).numpy()
        self._predictions, self._states = None, torch.empty(0)
        if recording.model.capabilities.logits:
            ahead = 0 if recording.model.anatomy.kind == "encoder" else 1
            logits = torch.cat(list(recording.logits_in_blocks()))
            ids = [token.id for token in self._target or recording.tokens]
            self._predictions = effects.BaselinePredictions(logits, ids, ahead)
        else:
            self._states = recording.hidden_states[-1]

    def places(self, variant: Variant) -> list[int]:
        """Where a variant's outputs stand: a target is not perturbed."""
        return variant.places if self._target is None else list(range(len(self._target)))

    def outcome(self, variant: Variant, output: Tensor, weights: Tensor | None) -> Outcome:
        """What a variant's logits or last hidden states (T, …) and weights (Q, K) differ in."""
        places, change, cosine_change = self.places(variant), None, None
        if self._predictions is not None:
            change = self._predictions.compare(output, places)
            largest = change.largest
        else:
            cosine_change, largest = effects.compare_states(self._states, output, places)
        aligned, shift = None, None
        if weights is not None and self.weights is not None:
            aligned = effects.realign(weights, variant.places).numpy()
            shift = effects.attention_shift(self.weights, aligned)
        return Outcome(variant, "", change, cosine_change, largest, aligned, shift)
