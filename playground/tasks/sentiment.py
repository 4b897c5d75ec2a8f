"""Lines that a layer is taught on, and examples that say how good a model is; both of our own making. Knows no
torch."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from playground.analysis.tasks.accuracy import Accuracy, accuracy, is_chinese
from playground.errors import PlaygroundError

_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "tasks"
LABELS = ("positive", "negative")


@cache
def teaching_lines() -> str:
    """200 lines: a text, a tab, positive or negative."""
    return (_FOLDER / "sentiment_lines.tsv").read_text(encoding="utf-8")


@cache
def examples() -> tuple[tuple[str, str], ...]:
    """100 texts with their labels, none of which is among the lines: half in English, half in Chinese."""
    lines = (_FOLDER / "sentiment_examples.tsv").read_text(encoding="utf-8").splitlines()
    return tuple((text, label) for text, _, label in (line.rpartition("\t") for line in lines))


def english_lines() -> str:
    """The 100 of the lines that are in English."""
    return "\n".join(line for line in teaching_lines().splitlines() if not is_chinese(line))


def sentiment_accuracy(
    best_label: Callable[[str], str], tick: Callable[[float], None] = lambda share: None
) -> tuple[Accuracy, Accuracy, Accuracy]:
    """How often best_label(text) is right: of all examples, of the English ones, of the Chinese ones. Labels count as equal
    in whichever case they are written. PlaygroundError for a label that is neither positive nor negative."""
    answers = []
    for number, (text, _) in enumerate(examples()):
        tick(number / len(examples()))
        answer = best_label(text).strip().lower()
        if answer not in LABELS:
            raise PlaygroundError(
                f"The examples are positive and negative; this model answers “{answer:.40}”.",
                "Name the labels positive and negative, or judge by examples of your own.",
            )
        answers.append(answer)
    truths = [label for _, label in examples()]
    chinese = [is_chinese(text) for text, _ in examples()]
    parts = [
        accuracy([a for a, here in zip(answers, keep, strict=True) if here],
                 [t for t, here in zip(truths, keep, strict=True) if here])
        for keep in ([not each for each in chinese], chinese)
    ]  # fmt: skip
    return accuracy(answers, truths), parts[0], parts[1]
