"""The labels of a text with their probabilities: the result of all ways to classify. Letters: K labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from playground.analysis.tasks.label_probabilities import label_probabilities
from playground.models.task_head import REGRESSION

Way = Literal["head", "words", "taught"]
"""How labels are scored: by the head of the checkpoint, by the words of a language model, by a layer taught on lines."""


@dataclass(frozen=True)
class LabelScore:
    """A label of a text."""

    name: str
    probability: float
    """0..1; of a regression the number itself."""
    logit: float
    """What softmax or sigmoid was taken of."""


@dataclass(frozen=True)
class Classification:
    """What is said of a text."""

    labels: tuple[LabelScore, ...]
    """In the order of the head, or of the labels that were given."""
    function: str
    """softmax, sigmoid or regression: see TaskHead."""
    tokens: int
    """That were read, special tokens and template included."""
    windows: int = 1
    """Windows that the text was read in; the logits are their mean."""
    way: Way = "head"

    @property
    def best(self) -> LabelScore:
        """The label with the highest logit."""
        return max(self.labels, key=lambda label: label.logit)

    @property
    def ranking(self) -> tuple[LabelScore, ...]:
        """The labels, the most likely first; a regression's numbers in their own order."""
        if self.function == REGRESSION:
            return self.labels
        return tuple(sorted(self.labels, key=lambda label: -label.logit))


def classification(
    labels: Sequence[str], logits: Tensor, function: str, tokens: int, windows: int = 1, way: Way = "head"
) -> Classification:
    """The result of logits (K,)."""
    shares = label_probabilities(logits, function)
    scores = tuple(map(LabelScore, labels, shares.tolist(), logits.tolist()))
    return Classification(scores, function, tokens, windows, way)
