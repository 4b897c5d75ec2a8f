"""int8 weights for the CPU: a quarter of the bytes that every generated token has to wait for. And how far the model is
from itself in float32, measured. Knows nothing of how models are found or shown.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from playground.models.vocabulary import Vocabulary

FEW_ROWS = 16
"""Up to so many rows the kernel reads int8 as it goes; for more it pays to unpack the weights once."""
SHARP = 256
"""So many of the largest logits of a row are computed in float32."""
SAMPLE = (
    "The history of the town begins with a mill beside the river, where grain was ground for bread.",
    "def mean(values):\n    return sum(values) / len(values)\n",
    "Water boils at 100 degrees Celsius, at lower temperatures on a mountain.",
    "今天天气很好，我们去公园散步。",
)
"""What the distance from float32 is measured on: prose, code, numbers, Chinese."""
_MASKED_EVERY = 7
"""Of a masked model's sample this part is masked at once, as much as BERT learned with; each token in turn."""
_BLOCK = 2**20
"""Weights unpacked at once: they stay in the processor's cache, and a large vocabulary does not fill the memory."""
_MANY_ROWS = torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32
"""What many rows are multiplied in. Without instructions for bfloat16 it is ten times slower than float32."""


class Int8Linear(nn.Module):
    """y = x W^T + b with W as int8, one scale for each output: W ≈ weight * scale[:, None].

    Symmetric and rounded to nearest, scale = max |W| / 127 of the output's row as a bfloat16, because the kernel wants
    one: |W - weight * scale| <= scale / 2. Multiplied in bfloat16 with sums in float32; bias and result are float32.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, sharp: bool = False):
        """weight (outputs, inputs), bias (outputs,). sharp: of the results at least the `SHARP` largest of a row are
        exact to float32; for logits, since the steps of bfloat16 are 1/8 where logits are 16 to 32, so that many tokens
        would have the same probability."""
        super().__init__()
        self.out_features, self.in_features, self.sharp = *weight.shape, sharp
        scale = (weight.float().abs().amax(1) / 127).bfloat16()
        whole = weight.float() / torch.where(scale > 0, scale, 1)[:, None]
        self.weight = whole.round_().clamp_(-127, 127).to(torch.int8).contiguous()  # buffers would be looked up slowly:
        self.scale, self.bias = scale, bias  # a token takes hundreds of calls of a few microseconds

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, self.in_features)  # (R, inputs)
        if len(rows) > FEW_ROWS or self.in_features % 16:  # the kernel reads 16 at a time, beyond the end if need be
            y = self._unpacked(rows)
        else:
            y = torch._weight_int8pack_mm(rows.bfloat16(), self.weight, self.scale).float()
            y = self._sharpened(y, rows) if self.sharp else y
        y = y.reshape(*x.shape[:-1], self.out_features)
        return y if self.bias is None else y + self.bias

    def _unpacked(self, rows: Tensor) -> Tensor:
        rows = rows.to(torch.float32 if self.sharp else _MANY_ROWS)
        blocks = self.weight.split(max(1, _BLOCK // self.in_features))
        return torch.cat([functional.linear(rows, block.to(rows.dtype)) for block in blocks], -1).float() * self.scale

    def _sharpened(self, y: Tensor, rows: Tensor) -> Tensor:
        biased = y if self.bias is None else y + self.bias
        best = biased.topk(min(SHARP, self.out_features)).indices  # (R, SHARP)
        weights = functional.embedding(best, self.weight).float()  # (R, SHARP, inputs); faster than indexing
        return y.scatter_(-1, best, (weights @ rows[:, :, None])[:, :, 0] * self.scale[best])


@dataclass(frozen=True)
class Distance:
    """How far a model with int8 weights is from itself in float32, over the tokens of `SAMPLE`."""

    tokens: int
    divergence: float
    """Mean of KL(float32 || int8) between the distributions of the next token, of a masked model those in place of a
    mask, in bits; 0 where they are the same. NaN for a model that predicts no tokens."""
    agreement: float
    """Share of tokens for which both find the same one most probable, 0..1; NaN as above."""
    cosine: float
    """Mean cosine similarity of what comes out of the last layer (of logits, where there are any)."""
    kept: int
    """Parameters that stayed in float32: embeddings, norms, experts that are no linear layers of their own."""
    kept_weights: int = 0
    """Those of them that are weights of layers, neither embeddings nor norms."""

    def __str__(self) -> str:
        if math.isnan(self.divergence):
            words = f"mean cosine similarity of the last states {self.cosine:.4f} over {self.tokens} tokens of a sample"
        else:
            words = f"{self.divergence:#.2g} bits (mean KL divergence over {self.tokens} tokens of a sample)"
            words += f", same first choice for {100 * self.agreement:.0f} %"
        if self.kept_weights:
            words += f"; {self.kept_weights:,} weights that are in no linear layer (experts) stay float32"
        return words


def quantise(model: PreTrainedModel, tokenizer, context: int | None, masked: bool = False) -> Distance:
    """Puts int8 in place of the weights of every linear layer, one layer after the other, and measures what that
    changed. masked: the model fills in masks."""
    texts = _sample(Vocabulary(tokenizer), context, masked)
    before = _outputs(model, texts)
    head = model.get_output_embeddings()
    _replace(model, head)
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    weights = sum(p.numel() for p in model.parameters() if p.ndim > 1 and id(p) not in embeddings)
    kept = sum(p.numel() for p in model.parameters())
    return distance(before, _outputs(model, texts), head is not None, kept, weights)


def distance(before: Tensor, after: Tensor, logits: bool, kept: int = 0, kept_weights: int = 0) -> Distance:
    """The Distance between outputs (tokens, width) in float32 and with int8 weights; logits says that they are scores of
    a vocabulary.

    KL(p || q) = sum p (log2 p - log2 q), Kullback and Leibler 1951.
    """
    count, cosine = len(before), float(functional.cosine_similarity(before, after, dim=-1).mean())
    if not logits or not count:
        return Distance(count, math.nan, math.nan, cosine, kept, kept_weights)
    nats, same = 0.0, 0
    for one, other in zip(before.split(16), after.split(16), strict=True):  # in float64 a few at a time
        p, q = one.double().log_softmax(-1), other.double().log_softmax(-1)  # (T, V)
        nats += float((p.exp() * (p - q)).nan_to_num().sum())  # 0·(log 0 - log 0) counts as 0
        same += int((one.argmax(-1) == other.argmax(-1)).sum())
    bits = max(nats / math.log(2) / count, 0.0)
    return Distance(count, bits, same / count, cosine, kept, kept_weights)


def held_bytes(model: nn.Module) -> int:
    """Bytes of a model's parameters and int8 weights."""
    layers = [module for module in model.modules() if isinstance(module, Int8Linear)]
    held = [*model.parameters(), *(tensor for layer in layers for tensor in (layer.weight, layer.scale, layer.bias))]
    return sum(tensor.nbytes for tensor in held if tensor is not None)


def _replace(module: nn.Module, head: nn.Module | None) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.Linear) and _is_linear(child):
            bias = None if child.bias is None else child.bias.data
            setattr(module, name, Int8Linear(child.weight.data, bias, child is head))
        elif type(child) is Conv1D:  # GPT-2 keeps (inputs, outputs)
            setattr(module, name, Int8Linear(child.weight.data.T, child.bias.data))
        elif not isinstance(child, nn.MultiheadAttention):  # it reads its layers' weights past their own way
            _replace(child, head)


@torch.inference_mode()
def _is_linear(layer: nn.Linear) -> bool:
    """Whether a family's own kind of nn.Linear computes what its name says: Falcon's does."""
    if type(layer) is nn.Linear:
        return True
    x = torch.arange(layer.in_features).sin()[None]
    y = layer(x)
    return isinstance(y, Tensor) and torch.allclose(y, functional.linear(x, layer.weight, layer.bias), atol=1e-4)


def _sample(vocabulary: Vocabulary, context: int | None, masked: bool) -> list[tuple[Tensor, Tensor]]:
    """Of each text ids (B, T), and (B, T) true where the output counts: everywhere, or at the masks."""
    texts = []
    for text in SAMPLE:
        ids = torch.tensor([vocabulary.tokenize(text)[0][:context]])  # (1, T)
        counts = torch.ones_like(ids, dtype=torch.bool)
        if masked:
            turn = torch.arange(ids.shape[1]) % _MASKED_EVERY == torch.arange(_MASKED_EVERY)[:, None]  # (B, T)
            counts = turn & ~torch.isin(ids, torch.tensor(sorted(vocabulary.special_ids)))
            ids = torch.where(counts, vocabulary.tokenizer.mask_token_id, ids)
        texts.append((ids, counts))
    return texts


@torch.inference_mode()
def _outputs(model: PreTrainedModel, texts: list[tuple[Tensor, Tensor]]) -> Tensor:
    """(tokens, width): what the model gives where it counts, one text after the other."""
    rows = []
    for ids, counts in texts:
        inputs = {"input_ids": ids} | ({"decoder_input_ids": ids} if model.config.is_encoder_decoder else {})
        rows.append(model(**inputs)[0][counts].float())
    return torch.cat(rows)
