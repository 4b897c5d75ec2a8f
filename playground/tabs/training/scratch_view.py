"""The transformer from scratch: its code, its logits beside the trained model's, and the usual mistakes as switches."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from playground import workbench
from playground.analysis.text_display import power_of_ten
from playground.analysis.training.outcome import OUTCOMES
from playground.components import Panel, PlotlyView, markup
from playground.errors import PlaygroundError
from playground.figures.training.comparison import comparison_figure, comparison_words
from playground.tabs.shared.events import RUNS_MODEL
from playground.tabs.shared.handler_errors import ErrorWithOutputs
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import OF_RUN
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.training.handlers import snapshot_of
from playground.tabs.training.one_at_a_time import STREAMS, ends, one_at_a_time
from playground.tabs.training.requests import WatchControls, WatchRequest
from playground.tabs.training.sentences import waiting_words
from playground.texts import training as texts
from playground.training import lessons
from playground.training.waiting import Waiting

NAME, TITLE = "scratch", texts.SCRATCH_TITLE
CODE = [Path(lessons.__file__).with_name(name) for name in ("scratch.py", "scratch_encoder_decoder.py")]


@dataclass(frozen=True)
class MistakeRequest:
    """A mistake, and what the visitor expects of it."""

    mistake: str
    prediction: str | None


def build(view: View, shared: WatchControls) -> None:
    """Builds the view and connects it. shared: the run of the lesson, whose weights the code takes."""
    page = view.page
    Panel(f"<p class='pg-lead'>{texts.SCRATCH_LEAD}</p>")
    mistake = gr.Radio(
        [(title, name) for name, title in lessons.MISTAKES.items()], value="no_mask", label="Mistake",
        elem_id="train-mistake",
    )  # fmt: skip
    prediction = gr.Radio(list(OUTCOMES), label=texts.PREDICTION, elem_id="train-prediction")
    with gr.Row(elem_classes="pg-actions"):
        go = gr.Button(
            "Train both", elem_classes="pg-lead-do", size="sm", scale=0, min_width=110, elem_id="train-compare"
        )
        stop = gr.Button("Stop", size="sm", scale=0, min_width=80, interactive=False, elem_id="train-compare-stop")
    sentence = Panel(markup.note(texts.COMPARING), live=True, elem_id="train-compared")
    figure = PlotlyView(
        label="Two losses", height=300, waiting=texts.TWO_CURVES, elem_id="train-two-losses", python=OF_RUN
    )
    with gr.Accordion("The code", open=False):
        for file in CODE:
            gr.Code(file.read_text(encoding="utf-8"), language="python", interactive=False, label=file.name)
    with gr.Row(elem_classes="pg-actions"):
        check = gr.Button(texts.CHECK, size="sm", scale=0, min_width=320, elem_id="train-check")
    badge = Panel(live=True, elem_id="train-checked")
    Panel(markup.explanation(*texts.SCRATCH_ABOUT))
    comparing = bind(
        go.click, compare, page=page, inputs={"mistake": mistake, "prediction": prediction}, request=MistakeRequest,
        outputs={"figure": figure, "sentence": sentence, "go": go, "stop": stop}, **STREAMS,
    )  # fmt: skip
    ends(stop, comparing, go, sentence, texts.COMPARE_STOPPED)
    bind(
        check.click, compare_logits, page=page, inputs=shared.inputs, request=WatchRequest, outputs={"badge": badge},
        **RUNS_MODEL,
    )  # fmt: skip


@one_at_a_time({"figure": None, "sentence": markup.note(texts.COMPARING)})
def compare(page: PageContext, request: MistakeRequest) -> Iterator[Outputs]:
    """Trains the right code and the wrong one beside each other, once the visitor has said what to expect."""
    if request.prediction not in OUTCOMES:
        raise PlaygroundError(*texts.PREDICT)
    name = lessons.MISTAKES.get(request.mistake, "")
    with closing(workbench.shared().runs.compare(request.mistake)) as steps:
        for now in steps:
            if isinstance(now, Waiting):
                yield {"sentence": markup.note(waiting_words(now) or texts.COMPARING)}
                continue
            right, wrong = now.losses
            words = f"Step {len(right)} of {now.steps}."
            if now.finished:
                words = comparison_words(right, wrong, now.answers, name, request.prediction)
                words += f" {texts.WHY[request.mistake]}"
            yield {
                "figure": comparison_figure(right, wrong, name, now.steps), "sentence": markup.note(words),
                "source": {
                    "model": f"from scratch, with and without: {name}", "revision": f"step {len(right)}",
                    "precision": "float32", "source": "trained here", "tab": "Train", "view": TITLE, "text": "",
                    "settings": {"mistake": request.mistake},
                },
            }  # fmt: skip


def compare_logits(page: PageContext, request: WatchRequest) -> Outputs:
    """The logits of the code from scratch, with the snapshot's weights in it, beside those of transformers."""
    from playground.training.scratch_weights import largest_difference

    if not request.watched.code:
        raise ErrorWithOutputs(PlaygroundError(*texts.NOTHING_TO_COMPARE), {"badge": ""})
    live, snapshot = snapshot_of(request)
    nearest = live.run.history.nearest_with_weights(snapshot.step)
    try:
        value = largest_difference(live.run.net_at(nearest), live.run.task.held_out())
    except PlaygroundError as error:  # a badge of another model would stand beside it
        raise ErrorWithOutputs(error, {"badge": ""}) from error
    state = "ok" if value < 1e-5 else "warn"
    lesson = lessons.LESSONS[live.recipe.lesson].title
    words = texts.CHECKED.format(value=power_of_ten(value), lesson=lesson, step=nearest.step)
    return {"badge": markup.badge(state, words)}
