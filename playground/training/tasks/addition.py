"""Add: sums of two numbers of three digits. The answer is written from its last digit on, as by hand: then each digit
depends on what was written before it, the carry. 123 + 989 = 1112 is written 123+989=2111."""

import torch

from playground.training.tasks.pairs import Pair, Pairs

LEARNED, HELD_OUT = 20_000, 200
"""Of the million sums."""
DIGITS = ("ones", "tens", "hundreds", "thousands")


def addition(encoder: bool) -> Pairs:
    """The task, for an encoder with a decoder or for a model that reads from left to right."""
    chosen = torch.randperm(1_000_000, generator=torch.Generator().manual_seed(0))[: LEARNED + HELD_OUT].tolist()
    pairs = [_pair(*divmod(number, 1000)) for number in chosen]
    return Pairs(pairs[HELD_OUT:], pairs[:HELD_OUT], encoder=encoder, digits=DIGITS)


def _pair(first: int, second: int) -> Pair:
    """The digit 10^k is told by the digits 10^k of both numbers; the thousands by the hundreds."""
    sources = [(2 - min(k, 2), 6 - min(k, 2)) for k in range(4)]  # places in "123+456"
    return Pair(list(f"{first:03}+{second:03}"), list(f"{first + second:04}"[::-1]), sources)
