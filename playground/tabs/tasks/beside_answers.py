"""Side by side for answers: two questions, two passages or two models; what each answers, and which words made it."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.analysis.tasks.word_changes import word_changes
from playground.catalog import CATALOG
from playground.components import FollowingDropdown, Panel, markup
from playground.components.shaded_text import marked
from playground.errors import Cancelled, PlaygroundError
from playground.tabs.shared.events import GENERATES, LATEST
from playground.tabs.shared.long_work import WorkControl, with_progress
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.reasons import AUTOMATIC, NO_REASONS, Method, method_list, progress, reasons, reasons_view
from playground.tabs.shared.second_model import second_model
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.tasks.answer_writing import AnswerTask, written_answer
from playground.texts import tasks as texts
from playground.texts.numbers import minus, percent

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.token_scores import TokenScore

QUESTIONS, PASSAGES, MODELS = "two questions", "two passages", "two models"
NO_ANSWERS: Outputs = {"sentence": markup.note(texts.COMPARE_ANSWERS)} | {
    f"{side}_{name}": value for side in ("one", "two") for name, value in (NO_REASONS | {"answer": ""}).items()
}
"""Before two answers are compared."""


@dataclass(frozen=True)
class AnswersRequest:
    """What is asked, and what differs between the two."""

    what: str = QUESTIONS
    question: str = texts.QUESTION
    passage: str = texts.PASSAGE
    other_question: str = texts.SECOND_QUESTION
    other_passage: str = texts.SECOND_PASSAGE
    other_model: str | None = None
    method: str = AUTOMATIC
    control: WorkControl = field(default_factory=WorkControl)


@dataclass(frozen=True)
class Side:
    """One of the two."""

    name: str
    model: "LoadedModel"
    question: str
    passage: str


@dataclass(frozen=True)
class Answered:
    """What one of them answers."""

    words: str
    places: list[tuple[int, int, str, int]]
    """Marks in the passage, see `shaded_text.marked`."""
    score: "Callable[[], TokenScore]"
    by_words: bool
    """Whether it was written."""


class AnswersRoom:
    """The components; builds them where it is made."""

    def __init__(self, view: View) -> None:
        with gr.Row(elem_classes="pg-controls pg-slim"):
            what = gr.Dropdown(
                [QUESTIONS, PASSAGES, MODELS], value=QUESTIONS, label=texts.BESIDE, min_width=200,
                elem_id="beside-answers-what",
            )  # fmt: skip
            method = method_list("beside-answers-method")
            model = FollowingDropdown(
                list(CATALOG), label=texts.SECOND_MODEL, visible=False, elem_id="beside-answers-model",
                allow_custom_value=not workbench.shared().settings.catalog_only,
            )  # fmt: skip
        with gr.Row(equal_height=False):
            question, passage = _boxes(texts.QUESTION, texts.PASSAGE, texts.FIRST_ASKED, "beside-one")
            other_question, other_passage = _boxes(
                texts.SECOND_QUESTION, texts.SECOND_PASSAGE, texts.SECOND_ASKED, "beside-two"
            )
        other_passage.visible = False
        with gr.Row(elem_classes="pg-actions"):
            go = gr.Button(
                texts.COMPARE, elem_classes="pg-lead-do", scale=0, min_width=120, elem_id="beside-answers-go"
            )
        sentence, control = Panel(live=True, elem_id="beside-answers-sentence"), gr.State(WorkControl())
        self.answered = gr.State(())
        self.outputs: dict[str, Any] = {"sentence": sentence, "answered": self.answered}
        with gr.Row(equal_height=False):
            for side in ("one", "two"):
                with gr.Column(scale=1, min_width=320):
                    self.outputs[f"{side}_answer"] = Panel(live=True, elem_id=f"beside-answer-{side}")
                    parts = reasons_view(f"beside-answer-{side}-why", control)
                    self.outputs |= {f"{side}_{name}": part for name, part in parts.items()}
        self._inputs: dict[str, Any] = {
            "what": what, "question": question, "passage": passage, "other_question": other_question,
            "other_passage": other_passage, "other_model": model, "method": method, "control": control,
        }  # fmt: skip
        seconds = {"other_question": other_question, "other_passage": other_passage, "other_model": model}
        wires: dict[str, Any] = {"page": view.page, "inputs": self._inputs, "request": AnswersRequest}
        bind(what.input, choose, **wires, outputs=self.outputs | seconds, **LATEST)
        bind(
            [go.click, question.submit, other_question.submit], compare_answers, **wires, outputs=self.outputs,
            trigger_mode="once", **GENERATES,
        )  # fmt: skip


def _boxes(question: str, passage: str, labels: tuple[str, str], name: str) -> tuple[gr.Textbox, gr.Textbox]:
    with gr.Column(scale=1, min_width=320):
        one = gr.Textbox(question, label=labels[0], lines=1, max_lines=3, elem_id=f"{name}-question")
        return one, gr.Textbox(passage, label=labels[1], lines=3, max_lines=8, elem_id=f"{name}-passage")


def can_answer(model: "LoadedModel") -> bool:
    """Whether a model reads passages or chats about them."""
    return bool(model.capabilities.chat) if model.head is None else model.head.task == "answer"


def choose(page: PageContext, request: AnswersRequest) -> Outputs:
    """The boxes of what differs; what was compared before goes."""
    fields = {"other_question": QUESTIONS, "other_passage": PASSAGES, "other_model": MODELS}
    return NO_ANSWERS | {name: gr.update(visible=request.what == what) for name, what in fields.items()}


def compare_answers(page: PageContext, request: AnswersRequest) -> Iterator[Outputs]:
    """Both answers, marked in their passages, then what made each."""
    control = request.control
    control.stop = False
    yield NO_ANSWERS | {"sentence": ""}
    try:
        sides = yield from _sides(page, request)
        results = yield from with_progress(
            lambda tick: _both(sides, tick),
            control, "Answering", lambda share, seconds: _named("one", progress(texts.ANSWERING, share, seconds)),
        )  # fmt: skip
    except Cancelled:
        yield NO_ANSWERS | {"sentence": markup.note(texts.READING_STOPPED)}
        return
    changed = word_changes(sides[0].question, sides[1].question)
    outputs: Outputs = {"sentence": "", "answered": page.model().key, **_named("one", NO_REASONS)}
    for number, (name, side, result) in enumerate(zip(("one", "two"), sides, results, strict=True)):
        asked = marked(side.question, [(start, end, "", number) for start, end in changed[number]])
        outputs[f"{name}_answer"] = (
            markup.note(side.name) + asked + markup.note(result.words) + marked(side.passage, result.places)
        )
    for name, side, result in zip(("one", "two"), sides, results, strict=True):
        key = "beside answers", side.question, side.passage, result.words
        for parts in reasons(side.model, result.score, Method(request.method, result.by_words), control, key):
            yield outputs | _named(name, parts)
            outputs = {}


def _sides(page: PageContext, request: AnswersRequest) -> Generator[Outputs, None, tuple[Side, Side]]:
    model = page.model()
    first = Side(model.model_id, model, request.question or "", request.passage or "")
    if request.what == MODELS:
        if not request.other_model:
            raise PlaygroundError("There is no second model.", "Choose one.")
        other = yield from second_model(page, request.other_model, request.control)
        return first, replace(first, name=other.model_id, model=other)
    if request.what == PASSAGES:
        second = replace(first, passage=request.other_passage or "")
    else:
        second = replace(first, question=request.other_question or "")
    names = texts.FIRST_ASKED, texts.SECOND_ASKED
    which = 1 if request.what == PASSAGES else 0
    return replace(first, name=names[0][which]), replace(second, name=names[1][which])


def _both(sides: tuple[Side, Side], tick: Callable[[float], None]) -> "tuple[Answered, Answered]":
    first = _answered(sides[0], lambda share: tick(share / 2))
    return first, _answered(sides[1], lambda share: tick((1 + share) / 2))


def _answered(side: Side, tick: Callable[[float], None]) -> Answered:
    """PlaygroundError for a model that neither reads passages nor chats."""
    from playground.tasks.answer import answer
    from playground.tasks.head_scores import span_score
    from playground.tasks.written_scores import text_of_answer, whole_score

    model, question, passage = side.model, side.question, side.passage
    if model.head is not None:
        result = answer(model, question, passage, tick=tick)
        best = result.best
        margin = result.margin
        words = f"“{best.text}” with {percent(best.probability)}, {minus(abs(margin))} nats "
        words += "above “no answer”." if margin >= 0 else "below “no answer”: the reader found none."
        places = [(best.start, best.end, percent(best.probability), 0)]
        return Answered(
            words, places, lambda: span_score(model, question, passage, (best.first, best.last)), by_words=False
        )
    task = AnswerTask(model.key, question, passage)
    written = written_answer(model, task, tick)
    words = f"It writes: “{written.text}” (all its words together: {percent(written.probability)})."
    places = [(start, end, "", 0) for start, end in written.spans]
    return Answered(
        words, places, lambda: whole_score(model, text_of_answer(model, written, question, passage)), by_words=True
    )


def _named(side: str, parts: Outputs) -> Outputs:
    return {f"{side}_{name}": value for name, value in parts.items()}
