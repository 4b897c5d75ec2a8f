"""Translate: the text in another language, what else could have stood at each place, and which words looked at which."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from playground import workbench
from playground.components import FollowingDropdown, Panel, PlotlyView, TokenStrip, markup
from playground.errors import Cancelled
from playground.tabs.shared.events import GENERATES, LATEST, QUIET
from playground.tabs.shared.long_work import WorkControl, in_steps, stop_work
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.tasks.inputs import example_chips
from playground.tabs.tasks.translation_choices import language_updates
from playground.tabs.tasks.translation_pictures import looks, nothing, others, part_of, pictures
from playground.tabs.tasks.translation_request import Asked, TranslateRequest, asked, translated
from playground.texts import tasks as texts
from playground.texts.numbers import percent

NAME, TITLE = "translate", "Translate"


def build(view: View) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        source = FollowingDropdown([], label=texts.SOURCE_LANGUAGE, visible=False, elem_id="task-source-language")
        target = FollowingDropdown([], label=texts.TARGET_LANGUAGE, visible=False, elem_id="task-target-language")
        part = FollowingDropdown([], label=texts.PART, visible=False, elem_id="task-part")
        layer = FollowingDropdown([], label=texts.ALIGN_LAYER, visible=False, elem_id="task-layer")
        head = FollowingDropdown([], label=texts.ALIGN_HEAD, visible=False, elem_id="task-head")
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            with gr.Row(elem_classes="pg-actions"):
                go = gr.Button("Translate", elem_classes="pg-do", size="sm", scale=0, min_width=100, elem_id="task-go")
                stop = gr.Button("Stop", size="sm", scale=0, min_width=80, elem_id="task-translate-stop")
            translation = Panel(live=True, elem_id="task-translation")
            sentence = Panel(live=True, elem_id="task-translation-words")
            example_chips(view.page, *texts.TRANSLATION_EXAMPLES)
            strip = TokenStrip(label=texts.TRANSLATION, visible=False, elem_id="task-translation-strip")
            bars = PlotlyView(label="What else", height=260, visible=False, elem_id="task-alternatives")
        with gr.Column(scale=1, min_width=320):
            lines = PlotlyView(label="Alignment", height=360, visible=False, elem_id="task-alignment")
            aligned = Panel(elem_id="task-alignment-words")
    heat = PlotlyView(label="Alignment as a map", height=300, visible=False, elem_id="task-alignment-map")
    with gr.Row(elem_classes="pg-actions"):
        good = gr.Button(texts.HOW_GOOD_TRANSLATION, size="sm", scale=0, min_width=330, elem_id="task-translation-good")
    how_good = Panel(live=True, elem_id="task-translation-how-good")
    with gr.Accordion("Prefix and examples", open=False):
        prefix = gr.Textbox("", label=texts.PREFIX_LABEL, info=texts.PREFIX_HELP, elem_id="task-prefix")
        examples = gr.Textbox(
            "", label=texts.EXAMPLES_LABEL, info=texts.EXAMPLES_HELP, lines=6, max_lines=20, elem_id="task-examples"
        )
    script = Panel(elem_id="task-translation-python")
    Panel(markup.explanation(*texts.TRANSLATE_ABOUT))

    last = gr.State(Asked())
    inputs: dict[str, Any] = {
        "source": source, "target": target, "prefix": prefix, "examples": examples, "part": part, "layer": layer,
        "head": head, "last": last, "control": gr.State(WorkControl()),
    }  # fmt: skip
    seen: dict[str, Any] = {
        "strip": strip, "others": bars, "lines": lines, "aligned": aligned, "heat": heat, "part": part, "layer": layer,
        "head": head,
    }  # fmt: skip
    outputs: dict[str, Any] = seen | {
        "translation": translation, "sentence": sentence, "script": script, "source": source, "target": target,
        "examples": examples, "last": last,
    }  # fmt: skip
    wires: dict[str, Any] = {"page": view.page, "inputs": inputs, "request": TranslateRequest}
    view.draws(draw, inputs, outputs, request=TranslateRequest)
    bind(go.click, write, **wires, outputs=outputs, trigger_mode="once", **GENERATES)
    bind(
        [source.input, prefix.blur, examples.blur], draw, **wires, outputs=outputs, **LATEST
    )  # target: by its language
    bind([part.input, layer.input, head.input], look, **wires, outputs=seen, **LATEST)
    bind(strip.select, pick, **wires, outputs={"others": bars}, **QUIET)
    bind(good.click, measure_translation, **wires, outputs={"how_good": how_good}, trigger_mode="once", **GENERATES)
    target.input(lambda code: code or "", target, view.page.language, **QUIET)
    stop.click(stop_work, inputs["control"], None, **QUIET)


def draw(page: PageContext, request: TranslateRequest) -> Outputs:
    """The controls for the model, and the translation if it is there; else what Translate would do."""
    from playground.tasks.few_shot import TEMPLATE
    from playground.tasks.translate import why_no_translation
    from playground.tasks.writing import writes_from_source

    model = page.model()
    controls = language_updates(model, page, request.source, request.target)
    controls["examples"] = gr.update(value=request.examples or TEMPLATE, visible=not writes_from_source(model))
    if request.last.text and request.last == asked(page, model, request):
        return controls | pictures(model, request, translated(model, request.last))
    if reason := why_no_translation(model):
        words = f"{model.model_id} can't translate: {reason}."
    else:
        how = texts.TRAINED_TO_WRITE if writes_from_source(model) else texts.BY_EXAMPLES
        words = texts.TRANSLATE_READY.format(model=model.model_id, how=how)
    return controls | nothing() | {"sentence": markup.note(words)}


def write(page: PageContext, request: TranslateRequest) -> Iterator[Outputs]:
    """Translates, with how far it is before that."""
    model, control, started = page.model(), request.control, time.monotonic()
    control.stop = False
    last, result = asked(page, model, request), None
    yield nothing() | {"sentence": markup.progress("Reading the text.", 0.0, 0.0)}
    try:
        for share, result in in_steps(lambda tick: translated(model, last, tick), control, "The translation"):
            if result is None:
                yield {"sentence": markup.progress("Translating. Stop ends it.", share, time.monotonic() - started)}
    except Cancelled:
        yield {"sentence": markup.note("Stopped.")}
        return
    assert result is not None, "the last step has the result"
    yield pictures(model, replace(request, part=0), result) | {"last": last}


def look(page: PageContext, request: TranslateRequest) -> Outputs:
    """Another window, layer or head of the translation that is there."""
    model = page.model()
    if not request.last.text or request.last != asked(page, model, request):
        return {}
    return looks(model, request, translated(model, request.last))


def pick(page: PageContext, request: TranslateRequest, event: gr.EventData) -> Outputs:
    """What else could have stood in the place of a token."""
    model, place = page.model(), event._data.get("index")
    if not request.last.text or request.last != asked(page, model, request):
        return {}
    steps = part_of(translated(model, request.last), request).steps
    if not isinstance(place, int) or not 0 <= place < len(steps):
        return {}
    return {"others": others(steps, place)}


def measure_translation(page: PageContext, request: TranslateRequest) -> Iterator[Outputs]:
    """How often the model is right on our 100 examples, with how far it is before that."""
    from playground.tasks.translate import translate
    from playground.tasks.translation_accuracy import translation_accuracy

    model, control, started, accuracies = page.model(), request.control, time.monotonic(), None
    control.stop = False
    now, runs = asked(page, model, request), workbench.shared().task_runs()

    def text_of(text: str) -> str:
        return translate(model, text, now.target, now.source, now.ask, runs).text

    try:
        for share, accuracies in in_steps(lambda tick: translation_accuracy(text_of, tick), control, "The measurement"):
            if accuracies is None:
                words = f"{round(100 * share)} of 100 lines. Stop ends it."
                yield {"how_good": markup.progress(words, share, time.monotonic() - started)}
    except Cancelled:
        yield {"how_good": markup.note("Stopped.")}
        return
    assert accuracies is not None, "the last step has the result"
    whole, words_only, numbers = accuracies
    low, high = whole.interval
    yield {
        "how_good": markup.note(
            f"{model.model_id}: {whole.right} of {whole.count} right (95 % interval {percent(low)} to {percent(high)}); "
            f"words {words_only.right} of {words_only.count}, numbers {numbers.right} of {numbers.count}. The same answer "
            f"to all would be right {percent(whole.most_frequent)} of the time."
        )
    }
