"""Summarise: a passage in few sentences, which of its words are copied, and where each sentence comes from."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.analysis.text_display import plain_mark
from playground.components import FollowingDropdown, Panel, markup
from playground.components.shaded_text import marked, shaded
from playground.errors import Cancelled, PlaygroundError
from playground.figures.tasks.written import looked_at_pieces, summary_sentence
from playground.tabs.shared.events import GENERATES, LATEST
from playground.tabs.shared.long_work import WorkControl, in_steps
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.reasons import STOP_HIDDEN, STOP_SHOWN
from playground.tabs.shared.stop_button import stop_button
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import ErrorWithOutputs, Outputs, bind
from playground.tabs.tasks.how_good import HowGood, measured, right_words
from playground.tabs.tasks.translation_request import size_of
from playground.tabs.tasks.written_scripts import ScriptOf, others_in_parts
from playground.tabs.tasks.written_tokens import (
    NO_TOKENS,
    TokenChoice,
    WrittenTokens,
    picked,
    step_of,
    token_reasons,
    tokens_view,
)
from playground.texts import tasks as texts
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.generation.steps import Step
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.summarise import SentenceSource, Summary
    from playground.tasks.summary_accuracy import SummaryAccuracy

NAME, TITLE = "summarise", "Summarise"
MARK = 3
"""Colour of new words."""


@dataclass(frozen=True)
class Summarised:
    """What was summarised last."""

    model: tuple[str, ...] = ()
    passage: str = ""
    ask: str | None = None


@dataclass(frozen=True)
class SummariseRequest:
    """A passage, how the model is asked, and the sentence whose source is looked for."""

    passage: str = texts.SUMMARY_PASSAGE
    ask: str = ""
    chosen: int | None = None
    last: Summarised = Summarised()
    control: WorkControl = field(default_factory=WorkControl)


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

    last = gr.State(Summarised())
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
    if request.last.passage and request.last == _asked(model, request):
        return _shown(model, request, _summary(model, request.last))
    if reason := why_no_summary(model):
        words = f"{model.model_id} can't summarise: {reason}."
    else:
        how = texts.TRAINED_TO_WRITE if writes_from_source(model) else texts.WRITES_SUMMARY
        words = texts.SUMMARISE_READY.format(model=model.model_id, how=how)
    return _nothing() | {"sentence": markup.note(words)}


def write(page: PageContext, request: SummariseRequest) -> Iterator[Outputs]:
    """Summarises, with how far it is before that."""
    model, control, started, result = page.model(), request.control, time.monotonic(), None
    control.stop = False
    last = _asked(model, request)
    yield _nothing() | {"sentence": markup.progress("Reading the passage.", 0.0, 0.0)}
    try:
        for share, result in in_steps(lambda tick: _summary(model, last, tick), control, "The summary"):
            if result is None:
                words = markup.progress("Summarising. Stop ends it.", share, time.monotonic() - started)
                yield {"sentence": words, "stop_writing": STOP_SHOWN}
    except Cancelled:
        yield {"sentence": markup.note("Stopped."), "stop_writing": STOP_HIDDEN}
        return
    except PlaygroundError as error:
        raise ErrorWithOutputs(error, {"sentence": "", "stop_writing": STOP_HIDDEN}) from error
    assert result is not None, "the last step has the result"
    yield _shown(model, request, result) | {"last": last, "stop_writing": STOP_HIDDEN}


def look(page: PageContext, request: SummariseRequest) -> Outputs:
    """Where another sentence of the summary comes from."""
    model = page.model()
    if not request.last.passage or request.last != _asked(model, request):
        return {}
    return _sources(request, _summary(model, request.last))


def pick(page: PageContext, request: SummariseRequest, event: gr.EventData) -> Outputs:
    """What else could have stood in the place of a token."""
    model = page.model()
    if not request.last.passage or request.last != _asked(model, request):
        return {}
    result = _summary(model, request.last)
    return picked(_steps(result), event._data.get("index"), _others(model, result))


def explain(page: PageContext, request: ExplainSummary) -> Iterator[Outputs]:
    """Which words of the passage made a token of the summary."""
    from playground.tasks.written_scores import text_of_part

    model = page.model()
    if not request.last.passage or request.last != _asked(model, request):
        yield {}
        return
    if there := step_of(_summary(model, request.last).parts, request.place):
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


def _steps(result: "Summary") -> "list[Step]":
    return [step for part in result.parts for step in part.steps]


def _others(model: "LoadedModel", result: "Summary") -> ScriptOf:
    return others_in_parts(model, result.parts, model.languages.target if model.languages else "")


def _asked(model: "LoadedModel", request: SummariseRequest) -> Summarised:
    return Summarised(model.key, request.passage or "", request.ask or None)


def _summary(model: "LoadedModel", last: Summarised, tick: Any = None) -> "Summary":
    """The summary, made if it is not there."""
    from playground.tasks.summarise import summarise

    bench = workbench.shared()
    return bench.memo(
        model, ("summary", last), lambda: summarise(model, last.passage, last.ask, bench.task_runs(tick)), size_of
    )


def _nothing() -> Outputs:
    return NO_TOKENS | {
        "summary": "", "chosen": gr.update(visible=False), "looked_at": "", "shares": "", "script": "",
        "last": Summarised(),
    }  # fmt: skip


def _shown(model: "LoadedModel", request: SummariseRequest, result: "Summary") -> Outputs:
    from playground.tasks.translation_script import summary_script

    new = _new_words(result)
    return (
        tokens_view(model, _steps(result), _others(model, result))
        | {
            "summary": marked(result.text, new),
            "sentence": markup.note(summary_sentence(result) + (f" {texts.NEW_WORDS}" if new else "")),
            "script": markup.script(texts.SHOW_WRITING_PYTHON, summary_script(model, result)),
        }
        | _sources(request, result)
    )


def _new_words(result: "Summary") -> list[tuple[int, int, str, int]]:
    """The marks of words that are not the passage's; neighbours without a space between are one."""
    marks: list[tuple[int, int, str, int]] = []
    for start, end in result.copying.new:
        if marks and marks[-1][1] == start:
            start = marks.pop()[0]
        marks.append((start, end, "", MARK))
    return marks


def _sources(request: SummariseRequest, result: "Summary") -> Outputs:
    """The passage shaded by what the chosen sentence looked at, and the shares of its sentences; or why there are none."""
    from playground.tasks.summarise import sentence_sources

    sources = [source for part in result.parts for source in sentence_sources(part)]
    if not sources:
        reason = next((part.why_no_attention for part in result.parts if part.why_no_attention), "nothing was written")
        words = markup.note(texts.NO_SOURCES.format(reason=reason))
        return {"chosen": gr.update(visible=False), "looked_at": words, "shares": ""}
    number = request.chosen if isinstance(request.chosen, int) and 0 <= request.chosen < len(sources) else 0
    choices = [(f"{n + 1}: {plain_mark(source.sentence, 80)}", n) for n, source in enumerate(sources)]
    return {
        "chosen": gr.update(choices=choices, value=number, visible=True),
        "looked_at": shaded(looked_at_pieces(sources[number], result.passage)),
        "shares": _table(sources[number], result.passage),
    }


def _table(source: "SentenceSource", passage: str) -> str:
    """The sentences of the passage that got most, and the rest."""
    ranked = sorted(zip(source.shares.tolist(), source.passage, strict=True), key=lambda pair: -pair[0])[:6]
    rows = [[markup.theirs(plain_mark(passage[start:end], 90)), percent(share)] for share, (start, end) in ranked]
    rest = max(0.0, 1.0 - sum(share for share, _ in ranked))
    rows.append([markup.text("other sentences and special tokens"), percent(rest)])
    return markup.table(["sentence of the passage", "share"], rows)
