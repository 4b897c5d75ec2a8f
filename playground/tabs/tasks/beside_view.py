"""Side by side: two texts, two templates or two models, their answers, and what made each; the words that differ marked."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.analysis.tasks.word_changes import word_changes
from playground.catalog import CATALOG
from playground.components import FollowingDropdown, FollowingRadio, Panel, PlotlyView, markup
from playground.components.shaded_text import marked
from playground.errors import Cancelled, PlaygroundError
from playground.figures.tasks.labels import MAX_BARS, beside_figure, beside_sentence
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.detail import LEADING
from playground.tabs.shared.events import GENERATES, LATEST, QUIET
from playground.tabs.shared.long_work import WorkControl, with_progress
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.reasons import AUTOMATIC, NO_REASONS, Method, method_list, progress, reasons, reasons_view
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.second_model import second_model
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.tasks.beside_answers import NO_ANSWERS, AnswersRoom, can_answer
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

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.classification import Classification
    from playground.tasks.classify import Layer
    from playground.tasks.token_scores import TokenScore

NAME, TITLE = "beside", "Side by side"
TEXTS, TEMPLATES, MODELS = "two texts", "two templates", "two models"
NO_TEXT = {"one_text": "", "two_text": "", "figure": figure_or_nothing(None)}


@dataclass(frozen=True)
class BesideRequest(Labelling):
    """What differs between the two."""

    what: str = TEXTS
    text: str = texts.SECOND_TEXT
    """The second text; the first is the page's."""
    other_template: str = texts.SECOND_TEMPLATE
    other_model: str | None = None
    method: str = AUTOMATIC
    of_what: str | None = texts.LABELS_BESIDE
    control: WorkControl = field(default_factory=WorkControl)


@dataclass(frozen=True)
class AnsweredRequest:
    """Which model, by its key, gave the answers that are shown; empty for none."""

    answered: tuple[str, ...] = ()


@dataclass(frozen=True)
class Side:
    """One of the two."""

    name: str
    model: "LoadedModel"
    text: str
    labelling: Labelling


def build(view: View) -> None:
    """Builds the view and connects it."""
    of_what = FollowingRadio(
        [texts.LABELS_BESIDE, texts.ANSWERS_BESIDE], value=texts.LABELS_BESIDE, label=texts.OF_WHAT, elem_id="beside-of"
    )
    why_none = Panel(elem_id="beside-none")
    with gr.Column(elem_id="beside-labels-room") as labels:
        inputs, outputs, events, go, pairs = _labels_room()
    with gr.Column(visible=False, elem_id="beside-answers-room") as answers:
        room = AnswersRoom(view)
    Panel(markup.explanation(*texts.BESIDE_ABOUT))
    page, inputs = view.page, inputs | {"of_what": of_what}
    rooms: dict[str, Any] = {"of_what": of_what, "labels_room": labels, "answers_room": answers, "why_none": why_none}
    wires: dict[str, Any] = {"inputs": inputs, "request": BesideRequest, "outputs": outputs | rooms}
    view.draws(draw, **wires)
    bind([of_what.input, *events], draw, page=page, **wires, **LATEST)
    bind([go.click], compare_sides, page=page, **wires, trigger_mode="once", **GENERATES)
    view.draws(clear_answers, {"answered": room.answered}, room.outputs, request=AnsweredRequest)
    for button in pairs:
        button.click(choose_pair, button, [page.text, inputs["text"], page.applied], **QUIET)


def _labels_room() -> tuple[dict[str, Any], dict[str, Any], list, gr.Button, list[gr.Button]]:
    """Inputs, outputs, what a visitor changes, the button, and the pairs of texts."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        what = gr.Dropdown(
            [TEXTS, TEMPLATES, MODELS], value=TEXTS, label=texts.BESIDE, min_width=200, elem_id="beside-what"
        )
        how = LabelControls("beside")
        method = method_list("beside-method")
    second = gr.Textbox(texts.SECOND_TEXT, label=texts.SECOND_TEXT_LABEL, lines=1, max_lines=6, elem_id="beside-text")
    other_template = gr.Textbox(
        texts.SECOND_TEMPLATE, label=texts.SECOND_TEMPLATE_LABEL, lines=2, visible=False, elem_id="beside-template"
    )
    other_model = FollowingDropdown(
        list(CATALOG), label=texts.SECOND_MODEL, visible=False, elem_id="beside-model",
        allow_custom_value=not workbench.shared().settings.catalog_only,
    )  # fmt: skip
    with gr.Row(elem_classes="pg-actions"):
        go = gr.Button(texts.COMPARE, elem_classes="pg-lead-do", scale=0, min_width=120, elem_id="beside-go")
    with gr.Row(elem_classes="pg-chips"):
        pairs = [gr.Button(name, size="sm", min_width=40, elem_classes="pg-chip") for name in texts.PAIRS]
    figure = PlotlyView(label="Both", height=260, elem_id="beside-bars", elem_classes=LEADING)
    sentence = Panel(live=True, elem_id="beside-sentence")
    control = gr.State(WorkControl())
    outputs: dict[str, Any] = {"figure": figure, "sentence": sentence, **how.outputs}
    with gr.Row(equal_height=False):
        for side in ("one", "two"):
            with gr.Column(scale=1, min_width=320):
                outputs[f"{side}_text"] = Panel(live=True, elem_id=f"beside-{side}")
                parts = reasons_view(f"beside-{side}-why", control)
                outputs |= {f"{side}_{name}": part for name, part in parts.items()}
    how.build_more(template="beside-first-template")
    inputs: dict[str, Any] = how.inputs | {
        "what": what, "text": second, "other_template": other_template, "other_model": other_model, "method": method,
        "control": control,
    }  # fmt: skip
    outputs |= {"text": second, "other_template": other_template, "other_model": other_model}
    events = [second.submit, second.blur, other_template.blur, what.input, method.input, *how.events]
    return inputs, outputs, events, go, pairs


def choose_pair(name: str) -> tuple[str, str, str]:
    """A pair of texts: the page's, the second one, and the first for all tabs."""
    first, second = texts.PAIRS[name]
    return first, second, first


def draw(page: PageContext, request: BesideRequest) -> Iterator[Outputs]:
    """Both sides; of a second model that is not loaded, how to have it."""
    rooms, of_labels = _rooms(page.model(), request.of_what)
    if not of_labels:
        yield rooms
        return
    bench, other = workbench.shared(), request.other_model
    there = other and (other == page.model_id or bench.loaded(other, page.device, "auto") is not None)
    if request.what == MODELS and not there:
        cleared = {f"{side}_{name}": value for side in ("one", "two") for name, value in NO_REASONS.items()}
        yield rooms | NO_TEXT | cleared | _shown(request) | {"sentence": markup.note(texts.CHOOSE_MODEL)}
        return
    for outputs in compare_sides(page, request):
        yield rooms | outputs
        rooms = {}


def _rooms(model: "LoadedModel", of_what: str | None) -> tuple[Outputs, bool]:
    """What of this model can be compared, and whether its labels are shown."""
    can = [
        name
        for name, does in ((texts.LABELS_BESIDE, ways_of(model)), (texts.ANSWERS_BESIDE, can_answer(model)))
        if does
    ]
    shown = of_what if of_what in can else can[0] if can else ""
    none = "" if can else markup.note(texts.NEITHER_BESIDE.format(model=model.model_id))
    return {
        "of_what": gr.update(choices=can or [texts.LABELS_BESIDE], value=shown or None, visible=len(can) > 1),
        "labels_room": gr.update(visible=shown == texts.LABELS_BESIDE),
        "answers_room": gr.update(visible=shown == texts.ANSWERS_BESIDE),
        "why_none": none,
    }, shown == texts.LABELS_BESIDE


def clear_answers(page: PageContext, request: AnsweredRequest) -> Outputs:
    """What another model answered goes."""
    return {} if request.answered and tuple(request.answered) == page.model().key else NO_ANSWERS


def compare_sides(page: PageContext, request: BesideRequest) -> Iterator[Outputs]:
    """The answers of both sides, then what made each."""
    from playground.tasks.scripts import beside_picture  # torch: not before the page is there

    control = request.control
    control.stop = False
    try:
        sides = yield from _sides(page, request)
        results = yield from with_progress(
            lambda tick: [_classified(side, lambda share, n=n: tick((n + share) / 2)) for n, side in enumerate(sides)],
            control, "Reading", lambda share, seconds: _named("one", progress(_words(sides, share), share, seconds)),
        )  # fmt: skip
    except Cancelled:
        yield {"sentence": markup.note(texts.READING_STOPPED), **_named("one", NO_REASONS)}
        return
    one, two = results[0][0], results[1][0]
    places = word_changes(sides[0].text, sides[1].text)
    outputs = _shown(request) | {
        "figure": figure_or_nothing(beside_figure(one, two, (sides[0].name, sides[1].name))),
        script_output("figure"): beside_picture(
            [
                (s.model, s.text, result, template_of(s.labelling))
                for s, (result, _) in zip(sides, results, strict=True)
            ],
            MAX_BARS,
        ),
        "sentence": markup.note(beside_sentence(one, two)),
        **label_controls(ways_of(sides[0].model), _way(sides[0])),
    }
    for side, changed, name in zip(sides, places, ("one", "two"), strict=True):
        spans = [(start, end, "", 0 if name == "one" else 1) for start, end in changed]
        outputs[f"{name}_text"] = markup.note(side.name) + marked(side.text, spans)
    ranked = [each.name for each in one.ranking]
    pair = ranked[0], ranked[1] if ranked[1:] and one.function == "softmax" else ""
    for side, (result, taught), name in zip(sides, results, ("one", "two"), strict=True):
        score = partial(_score, side, result, pair, taught)
        key = "beside", result.way, side.labelling.lines if taught else ""
        for parts in reasons(side.model, score, Method(request.method, result.way == "words"), control, key):
            yield outputs | _named(name, parts)
            outputs = {}


def _score(side: Side, result: "Classification", pair: tuple[str, str], taught: "Layer | None") -> "TokenScore":
    """The same two labels on both sides."""
    from playground.tasks.explain import explained_label

    return explained_label(side.model, side.text, result, pair, template=template_of(side.labelling), taught=taught)


def _sides(page: PageContext, request: BesideRequest) -> Generator[Outputs, None, tuple[Side, Side]]:
    """The two sides, after the second model is loaded. PlaygroundError where there is nothing to compare with."""
    model = page.model()
    first = Side(texts.FIRST_SIDE, model, page.text, request)
    if request.what == TEMPLATES:
        if _way(first) != texts.WORDS_WAY:
            raise PlaygroundError("Only labels that are scored by words have a template.", "Choose a language model.")
        two = replace(request, template=request.other_template)
        names = (template_of(each).replace("\n", " ⏎ ") for each in (request, two))
        return replace(first, name=next(names)), Side(next(names), model, page.text, two)
    if request.what == MODELS:
        other = yield from second_model(page, request.other_model, request.control)
        return replace(first, name=model.model_id), Side(other.model_id, other, page.text, replace(request, way=None))
    if not (request.text or "").strip():
        raise PlaygroundError("There is no second text.", "Type one, or choose a pair.")
    return first, Side(texts.SECOND_SIDE, model, request.text, request)


def _classified(side: Side, tick: Any) -> "tuple[Classification, Layer | None]":
    return classified(side.model, side.text, side.labelling, _way(side), tick)


def _words(sides: tuple[Side, Side], share: float) -> str:
    """What is going on: the sides are read one after the other, each half of the work."""
    return reading_words(_way(sides[0] if share < 0.5 else sides[1]))


def _way(side: Side) -> str:
    ways = ways_of(side.model)
    if not ways:
        raise PlaygroundError(f"{side.model.model_id} can't classify.", "Choose a classifier or a language model.")
    return side.labelling.way if side.labelling.way in ways else ways[0]


def _named(side: str, parts: Outputs) -> Outputs:
    return {f"{side}_{name}": value for name, value in parts.items()}


def _shown(request: BesideRequest) -> Outputs:
    """The control of what differs, alone."""
    fields = {"text": TEXTS, "other_template": TEMPLATES, "other_model": MODELS}
    return {name: gr.update(visible=request.what == what) for name, what in fields.items()}
