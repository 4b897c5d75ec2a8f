"""int8 weights for the CPU, and how far the outputs then are from those in float32.

Every generated token reads all weights; int8 is a quarter of the bytes of float32. Knows nothing of loading.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.pytorch_utils import Conv1D

from playground.models.int8_linear import Int8Linear
from playground.models.vocabulary import Vocabulary
from playground.texts.numbers import bits, percent

SAMPLE = (
    "The history of the town begins with a mill beside the river, where grain was ground for bread.",
    "def mean(values):\n    return sum(values) / len(values)\n",
    "Water boils at 100 degrees Celsius, at lower temperatures on a mountain.",
    "今天天气很好，我们去公园散步。",
)
"""Texts for measuring the loss: prose, code, numbers, Chinese."""
_MASKED_EVERY = 7
"""A masked model gets every seventh token masked, as in BERT's training, in seven passes."""


@dataclass(frozen=True)
class QuantizationLoss:
    """How far the outputs of a model with int8 weights are from those in float32, over the tokens of `SAMPLE`."""

    tokens: int
    divergence: float
    """Mean of KL(float32 || int8) in bits, of the next token's distribution; of a masked model, of the distribution at
    the mask. 0 for equal distributions, NaN for a model without logits."""
    agreement: float
    """Share of tokens at which both have the same most probable token, 0..1; NaN as above."""
    cosine: float
    """Mean cosine similarity of the logits, or of the last hidden states of a model without logits, -1..1."""
    float32_parameters: int = 0
    """Parameters that stay float32: embeddings, norms, experts that are no linear layers of their own."""
    float32_weights: int = 0
    """Those of them that are weights of layers, neither embeddings nor norms."""

    def __str__(self) -> str:
        if math.isnan(self.divergence):
            words = f"mean cosine similarity of the last states {self.cosine:.4f} over {self.tokens} tokens of a sample"
        else:
            words = f"{bits(self.divergence)} (mean KL divergence over {self.tokens} tokens of a sample)"
            words += f", same first choice for {percent(self.agreement)}"
        if self.float32_weights:
            words += f"; {self.float32_weights:,} weights that are in no linear layer (experts) stay float32"
        return words


def quantise(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, context: int | None, masked: bool = False
) -> QuantizationLoss:
    """Replaces the weights of every linear layer by int8, layer by layer, and measures the loss.

    context is the longest text that the model reads; masked says that the model fills in masks.
    """
    texts = _sample_inputs(Vocabulary(tokenizer), context, masked)
    before = _outputs(model, texts)
    head = model.get_output_embeddings()
    replace_linear_layers(model)
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    weights = sum(p.numel() for p in model.parameters() if p.ndim > 1 and id(p) not in embeddings)
    parameters = sum(p.numel() for p in model.parameters())
    loss = quantization_loss(before, _outputs(model, texts), head is not None)
    return replace(loss, float32_parameters=parameters, float32_weights=weights)


def quantization_loss(before: Tensor, after: Tensor, logits: bool) -> QuantizationLoss:
    """The loss between outputs (tokens, width) in float32 and with int8 weights; `logits` says that they are logits.

    KL(p || q) = sum p (log2 p - log2 q), Kullback and Leibler 1951.
    """
    count, cosine = len(before), float(functional.cosine_similarity(before, after, dim=-1).mean())
    if not logits or not count:
        return QuantizationLoss(count, math.nan, math.nan, cosine)
    nats, same = 0.0, 0
    for one, other in zip(before.split(16), after.split(16), strict=True):  # few at a time: float64 takes memory
        p, q = one.double().log_softmax(-1), other.double().log_softmax(-1)  # (T, V)
        nats += float((p.exp() * (p - q)).nan_to_num().sum())  # 0·(log 0 - log 0) counts as 0
        same += int((one.argmax(-1) == other.argmax(-1)).sum())
    divergence = max(nats / math.log(2) / count, 0.0)
    return QuantizationLoss(count, divergence, same / count, cosine)


def memory_bytes(model: nn.Module) -> int:
    """Bytes of a model's parameters and int8 weights."""
    layers = [module for module in model.modules() if isinstance(module, Int8Linear)]
    tensors = [*model.parameters(), *(tensor for layer in layers for tensor in (layer.weight, layer.scale, layer.bias))]
    return sum(tensor.nbytes for tensor in tensors if tensor is not None)


def replace_linear_layers(module: nn.Module) -> None:
    """Replaces every linear layer within a module by an Int8Linear."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear) and _is_linear(child):
            bias = None if child.bias is None else child.bias.data
            setattr(module, name, Int8Linear(child.weight.data, bias))
        elif type(child) is Conv1D:  # GPT-2 keeps (inputs, outputs)
            setattr(module, name, Int8Linear(child.weight.data.T, child.bias.data))
        elif not isinstance(child, nn.MultiheadAttention):  # it reads its layers' weights itself
            replace_linear_layers(child)


@torch.inference_mode()
def _is_linear(layer: nn.Linear) -> bool:
    """Whether a layer computes x W^T + b. A family's subclass of nn.Linear may not; Falcon's does."""
    if type(layer) is nn.Linear:
        return True
    x = torch.arange(layer.in_features).sin()[None]
    y = layer(x)
    return isinstance(y, Tensor) and torch.allclose(y, functional.linear(x, layer.weight, layer.bias), atol=1e-4)


def _sample_inputs(vocabulary: Vocabulary, context: int | None, masked: bool) -> list[tuple[Tensor, Tensor]]:
    """For each text ids (B, T), and bool (B, T) of the tokens whose outputs are compared: all, or the masks."""
    texts = []
    for text in SAMPLE:
        ids = torch.tensor([vocabulary.tokenize(text)[0][:context]])  # (1, T)
        compared = torch.ones_like(ids, dtype=torch.bool)
        if masked:
            seventh = torch.arange(ids.shape[1]) % _MASKED_EVERY == torch.arange(_MASKED_EVERY)[:, None]  # (B, T)
            compared = seventh & ~torch.isin(ids, torch.tensor(sorted(vocabulary.special_ids)))
            ids = torch.where(compared, vocabulary.tokenizer.mask_token_id, ids)
        texts.append((ids, compared))
    return texts


@torch.inference_mode()
def _outputs(model: PreTrainedModel, texts: list[tuple[Tensor, Tensor]]) -> Tensor:
    """(tokens, width): the outputs that are compared, of all texts."""
    rows = []
    for ids, compared in texts:
        inputs = {"input_ids": ids} | ({"decoder_input_ids": ids} if model.config.is_encoder_decoder else {})
        rows.append(model(**inputs)[0][compared].float())
    return torch.cat(rows)
