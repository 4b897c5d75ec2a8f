"""Answer: the span of a passage that answers a question; of a language model, what it writes and where that stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.components import Panel, PlotlyView, markup
from playground.tabs.shared.controls import choices_of_text
from playground.tabs.shared.detail import show_detail
from playground.tabs.shared.events import GENERATES, LATEST
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.reasons import method_list, reasons_view
from playground.tabs.shared.stop_button import stop_button
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.tasks.answer_reading import NO_READING, QuestionRequest, read_passage, task_of
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
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.analysis.tasks.accuracy import Accuracy

NAME, TITLE = "answer", "Answer"


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
        yield from read_passage(model, request)
        return
    if request.last.model and request.last == task_of(model, request):
        yield NO_READING | written_view(model, request.last, written_answer(model, request.last))
        return
    how = texts.WRITES if model.capabilities.chat else f"is no reader, and {model.capabilities.chat.reason}."
    words = texts.ANSWER_READY.format(model=model.model_id, how=how)
    yield {"sentence": markup.note(words), "marks": ""} | NO_READING | NO_TOKENS


def find(page: PageContext, request: QuestionRequest) -> Iterator[Outputs]:
    """The answer, marked in the passage."""
    model = page.model()
    if model.head is not None and model.head.task == "answer":
        yield from read_passage(model, request)
        return
    outputs = {"marks": "", "last": AnswerTask()} | NO_READING | NO_TOKENS
    for parts in writing(model, task_of(model, request), request.control):
        yield outputs | parts
        outputs = {}


def pick_token(page: PageContext, request: QuestionRequest, event: gr.EventData) -> Outputs:
    """What else could have stood in the place of a token of a written answer."""
    model = page.model()
    return pick_written(model, request.last, event) if request.last == task_of(model, request) else {}


def explain_token(page: PageContext, request: ExplainAnswer) -> Iterator[Outputs]:
    """Which words of question and passage made a token of a written answer."""
    model = page.model()
    if request.last == task_of(model, request):
        yield from written_reasons(model, request.last, request)
    else:
        yield {}


def pick_span(page: PageContext, request: QuestionRequest, event: gr.EventData) -> Iterator[Outputs]:
    """Explains the span whose cell was clicked."""
    model, cell = page.model(), (event._data.get("y"), event._data.get("x"))
    if model.head is None or model.head.task != "answer" or None in cell:
        yield {}
    else:
        yield from read_passage(model, request, (int(cell[0]), int(cell[1])))


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
