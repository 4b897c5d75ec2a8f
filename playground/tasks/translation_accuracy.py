"""How good a translator from English to Chinese is, on examples of our own making: words, and numbers in words."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path

from playground.analysis.tasks.accuracy import Accuracy, accuracy
from playground.tasks.windows import Tick, no_tick

_FILE = Path(__file__).resolve().parents[2] / "assets" / "tasks" / "translation_examples.tsv"
_SIGNS = re.compile(r"[\s.。,，!！?？;；:：\"“”'‘’]+")


@cache
def translation_examples() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """100 texts with their right translations: 50 words, then 50 numbers that the lesson of Train never learns from."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return tuple((text, tuple(right.split("|"))) for text, _, right in (line.partition("\t") for line in lines))


def is_right(answer: str, right: tuple[str, ...]) -> bool:
    """Whether an answer is one of the right translations, spaces and punctuation aside."""
    return _bare(answer) in {_bare(each) for each in right}


def _bare(text: str) -> str:
    return _SIGNS.sub("", unicodedata.normalize("NFKC", text))


def translation_accuracy(translate: Callable[[str], str], tick: Tick = no_tick) -> tuple[Accuracy, Accuracy, Accuracy]:
    """How often translate(text) is right: of all examples, of the words, of the numbers. tick is called with the share done
    and raises to stop."""
    examples, answers = translation_examples(), []
    for number, (text, right) in enumerate(examples):
        tick(number / len(examples))
        answers.append(right[0] if is_right(answer := translate(text), right) else f"other: {answer}")
    truths, half = [right[0] for _, right in examples], len(examples) // 2
    return (
        accuracy(answers, truths), accuracy(answers[:half], truths[:half]), accuracy(answers[half:], truths[half:])
    )  # fmt: skip
