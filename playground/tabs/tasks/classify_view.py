"""Classify: the labels of the text with their probabilities, which words spoke for and against, and how good that is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.components import FollowingDropdown, Panel, PlotlyView, markup
from playground.errors import Cancelled, PlaygroundError
from playground.figures.tasks.labels import labels_figure, labels_sentence
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.detail import LEADING
from playground.tabs.shared.events import GENERATES, LATEST, QUIET
from playground.tabs.shared.long_work import WorkControl, stop_work, with_progress
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.reasons import (
    AUTOMATIC,
    NO_REASONS,
    STOP_HIDDEN,
    STOP_SHOWN,
    method_list,
    progress,
    reasons,
    reasons_view,
)
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.tasks.inputs import example_chips
from playground.texts import tasks as texts
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.classification import Classification
    from playground.tasks.classify import Layer
    from playground.tasks.token_scores import TokenScore

NAME, TITLE = "classify", "Classify"


@dataclass(frozen=True)
class LabelsRequest:
    """How the text is classified, and how the answer is explained."""

    way: str | None = None
    labels: str = texts.LABELS
    template: str = ""
    lines: str = ""
    method: str = AUTOMATIC
    against: str | None = None
    control: WorkControl = field(default_factory=WorkControl)


def build(view: View) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        way = FollowingDropdown(
            [texts.WORDS_WAY], value=texts.WORDS_WAY, label=texts.WAY, min_width=330, elem_id="task-way"
        )
        labels = gr.Textbox(texts.LABELS, label=texts.LABELS_LABEL, lines=1, min_width=180, elem_id="task-labels")
        method = method_list("task-method")
        against = FollowingDropdown([], label=texts.AGAINST, visible=False, elem_id="task-against")
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            figure = PlotlyView(label="Labels", height=200, elem_id="task-probabilities", elem_classes=LEADING)
            sentence = Panel(markup.note(texts.WAITING), live=True, elem_id="task-sentence")
            example_chips(view.page, *[name for name in texts.EXAMPLES if name != "names"])
            with gr.Row(elem_classes="pg-actions"):
                good = gr.Button(texts.HOW_GOOD, size="sm", scale=0, min_width=230, elem_id="task-good")
                stop = gr.Button("Stop", size="sm", scale=0, min_width=80, visible=False, elem_id="task-good-stop")
            how_good = Panel(live=True, elem_id="task-how-good")
        with gr.Column(scale=1, min_width=320):
            control = gr.State(WorkControl())
            why = reasons_view("task-why", control)
    with gr.Accordion("Template and lines", open=False):
        template = gr.Textbox(
            "Review: {text}\nSentiment: {label}", label=texts.TEMPLATE_LABEL, info=texts.TEMPLATE_HELP, lines=2,
            elem_id="task-template",
        )  # fmt: skip
        lines = gr.Textbox(
            "", label=texts.LINES_LABEL, info=texts.LINES_HELP, lines=3, max_lines=10, elem_id="task-lines"
        )
    Panel(markup.explanation(*texts.CLASSIFY_ABOUT))

    inputs: dict[str, Any] = {
        "way": way, "labels": labels, "template": template, "lines": lines, "method": method, "against": against,
        "control": control,
    }  # fmt: skip
    outputs: dict[str, Any] = {
        "figure": figure, "sentence": sentence, "way": way, "labels": labels, "against": against,
    } | why  # fmt: skip
    wires: dict[str, Any] = {"inputs": inputs, "request": LabelsRequest, "outputs": outputs}
    view.draws(draw, **wires)
    typed = [labels.submit, labels.blur, template.blur, lines.blur]
    bind([way.input, method.input, against.input, *typed], draw, page=view.page, **wires, **LATEST)
    measuring = gr.State(WorkControl())
    bind(
        good.click, measure, page=view.page, inputs=inputs | {"control": measuring}, request=LabelsRequest,
        outputs={"how_good": how_good, "stop": stop}, trigger_mode="once", **GENERATES,
    )  # fmt: skip
    stop.click(stop_work, measuring, None, **QUIET)


def draw(page: PageContext, request: LabelsRequest) -> Iterator[Outputs]:
    """The text's labels, and why; of a long text how far it is before that."""
    model, control = page.model(), request.control
    ways = ways_of(model)
    nothing = NO_REASONS | {"figure": figure_or_nothing(None)}
    if not ways:
        reason = model.head and f"it {model.head.words}" or "it gives no vector of a text"
        yield nothing | {"sentence": markup.note(texts.NO_WAY.format(reason=reason)), "way": gr.update(visible=False)}
        return
    way, control.stop = (request.way if request.way in ways else ways[0]), False
    try:
        result, taught = yield from with_progress(
            lambda tick: classified(model, page.text, request, way, tick), control, "Reading",
            partial(progress, texts.READING_WINDOWS),
        )  # fmt: skip
    except Cancelled:
        yield nothing | {"sentence": markup.note(texts.READING_STOPPED)}
        return
    names = [label.name for label in result.ranking]
    others = [name for name in names[1:]] if result.function == "softmax" else []
    against = request.against if request.against in others else (others[0] if others else None)
    outputs = {
        "figure": figure_or_nothing(labels_figure(result)),
        "sentence": markup.note(labels_sentence(result)),
        "way": gr.update(choices=ways, value=way, visible=len(ways) > 1),
        "labels": gr.update(visible=way == texts.WORDS_WAY),
        "against": gr.update(choices=others, value=against, visible=len(others) > 1),
    }

    def score() -> "TokenScore":
        from playground.tasks.explain import explained_label

        return explained_label(model, page.text, result, against or "", template=template_of(request), taught=taught)

    key = result.way, request.lines if taught else ""
    for parts in reasons(model, score, request.method, control, result.way == "words", key):
        yield outputs | parts
        outputs = {}


def ways_of(model: "LoadedModel") -> list[str]:
    """How this model can classify, the best way first."""
    from playground.tasks.label_words import why_no_words

    ways = []
    if model.head is not None:
        return [texts.HEAD_WAY] if model.head.task == "classify" else []
    if not why_no_words(model):
        ways.append(texts.WORDS_WAY)
    if model.capabilities.hidden_states:
        ways.append(texts.TAUGHT_WAY)
    return ways


def classified(
    model: "LoadedModel",
    text: str,
    request: LabelsRequest,
    way: str,
    tick: Callable[[float], None] = lambda share: None,
) -> tuple["Classification", "Layer | None"]:
    """The text's labels by the chosen way, and the layer if one was taught."""
    from playground.tasks.classify import classify

    if way == texts.TAUGHT_WAY:
        taught = taught_layer(model, request.lines)
        return classify(model, text, taught=taught), taught
    labels = labels_of(request) if way == texts.WORDS_WAY else ()
    if way == texts.WORDS_WAY and not labels:
        raise PlaygroundError("There are no labels.", "Name two or more, with commas between.")
    return classify(model, text, labels, template_of(request), tick=tick), None


def labels_of(request: LabelsRequest) -> tuple[str, ...]:
    """The labels that were typed, with commas (also Chinese ones) or lines between."""
    typed = (request.labels or "").replace("，", ",").replace("、", ",").replace("\n", ",")
    return tuple(name for label in typed.split(",") if (name := label.strip()))


def template_of(request: LabelsRequest) -> str:
    """The template that was typed; the usual one without."""
    from playground.tasks.label_words import TEMPLATE

    return request.template or TEMPLATE


def taught_layer(model: "LoadedModel", lines: str) -> "Layer":
    """The layer taught on these lines, or on ours; kept among the workbench's results."""
    from playground.tasks.classify import Layer
    from playground.tasks.sentiment import teaching_lines
    from playground.training.classifier import train_classifier

    used = lines if (lines or "").strip() else teaching_lines()

    def teach() -> tuple:
        taught = train_classifier(model, used)
        return taught.labels, taught.weight, taught.bias

    return Layer(model, *workbench.shared().memo(model, ("taught", used), teach))


def measure(page: PageContext, request: LabelsRequest) -> Iterator[Outputs]:
    """How often the model is right on our 100 examples, with how far it is before that."""
    from playground.tasks.sentiment import sentiment_accuracy

    model, control = page.model(), request.control
    control.stop = False
    ways = ways_of(model)
    if not ways:
        raise PlaygroundError(f"{model.model_id} can't classify.", "Choose a classifier or a language model.")
    way = request.way if request.way in ways else ways[0]

    def shown(share: float, seconds: float) -> Outputs:
        words = f"{round(100 * share)} of 100 examples."
        return {"how_good": markup.progress(words, share, seconds), "stop": STOP_SHOWN}

    try:
        whole, english, chinese = yield from with_progress(
            lambda tick: sentiment_accuracy(lambda text: classified(model, text, request, way)[0].best.name, tick),
            control,
            "The measurement",
            shown,
        )
    except Cancelled:
        yield {"how_good": markup.note("Stopped."), "stop": STOP_HIDDEN}
        return
    low, high = whole.interval
    yield {
        "how_good": markup.note(
            f"{model.model_id} by {way}: {whole.right} of {whole.count} right (95 % interval {percent(low)} to "
            f"{percent(high)}); English {english.right} of {english.count}, Chinese {chinese.right} of {chinese.count}. The "
            f"same answer to all would be right {percent(whole.most_frequent)} of the time."
        ),
        "stop": STOP_HIDDEN,
    }
