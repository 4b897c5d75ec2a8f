"""A classifier: a linear layer on the vectors of a loaded model, taught in seconds; the model itself stays as it is.

    classifier = pg.train_classifier(model, "What a film!\\tgood\\nI fell asleep.\\tbad\\n…")
    classifier.held_out_accuracy, classifier.probabilities(["I would see it again."])

Letters: N texts, D numbers of a vector, K labels.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear, normalize

from playground.analysis.text_display import counted
from playground.embeddings.sentence_vectors import encode, usual_pooling
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.training.optimising import one_thread
from playground.training.recipe import NAMES, number_in_range
from playground.training.tasks import checked_text
from playground.training.tasks.pairs import split
from playground.training.two_columns import Columns, two_columns

MIN_TEXTS, MAX_TEXTS = 10, 1000
MAX_LABELS = 20
LEARNING_RATE = 0.05
RANGES: dict[str, tuple[float, float]] = {"steps": (1, 1000), "seed": (0, 2**31 - 1)}


@dataclass(frozen=True, eq=False)
class Classifier:
    """P(label | text) = softmax(W·x + b), x the text's vector, of length 1."""

    model: LoadedModel
    labels: tuple[str, ...]
    """(K,), in the order of the alphabet."""
    weight: Tensor
    """W (K, D)."""
    bias: Tensor
    """b (K,)"""
    losses: tuple[float, ...]
    """Of steps 1, 2, …, on all texts that are learned from, before the step: nats per text. W and b begin at 0, so
    the first is ln K."""
    held_out: tuple[int, float, float]
    """Of the texts never learned from: how many, their loss, and the share of them that is labelled right."""
    most_common: float
    """Share of the held-out texts whose label is the one that most texts have: what needs no learning."""
    columns: Columns
    """The lines as they were read."""

    @property
    def held_out_accuracy(self) -> float:
        """Share of the held-out texts that is labelled right, 0..1."""
        return self.held_out[2]

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """(N, K): each text's probabilities of the labels; rows sum to 1."""
        with torch.inference_mode():
            return linear(_vectors(self.model, texts, lambda share: None), self.weight, self.bias).softmax(-1).numpy()


def train_classifier(
    model: LoadedModel,
    lines: str,
    *,
    steps: int = 100,
    seed: int = 0,
    tick: Callable[[float], None] = lambda share: None,
) -> Classifier:
    """Teaches a classifier on lines of a text, a tab, semicolon or comma, and its label. One text in five is held out; the
    seed says which. The same seed gives the same bits. tick is called with the share of the vectors that are there, 0..1,
    and raises to stop.

    PlaygroundError for lines or numbers that can't be.
    """
    number: Any = {name: number_in_range(NAMES[name], value, RANGES[name], whole=True)
                   for name, value in (("steps", steps), ("seed", seed))}  # fmt: skip
    columns = _examples(lines)
    examples = columns.pairs
    names = tuple(sorted({label for _, label in examples}))
    learned, held_out = split(examples, columns.held_out, number["seed"])
    x, held_x = _vectors(model, [text for text, _ in (*learned, *held_out)], tick).split([len(learned), len(held_out)])
    y, held_y = (torch.tensor([names.index(label) for _, label in some]) for some in (learned, held_out))
    weight, bias = torch.zeros(len(names), x.shape[1]), torch.zeros(len(names))
    losses = _descend(x, y, (weight.requires_grad_(), bias.requires_grad_()), number["steps"])
    weight, bias = weight.detach(), bias.detach()
    logits = linear(held_x, weight, bias)
    right = float((logits.argmax(-1) == held_y).float().mean())
    common = float((held_y == y.bincount(minlength=len(names)).argmax()).float().mean())
    held = len(held_y), float(cross_entropy(logits, held_y)), right
    return Classifier(model, names, weight, bias, losses, held, common, columns)


def _descend(x: Tensor, y: Tensor, parameters: tuple[Tensor, Tensor], steps: int) -> tuple[float, ...]:
    optimiser = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=0.01)
    losses = []
    with one_thread():
        for _ in range(steps):
            loss = cross_entropy(linear(x, *parameters), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
    return tuple(losses)


def _vectors(model: LoadedModel, texts: Sequence[str], tick: Callable[[float], None]) -> Tensor:
    """(N, D) float32, each of length 1."""
    vectors = encode(model, texts, usual_pooling(model), tick).vectors
    return normalize(vectors.detach().float().cpu().clone(), dim=-1)


def _examples(lines: str) -> Columns:
    """Texts with their labels. PlaygroundError for what can't be learned from, with the first line of it."""
    columns = two_columns(checked_text(lines or ""), "a text", "its label")
    texts, labels = ({cells[side] for cells in columns.pairs} for side in (0, 1))
    count = len(texts)
    if _can_be_labels(texts, labels) and not _can_be_labels(labels, texts):
        raise PlaygroundError(
            f"The columns seem to be swapped: the first has {counted(count, 'different text')}, the second "
            f"{counted(len(labels), 'different label')}.",
            "Write the text first, then its label.",
        )
    if not MIN_TEXTS <= count <= MAX_TEXTS:
        raise PlaygroundError(
            f"There {'is' if count == 1 else 'are'} {counted(count, 'different text')}; {MIN_TEXTS} to {MAX_TEXTS:,} are "
            "learned from, a fifth of which is held out.",
            "Add some lines." if count < MIN_TEXTS else "Take some lines out.",
        )
    if columns.ambiguous:
        _refuse_ambiguous(columns)
    if not 2 <= len(labels) <= _most_labels(count):
        few = len(labels) < 2
        raise PlaygroundError(
            f"{count:,} texts have {counted(len(labels), 'label')}; from 2 to {_most_labels(count)} are told apart.",
            "Give some another label." if few else "Write the label behind the text, the same for texts of one kind.",
        )
    return columns


def _most_labels(count: int) -> int:
    """Labels that so many texts can have."""
    return min(MAX_LABELS, count // 2)


def _can_be_labels(cells: Set[str], others: Set[str]) -> bool:
    """Whether one column can hold the labels of the texts in the other."""
    return len(others) >= MIN_TEXTS and len(cells) <= _most_labels(len(others))


def _refuse_ambiguous(columns: Columns) -> None:
    """PlaygroundError for a text with two labels, with both lines."""
    text = columns.ambiguous[0]
    lines = [line for line in columns.lines if line.left == text]
    first, other = lines[0], next(line for line in lines if line.right != lines[0].right)
    raise PlaygroundError(
        f"Line {other.number} labels a text {other.right!r:.40} that line {first.number} labels {first.right!r:.40}: "
        f"{text!r:.60}. {counted(len(columns.ambiguous), 'text')} of {len({left for left, _ in columns.pairs}):,} "
        f"{'has' if len(columns.ambiguous) == 1 else 'have'} more than one label.",
        "Give each text one label.",
    )
