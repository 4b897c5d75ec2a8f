"""How active the neurons of one MLP are on a text. Letters: N tokens, F neurons."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Activations:
    """The neurons of one layer at some tokens. A neuron's activation is a number that the MLP's last matrix reads; it
    writes the neuron's vector, a column of that matrix, times the activation into the token's state."""

    layer: int
    tokens: range
    values: np.ndarray  # (N, F) float32: activations
    lengths: np.ndarray  # (N, F) float32: of what each neuron writes at each token, with the activation's sign
    error: float
    """Largest difference between all neurons together, with the bias, and what the matrix gave, as a share of its largest
    number."""
    to_logits: np.ndarray | None = None
    """(N,) float64: by how much the MLP's norm, if it has one, and the final norm multiply what a neuron writes on its way
    to the logits; None where the way from the last state to the logits is not known."""


def most_active(activations: Activations, count: int, at: int | None = None) -> np.ndarray:
    """(count,) int64: the neurons that write most at one token, by its place among the N; with None at any token, each
    measured where it writes most. The text's first token counts only if it is asked for or alone: its states are often a
    hundred times as long as others."""
    sizes = np.abs(activations.lengths)
    if at is not None:
        sizes = sizes[at : at + 1]
    elif activations.tokens.start == 0 and len(sizes) > 1:
        sizes = sizes[1:]
    return np.argsort(-sizes.max(0), kind="stable")[:count]
