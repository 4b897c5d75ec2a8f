"""A list of lines through a task: each line's answer with its confidence. One line that can't be read stops no other.

Letters: K labels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.errors import Cancelled, PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.task_head import REGRESSION
from playground.tasks.answer import answer
from playground.tasks.classification import Classification
from playground.tasks.table_file import MAX_ROWS
from playground.tasks.tag import tag
from playground.tasks.windows import Tick, no_tick

MAX_LABELS = 12
"""Labels with a column of their own."""


@dataclass(frozen=True)
class LineAnswer:
    """What the task says of one line."""

    text: str
    answer: str
    confidence: float | None = None
    """0..1; None of a regression, and of a line that was refused."""
    more: tuple[float, ...] = ()
    """(K,): the probability of each label, in the order of `names`."""
    names: tuple[str, ...] = ()
    refused: bool = False
    """Whether `answer` says why there is none."""


def lines_of(text: str) -> list[str]:
    """The lines that are not blank, without spaces round them. PlaygroundError for none, and for more than `MAX_ROWS`."""
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    if not lines:
        raise PlaygroundError("There are no lines.", "Paste some, or choose a file.")
    if len(lines) > MAX_ROWS:
        raise PlaygroundError(f"There are {len(lines):,} lines; at most {MAX_ROWS:,} are read.", "Take some out.")
    return lines


def answer_lines(
    lines: Sequence[str], one: Callable[[str], LineAnswer], tick: Tick = no_tick, done: list[LineAnswer] | None = None
) -> list[LineAnswer]:
    """The answers, in the order of the lines; they are added to `done` one by one, so that after a Stop those before it are
    there."""
    answers = [] if done is None else done
    for number, line in enumerate(lines):
        tick(number / len(lines))
        try:
            answers.append(one(line))
        except Cancelled:
            raise
        except PlaygroundError as error:
            answers.append(LineAnswer(line, error.message, refused=True))
    return answers


def labelled(text: str, result: Classification) -> LineAnswer:
    """The answer of a classification: its best label; of a regression its number."""
    if result.function == REGRESSION:
        return LineAnswer(text, f"{result.labels[0].probability:.4f}")
    names = tuple(label.name for label in result.labels[:MAX_LABELS])
    shares = tuple(label.probability for label in result.labels[:MAX_LABELS])
    return LineAnswer(text, result.best.name, result.best.probability, shares, names)


def read_line(model: LoadedModel, question: str, passage: str) -> LineAnswer:
    """The answer of a reader to one question about the passage."""
    best = answer(model, question, passage).best
    return LineAnswer(question, best.text, best.probability)


def tagged_line(model: LoadedModel, text: str, strategy: str) -> LineAnswer:
    """The spans of a line with their labels; the confidence is that of the least sure one."""
    spans = tag(model, text, strategy).spans
    words = "; ".join(f"{text[span.start : span.end]} ({span.label})" for span in spans)
    return LineAnswer(text, words or "–", min((span.probability for span in spans), default=None))


def line_table(answers: Sequence[LineAnswer]) -> tuple[list[str], list[list[str | float]]]:
    """The head and the rows of a table: number from 1, line, answer, confidence, and the probability of each label. Cells
    without a number are empty."""
    names = next((each.names for each in answers if each.names), ())
    head = ["line", "text", "answer", "confidence", *(f"P({name})" for name in names)]
    rows: list[list[str | float]] = []
    for number, each in enumerate(answers, start=1):
        shares: list[str | float] = [round(share, 6) for share in each.more] or [""] * len(names)
        confidence: str | float = "" if each.confidence is None else round(each.confidence, 6)
        rows.append([number, each.text, each.answer, confidence, *shares])
    return head, rows
