"""The outputs of Answer by a reader: the spans that it answers with, and why one of them came out."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import gradio as gr

from playground.analysis.text_display import plain_mark
from playground.components import markup
from playground.components.shaded_text import marked
from playground.errors import Cancelled, PlaygroundError
from playground.figures.tasks.spans import MAX_CELLS, first_drawn, span_figure
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.handler_errors import ErrorWithOutputs
from playground.tabs.shared.long_work import WorkControl, with_progress
from playground.tabs.shared.reasons import AUTOMATIC, NO_REASONS, Method, progress, reasons
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.wiring import Outputs
from playground.tabs.tasks.answer_writing import AnswerTask
from playground.tabs.tasks.written_tokens import NO_TOKENS
from playground.texts import tasks as texts
from playground.texts.numbers import minus, percent

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.answer import Answer
    from playground.tasks.token_scores import TokenScore

ALONE, NO_ANSWER, PICKED = -1, -2, -3
"""In place of the number of a span: compared with none; with "no answer"; the one whose cell was clicked."""
NO_READING: Outputs = NO_REASONS | {
    "spans": "",
    "python": "",
    "figure": figure_or_nothing(None),
    "room": gr.update(visible=False),
}


@dataclass(frozen=True)
class QuestionRequest:
    """A question, the passage that holds its answer, and what of the answer is explained."""

    question: str = texts.QUESTION
    passage: str = texts.PASSAGE
    method: str = AUTOMATIC
    span: int | None = None
    """Number of the span that is explained; the best one without."""
    against: int | None = None
    """Number of the span that it is compared with; NO_ANSWER; None: with none."""
    last: AnswerTask = AnswerTask()
    """What a model that chats was asked last."""
    control: WorkControl = field(default_factory=WorkControl)


def task_of(model: "LoadedModel", request: QuestionRequest) -> AnswerTask:
    """What a model that chats would be asked now."""
    return AnswerTask(model.key, request.question or "", request.passage or "")


def read_passage(
    model: "LoadedModel", request: QuestionRequest, picked: tuple[int, int] | None = None
) -> Iterator[Outputs]:
    """The answer of a reader, and why it, or another of its spans, came out. picked: a span by its row and column in the
    picture."""
    from playground.tasks.answer import MAX_ANSWER_TOKENS, answer
    from playground.tasks.scripts import answer_script, spans_picture

    control = request.control
    control.stop = False
    try:
        result = yield from with_progress(
            lambda tick: answer(model, request.question, request.passage, tick=tick), control, "Reading",
            partial(progress, texts.READING_WINDOWS, stale=NO_READING | {"sentence": "", "marks": ""}),
        )  # fmt: skip
    except Cancelled:
        yield {"sentence": markup.note(texts.READING_STOPPED), "marks": ""} | NO_READING | NO_TOKENS
        return
    except PlaygroundError as error:  # no question, for one: what is shown answers another
        raise ErrorWithOutputs(error, {"sentence": "", "marks": ""} | NO_READING | NO_TOKENS) from error
    best = result.best
    rows = [[markup.theirs(span.text), percent(span.probability), minus(span.score)] for span in result.spans]
    script = answer_script(model, request.question, request.passage, MAX_ANSWER_TOKENS, len(result.spans))
    tokens = [token.text for token in result.windows[best.window].tokens]
    figure = span_figure(
        result.starts[best.window].numpy(), result.ends[best.window].numpy(), tokens, (best.first, best.last),
        MAX_ANSWER_TOKENS,
    )  # fmt: skip
    outputs = NO_TOKENS | {
        "sentence": markup.note(_in_words(result)),
        "marks": marked(request.passage, [(best.start, best.end, percent(best.probability), 0)]),
        "spans": markup.table(["answer", "probability", "score"], rows),
        "python": markup.script(texts.SHOW_PYTHON, script),
        "figure": figure_or_nothing(figure),
        script_output("figure"): spans_picture(model, request.question, request.passage, MAX_ANSWER_TOKENS, MAX_CELLS),
    }
    first = first_drawn(len(tokens), (best.first, best.last))
    span = None if picked is None else (picked[0] + first, picked[1] + first)
    yield from _explained(model, request, result, span, outputs)


def _in_words(result: "Answer") -> str:
    """The best span, how sure the reader is of it, and where it stands."""
    best, count = result.best, len(result.windows)
    words = f"“{best.text}” with {percent(best.probability)}. "
    if result.margin >= 0:
        words += f"Its score is {minus(result.margin)} nats above that of “no answer”."
    else:
        words += f"“No answer” scores {minus(-result.margin)} nats more: the reader found none."
    if count > 1:
        words += f" The passage was read in {count} windows that overlap; this is in window {best.window}."
    return words


def _explained(
    model: "LoadedModel", request: QuestionRequest, result: "Answer", picked: tuple[int, int] | None, outputs: Outputs
) -> Iterator[Outputs]:
    """The outputs, and why the span in question came out, beside another one or by itself."""
    places = [(span.first, span.last) if span.window == result.best.window else None for span in result.spans]
    names = [f"{plain_mark(span.text, 40)} ({percent(span.probability)})" for span in result.spans]
    number = request.span if request.span is not None and 0 <= request.span < len(places) else 0
    place = picked or places[number]
    if picked is not None:
        number = places.index(picked) if picked in places else PICKED
    choices = [(name, n) for n, name in enumerate(names) if places[n] is not None]
    if number == PICKED:
        choices.append((texts.PICKED_SPAN, PICKED))
    others = [(texts.NONE, ALONE), (texts.NO_ANSWER, NO_ANSWER), *((name, n) for name, n in choices if n != number)]
    against = request.against if request.against in [n for _, n in others] else ALONE
    special = next((n for n, t in enumerate(result.windows[result.best.window].tokens) if t.special), 0)
    other = (special, special) if against == NO_ANSWER else places[against] if against >= 0 else None
    outputs = outputs | {
        "room": gr.Column(visible=True),
        "span": gr.update(choices=choices, value=number),
        "against": gr.update(choices=others, value=against),
    }

    def score() -> "TokenScore":
        from playground.tasks.head_scores import span_score

        return span_score(model, request.question, request.passage, place or places[0] or (0, 0), other)

    key = request.question, request.passage, place, other
    for parts in reasons(model, score, Method(request.method), request.control, key):
        yield outputs | parts
        outputs = {}
