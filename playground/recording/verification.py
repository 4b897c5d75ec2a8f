"""Checks recorded attention: weights·V computed from queries and keys against the output that the model used."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

from playground.analysis.attention.scores import attention_weights, head_outputs, repeat_groups
from playground.analysis.text_display import Badge
from playground.models.rounding import rounding
from playground.recording.attention import QUERY_BLOCK, AttentionCall
from playground.recording.hooks import Receiver

_SCORE_BLOCK = 2**22
"""Scores that are computed at once, 16 MiB in float32, if a single head has no more."""
_LARGE_SCORE = 256
"""float32 rounds a score of this size by about 1e-5, and each weight by that share of itself."""


@dataclass(frozen=True)
class Verification:
    """Largest absolute difference, for each layer, between weights·V as recomputed and as the model used it."""

    errors: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Kind -> one number per layer; empty if nothing could be checked."""
    tolerance: float = 0.0
    """Largest error that rounding explains in this number format: 1e-5 in float32, more for large scores and outputs; in
    half formats a share of the largest output."""
    reason: str = ""
    """Why nothing could be checked, else empty."""

    @property
    def largest(self) -> float | None:
        return max((max(errors) for errors in self.errors.values()), default=None)

    @property
    def passed(self) -> bool:
        return self.largest is not None and self.largest <= self.tolerance

    @property
    def badge(self) -> Badge:
        """Whether the recorded queries, keys and values reproduce what the model used."""
        if self.reason:
            return Badge("off", f"Not recomputed: {self.reason}")
        words = (
            f"largest difference between the recomputed softmax(scores)·V and what the model used: {self.largest:.1e}"
        )
        rounding = f"over all layers and heads; rounding explains {self.tolerance:.0e}"
        if self.passed:
            return Badge("ok", f"Verified: {words}", rounding)
        return Badge("warn", f"Not reproduced: {words}", rounding)


@dataclass(frozen=True)
class Comparison:
    """Largest absolute values of one layer."""

    error: float = 0.0
    """Of the difference between weights·V as recomputed and as the model used it."""
    output: float = 0.0
    """Of the output that the model used."""
    score: float = 0.0
    """Of the scores before the softmax."""

    def tolerance(self, number_format: torch.dtype) -> float:
        """The largest error that rounding explains."""
        share = rounding(number_format).head_output
        if number_format == torch.float32:
            return share * max(1.0, self.output * self.score / _LARGE_SCORE)
        return share * max(1.0, self.output)


def compare(call: AttentionCall) -> Comparison:
    """Recomputes weights·V of a call block by block and compares it with the output of the model."""
    value, output = call.value_and_output()
    (count, queries), value = call.query.shape[:2], repeat_groups(value, call.query.shape[0])
    step = max(1, _SCORE_BLOCK // (queries * call.key.shape[1]))
    worst = Comparison()
    for heads in (slice(start, start + step) for start in range(0, count, step)):
        for rows in (slice(start, start + QUERY_BLOCK) for start in range(0, queries, QUERY_BLOCK)):
            scores = call.scores(heads, rows)  # (H, Q, K)
            weights = attention_weights(scores, None if call.sinks is None else call.sinks[heads])
            expected = output[rows, heads].transpose(0, 1).float()  # (H, Q, V)
            worst = Comparison(
                error=max(worst.error, (head_outputs(weights, value[heads]) - expected).abs().max().item()),
                output=max(worst.output, expected.abs().max().item()),
                score=max(worst.score, scores.masked_fill(scores.isinf(), 0).abs().max().item()),
            )
    return worst


def verify_calls(
    calls: Mapping[str, Sequence[AttentionCall]], number_format: torch.dtype, run_again: Callable[[Receiver], None]
) -> Verification:
    """Compares every layer of a recording.

    calls are those of the recording by kind; if they were kept without values and outputs, `run_again(receive)` must
    pass each call of a second forward pass to `receive(kind, layer, call)`, in the same order.
    """
    errors: dict[str, list[float]] = {kind: [] for kind in calls}
    tolerances: list[float] = []

    def check(kind: str, layer: int, call: AttentionCall) -> None:
        kept = calls[kind][len(errors[kind])]
        comparison = compare(replace(kept, value=call.value, output=call.output))
        errors[kind].append(comparison.error)
        tolerances.append(comparison.tolerance(number_format))

    if next(iter(calls.values()))[0].output is None:
        run_again(check)
    else:
        for kind, layers in calls.items():
            for layer, call in enumerate(layers):
                check(kind, layer, call)
    return Verification({kind: tuple(values) for kind, values in errors.items()}, max(tolerances))
