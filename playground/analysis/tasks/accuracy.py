"""How often answers are right, with the interval that so few examples leave, and what needs no model."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

Z = 1.959964
"""Standard deviations of a normal distribution round 95 % of it."""


@dataclass(frozen=True)
class Accuracy:
    """Shares are 0..1."""

    right: int
    count: int
    most_frequent: float
    """Share that is right if every example gets the label that most of them have."""

    @property
    def share(self) -> float:
        """Share of the examples that are answered right."""
        return self.right / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """95 % of such intervals hold the share that endlessly many examples would show."""
        return wilson_interval(self.right, self.count)


def wilson_interval(right: int, count: int, z: float = Z) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927): (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)."""
    share = right / count
    middle = share + z * z / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, (middle - half) / (1 + z * z / count)), min(1.0, (middle + half) / (1 + z * z / count))


def accuracy(answers: Sequence[str], truths: Sequence[str]) -> Accuracy:
    """Answers beside the true labels, one pair for each example."""
    right = sum(answer == truth for answer, truth in zip(answers, truths, strict=True))
    return Accuracy(right, len(truths), max(Counter(truths).values()) / len(truths))


def is_chinese(text: str) -> bool:
    """Whether a text has a Chinese character."""
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)
