"""How texts get their labels: the controls for it, and what they stand for. Shared by the views that classify."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.components import FollowingDropdown
from playground.errors import PlaygroundError
from playground.tabs.shared.wiring import Outputs
from playground.texts import tasks as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.classification import Classification
    from playground.tasks.classify import Layer


@dataclass(frozen=True)
class Labelling:
    """What the controls say."""

    way: str | None = None
    labels: str = texts.LABELS
    template: str = ""
    lines: str = ""
    """To teach a layer on; ours without."""


class LabelControls:
    """The components, named after `name`: builds the first two where it is made."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.way = FollowingDropdown(
            [texts.WORDS_WAY], value=texts.WORDS_WAY, label=texts.WAY, min_width=330, elem_id=f"{name}-way"
        )
        self.labels = gr.Textbox(
            texts.LABELS, label=texts.LABELS_LABEL, lines=1, max_lines=3, min_width=180, elem_id=f"{name}-labels"
        )

    def build_more(self, *, template: str = "", lines: str = "") -> None:
        """Builds what is seldom changed. template, lines: names of the elements, where the view has others of the usual
        ones."""
        with gr.Accordion("Template and lines", open=False):
            self.template = gr.Textbox(
                texts.TEMPLATE, label=texts.TEMPLATE_LABEL, info=texts.TEMPLATE_HELP, lines=2,
                elem_id=template or f"{self._name}-template",
            )  # fmt: skip
            self.lines = gr.Textbox(
                "", label=texts.LINES_LABEL, info=texts.LINES_HELP, lines=3, max_lines=10,
                elem_id=lines or f"{self._name}-lines",
            )  # fmt: skip

    @property
    def inputs(self) -> dict[str, Any]:
        """By the fields of Labelling."""
        return {"way": self.way, "labels": self.labels, "template": self.template, "lines": self.lines}

    @property
    def outputs(self) -> dict[str, Any]:
        """For `label_controls`."""
        return {"way": self.way, "labels": self.labels}

    @property
    def events(self) -> list[Callable]:
        """Of a visitor who has changed one."""
        return [self.way.input, self.labels.submit, self.labels.blur, self.template.blur, self.lines.blur]


def label_controls(ways: list[str], way: str) -> Outputs:
    """The controls of a model that can classify in these ways."""
    return {
        "way": gr.update(choices=ways, value=way, visible=len(ways) > 1),
        "labels": gr.update(visible=way == texts.WORDS_WAY),
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


def reading_words(way: str) -> str:
    """What is going on while labels are scored in this way."""
    return texts.SCORING_LABELS if way == texts.WORDS_WAY else texts.READING_WINDOWS


def classified(
    model: "LoadedModel", text: str, request: Labelling, way: str, tick: Callable[[float], None] = lambda share: None
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


def labels_of(request: Labelling) -> tuple[str, ...]:
    """The labels that were typed, with commas (also Chinese ones) or lines between."""
    typed = (request.labels or "").replace("，", ",").replace("、", ",").replace("\n", ",")
    return tuple(name for label in typed.split(",") if (name := label.strip()))


def template_of(request: Labelling) -> str:
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
