"""A linear layer with int8 weights, for the CPU. Its result for a row does not depend on how many rows are multiplied at
once, so that a text read again has the probabilities that it was written with.
"""

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional

DIGITS = 3
"""int8 numbers that stand for one number of the input: 24 bits, as many as float32 has."""
_BASE = 256
_LARGEST = 127 * _BASE**2
"""Largest whole number that is written."""
_BLOCK = 2**20
"""Weights that are unpacked at once where there is no integer kernel: they fit the processor's cache."""


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
        products = torch._int_mm(digits.reshape(-1, self.in_features), self.weight.T)  # (3R, outputs) int32
        high, middle, low = products.reshape(DIGITS, -1, self.out_features).float()
        return high.mul_(_BASE).add_(middle).mul_(_BASE).add_(low).mul_(unit).mul_(self.scale)

    def _multiply_unpacked(self, rows: Tensor) -> Tensor:
        """(R, outputs) in float32."""
        blocks = self.weight.split(max(1, _BLOCK // self.in_features))
        return torch.cat([functional.linear(rows, block.float()) for block in blocks], -1).mul_(self.scale)


def in_digits(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (R, N) float32 as unit · (digit0 · 256² + digit1 · 256 + digit2): units (R, 1), digits (3, R, N) int8.

    Rounded to nearest: off by at most half a unit, which is 1.2e-7 of the row's largest number.
    """
    unit = rows.abs().amax(1, keepdim=True) / _LARGEST
    unit = torch.where(unit == 0, 1, unit)
    whole = (rows / unit).round_().to(torch.int32)
    low = ((whole + 128) & 255) - 128  # -128..127
    whole = (whole - low) >> 8
    middle = ((whole + 128) & 255) - 128
    return unit, torch.stack([(whole - middle) >> 8, middle, low]).to(torch.int8)


@cache
def has_integer_kernel() -> bool:
    """Whether this processor's product of int8 matrices is exact; instructions older than VNNI saturate at 16 bits."""
    row = torch.arange(-128, 128).repeat(2)[None].to(torch.int8)  # (1, 512)
    extreme = torch.full((1, row.shape[1]), 127, dtype=torch.int8)
    a, b = torch.cat([row, extreme, -extreme]), torch.cat([row, extreme])
    try:
        return torch.equal(torch._int_mm(a, b.T), (a.double() @ b.double().T).to(torch.int32))
    except RuntimeError:
        return False
