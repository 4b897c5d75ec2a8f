"""A linear layer with int8 weights, for the CPU. On processors that multiply int8 fast its result for a row does not depend
on how many rows are multiplied at once, so that a text read again has the probabilities that it was written with.
"""

import math
import time
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional

DIGITS = 3
"""int8 numbers that stand for one number of the input: 24 bits, as many as float32 has."""
_BASE = 256
_LARGEST = 127 * _BASE**2
"""Largest whole number that is written."""
_SMALLEST = 1e-30
"""The unit of smaller numbers would be no normal float32; they become 0."""
_HALVES = 0x8080
"""Added to a whole number and taken off bit by bit it makes bytes from 0 to 255 digits from -128 to 127."""
_BLOCK = 2**20
"""Weights that are unpacked at once where there is no fast integer kernel: they fit the processor's cache."""


class Int8Linear(nn.Module):
    """y = x W^T + b with W as int8 and one scale for each output: W ≈ weight * scale[:, None].

    Symmetric, rounded to nearest: scale = max |W| / 127 of the output's row, so |W - weight * scale| <= scale / 2. A row of
    the input is written as whole numbers of 24 bits, three int8 digits each, whose products with the weights are whole
    numbers and summed without rounding: the result is that of float32 arithmetic with these weights.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None):
        """weight (outputs, inputs), bias (outputs,)."""
        super().__init__()
        self.out_features, self.in_features = weight.shape
        scale = weight.float().abs().amax(1) / 127
        whole = weight.float() / torch.where(scale > 0, scale, 1)[:, None]
        self.weight = whole.round_().clamp_(-127, 127).to(torch.int8).contiguous()  # plain attributes: buffers
        self.scale, self.bias = scale, bias  # are slow to look up, and a token takes hundreds of calls of microseconds

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, self.in_features).float()  # (R, inputs)
        y = self._multiply_whole(rows) if has_integer_kernel() and len(rows) else self._multiply_unpacked(rows)
        y = y.reshape(*x.shape[:-1], self.out_features)
        return y if self.bias is None else y + self.bias

    def _multiply_whole(self, rows: Tensor) -> Tensor:
        """(R, outputs) by whole numbers."""
        unit, digits = in_digits(rows)
        products = torch._int_mm(digits, self.weight.T).float()  # (3R, outputs)
        low, middle, high = products.view(DIGITS, -1, self.out_features)
        return low.add_(middle, alpha=_BASE).add_(high, alpha=_BASE**2).mul_(unit).mul_(self.scale)

    def _multiply_unpacked(self, rows: Tensor) -> Tensor:
        """(R, outputs) in float32."""
        blocks = self.weight.split(max(1, _BLOCK // self.in_features))
        return torch.cat([functional.linear(rows, block.float()) for block in blocks], -1).mul_(self.scale)


def in_digits(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (R, N) float32 as unit · (low + 256 · middle + 256² · high): units (R, 1), digits (3R, N) int8 from -128 to 127,
    the low ones of all rows first.

    Rounded to nearest: off by at most half a unit, which is 6e-8 of the row's largest number.
    """
    unit = torch.linalg.vector_norm(rows, math.inf, 1, keepdim=True).clamp_(min=_SMALLEST).div_(_LARGEST)
    whole = (rows / unit).round_().to(torch.int32)
    digits = whole.add_(_HALVES).bitwise_xor_(_HALVES).view(torch.int8)  # four bytes each, the lowest first
    return unit, digits.view(*rows.shape, 4)[..., :DIGITS].permute(2, 0, 1).reshape(-1, rows.shape[1])


@cache
def has_integer_kernel() -> bool:
    """Whether this processor's product of int8 matrices is exact, and faster than unpacking the weights. Without VNNI it
    saturates at 16 bits, or multiplies one number at a time: 1 GFLOP/s, where unpacked weights reach 28."""
    row = torch.arange(-128, 128).repeat(2)[None].to(torch.int8)  # (1, 512)
    extreme = torch.full((1, row.shape[1]), 127, dtype=torch.int8)
    a, b = torch.cat([row, extreme, -extreme]), torch.cat([row, extreme])
    try:
        is_exact = torch.equal(torch._int_mm(a, b.T), (a.double() @ b.double().T).to(torch.int32))
    except RuntimeError:
        return False
    return is_exact and _is_faster_by_whole_numbers()


@torch.inference_mode()
def _is_faster_by_whole_numbers() -> bool:
    """Tried on rows and weights of a small model's size: one way is several times as fast as the other."""
    layer, rows = Int8Linear(torch.ones(1024, 512), None), torch.ones(8, 512)
    return _least_seconds(layer._multiply_whole, rows) < _least_seconds(layer._multiply_unpacked, rows)


def _least_seconds(multiply: Callable[[Tensor], Tensor], rows: Tensor) -> float:
    """Of a few tries: other work on the machine only adds."""
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        multiply(rows)
        seconds.append(time.perf_counter() - started)
    return min(seconds)
