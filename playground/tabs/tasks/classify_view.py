"""Classify: the labels of the text with their probabilities, which words spoke for and against, and how good that is."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.analysis.tasks.attribution import METHODS
from playground.components import FollowingDropdown, Panel, PlotlyView, markup
from playground.components.shaded_text import shaded
from playground.errors import Cancelled, PlaygroundError
from playground.figures.tasks.attribution import attribution_figure, attribution_sentence, shaded_pieces
from playground.figures.tasks.labels import labels_figure, labels_sentence
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.detail import LEADING
from playground.tabs.shared.events import GENERATES, LATEST, QUIET
from playground.tabs.shared.long_work import WorkControl, in_steps, stop_work
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.tasks.inputs import example_chips
from playground.texts import tasks as texts
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.classification import Classification
    from playground.tasks.classify import Layer

NAME, TITLE = "classify", "Classify"
AUTOMATIC = "automatic"
"""The usual method of attribution for the way in which labels are scored."""


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
        method = gr.Dropdown([AUTOMATIC, *METHODS], value=AUTOMATIC, label=texts.METHOD, elem_id="task-method")
        against = FollowingDropdown([], label=texts.AGAINST, visible=False, elem_id="task-against")
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            figure = PlotlyView(label="Labels", height=200, elem_id="task-probabilities", elem_classes=LEADING)
            sentence = Panel(markup.note(texts.WAITING), live=True, elem_id="task-sentence")
            example_chips(view.page, *[name for name in texts.EXAMPLES if name != "names"])
            with gr.Row(elem_classes="pg-actions"):
                good = gr.Button(texts.HOW_GOOD, size="sm", scale=0, min_width=230, elem_id="task-good")
                stop = gr.Button("Stop", size="sm", scale=0, min_width=80, elem_id="task-good-stop")
            how_good = Panel(live=True, elem_id="task-how-good")
        with gr.Column(scale=1, min_width=320):
            why = Panel(live=True, elem_id="task-why")
            why_words = Panel(elem_id="task-why-words")
            bars = PlotlyView(label="Why", height=300, visible=False, elem_id="task-why-bars")
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
        "control": gr.State(WorkControl()),
    }  # fmt: skip
    outputs: dict[str, Any] = {
        "figure": figure, "sentence": sentence, "why": why, "bars": bars, "why_words": why_words, "way": way,
        "labels": labels, "against": against,
    }  # fmt: skip
    wires: dict[str, Any] = {"inputs": inputs, "request": LabelsRequest, "outputs": outputs}
    view.draws(draw, **wires)
    typed = [labels.submit, labels.blur, template.blur, lines.blur]
    bind([way.input, method.input, against.input, *typed], draw, page=view.page, **wires, **LATEST)
    bind(
        good.click, measure, page=view.page, inputs=inputs, request=LabelsRequest, outputs={"how_good": how_good},
        trigger_mode="once", **GENERATES,
    )  # fmt: skip
    stop.click(stop_work, inputs["control"], None, **QUIET)


def draw(page: PageContext, request: LabelsRequest) -> Outputs:
    """The text's labels, and why."""
    model = page.model()
    ways = ways_of(model)
    nothing = {"figure": figure_or_nothing(None), "why": "", "bars": figure_or_nothing(None), "why_words": ""}
    if not ways:
        reason = model.head and f"it {model.head.words}" or "it gives no vector of a text"
        return nothing | {"sentence": markup.note(texts.NO_WAY.format(reason=reason)), "way": gr.update(visible=False)}
    way = request.way if request.way in ways else ways[0]
    result, taught = classified(model, page.text, request, way)
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
    return outputs | _explanation(model, page.text, request, result, taught, against or "")


def _explanation(
    model: "LoadedModel",
    text: str,
    request: LabelsRequest,
    result: "Classification",
    taught: "Layer | None",
    against: str,
) -> Outputs:
    """The text shaded, the bars and what they say; where the answer can't be explained, the reason."""
    from playground.tasks.attribute import attribute
    from playground.tasks.explain import explained_label, usual_method

    method = usual_method(result.way) if request.method == AUTOMATIC else request.method
    try:
        score = explained_label(model, text, result, against, template=template_of(request), taught=taught)
        key = "attribution", text, method, score.words, score.ids, result.way, request.lines if taught else ""
        seen = workbench.shared().memo(
            model, key, lambda: attribute(score, method), lambda seen: 200 * len(seen.tokens)
        )
    except PlaygroundError as error:
        return {"why": "", "bars": figure_or_nothing(None), "why_words": markup.note(f"Not explained: {error}")}
    figure = attribution_figure(seen) if seen.values is not None else None
    return {
        "why": shaded(shaded_pieces(seen)),
        "bars": figure_or_nothing(figure),
        "why_words": markup.note(f"{method.capitalize()}. {attribution_sentence(seen)}"),
    }


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
    model: "LoadedModel", text: str, request: LabelsRequest, way: str
) -> tuple["Classification", "Layer | None"]:
    """The text's labels by the chosen way, and the layer if one was taught."""
    from playground.tasks.classify import classify

    if way == texts.TAUGHT_WAY:
        taught = taught_layer(model, request.lines)
        return classify(model, text, taught=taught), taught
    labels = labels_of(request) if way == texts.WORDS_WAY else ()
    if way == texts.WORDS_WAY and not labels:
        raise PlaygroundError("There are no labels.", "Name two or more, with commas between.")
    return classify(model, text, labels, template_of(request)), None


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
    from playground.analysis.tasks.accuracy import Accuracy
    from playground.tasks.sentiment import sentiment_accuracy

    model, control = page.model(), request.control
    control.stop = False
    ways = ways_of(model)
    if not ways:
        raise PlaygroundError(f"{model.model_id} can't classify.", "Choose a classifier or a language model.")
    way, started = (request.way if request.way in ways else ways[0]), time.monotonic()
    accuracies: tuple[Accuracy, Accuracy, Accuracy] | None = None
    try:
        for share, accuracies in in_steps(
            lambda tick: sentiment_accuracy(lambda text: classified(model, text, request, way)[0].best.name, tick),
            control,
            "The measurement",
        ):
            if accuracies is None:
                words = f"{round(100 * share)} of 100 examples. Stop ends it."
                yield {"how_good": markup.progress(words, share, time.monotonic() - started)}
    except Cancelled:
        yield {"how_good": markup.note("Stopped.")}
        return
    assert accuracies is not None, "the last step has the result"
    whole, english, chinese = accuracies
    low, high = whole.interval
    yield {
        "how_good": markup.note(
            f"{model.model_id} by {way}: {whole.right} of {whole.count} right (95 % interval {percent(low)} to "
            f"{percent(high)}); English {english.right} of {english.count}, Chinese {chinese.right} of {chinese.count}. The "
            f"same answer to all would be right {percent(whole.most_frequent)} of the time."
        )
    }
