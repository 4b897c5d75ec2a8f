"""int8 weights for the CPU: a quarter of the bytes that every generated token has to wait for. And how far the model is
from itself in float32, measured. Knows nothing of how models are found or shown.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.pytorch_utils import Conv1D

from playground.models.tokens import Vocabulary

FEW_ROWS = 16
"""Up to so many rows the kernel reads int8 as it goes; for more it pays to unpack the weights once."""
SAMPLE = (
    "The history of the town begins with a mill beside the river, where grain was ground for bread.",
    "def mean(values):\n    return sum(values) / len(values)\n",
    "Water boils at 100 degrees Celsius, at lower temperatures on a mountain.",
    "今天天气很好，我们去公园散步。",
)
"""What the distance from float32 is measured on: prose, code, numbers, Chinese."""


class Int8Linear(nn.Module):
    """y = x W^T + b with W as int8, one scale for each output: W ≈ weight * scale[:, None].

    Symmetric and rounded to nearest: |W - weight * scale| <= scale / 2 (up to the rounding of the scale, which is a
    bfloat16, because the kernel wants one). Activations go in as bfloat16 and come out in their own format.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None):
        """weight (outputs, inputs), bias (outputs,)."""
        super().__init__()
        self.out_features, self.in_features = weight.shape
        scale = (weight.abs().amax(1).float() / 127).bfloat16()
        whole = (weight.float() / scale.float().clamp(min=1e-30)[:, None]).round().clamp(-127, 127)
        self.register_buffer("weight", whole.to(torch.int8).contiguous())
        self.register_buffer("scale", scale)
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, self.in_features).bfloat16()
        if len(rows) <= FEW_ROWS and self.in_features % 16 == 0:  # the kernel reads beyond the end of other rows
            y = torch._weight_int8pack_mm(rows, self.weight, self.scale).to(x.dtype)
        else:
            y = functional.linear(rows, self.weight.bfloat16()).to(x.dtype) * self.scale.to(x.dtype)
        y = y.reshape(*x.shape[:-1], self.out_features)
        return y if self.bias is None else y + self.bias


@dataclass(frozen=True)
class Distance:
    """How far a model with int8 weights is from itself in float32, over the tokens of `SAMPLE`."""

    tokens: int
    divergence: float
    """Mean of KL(float32 || int8) between the next-token distributions, in bits; 0 where they are the same. NaN for a
    model that predicts no tokens."""
    agreement: float
    """Share of tokens after which both find the same next token most probable, 0..1; NaN as above."""
    cosine: float
    """Mean cosine similarity of what comes out of the last layer (of logits, where there are any)."""
    kept: int
    """Parameters that stayed in float32: embeddings, norms, experts that are no linear layers of their own."""

    def __str__(self) -> str:
        if math.isnan(self.divergence):
            return f"mean cosine similarity of the last states {self.cosine:.4f}, over {self.tokens} tokens of a sample"
        return (
            f"mean KL divergence {self.divergence:.3g} bits over {self.tokens} tokens of a sample; the same first choice "
            f"after {self.agreement:.0%}"
        )


def quantise(model: nn.Module, tokenizer, context: int | None) -> Distance:
    """Puts int8 in place of the weights of every linear layer, and measures what that changed."""
    before = _outputs(model, tokenizer, context)
    _replace(model)
    after = _outputs(model, tokenizer, context)
    return distance(before, after, model.get_output_embeddings() is not None, sum(p.numel() for p in model.parameters()))


def distance(before: Tensor, after: Tensor, logits: bool, kept: int = 0) -> Distance:
    """The Distance between outputs (tokens, width) in float32 and with int8 weights; logits says that they are scores of
    a vocabulary.

    KL(p || q) = sum p (log2 p - log2 q), Kullback and Leibler 1951.
    """
    cosine = float(functional.cosine_similarity(before, after, dim=-1).mean())
    if not logits:
        return Distance(len(before), math.nan, math.nan, cosine, kept)
    p, q = before.double().log_softmax(-1), after.double().log_softmax(-1)  # (T, V)
    bits = float((p.exp() * (p - q)).sum(-1).mean()) / math.log(2)
    return Distance(len(before), max(bits, 0.0), float((p.argmax(-1) == q.argmax(-1)).double().mean()), cosine, kept)


def held_bytes(model: nn.Module) -> int:
    """Bytes of a model's parameters and int8 weights."""
    layers = [module for module in model.modules() if isinstance(module, Int8Linear)]
    held = [*model.parameters(), *(tensor for layer in layers for tensor in layer.buffers())]
    return sum(tensor.nbytes for tensor in held)


def _replace(module: nn.Module) -> None:
    for name, child in module.named_children():
        if type(child) is nn.Linear:
            setattr(module, name, Int8Linear(child.weight.data, None if child.bias is None else child.bias.data))
        elif type(child) is Conv1D:  # GPT-2 keeps (inputs, outputs)
            setattr(module, name, Int8Linear(child.weight.data.T, child.bias.data))
        else:
            _replace(child)


@torch.inference_mode()
def _outputs(model: nn.Module, tokenizer, context: int | None) -> Tensor:
    """(tokens, width): what the model gives for each token of the sample, one text after the other."""
    rows = []
    for text in SAMPLE:
        ids = Vocabulary(tokenizer).tokenize(text)[0][:context]
        inputs = {"input_ids": torch.tensor([ids])}
        if model.config.is_encoder_decoder:
            inputs["decoder_input_ids"] = inputs["input_ids"]
        rows.append(model(**inputs)[0][0].float())
    return torch.cat(rows)
