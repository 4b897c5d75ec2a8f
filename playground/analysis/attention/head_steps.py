"""One head's attention for one query token, every step of it. Works on recorded vectors; knows nothing of models.

    scores_j = q·k_j · scaling,  capped, biased, masked;   weights = softmax(scores);   output = Σ_j weights_j v_j
(Vaswani et al. 2017, section 3.2.1). The head's share of the layer's output is output · W^O_h (section 3.2.2).

Letters: K key tokens, D width of query and key, V width of the values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class HeadInputs:
    """What one head reads for one query token; all float32."""

    query: np.ndarray
    """(D,)"""
    keys: np.ndarray
    """(K, D)"""
    values: np.ndarray
    """(K, V)"""
    scaling: float
    softcap: float | None = None
    """c: a score s becomes c·tanh(s/c)."""
    bias: np.ndarray | None = None
    """(K,): position bias or ALiBi, added to the scores."""
    allowed: np.ndarray | None = None
    """(K,) bool: which keys may be seen; None: all."""
    sink: float | None = None
    """A learned score that takes its share of the softmax and gives nothing."""


@dataclass(frozen=True, eq=False)
class HeadSteps:
    """Every step, in the order computed."""

    products: np.ndarray
    """(K, D): q_d · k_jd, dimension by dimension."""
    stages: dict[str, np.ndarray]
    """Name -> (K,): q·k, scaled, and what the model has of capped, biased, masked; the last is what the softmax reads."""
    weights: np.ndarray
    """(K,), sum to 1; to less with a sink."""
    sink_weight: float
    """The sink's share, 0 without one."""
    weighted: np.ndarray
    """(K, V): weights_j · v_j."""
    output: np.ndarray
    """(V,): their sum over the keys."""

    @property
    def scores(self) -> np.ndarray:
        """(K,): what the softmax reads."""
        return list(self.stages.values())[-1]


def head_steps(inputs: HeadInputs) -> HeadSteps:
    """All steps from what a head reads to what it gives."""
    products = inputs.keys * inputs.query  # (K, D)
    stages = {"q·k": products.sum(-1)}
    scores = stages["scaled"] = stages["q·k"] * np.float32(inputs.scaling)
    if inputs.softcap is not None:
        scores = stages["capped"] = np.tanh(scores / inputs.softcap) * inputs.softcap
    if inputs.bias is not None:
        scores = stages["biased"] = scores + inputs.bias
    if inputs.allowed is not None and not inputs.allowed.all():
        scores = stages["masked"] = np.where(inputs.allowed, scores, -np.inf).astype(np.float32)
    weights, sink = softmax(scores, inputs.sink)
    weighted = weights[:, None] * inputs.values  # (K, V)
    return HeadSteps(products, stages, weights, sink, weighted, weighted.sum(0))


def softmax(scores: np.ndarray, sink: float | None = None) -> tuple[np.ndarray, float]:
    """exp(s_j) / Σ exp(s) of scores (K,), -inf giving 0, and the share of a sink's score beside them."""
    most = max(float(scores.max()), -np.inf if sink is None else sink)
    exps, extra = np.exp(scores - most), 0.0 if sink is None else float(np.exp(sink - most))
    total = float(exps.sum()) + extra
    return (exps / total).astype(np.float32), extra / total


def changed(
    inputs: HeadInputs, *, factor: float = 1.0, key: int | None = None, score: float | None = None, hide: bool = False
) -> HeadSteps:
    """The steps with the scaling times `factor`, one key's score replaced before the softmax, or that key hidden."""
    allowed = inputs.allowed
    if hide and key is not None:
        allowed = np.ones(len(inputs.keys), bool) if allowed is None else allowed.copy()
        allowed[key] = False
        if not allowed.any():
            allowed = inputs.allowed
    steps = head_steps(replace(inputs, scaling=inputs.scaling * factor, allowed=allowed))
    if score is None or key is None or hide:
        return steps
    scores = steps.scores.copy()
    scores[key] = score
    weights, sink = softmax(scores, inputs.sink)
    weighted = weights[:, None] * inputs.values
    stages = steps.stages | {"changed": scores}
    return HeadSteps(steps.products, stages, weights, sink, weighted, weighted.sum(0))


HAND_SIZED = HeadInputs(
    query=np.array([1.0, 2.0], np.float32),
    keys=np.array([[0.0, 0.0], [0.98, 0.0], [0.0, 0.777]], np.float32),
    values=np.array([[6.0, 0.0], [0.0, 3.0], [2.0, 2.0]], np.float32),
    scaling=float(2**-0.5),
)
"""Three words, two dimensions: scores 0, ln 2, ln 3, so e^score is 1, 2, 3, the weights 1/6, 2/6, 3/6 and the output
(2, 2), all to three digits."""
HAND_SIZED_WORDS = ("the", "black", "cat")
