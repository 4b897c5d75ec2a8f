"""How good a model's summaries are, on passages of our own: whether they keep both key facts. Half in English, half in
Chinese."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from playground.analysis.tasks.accuracy import Accuracy, is_chinese
from playground.analysis.tasks.text_units import sentences
from playground.tasks.examples import plain_words
from playground.tasks.windows import Tick, no_tick

_FILE = Path(__file__).resolve().parents[2] / "assets" / "tasks" / "summary_examples.tsv"
MOST_OF_PASSAGE = 0.5
"""Letters of a right summary, as a share of the passage's: who copies all of it has summarised nothing."""


@dataclass(frozen=True)
class SummaryExample:
    """A passage, and what a summary of it must say."""

    passage: str
    facts: tuple[tuple[str, ...], ...]
    """Two key facts; of each a word, or several that say the same."""
    summary: str
    """Our own, which is right."""


@dataclass(frozen=True)
class SummaryAccuracy:
    """How often summaries are right; most_frequent of each is what the passage's first sentence would score."""

    whole: Accuracy
    english: Accuracy
    chinese: Accuracy
    facts: Accuracy
    """Key facts that are kept, of all, in summaries of any length."""
    long: int
    """Summaries of more than `MOST_OF_PASSAGE`."""


@cache
def summary_examples() -> tuple[SummaryExample, ...]:
    """100 passages."""
    lines = (line.split("\t") for line in _FILE.read_text(encoding="utf-8").splitlines())
    return tuple(
        SummaryExample(passage, tuple(tuple(fact.split("|")) for fact in facts.split(";")), summary)
        for passage, facts, summary in lines
    )


def facts_kept(summary: str, example: SummaryExample) -> int:
    """How many of the passage's key facts a summary holds: whole words, in Chinese characters, whatever their case."""
    if is_chinese(example.passage):
        return sum(any(word in summary for word in fact) for fact in example.facts)
    said = f" {plain_words(summary)} "
    return sum(any(f" {plain_words(word)} " in said for word in fact) for fact in example.facts)


def is_short(summary: str, example: SummaryExample) -> bool:
    """Whether a summary has at most `MOST_OF_PASSAGE` of the passage's letters."""
    return len(summary) <= MOST_OF_PASSAGE * len(example.passage)


def first_sentence(passage: str) -> str:
    """What needs no model."""
    start, end = sentences(passage)[0]
    return passage[start:end]


def summary_accuracy(summarise: Callable[[str], str], tick: Tick = no_tick) -> SummaryAccuracy:
    """How often summarise(passage) is short and keeps both key facts. tick is called with the share done and raises to
    stop."""
    examples, written = summary_examples(), list[str]()
    for number, example in enumerate(examples):
        tick(number / len(examples))
        written.append(summarise(example.passage).strip())
    first = [first_sentence(example.passage) for example in examples]
    chinese = [is_chinese(example.passage) for example in examples]
    rights, plain = _rights(written), _rights(first)

    def part(keep: list[bool]) -> Accuracy:
        count = sum(keep)
        right, baseline = (sum(r for r, here in zip(row, keep, strict=True) if here) for row in (rights, plain))
        return Accuracy(right, count, baseline / count)

    kept, kept_plain = (
        sum(facts_kept(text, example) for text, example in zip(texts, examples, strict=True))
        for texts in (written, first)
    )
    count = sum(len(example.facts) for example in examples)
    return SummaryAccuracy(
        part([True] * len(examples)), part([not here for here in chinese]), part(chinese),
        Accuracy(kept, count, kept_plain / count),
        sum(not is_short(text, example) for text, example in zip(written, examples, strict=True)),
    )  # fmt: skip


def _rights(texts: list[str]) -> list[bool]:
    return [
        is_short(text, example) and facts_kept(text, example) == len(example.facts)
        for text, example in zip(texts, summary_examples(), strict=True)
    ]
