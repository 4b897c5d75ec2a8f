"""Answer: the span of a passage that answers a question; of a language model, what it writes and where that stands."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.components import Panel, PlotlyView, markup
from playground.components.shaded_text import marked
from playground.figures.tasks.spans import span_figure
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.events import GENERATES
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts import tasks as texts
from playground.texts.numbers import minus, percent

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel

NAME, TITLE = "answer", "Answer"


@dataclass(frozen=True)
class QuestionRequest:
    """A question and the passage that holds its answer."""

    question: str = texts.QUESTION
    passage: str = texts.PASSAGE


def build(view: View) -> None:
    """Builds the view and connects it."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            question = gr.Textbox(texts.QUESTION, label="Question", lines=1, max_lines=3, elem_id="task-question")
            passage = gr.Textbox(texts.PASSAGE, label="Passage", lines=5, max_lines=12, elem_id="task-passage")
            with gr.Row(elem_classes="pg-actions"):
                go = gr.Button("Answer", elem_classes="pg-do", size="sm", scale=0, min_width=100, elem_id="task-answer")
        with gr.Column(scale=1, min_width=320):
            sentence = Panel(live=True, elem_id="task-answer-words")
            marks = Panel(live=True, elem_id="task-answer-passage")
            others = Panel(elem_id="task-answer-others")
    figure = PlotlyView(label="Starts and ends", height=420, visible=False, elem_id="task-spans")
    Panel(markup.explanation(*texts.ANSWER_ABOUT))
    outputs: dict[str, Any] = {"sentence": sentence, "marks": marks, "others": others, "figure": figure}
    wires: dict[str, Any] = {
        "inputs": {"question": question, "passage": passage}, "request": QuestionRequest, "outputs": outputs,
    }  # fmt: skip
    view.draws(draw, **wires)
    bind([go.click, question.submit], find, page=view.page, **wires, trigger_mode="once", **GENERATES)


def draw(page: PageContext, request: QuestionRequest) -> Outputs:
    """A reader answers at once; a language model once it is asked to."""
    model = page.model()
    if model.head is not None and model.head.task == "answer":
        return find(page, request)
    how = texts.WRITES if model.capabilities.chat else f"is no reader, and {model.capabilities.chat.reason}."
    words = texts.ANSWER_READY.format(model=model.model_id, how=how)
    empty = {"marks": "", "others": "", "figure": figure_or_nothing(None)}
    return {"sentence": markup.note(words)} | empty


def find(page: PageContext, request: QuestionRequest) -> Outputs:
    """The answer, marked in the passage."""
    model = page.model()
    reads = model.head is not None and model.head.task == "answer"
    return _read(model, request) if reads else _write(model, request)


def _read(model: "LoadedModel", request: QuestionRequest) -> Outputs:
    from playground.tasks.answer import MAX_ANSWER_TOKENS, answer

    result = answer(model, request.question, request.passage)
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
    rows = [[markup.text(span.text), percent(span.probability), minus(span.score)] for span in result.spans]
    tokens = [token.text for token in result.windows[best.window].tokens]
    figure = span_figure(
        result.starts[best.window].numpy(), result.ends[best.window].numpy(), tokens, (best.first, best.last),
        MAX_ANSWER_TOKENS,
    )  # fmt: skip
    return {
        "sentence": markup.note(words),
        "marks": marked(request.passage, [(best.start, best.end, percent(best.probability), 0)]),
        "others": markup.table(["answer", "probability", "score"], rows),
        "figure": figure_or_nothing(figure),
    }


def _write(model: "LoadedModel", request: QuestionRequest) -> Outputs:
    from playground.tasks.written_answer import answer_by_chat

    bench = workbench.shared()
    written = answer_by_chat(
        model, request.question, request.passage, lambda ids, settings: bench.generate(model, list(ids), settings)
    )
    words = f"{model.model_id} writes: “{written.text}” (all its words together: {percent(written.probability)}). "
    words += texts.IN_PASSAGE if written.spans else texts.NOT_IN_PASSAGE
    return {
        "sentence": markup.note(words),
        "marks": marked(request.passage, [(*span, "", 0) for span in written.spans]),
        "others": "",
        "figure": figure_or_nothing(None),
    }
