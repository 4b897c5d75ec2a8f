"""Classify: a linear layer on the loaded model's vectors is taught the visitor's labels, in seconds."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import gradio as gr

from playground.analysis.tasks.accuracy import wilson_interval
from playground.components import Panel, markup
from playground.errors import Cancelled
from playground.figures.training.columns import columns_words
from playground.tabs.shared.events import QUIET
from playground.tabs.shared.long_work import WorkControl, in_steps, stop_work
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.training.number_fields import MOST_CHARACTERS
from playground.tabs.training.one_at_a_time import STREAMS, one_at_a_time
from playground.tabs.training.requests import WatchControls
from playground.tasks.sentiment import english_lines
from playground.texts import training as texts
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.training.classifier import Classifier

NAME, TITLE = "classify", "Classify"
MAX_EXAMPLES = 20
"""Texts of one's own that are classified at once."""


@dataclass(frozen=True)
class ClassifyRequest:
    """Texts with labels, and texts to be labelled."""

    lines: str
    examples: str
    control: WorkControl = field(default_factory=WorkControl)


def build(view: View, shared: WatchControls) -> None:
    """Builds the view and connects it."""
    Panel(f"<p class='pg-lead'>{texts.CLASSIFY_LEAD}</p>")
    with gr.Row():
        with gr.Column(scale=1, min_width=320):
            lines = gr.Textbox(
                english_lines(), label="On each line a text, a tab, semicolon or comma, and its label", lines=8,
                max_lines=12, max_length=MOST_CHARACTERS, elem_id="classify-lines",
            )  # fmt: skip
            examples = gr.Textbox(
                texts.CLASSIFY_EXAMPLES, label="Then label these", lines=3, elem_id="classify-examples"
            )
            with gr.Row(elem_classes="pg-actions"):
                go = gr.Button(
                    "Teach", elem_classes="pg-lead-do", size="sm", scale=0, min_width=100, elem_id="classify-go"
                )
                stop = gr.Button("Stop", size="sm", scale=0, min_width=80, interactive=False, elem_id="classify-stop")
        with gr.Column(scale=1, min_width=320):
            sentence = Panel(markup.note(texts.CLASSIFY_READY), live=True, elem_id="classify-words")
            answers = Panel(live=True, elem_id="classify-answers")
    Panel(markup.explanation(*texts.CLASSIFY_ABOUT))
    control = gr.State(WorkControl())
    bind(
        go.click, teach, page=view.page, inputs={"lines": lines, "examples": examples, "control": control},
        request=ClassifyRequest, outputs={"sentence": sentence, "answers": answers, "go": go, "stop": stop},
        trigger_mode="once", **STREAMS,
    )  # fmt: skip
    stop.click(stop_work, control, None, **QUIET)


@one_at_a_time({"sentence": markup.note(texts.CLASSIFY_READY), "answers": ""})
def teach(page: PageContext, request: ClassifyRequest) -> Iterator[Outputs]:
    """Teaches the labels, with how far it is, and labels the other texts."""
    from playground.training.classifier import train_classifier

    if not page.model_id:
        yield {"sentence": markup.note(texts.STILL_LOADING)}
    model, control, started = page.awaited_model(), request.control, time.monotonic()
    control.stop = False
    classifier: Classifier | None = None
    try:
        for share, classifier in in_steps(
            lambda tick: train_classifier(model, request.lines, tick=tick), control, "Teaching"
        ):
            if classifier is None:
                yield {"sentence": markup.progress(texts.CLASSIFYING, share, time.monotonic() - started)}
    except Cancelled:
        yield {"sentence": markup.note(texts.CLASSIFY_STOPPED)}
        return
    assert classifier is not None, "the last step has the result"
    examples = [line.strip() for line in (request.examples or "").splitlines() if line.strip()][:MAX_EXAMPLES]
    rows = [
        [markup.theirs(text), *(percent(float(value)) for value in row)]
        for text, row in zip(examples, classifier.probabilities(examples) if examples else [], strict=True)
    ]
    head = ["text", *classifier.labels]
    table = markup.table(head, rows) if rows else ""
    yield {"sentence": markup.note(_taught_words(classifier)), "answers": table}


def _taught_words(classifier: "Classifier") -> str:
    """What was learned, with the interval that so few held-out texts leave."""
    count, loss, accuracy = classifier.held_out
    low, high = wilson_interval(round(accuracy * count), count)
    words = texts.CLASSIFIED.format(
        model=classifier.model.model_id, first=classifier.losses[0], labels=len(classifier.labels),
        last=classifier.losses[-1], steps=len(classifier.losses), count=count, loss=loss, right=percent(accuracy),
        low=percent(low), high=percent(high), common=percent(classifier.most_common),
    )  # fmt: skip
    if low <= max(classifier.most_common, 1 / len(classifier.labels)):
        words += f" {texts.CLASSIFY_CHANCE}"
    return f"{words} {columns_words(classifier.columns, 'text', 'label')}".rstrip()
