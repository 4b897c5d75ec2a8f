"""Our questions and sentences with names, which say how good a reader or a tagger is. Half in English, half in Chinese."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from playground.analysis.tasks.accuracy import Accuracy, is_chinese
from playground.errors import PlaygroundError
from playground.tasks.windows import Tick, no_tick

_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "tasks"
LONGEST = 30
"""Words, or Chinese characters, of a span that is picked at random."""
KINDS = {
    "PER": "PER",
    "PERSON": "PER",
    "LOC": "LOC",
    "GPE": "LOC",
    "LOCATION": "LOC",
    "ORG": "ORG",
    "ORGANIZATION": "ORG",
}
"""What taggers call the three kinds of names -> what our examples call them."""
Span = tuple[int, int, str]
"""Characters start..end, and the kind of name."""
OUTSIDE = "O"


@dataclass(frozen=True)
class Question:
    """A passage, a question about it, and its words that answer."""

    passage: str
    question: str
    answer: str


@dataclass(frozen=True)
class TagAccuracy:
    """How well names are found."""

    names: Accuracy
    """Names with exactly their characters and kind, of all."""
    english: Accuracy
    chinese: Accuracy
    extra: int
    """Spans that are no name of the examples, or another kind, or cut otherwise."""
    letters: Accuracy
    """Letters with the right kind, or none; most_frequent: if none is part of a name."""


@cache
def questions() -> tuple[Question, ...]:
    """100 questions."""
    lines = (_FOLDER / "answer_examples.tsv").read_text(encoding="utf-8").splitlines()
    return tuple(Question(*line.split("\t")) for line in lines)


@cache
def named_sentences() -> tuple[tuple[str, tuple[Span, ...]], ...]:
    """100 sentences with their names."""
    return tuple(map(_unmarked, (_FOLDER / "tag_examples.txt").read_text(encoding="utf-8").splitlines()))


def _unmarked(line: str) -> tuple[str, tuple[Span, ...]]:
    """ "[Ann|PER] left" -> ("Ann left", ((0, 3, "PER"),))."""
    text, spans, end = "", list[Span](), 0
    for match in re.finditer(r"\[([^|\]]+)\|([A-Z]+)\]", line):
        text += line[end : match.start()]
        spans.append((len(text), len(text) + len(match[1]), match[2]))
        text, end = text + match[1], match.end()
    return text + line[end:], tuple(spans)


def answer_accuracy(
    reply: Callable[[str, str], str], exact: bool, tick: Tick = no_tick
) -> tuple[Accuracy, Accuracy, Accuracy]:
    """How often reply(question, passage) is right: of all questions, of the English ones, of the Chinese ones. exact: the
    answer's own words, but for case, signs and an article before them; else the reply only has to contain them.
    most_frequent is what a span picked at random would score."""
    rights, chances = [], []
    for number, each in enumerate(questions()):
        tick(number / len(questions()))
        said, right = plain_words(reply(each.question, each.passage)), plain_words(each.answer)
        rights.append(said == right if exact else right in said)
        chances.append(_chance(each.passage))
    chinese = [is_chinese(each.passage) for each in questions()]
    whole, english, zh = (
        Accuracy(
            sum(r for r, here in zip(rights, keep, strict=True) if here),
            sum(keep),
            sum(c for c, here in zip(chances, keep, strict=True) if here) / sum(keep),
        )
        for keep in ([True] * len(rights), [not here for here in chinese], chinese)
    )
    return whole, english, zh


def _chance(passage: str) -> float:
    """1 / the spans of at most `LONGEST` words, or Chinese characters."""
    count = len(passage) if is_chinese(passage) else len(passage.split())
    return 1 / sum(min(LONGEST, count - first) for first in range(count))


def plain_words(text: str) -> str:
    """In lower case, without signs, spaces at the ends, and an article at the beginning (as SQuAD's evaluation does)."""
    words = re.sub(r"[^\w\s]", " ", text.lower()).split()
    return " ".join(words[1:] if words[1:] and words[0] in ("a", "an", "the") else words)


def tag_accuracy(tagged: Callable[[str], Sequence[Span]], labels: Sequence[str], tick: Tick = no_tick) -> TagAccuracy:
    """How many names tagged(sentence) finds. labels: those of the tagger; PlaygroundError where it knows none of the three
    kinds of names."""
    known = {kind_of(label) for label in labels} & {"PER", "LOC", "ORG"}
    if not known:
        raise PlaygroundError(
            "The examples are names of people, places and organisations; this tagger knows none of these.",
            "Judge it by sentences of your own.",
        )
    hits, count, extra = {False: 0, True: 0}, {False: 0, True: 0}, 0
    right = letters = outside = 0
    for number, (text, names) in enumerate(named_sentences()):
        tick(number / len(named_sentences()))
        spans = [(start, end, kind_of(label)) for start, end, label in tagged(text)]
        spans = [span for span in spans if span[2] in ("PER", "LOC", "ORG")]
        language = is_chinese(text)
        count[language] += len(names)
        hits[language] += len(set(spans) & set(names))
        extra += len(set(spans) - set(names))
        truth, said = _letters(text, names), _letters(text, spans)
        places = [place for place, letter in enumerate(text) if not letter.isspace()]
        right += sum(truth[place] == said[place] for place in places)
        outside += sum(truth[place] == OUTSIDE for place in places)
        letters += len(places)
    english, chinese = (Accuracy(hits[language], count[language], 0.0) for language in (False, True))
    whole = Accuracy(sum(hits.values()), sum(count.values()), 0.0)
    return TagAccuracy(whole, english, chinese, extra, Accuracy(right, letters, outside / letters))


def kind_of(label: str) -> str:
    """ "B-person" -> "PER"; a label that is no kind of ours stays, in capitals."""
    name = label.upper().removeprefix("B-").removeprefix("I-")
    return KINDS.get(name, name)


def _letters(text: str, spans: Sequence[Span]) -> list[str]:
    kinds = [OUTSIDE] * len(text)
    for start, end, kind in spans:
        kinds[start:end] = [kind] * (end - start)
    return kinds
