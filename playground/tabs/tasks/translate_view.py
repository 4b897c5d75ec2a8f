"""Translate: the text in another language, what else could have stood at each place, and which words looked at which."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.components import FollowingDropdown, Panel, PlotlyView, markup
from playground.tabs.shared.events import GENERATES, LATEST, QUIET
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.reasons import STOP_HIDDEN
from playground.tabs.shared.stop_button import stop_button
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.tasks.how_good import HowGood, measured
from playground.tabs.tasks.inputs import example_chips
from playground.tabs.tasks.translation_choices import language_updates
from playground.tabs.tasks.translation_pictures import looks, nothing, part_of, pictures
from playground.tabs.tasks.translation_request import TranslateRequest, TranslationTask, task_of, translated
from playground.tabs.tasks.writing_progress import while_writing
from playground.tabs.tasks.written_scripts import others_script
from playground.tabs.tasks.written_tokens import TokenChoice, WrittenTokens, picked, token_reasons
from playground.texts import tasks as texts
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.analysis.tasks.accuracy import Accuracy

NAME, TITLE = "translate", "Translate"


@dataclass(frozen=True)
class ExplainTranslation(TranslateRequest, TokenChoice):
    """A token of a translation, and how it is explained."""


def build(view: View) -> None:
    """Builds the view and connects it."""
    control = gr.State(WorkControl())
    with gr.Row(elem_classes="pg-controls pg-slim"):
        source = FollowingDropdown([], label=texts.SOURCE_LANGUAGE, visible=False, elem_id="task-source-language")
        target = FollowingDropdown([], label=texts.TARGET_LANGUAGE, visible=False, elem_id="task-target-language")
        part = FollowingDropdown([], label=texts.PART, visible=False, elem_id="task-part")
        layer = FollowingDropdown([], label=texts.ALIGN_LAYER, visible=False, elem_id="task-layer")
        head = FollowingDropdown([], label=texts.ALIGN_HEAD, visible=False, elem_id="task-head")
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            with gr.Row(elem_classes="pg-actions"):
                go = gr.Button("Translate", elem_classes="pg-lead-do", scale=0, min_width=100, elem_id="task-go")
                stop = stop_button("task-translate-stop", control)
            translation = Panel(live=True, elem_id="task-translation")
            sentence = Panel(live=True, elem_id="task-translation-words")
            example_chips(view.page, *texts.TRANSLATION_EXAMPLES)
            tokens = WrittenTokens("task-translation", texts.TRANSLATION)
        with gr.Column(scale=1, min_width=320):
            lines = PlotlyView(label="Alignment", height=360, visible=False, elem_id="task-alignment")
            aligned = Panel(elem_id="task-alignment-words")
    heat = PlotlyView(label="Alignment as a map", height=300, visible=False, elem_id="task-alignment-map")
    good = HowGood(texts.HOW_GOOD_TRANSLATION, "task-translation-good", "task-translation-how-good")
    with gr.Accordion("Prefix and examples", open=False):
        prefix = gr.Textbox("", label=texts.PREFIX_LABEL, info=texts.PREFIX_HELP, elem_id="task-prefix")
        examples = gr.Textbox(
            "", label=texts.EXAMPLES_LABEL, info=texts.EXAMPLES_HELP, lines=6, max_lines=20, elem_id="task-examples"
        )
    script = Panel(elem_id="task-translation-python")
    Panel(markup.explanation(*texts.TRANSLATE_ABOUT))

    last = gr.State(TranslationTask())
    inputs: dict[str, Any] = {
        "source": source, "target": target, "prefix": prefix, "examples": examples, "part": part, "layer": layer,
        "head": head, "last": last, "control": control,
    }  # fmt: skip
    seen: dict[str, Any] = tokens.outputs | {
        "lines": lines, "aligned": aligned, "heat": heat, "part": part, "layer": layer, "head": head,
    }  # fmt: skip
    outputs: dict[str, Any] = seen | {
        "translation": translation, "sentence": sentence, "script": script, "source": source, "target": target,
        "examples": examples, "last": last, "stop_writing": stop,
    }  # fmt: skip
    wires: dict[str, Any] = {"page": view.page, "inputs": inputs, "request": TranslateRequest}
    view.draws(draw, inputs, outputs, request=TranslateRequest)
    bind(go.click, write, **wires, outputs=outputs, trigger_mode="once", **GENERATES)
    bind(
        [source.input, prefix.blur, examples.blur], draw, **wires, outputs=outputs, **LATEST
    )  # target: by its language
    bind([part.input, layer.input, head.input], look, **wires, outputs=seen, **LATEST)
    tokens.connect(view, pick, explain, inputs, (TranslateRequest, ExplainTranslation))
    good.connect(view, measure_translation, inputs, TranslateRequest)
    target.input(lambda code: code or "", target, view.page.language, **QUIET)


def draw(page: PageContext, request: TranslateRequest) -> Outputs:
    """The controls for the model, and the translation if it is there; else what Translate would do."""
    from playground.tasks.few_shot import TEMPLATE
    from playground.tasks.translate import why_no_translation
    from playground.tasks.writing import writes_from_source

    model = page.model()
    controls = language_updates(model, page, request.source, request.target)
    first = {} if request.examples else {"value": TEMPLATE}  # what is there may be another by now
    controls["examples"] = gr.update(**first, visible=not writes_from_source(model))
    if request.last.text and request.last == task_of(page, model, request):
        return controls | pictures(model, request, translated(model, request.last))
    if reason := why_no_translation(model):
        words = f"{model.model_id} can't translate: {reason}."
    else:
        how = texts.TRAINED_TO_WRITE if writes_from_source(model) else texts.BY_EXAMPLES
        words = texts.TRANSLATE_READY.format(model=model.model_id, how=how)
    return controls | nothing() | {"sentence": markup.note(words)}


def write(page: PageContext, request: TranslateRequest) -> Iterator[Outputs]:
    """Translates, with how far it is before that."""
    model = page.model()
    task = task_of(page, model, request)
    yield nothing() | {"sentence": markup.progress("Reading the text.", 0.0, 0.0)}
    words = "Translating. Stop ends it."
    result = yield from while_writing(partial(translated, model, task), request.control, "The translation", words)
    if result is not None:
        yield pictures(model, replace(request, part=0), result) | {"last": task, "stop_writing": STOP_HIDDEN}


def look(page: PageContext, request: TranslateRequest) -> Outputs:
    """Another window, layer or head of the translation that is there."""
    model = page.model()
    if not request.last.text or request.last != task_of(page, model, request):
        return {}
    return looks(model, request, translated(model, request.last))


def pick(page: PageContext, request: TranslateRequest, event: gr.EventData) -> Outputs:
    """What else could have stood in the place of a token."""
    model = page.model()
    if not request.last.text or request.last != task_of(page, model, request):
        return {}
    result = translated(model, request.last)
    part = part_of(result, request)
    others = others_script(model, part.source_ids, part.steps, result.asking.target_language)
    return picked(part.steps, event._data.get("index"), others)


def explain(page: PageContext, request: ExplainTranslation) -> Iterator[Outputs]:
    """Which words of the text made a token of the translation."""
    from playground.tasks.written_scores import text_of_part

    model = page.model()
    if not request.last.text or request.last != task_of(page, model, request):
        yield {}
        return
    result = translated(model, request.last)
    part = part_of(result, request)
    if request.place is not None and request.place < len(part.steps):
        text = text_of_part(model, part, result.asking.target_language)
        yield from token_reasons(model, text, request.place, request, (request.last, part.window))


def measure_translation(page: PageContext, request: TranslateRequest) -> Iterator[Outputs]:
    """How often the model is right on our 100 examples, with how far it is before that."""
    from playground.tasks.translate import translate
    from playground.tasks.translation_accuracy import translation_accuracy

    model, now = page.model(), task_of(page, page.model(), request)
    runs = workbench.shared().task_runs()

    def text_of(text: str) -> str:
        return translate(model, text, now.target, now.source, now.ask, runs).text

    def words(result: "tuple[Accuracy, Accuracy, Accuracy]") -> str:
        whole, words_only, numbers = result
        low, high = whole.interval
        return (
            f"{model.model_id}: {whole.right} of {whole.count} right (95 % interval {percent(low)} to {percent(high)}); "
            f"words {words_only.right} of {words_only.count}, numbers {numbers.right} of {numbers.count}. The same answer "
            f"to all would be right {percent(whole.most_frequent)} of the time."
        )

    yield from measured(lambda tick: translation_accuracy(text_of, tick), 100, request.control, words)
