"""Answer: the span of a passage that answers a question; of a language model, what it writes and where that stands."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.analysis.text_display import plain_mark
from playground.components import Panel, PlotlyView, markup
from playground.components.shaded_text import marked
from playground.errors import Cancelled, PlaygroundError
from playground.figures.tasks.spans import MAX_CELLS, first_drawn, span_figure
from playground.tabs.shared.controls import choices_of_text, figure_or_nothing
from playground.tabs.shared.detail import show_detail
from playground.tabs.shared.events import GENERATES, LATEST
from playground.tabs.shared.long_work import WorkControl, with_progress
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.reasons import AUTOMATIC, NO_REASONS, Method, method_list, progress, reasons, reasons_view
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.stop_button import stop_button
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import ErrorWithOutputs, Outputs, bind
from playground.tabs.tasks.answer_writing import (
    AnswerTask,
    pick_written,
    writing,
    written_answer,
    written_reasons,
    written_view,
)
from playground.tabs.tasks.how_good import HowGood, measured, right_words
from playground.tabs.tasks.written_tokens import NO_TOKENS, TokenChoice, WrittenTokens
from playground.texts import tasks as texts
from playground.texts.numbers import minus, percent

if TYPE_CHECKING:
    from playground.analysis.tasks.accuracy import Accuracy
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.answer import Answer
    from playground.tasks.token_scores import TokenScore

NAME, TITLE = "answer", "Answer"
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


@dataclass(frozen=True)
class ExplainAnswer(QuestionRequest, TokenChoice):
    """A token of a written answer, and how it is explained."""


def build(view: View) -> None:
    """Builds the view and connects it."""
    control = gr.State(WorkControl())
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            question = gr.Textbox(texts.QUESTION, label="Question", lines=1, max_lines=3, elem_id="task-question")
            passage = gr.Textbox(texts.PASSAGE, label="Passage", lines=5, max_lines=12, elem_id="task-passage")
            with gr.Row(elem_classes="pg-actions"):
                go = gr.Button("Answer", elem_classes="pg-lead-do", scale=0, min_width=100, elem_id="task-answer")
                stop = stop_button("task-answer-stop", control)
            good = HowGood(texts.HOW_GOOD_ANSWERS, "task-answer-good", "task-answer-how-good")
        with gr.Column(scale=1, min_width=320):
            sentence = Panel(live=True, elem_id="task-answer-words")
            marks = Panel(live=True, elem_id="task-answer-passage")
            tokens = WrittenTokens("task-answer-written", texts.ANSWER_TOKENS)
            spans = Panel(elem_id="task-answer-others")
            python = Panel(elem_id="task-answer-python")
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320, visible=False, elem_id="task-answer-why-room") as room:
            with gr.Row(elem_classes="pg-controls pg-slim"):
                span = choices_of_text(texts.EXPLAINED, "task-span", 220)
                against = choices_of_text(texts.AGAINST, "task-span-against")
                method = method_list("task-answer-method")
            why = reasons_view("task-answer-why", control)
        with gr.Column(scale=1, min_width=320):
            figure = PlotlyView(label="Starts and ends", height=420, visible=False, elem_id="task-spans")
    Panel(markup.explanation(*texts.ANSWER_ABOUT))
    inputs: dict[str, Any] = {
        "question": question, "passage": passage, "method": method, "span": span, "against": against,
        "last": gr.State(AnswerTask()), "control": control,
    }  # fmt: skip
    outputs: dict[str, Any] = tokens.outputs | why | {
        "sentence": sentence, "marks": marks, "spans": spans, "last": inputs["last"], "stop_writing": stop,
        "python": python, "figure": figure, "room": room, "span": span, "against": against,
    }  # fmt: skip
    wires: dict[str, Any] = {"inputs": inputs, "request": QuestionRequest, "outputs": outputs}
    view.draws(draw, **wires)
    bind([go.click, question.submit], find, page=view.page, **wires, trigger_mode="once", **GENERATES)
    bind([span.input, against.input, method.input], draw, page=view.page, **wires, **LATEST)
    tokens.connect(view, pick_token, explain_token, inputs, (QuestionRequest, ExplainAnswer))
    good.connect(view, measure_answers, inputs, QuestionRequest)
    pick = bind(figure.select, pick_span, page=view.page, **wires, **LATEST)
    show_detail(pick, "task-answer-why-room")


def draw(page: PageContext, request: QuestionRequest) -> Iterator[Outputs]:
    """A reader answers at once; a language model once it is asked to."""
    model = page.model()
    if model.head is not None and model.head.task == "answer":
        yield from _read(model, request)
        return
    if request.last.model and request.last == _task(model, request):
        yield NO_READING | written_view(model, request.last, written_answer(model, request.last))
        return
    how = texts.WRITES if model.capabilities.chat else f"is no reader, and {model.capabilities.chat.reason}."
    words = texts.ANSWER_READY.format(model=model.model_id, how=how)
    yield {"sentence": markup.note(words), "marks": ""} | NO_READING | NO_TOKENS


def find(page: PageContext, request: QuestionRequest) -> Iterator[Outputs]:
    """The answer, marked in the passage."""
    model = page.model()
    if model.head is not None and model.head.task == "answer":
        yield from _read(model, request)
        return
    outputs = {"marks": "", "last": AnswerTask()} | NO_READING | NO_TOKENS
    for parts in writing(model, _task(model, request), request.control):
        yield outputs | parts
        outputs = {}


def pick_token(page: PageContext, request: QuestionRequest, event: gr.EventData) -> Outputs:
    """What else could have stood in the place of a token of a written answer."""
    model = page.model()
    return pick_written(model, request.last, event) if request.last == _task(model, request) else {}


def explain_token(page: PageContext, request: ExplainAnswer) -> Iterator[Outputs]:
    """Which words of question and passage made a token of a written answer."""
    model = page.model()
    if request.last == _task(model, request):
        yield from written_reasons(model, request.last, request)
    else:
        yield {}


def _task(model: "LoadedModel", request: QuestionRequest) -> AnswerTask:
    return AnswerTask(model.key, request.question or "", request.passage or "")


def pick_span(page: PageContext, request: QuestionRequest, event: gr.EventData) -> Iterator[Outputs]:
    """Explains the span whose cell was clicked."""
    model, cell = page.model(), (event._data.get("y"), event._data.get("x"))
    if model.head is None or model.head.task != "answer" or None in cell:
        yield {}
    else:
        yield from _read(model, request, (int(cell[0]), int(cell[1])))


def _read(model: "LoadedModel", request: QuestionRequest, picked: tuple[int, int] | None = None) -> Iterator[Outputs]:
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
    words = f"“{best.text}” with {percent(best.probability)}. "
    if result.margin >= 0:
        words += f"Its score is {minus(result.margin)} nats above that of “no answer”."
    else:
        words += f"“No answer” scores {minus(-result.margin)} nats more: the reader found none."
    if len(result.windows) > 1:
        words += (
            f" The passage was read in {len(result.windows)} windows that overlap; this is in window {best.window}."
        )
    rows = [[markup.theirs(span.text), percent(span.probability), minus(span.score)] for span in result.spans]
    script = answer_script(model, request.question, request.passage, MAX_ANSWER_TOKENS, len(result.spans))
    tokens = [token.text for token in result.windows[best.window].tokens]
    figure = span_figure(
        result.starts[best.window].numpy(), result.ends[best.window].numpy(), tokens, (best.first, best.last),
        MAX_ANSWER_TOKENS,
    )  # fmt: skip
    outputs = NO_TOKENS | {
        "sentence": markup.note(words),
        "marks": marked(request.passage, [(best.start, best.end, percent(best.probability), 0)]),
        "spans": markup.table(["answer", "probability", "score"], rows),
        "python": markup.script(texts.SHOW_PYTHON, script),
        "figure": figure_or_nothing(figure),
        script_output("figure"): spans_picture(model, request.question, request.passage, MAX_ANSWER_TOKENS, MAX_CELLS),
    }
    first = first_drawn(len(tokens), (best.first, best.last))
    span = None if picked is None else (picked[0] + first, picked[1] + first)
    yield from _explained(model, request, result, span, outputs)


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


def measure_answers(page: PageContext, request: QuestionRequest) -> Iterator[Outputs]:
    """How often the model is right on our 100 questions."""
    from playground.tasks.answer import answer
    from playground.tasks.examples import answer_accuracy, questions
    from playground.tasks.written_answer import answer_by_chat

    model, bench = page.model(), workbench.shared()
    reads = model.head is not None and model.head.task == "answer"

    def reply(question: str, passage: str) -> str:
        if reads:
            return answer(model, question, passage).best.text
        return answer_by_chat(model, question, passage, partial(bench.generation.generate, model)).text

    def words(result: "tuple[Accuracy, Accuracy, Accuracy]") -> str:
        rule = texts.EXACT if reads else texts.CONTAINED
        chance = percent(result[0].most_frequent)
        return f"{model.model_id}: {right_words(*result)} {rule} A span at random would be right {chance} of the time."

    work = partial(answer_accuracy, reply, reads)
    yield from measured(work, len(questions()), request.control, words)
