"""What is measured of a model in training at one step. Plain values and arrays; knows no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Sample:
    """What the model wrote."""

    question: str
    """What it was given; empty where it wrote from nothing."""
    answer: str
    truth: str | None = None
    """The right answer; None where there is none."""
    note: str = ""
    """What is to be said of it, in a few words."""

    @property
    def right(self) -> bool | None:
        """Whether the answer is the right one; None where there is none."""
        return None if self.truth is None else self.answer == self.truth


@dataclass(frozen=True, eq=False)
class ExampleWeights:
    """Every head's weights on one fixed text. Letters: L layers, H heads, Q queries, K keys."""

    kind: str
    """self, or cross."""
    weights: np.ndarray
    """(L, H, Q, K) float32, after the softmax."""
    queries: Sequence[str]
    """(Q,): the tokens that attend."""
    keys: Sequence[str]
    """(K,)"""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A model in training, at one step."""

    step: int
    """Optimiser steps so far; 0 before the first."""
    loss: float
    """Of the last step's batch, before that step: nats per token that counts. At step 0 of the first batch."""
    held_out_loss: float
    """Of examples that are never learned from."""
    gradient_norm: float
    """Norm of the gradient of all weights together, before it is scaled down to 1; 0 at step 0."""
    cpu_seconds: float
    """CPU time of all steps so far, without measuring."""
    scores: Mapping[str, float]
    """Name -> share 0..1 of what the lesson measures."""
    heads: Mapping[str, np.ndarray]
    """Name of a head's score -> (L, H), 0..1; NaN where it can't be measured."""
    example: ExampleWeights
    samples: Sequence[Sample] = ()
    sampled_at: int = 0
    """The step at which the samples were written: they take longer than the rest, and are not written at each."""
    weights: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Parameter -> its numbers; empty where they were dropped to stay within the budget."""

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        arrays = [*self.heads.values(), self.example.weights, *self.weights.values()]
        return sum(array.nbytes for array in arrays)
