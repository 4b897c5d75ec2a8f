"""One head's attention for one query token, step by step. Works on recorded vectors; knows nothing of models.

    scores_j = q·k_j · scaling,  capped, biased, masked;   weights = softmax(scores);   output = Σ_j weights_j v_j
(Vaswani et al. 2017, section 3.2.1). The head's share of the layer's output is output · W^O_h (section 3.2.2).

Letters: K key tokens, D width of query and key, V width of the values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class HeadInputs:
    """The inputs of one head for one query token; all float32."""

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
    """(K,) bool: the keys that the query may attend to; None: all."""
    sink: float | None = None
    """A learned score in the softmax without a value: it takes weight and adds nothing."""


@dataclass(frozen=True, eq=False)
class HeadSteps:
    """Every step, in the order of computation."""

    products: np.ndarray
    """(K, D): q_d · k_jd of each dimension."""
    stages: dict[str, np.ndarray]
    """Name -> (K,): "q·k", "scaled", and, where the model has them, "capped", "biased", "masked". The softmax reads the last
    one."""
    weights: np.ndarray
    """(K,); they sum to 1, to less with a sink."""
    sink_weight: float
    """The sink's share, 0 without one."""
    weighted: np.ndarray
    """(K, V): weights_j · v_j."""
    output: np.ndarray
    """(V,): the weighted values summed over the keys."""

    @property
    def scores(self) -> np.ndarray:
        """(K,): the scores that the softmax reads."""
        return list(self.stages.values())[-1]


def head_steps(inputs: HeadInputs) -> HeadSteps:
    """All steps from a head's inputs to its output."""
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
    """exp(s_j) / Σ exp(s) of scores (K,), 0 for -inf, and the weight of a sink that takes part in the sum."""
    largest = max(float(scores.max()), -np.inf if sink is None else sink)
    exps, extra = np.exp(scores - largest), 0.0 if sink is None else float(np.exp(sink - largest))
    total = float(exps.sum()) + extra
    return (exps / total).astype(np.float32), extra / total


def edited_steps(
    inputs: HeadInputs,
    *,
    scaling_factor: float = 1.0,
    key: int | None = None,
    score: float | None = None,
    hide: bool = False,
) -> HeadSteps:
    """The steps after an edit: the scaling times `scaling_factor`; one key masked (`hide`), else its score replaced before
    the softmax. The only allowed key can't be masked."""
    allowed = inputs.allowed
    if hide and key is not None:
        allowed = np.ones(len(inputs.keys), bool) if allowed is None else allowed.copy()
        allowed[key] = False
        if not allowed.any():
            allowed = inputs.allowed
    steps = head_steps(replace(inputs, scaling=inputs.scaling * scaling_factor, allowed=allowed))
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
"""An example for pencil and paper: three keys, two dimensions. To three digits the scores are 0, ln 2, ln 3, e^score is
1, 2, 3, the weights 1/6, 2/6, 3/6 and the output (2, 2)."""
HAND_SIZED_WORDS = ("the", "black", "cat")
