"""Classify: the labels of the text with their probabilities, which words spoke for and against, and how good that is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.components import Panel, PlotlyView, markup
from playground.errors import Cancelled, PlaygroundError
from playground.figures.tasks.labels import MAX_BARS, labels_figure, labels_sentence
from playground.tabs.shared.controls import choices_of_text, figure_or_nothing
from playground.tabs.shared.detail import LEADING
from playground.tabs.shared.events import LATEST
from playground.tabs.shared.handler_errors import ErrorWithOutputs
from playground.tabs.shared.long_work import WorkControl, with_progress
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.reasons import AUTOMATIC, NO_REASONS, Method, method_list, progress, reasons, reasons_view
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.tasks.how_good import HowGood, measured, right_words
from playground.tabs.tasks.inputs import example_chips
from playground.tabs.tasks.labelling import (
    LabelControls,
    Labelling,
    classified,
    label_controls,
    reading_words,
    template_of,
    ways_of,
)
from playground.texts import tasks as texts
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.analysis.tasks.accuracy import Accuracy
    from playground.tasks.token_scores import TokenScore

NAME, TITLE = "classify", "Classify"


@dataclass(frozen=True)
class LabelsRequest(Labelling):
    """How the text is classified, and how the answer is explained."""

    method: str = AUTOMATIC
    against: str | None = None
    control: WorkControl = field(default_factory=WorkControl)


def build(view: View) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        how = LabelControls("task")
        method = method_list("task-method")
        against = choices_of_text(texts.AGAINST, "task-against", visible=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            figure = PlotlyView(label="Labels", height=200, elem_id="task-probabilities", elem_classes=LEADING)
            sentence = Panel(markup.note(texts.WAITING), live=True, elem_id="task-sentence")
            example_chips(view.page, *[name for name in texts.EXAMPLES if name != "names"])
            good = HowGood(texts.HOW_GOOD, "task-good", "task-how-good")
            python = Panel(elem_id="task-python")
        with gr.Column(scale=1, min_width=320):
            control = gr.State(WorkControl())
            why = reasons_view("task-why", control)
    how.build_more()
    Panel(markup.explanation(*texts.CLASSIFY_ABOUT))

    inputs: dict[str, Any] = how.inputs | {"method": method, "against": against, "control": control}
    outputs: dict[str, Any] = {
        "figure": figure,
        "sentence": sentence,
        "python": python,
        "against": against,
        **how.outputs,
        **why,
    }
    wires: dict[str, Any] = {"inputs": inputs, "request": LabelsRequest, "outputs": outputs}
    view.draws(draw, **wires)
    bind([method.input, against.input, *how.events], draw, page=view.page, **wires, **LATEST)
    good.connect(view, measure, inputs, LabelsRequest)


def draw(page: PageContext, request: LabelsRequest) -> Iterator[Outputs]:
    """The text's labels, and why; of a long text how far it is before that."""
    from playground.tasks.scripts import classify_script, labels_picture

    model, control = page.model(), request.control
    ways = ways_of(model)
    nothing = NO_REASONS | {"figure": figure_or_nothing(None), "python": ""}
    if not ways:
        reason = model.head and f"it {model.head.words}" or "it gives no vector of a text"
        yield nothing | {"sentence": markup.note(texts.NO_WAY.format(reason=reason)), "way": gr.update(visible=False)}
        return
    way, control.stop = (request.way if request.way in ways else ways[0]), False
    try:
        result, taught = yield from with_progress(
            lambda tick: classified(model, page.text, request, way, tick), control, "Reading",
            partial(
                progress, reading_words(way),
                stale=nothing | {"sentence": ""},
            ),
        )  # fmt: skip
    except Cancelled:
        yield nothing | {"sentence": markup.note(texts.READING_STOPPED)}
        return
    except PlaygroundError as error:  # bad labels, for one: what is shown is of others
        cleared = nothing | label_controls(ways, way) | {"sentence": "", "against": gr.update(visible=False)}
        raise ErrorWithOutputs(error, cleared) from error
    names = [label.name for label in result.ranking]
    others = [name for name in names[1:]] if result.function == "softmax" else []
    against = request.against if request.against in others else (others[0] if others else None)
    outputs = {
        "figure": figure_or_nothing(labels_figure(result)),
        script_output("figure"): labels_picture(model, page.text, result, template_of(request), MAX_BARS),
        "sentence": markup.note(labels_sentence(result)),
        "python": markup.script(texts.SHOW_PYTHON, classify_script(model, page.text, result, template_of(request))),
        **label_controls(ways, way),
        "against": gr.update(choices=others, value=against, visible=len(others) > 1),
    }

    def score() -> "TokenScore":
        from playground.tasks.explain import explained_label

        return explained_label(
            model, page.text, result, ("", against or ""), template=template_of(request), taught=taught
        )

    key = result.way, request.lines if taught else ""
    for parts in reasons(model, score, Method(request.method, result.way == "words"), control, key):
        yield outputs | parts
        outputs = {}


def measure(page: PageContext, request: LabelsRequest) -> Iterator[Outputs]:
    """How often the model is right on our 100 examples, with how far it is before that."""
    from playground.tasks.sentiment import examples, sentiment_accuracy

    model, ways = page.model(), ways_of(page.model())
    if not ways:
        raise PlaygroundError(f"{model.model_id} can't classify.", "Choose a classifier or a language model.")
    way = request.way if request.way in ways else ways[0]

    def words(result: "tuple[Accuracy, Accuracy, Accuracy]") -> str:
        same = percent(result[0].most_frequent)
        return f"{model.model_id} by {way}: {right_words(*result)} The same answer to all would be right {same} of the time."

    yield from measured(
        lambda tick: sentiment_accuracy(lambda text: classified(model, text, request, way)[0].best.name, tick),
        len(examples()), request.control, words,
    )  # fmt: skip
