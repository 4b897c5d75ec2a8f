"""What every task has: examples to learn from, examples never seen, and measures of what was learned."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from playground.analysis.attention.head_measures import Text, measure_heads
from playground.training.snapshot import ExampleWeights, Sample
from playground.training.two_columns import Columns

Batch = dict[str, Tensor]
"""Arguments of a model's forward pass, labels included; a label of -100 does not count."""
IGNORED = -100


@dataclass(frozen=True)
class Measured:
    """What a model can do."""

    loss: float
    """On what is held out: nats per token that counts."""
    scores: Mapping[str, float]
    """Name -> share 0..1."""
    samples: Sequence[Sample] = ()


class Task(ABC):
    """Something to learn. Everything that is drawn at random comes from the generator that is passed."""

    tokenizer: PreTrainedTokenizerFast
    context: int
    """Tokens of the longest text, the answer included."""
    encoder: bool = False
    """Whether the batches are for an encoder with a decoder."""
    example_text: str
    """A text on which the trained model shows what it learned, for every tab."""
    columns: Columns | None = None
    """The visitor's lines as they were read, where the task is made of a table."""

    @property
    def vocabulary(self) -> int:
        """Tokens, the special ones included."""
        return len(self.tokenizer)

    @abstractmethod
    def batch(self, generator: torch.Generator, size: int) -> Batch:
        """Examples to learn from."""

    @abstractmethod
    def held_out(self) -> Batch:
        """Examples that are never learned from, always the same ones."""

    @abstractmethod
    def measure(self, model: PreTrainedModel) -> Measured:
        """What the model can do by now, on examples never learned from. Quick: it is asked at every snapshot."""

    def write(self, model: PreTrainedModel, generator: torch.Generator) -> Sequence[Sample]:
        """What the model writes freely, where `measure` gives no samples. Slow: it is asked ten times in a run."""
        return ()

    @abstractmethod
    def look(self, model: PreTrainedModel) -> tuple[ExampleWeights, Mapping[str, np.ndarray]]:
        """Every head's weights on one fixed example, and the scores of all heads by name, each (L, H)."""


def head_scores(attentions: Sequence[Tensor], ids: Tensor, text: Text, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Name -> (L, H), the mean over texts with token ids (B, T) of what transformers returns for them: L tensors
    (B, H, T, T). Names and kinds of text as in `measure_heads`; NaN where a text can't tell."""
    measured = [
        [
            measure_heads(weights.float().numpy(), row, text, names)
            for weights, row in zip(layer, ids.tolist(), strict=True)
        ]
        for layer in attentions
    ]
    return {name: np.array([np.mean([one[name] for one in layer], 0) for layer in measured]) for name in names}


def heads_of(attentions: Sequence[Tensor]) -> np.ndarray:
    """(L, H, Q, K) float32 of what transformers returns for one text: L tensors (1, H, Q, K)."""
    return torch.stack([layer[0] for layer in attentions]).float().numpy()
