"""One attention call recomputed from its queries and keys, head by head, and compared with what the model used.

What rounding explains follows from each head's own numbers, so that a large layer doesn't hide a small one. In float32 it is
u·M·(16 + |q||k| + |s|): u is the unit roundoff, M the largest sum of the head's weights times absolute values, |q||k| the
product of its longest query and key times the scaling, |s| its largest score (Higham 2002, section 3.1; 16 covers softmax
and sums over keys). A half format adds 2·u·M with its own u, an eager one u·M·|s|/16 more. Measured over the zoo and
SmolLM2: the models' own rounding comes to at most 0.6 of it.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from playground.analysis.attention.scores import attention_weights, head_outputs, repeat_groups
from playground.recording.attention import QUERY_BLOCK, AttentionCall

_SCORE_BLOCK = 2**22
"""Scores that are computed at once, 16 MiB in float32, if a single head has no more."""
_SUMS = 16
"""Roundings of the softmax and of the sums over keys."""
_FLIPPED = 16
"""An eager half format rounds each score, by both ways alike but for a few that fall to the other side: a 16th of what one
flip of the largest score does. Measured on Gemma 2 and GPT-OSS with scores up to 680: at most a half of it."""


@dataclass(frozen=True)
class Difference:
    """Largest differences of each head (H,), and what rounding explains of them."""

    error: tuple[float, ...]
    tolerance: tuple[float, ...]

    @property
    def passed(self) -> tuple[bool, ...]:
        """Whether rounding explains each head's error; a NaN is not explained."""
        return tuple(error <= most for error, most in zip(self.error, self.tolerance, strict=True))


@dataclass(frozen=True)
class LayerCheck:
    """One layer, in the model's number format and, of a half format, once more in float32."""

    used: Difference
    """Between weights·V as recomputed and as the model used it."""
    exact: Difference | None = None
    """Between both ways of computing, on the same queries, keys and values in float32; None for a float32 model, and where
    the family's function does not take float32."""

    @property
    def passed(self) -> tuple[bool, ...]:
        """(H,): whether rounding explains all that differs."""
        exact = self.exact.passed if self.exact else (True,) * len(self.used.error)
        return tuple(one and other for one, other in zip(self.used.passed, exact, strict=True))


def check_layer(call: AttentionCall, again: AttentionCall | None = None) -> LayerCheck:
    """Compares a call with the output of the model; again: the same call of another pass, for a call that was kept without
    its value and output."""
    made = again or call
    used = _compare(call, *made.value_and_output())
    if made.own is None:
        return LayerCheck(used)
    try:
        output = made.own.in_float32()
    except Exception:  # each family's function may refuse float32 in its own way
        return LayerCheck(used)
    return LayerCheck(used, _compare(_in_float32(call), made.value_and_output()[0].float(), output))


def _in_float32(call: AttentionCall) -> AttentionCall:
    return replace(
        call,
        query=call.query.float(),
        key=call.key.float(),
        bias=None if call.bias is None else call.bias.float(),
        sinks=None if call.sinks is None else call.sinks.float(),
        eager=False,
    )


def _compare(call: AttentionCall, value: Tensor, output: Tensor) -> Difference:
    """Recomputes weights·V of a call and value (G, K, V) block by block and compares it with an output (Q, H, V)."""
    (count, queries), value = call.query.shape[:2], repeat_groups(value, call.query.shape[0])
    step = max(1, _SCORE_BLOCK // (queries * call.key.shape[1]))
    parts = []
    for heads in (slice(start, start + step) for start in range(0, count, step)):
        blocks = [slice(start, start + QUERY_BLOCK) for start in range(0, queries, QUERY_BLOCK)]
        parts.append(torch.stack([_compare_block(call, value, output, heads, rows) for rows in blocks]).amax(0))
    error, size, score = torch.cat(parts).T
    return Difference(tuple(error.tolist()), tuple((size * _share(call, score, output.dtype)).tolist()))


def _compare_block(call: AttentionCall, value: Tensor, output: Tensor, heads: slice, rows: slice) -> Tensor:
    """(H, 3) of some heads and queries: largest error, largest sum of weights times absolute values, largest score."""
    scores = call.scores(heads, rows)  # (H, Q, K)
    weights = attention_weights(scores, None if call.sinks is None else call.sinks[heads])
    expected, values = output[rows, heads].transpose(0, 1).float(), value[heads].float()  # (H, Q, V), (H, K, V)
    error = (head_outputs(weights, values) - expected).abs()
    size = head_outputs(weights, values.abs())
    return torch.stack([x.amax((1, 2)) for x in (error, size, scores.masked_fill(scores.isinf(), 0).abs())], 1)


def _share(call: AttentionCall, score: Tensor, number_format: torch.dtype) -> Tensor:
    """(H,): what rounding explains, as a share of M."""
    query, key = call.query.float().norm(dim=-1).amax(-1), call.key.float().norm(dim=-1).amax(-1)  # (H,), (G,)
    scaling = call.query.shape[-1] ** -0.5 if call.scaling is None else abs(call.scaling)
    product = query * repeat_groups(key[:, None, None], len(query))[:, 0, 0] * scaling
    share = unit_roundoff(torch.float32) * (_SUMS + product + score)
    if number_format == torch.float32:
        return share
    return share + unit_roundoff(number_format) * (2 + (score / _FLIPPED if call.eager else 0))


def unit_roundoff(number_format: torch.dtype) -> float:
    """The largest relative error of a rounded number: 2^-24 in float32, 2^-8 in bfloat16."""
    return torch.finfo(number_format).eps / 2
