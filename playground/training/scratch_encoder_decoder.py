"""The same from scratch as an encoder with a decoder, as in the first transformer and in BART: norms stand after the sums.

Letters: B texts, S tokens of the question, T of the answer, D width, H heads, V vocabulary.
"""

import math
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, gelu

PAD, BEGIN = 0, 1


class Attention(nn.Module):
    """softmax(QKᵀ/√d + mask)·V for each head: queries of x, keys and values of what x looks at."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor, looked_at: Tensor, hidden: Tensor) -> Tensor:
        """hidden: bool, (B, 1, 1, keys) or (queries, keys): what no query may look at."""
        q, k, v = (
            linear(states).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for linear, states in ((self.q, x), (self.k, looked_at), (self.v, looked_at))
        )
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])  # (B, H, queries, keys)
        mixed = scores.masked_fill(hidden, -math.inf).softmax(-1) @ v
        return self.out(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """norm(x + attention(x)), in a decoder norm(x + attention(x to the encoder)), then norm(x + MLP(x))."""

    def __init__(self, width: int, heads: int, is_decoder: bool):
        super().__init__()
        self.attention, self.norm_1 = Attention(width, heads), nn.LayerNorm(width)
        if is_decoder:
            self.cross, self.norm_2 = Attention(width, heads), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.norm_3 = nn.LayerNorm(width)

    def forward(
        self, x: Tensor, hidden: Tensor, encoded: Tensor | None = None, padding: Tensor | None = None
    ) -> Tensor:
        x = self.norm_1(x + self.attention(x, x, hidden))
        if encoded is not None and padding is not None:
            x = self.norm_2(x + self.cross(x, encoded, padding))
        return self.norm_3(x + self.down(gelu(self.up(x))))


class Stack(nn.Module):
    """Embedding plus position, a norm, blocks."""

    def __init__(self, embedding: nn.Embedding, context: int, heads: int, layers: int, is_decoder: bool):
        super().__init__()
        width = embedding.embedding_dim
        self.embedding, self.positions, self.norm = embedding, nn.Embedding(context, width), nn.LayerNorm(width)
        self.blocks = nn.ModuleList(Block(width, heads, is_decoder) for _ in range(layers))

    def forward(
        self, ids: Tensor, hidden: Tensor, encoded: Tensor | None = None, padding: Tensor | None = None
    ) -> Tensor:
        x = self.norm(self.embedding(ids) + self.positions.weight[: ids.shape[1]])
        for block in self.blocks:
            x = block(x, hidden, encoded, padding)
        return x


class EncoderDecoder(nn.Module):
    """The encoder reads the question; the decoder writes the answer. One matrix embeds and gives the logits."""

    def __init__(self, sizes: tuple[int, int, int], heads: int, layers: int, own_answer: bool = False):
        """sizes: V, the longest text, D. own_answer: the mistake that gives the decoder what it has to predict."""
        super().__init__()
        vocabulary, context, width = sizes
        embedding = nn.Embedding(vocabulary, width)
        self.encoder = Stack(embedding, context, heads, layers, False)
        self.decoder = Stack(embedding, context, heads, layers, True)
        self.own_answer = own_answer

    def get_encoder(self) -> Any:
        """As in transformers: (ids, mask) -> states."""
        return lambda input_ids, attention_mask: self.encoder(input_ids, _padding(attention_mask))

    def forward(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        labels: Any = None,
        decoder_input_ids: Any = None,
        encoder_outputs: Any = None,
        use_cache: bool = False,
    ) -> SimpleNamespace:
        """logits (B, T, V); with labels (B, T) also the loss, in nats per token that counts (labels of -100 do not)."""
        if encoder_outputs is None:
            encoder_outputs = self.encoder(input_ids, _padding(attention_mask))
        if decoder_input_ids is None:
            answer = labels.masked_fill(labels == -100, PAD)
            begin = torch.full_like(answer[:, :1], BEGIN)
            decoder_input_ids = answer if self.own_answer else torch.cat([begin, answer[:, :-1]], 1)  # one to the right
        count = decoder_input_ids.shape[1]
        future = torch.ones(count, count, dtype=torch.bool).triu(1)
        x = self.decoder(decoder_input_ids, future, encoder_outputs, _padding(attention_mask))
        logits = x @ self.decoder.embedding.weight.T
        loss = None if labels is None else cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)
        return SimpleNamespace(logits=logits, loss=loss)


def _padding(attention_mask: Tensor) -> Tensor:
    """(B, 1, 1, S): True where there is nothing to look at."""
    return attention_mask[:, None, None] == 0
