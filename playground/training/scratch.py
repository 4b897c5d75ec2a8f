"""A transformer that reads from left to right, from scratch: what tutorials write, in one file.

Letters: B texts, T tokens, D width, H heads, V vocabulary. `Mistakes` switches on what people get wrong in it.
"""

import math
from dataclasses import dataclass
from types import SimpleNamespace

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, gelu


@dataclass(frozen=True)
class Mistakes:
    """What is done wrong; nothing by default."""

    no_mask: bool = False
    no_scaling: bool = False
    no_positions: bool = False
    wrong_div_term: bool = False
    no_shift: bool = False
    double_softmax: bool = False
    padding_counted: bool = False


class Attention(nn.Module):
    """softmax(QKᵀ/√d + mask)·V for each head; the heads' outputs side by side, times W^O."""

    def __init__(self, width: int, heads: int, mistakes: Mistakes):
        super().__init__()
        self.heads, self.mistakes = heads, mistakes
        self.qkv = nn.Linear(width, 3 * width)  # W^Q, W^K and W^V, one below the other
        self.out = nn.Linear(width, width)  # W^O

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        q, k, v = (m.view(batch, tokens, self.heads, -1).transpose(1, 2) for m in self.qkv(x).split(width, -1))
        scores = q @ k.transpose(-1, -2)  # (B, H, T, T)
        if not self.mistakes.no_scaling:
            scores = scores / math.sqrt(width // self.heads)
        if not self.mistakes.no_mask:
            future = torch.ones(tokens, tokens, dtype=torch.bool).triu(1)
            scores = scores.masked_fill(future, -math.inf)
        mixed = scores.softmax(-1) @ v  # (B, H, T, D / H)
        return self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))


class Block(nn.Module):
    """x + attention(norm(x)), then x + MLP(norm(x))."""

    def __init__(self, width: int, heads: int, mistakes: Mistakes):
        super().__init__()
        self.norm_1, self.attention = nn.LayerNorm(width), Attention(width, heads, mistakes)
        self.norm_2, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm_1(x))
        return x + self.down(gelu(self.up(self.norm_2(x)), approximate="tanh"))


def sinusoidal_positions(length: int, width: int, wrong_div_term: bool = False) -> Tensor:
    """(length, D): sin and cos of position / 10000^(2i/D)."""
    position, even = torch.arange(length)[:, None], torch.arange(0, width, 2)
    div_term = torch.exp(even.float()) if wrong_div_term else torch.exp(-even * math.log(10_000) / width)
    table = torch.zeros(length, width)
    table[:, 0::2], table[:, 1::2] = torch.sin(position * div_term), torch.cos(position * div_term)
    return table


class Transformer(nn.Module):
    """Embedding plus position, blocks, a last norm, the output layer."""

    positions: Tensor

    def __init__(self, vocabulary: int, context: int, width: int, heads: int, layers: int, mistakes: Mistakes):
        super().__init__()
        self.mistakes = mistakes
        self.embedding = nn.Embedding(vocabulary, width)
        self.register_buffer("positions", sinusoidal_positions(context, width, mistakes.wrong_div_term))
        self.blocks = nn.ModuleList(Block(width, heads, mistakes) for _ in range(layers))
        self.norm, self.output = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

    def forward(self, input_ids: Tensor, labels: Tensor | None = None, use_cache: bool = False) -> SimpleNamespace:
        """logits (B, T, V); with labels (B, T) also the loss, in nats per token that counts (labels of -100 do not)."""
        x = self.embedding(input_ids)
        if not self.mistakes.no_positions:
            x = x + self.positions[: input_ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits = self.output(self.norm(x))
        return SimpleNamespace(logits=logits, loss=None if labels is None else self._loss(logits, input_ids, labels))

    def _loss(self, logits: Tensor, ids: Tensor, labels: Tensor) -> Tensor:
        if self.mistakes.padding_counted:
            labels = torch.where(ids == 0, ids, labels)  # <pad> is token 0
        if not self.mistakes.no_shift:
            logits, labels = logits[:, :-1], labels[:, 1:]  # each token predicts the next one
        if self.mistakes.double_softmax:
            logits = logits.softmax(-1)  # cross_entropy takes a softmax itself
        return cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)
