"""Summarise: a passage in few sentences, which of its words are copied, and where each sentence comes from."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.components import FollowingDropdown, Panel, markup
from playground.tabs.shared.events import GENERATES, LATEST
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.reasons import STOP_HIDDEN
from playground.tabs.shared.stop_button import stop_button
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.tasks.how_good import HowGood, measured, right_words
from playground.tabs.tasks.summary_pictures import all_steps, nothing, others, pictures, sources
from playground.tabs.tasks.summary_request import SummariseRequest, SummaryTask, summarised, task_of
from playground.tabs.tasks.writing_progress import while_writing
from playground.tabs.tasks.written_tokens import TokenChoice, WrittenTokens, picked, step_of, token_reasons
from playground.texts import tasks as texts
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.tasks.summary_accuracy import SummaryAccuracy

NAME, TITLE = "summarise", "Summarise"


@dataclass(frozen=True)
class ExplainSummary(SummariseRequest, TokenChoice):
    """A token of a summary, and how it is explained."""


def build(view: View) -> None:
    """Builds the view and connects it."""
    control = gr.State(WorkControl())
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            passage = gr.Textbox(
                texts.SUMMARY_PASSAGE, label=texts.SUMMARY_LABEL, lines=6, max_lines=14, elem_id="task-summary-passage"
            )
            with gr.Row(elem_classes="pg-actions"):
                go = gr.Button("Summarise", elem_classes="pg-lead-do", scale=0, min_width=110, elem_id="task-summarise")
                stop = stop_button("task-summarise-stop", control)
            good = HowGood(texts.HOW_GOOD_SUMMARIES, "task-summary-good", "task-summary-how-good")
        with gr.Column(scale=1, min_width=320):
            summary = Panel(live=True, elem_id="task-summary")
            sentence = Panel(live=True, elem_id="task-summary-words")
            tokens = WrittenTokens("task-summary", texts.SUMMARY_TOKENS)
    chosen = FollowingDropdown([], label=texts.SENTENCE_OF_SUMMARY, visible=False, elem_id="task-summary-sentence")
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            looked_at = Panel(elem_id="task-summary-source")
        with gr.Column(scale=1, min_width=320):
            shares = Panel(elem_id="task-summary-shares")
    with gr.Accordion(texts.ASK_LABEL, open=False):
        ask = gr.Textbox("", label=texts.ASK_LABEL, info=texts.ASK_HELP, lines=2, elem_id="task-summary-ask")
    script = Panel(elem_id="task-summary-python")
    Panel(markup.explanation(*texts.SUMMARISE_ABOUT))

    last = gr.State(SummaryTask())
    inputs: dict[str, Any] = {
        "passage": passage, "ask": ask, "chosen": chosen, "last": last, "control": control,
    }  # fmt: skip
    looks: dict[str, Any] = {"chosen": chosen, "looked_at": looked_at, "shares": shares}
    outputs = (
        looks
        | tokens.outputs
        | {"summary": summary, "sentence": sentence, "script": script, "last": last, "stop_writing": stop}
    )
    wires: dict[str, Any] = {"page": view.page, "inputs": inputs, "request": SummariseRequest}
    view.draws(draw, inputs, outputs, request=SummariseRequest)
    bind(go.click, write, **wires, outputs=outputs, trigger_mode="once", **GENERATES)
    bind(chosen.input, look, **wires, outputs=looks, **LATEST)
    tokens.connect(view, pick, explain, inputs, (SummariseRequest, ExplainSummary))
    good.connect(view, measure_summaries, inputs, SummariseRequest)


def draw(page: PageContext, request: SummariseRequest) -> Outputs:
    """The summary of the passage if this model wrote one; else what Summarise would do."""
    from playground.tasks.summarise import why_no_summary
    from playground.tasks.writing import writes_from_source

    model = page.model()
    if request.last.passage and request.last == task_of(model, request):
        return pictures(model, request, summarised(model, request.last))
    if reason := why_no_summary(model):
        words = f"{model.model_id} can't summarise: {reason}."
    else:
        how = texts.TRAINED_TO_WRITE if writes_from_source(model) else texts.WRITES_SUMMARY
        words = texts.SUMMARISE_READY.format(model=model.model_id, how=how)
    return nothing() | {"sentence": markup.note(words)}


def write(page: PageContext, request: SummariseRequest) -> Iterator[Outputs]:
    """Summarises, with how far it is before that."""
    model = page.model()
    task = task_of(model, request)
    yield nothing() | {"sentence": markup.progress("Reading the passage.", 0.0, 0.0)}
    words = "Summarising. Stop ends it."
    result = yield from while_writing(partial(summarised, model, task), request.control, "The summary", words)
    if result is not None:
        yield pictures(model, request, result) | {"last": task, "stop_writing": STOP_HIDDEN}


def look(page: PageContext, request: SummariseRequest) -> Outputs:
    """Where another sentence of the summary comes from."""
    model = page.model()
    if not request.last.passage or request.last != task_of(model, request):
        return {}
    return sources(request, summarised(model, request.last))


def pick(page: PageContext, request: SummariseRequest, event: gr.EventData) -> Outputs:
    """What else could have stood in the place of a token."""
    model = page.model()
    if not request.last.passage or request.last != task_of(model, request):
        return {}
    result = summarised(model, request.last)
    return picked(all_steps(result), event._data.get("index"), others(model, result))


def explain(page: PageContext, request: ExplainSummary) -> Iterator[Outputs]:
    """Which words of the passage made a token of the summary."""
    from playground.tasks.written_scores import text_of_part

    model = page.model()
    if not request.last.passage or request.last != task_of(model, request):
        yield {}
        return
    if there := step_of(summarised(model, request.last).parts, request.place):
        part, number = there
        text = text_of_part(model, part, model.languages.target if model.languages else "")
        yield from token_reasons(model, text, number, request, (request.last, part.window))


def measure_summaries(page: PageContext, request: SummariseRequest) -> Iterator[Outputs]:
    """How many of our 100 passages are summarised rightly, with how far it is before that."""
    from playground.tasks.summarise import summarise
    from playground.tasks.summary_accuracy import summary_accuracy

    model, ask, runs = page.model(), request.ask or None, workbench.shared().task_runs()

    def words(result: "SummaryAccuracy") -> str:
        facts, first = result.facts, percent(result.whole.most_frequent)
        return (
            f"{model.model_id}: {right_words(result.whole, result.english, result.chinese)} {texts.SUMMARY_RULE} "
            f"{facts.right} of {facts.count} facts were kept; {result.long} summaries are longer. The passage's first "
            f"sentence would be right {first} of the time."
        )

    work = partial(summary_accuracy, lambda passage: summarise(model, passage, ask, runs).text)
    yield from measured(work, 100, request.control, words)
