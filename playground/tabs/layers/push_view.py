"""Push: the text goes on while its states are pushed along a direction, by a word or by two sets of lines."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from playground import workbench
from playground.components import MOST_UNTIL_KNOWN, FollowingSlider, Panel, PlotlyView, markup, numbered
from playground.errors import PlaygroundError
from playground.figures.layers.push import cosines_figure, cosines_words, spared_words, strength_words
from playground.recording.edits.edit import ADD, MOST_STRENGTH, STATE, Edit
from playground.recording.layers.window import NEURON_WINDOW, own_tokens, window_of
from playground.tabs.layers.going_on import going_on, side_by_side
from playground.tabs.layers.parts_controls import PartsControls
from playground.tabs.shared.controls import WIDE, figure_or_nothing, typed
from playground.tabs.shared.detail import LEADING, sentence_and_badge
from playground.tabs.shared.events import GENERATES, LATEST, QUIET
from playground.tabs.shared.layer_scripts import push_script
from playground.tabs.shared.long_work import WorkControl, newest_only
from playground.tabs.shared.page_context import PageContext, recording_of
from playground.tabs.shared.page_edits import PageEdits
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.stop_button import stop_button, with_stop
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts import layers as texts
from playground.texts.numbers import as_typed

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording

NAME, TITLE = "push", "Push"
LINES, WORD = "two sets of lines", "a word"
WRITTEN = 24
"""Tokens that are written each time."""
STRENGTH = 0.4
"""Of the first push: two fifths of what is there."""


@dataclass(frozen=True)
class PushRequest:
    """What the view's controls say."""

    source: str = LINES
    towards: str = texts.TOWARDS_LINES
    away: str = texts.AWAY_LINES
    word: str = ""
    layer: int = 0
    strength: float = STRENGTH
    """In lengths of each token's own state, 0 to MOST_STRENGTH."""
    reading: tuple[str, str] | None = None
    """The page's reading that the controls were set for."""
    control: WorkControl = field(default_factory=WorkControl)


def build(view: View, controls: PartsControls) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        source = gr.Dropdown([LINES, WORD], value=LINES, label=texts.DIRECTION, min_width=230, elem_id="push-source")
        layer = FollowingSlider(
            0, MOST_UNTIL_KNOWN, value=0, step=1, label="Layer", min_width=WIDE, elem_id="push-layer"
        )
        # no slider: it would turn what is typed beyond its end into its end
        strength = gr.Number(STRENGTH, step=0.1, label=texts.STRENGTH, min_width=130, elem_id="push-strength")
    with gr.Row():
        towards = gr.Textbox(
            texts.TOWARDS_LINES, label=texts.TOWARDS, lines=2, max_lines=6, max_length=8000, elem_id="push-towards"
        )
        away = gr.Textbox(
            texts.AWAY_LINES, label=texts.AWAY, lines=2, max_lines=6, max_length=8000, elem_id="push-away"
        )
        word = gr.Textbox(
            "", label=texts.PUSH_WORD, placeholder=texts.FOLLOW_HINT, max_length=100, visible=False, elem_id="push-word"
        )
    reading, control = view.reading(), gr.State(WorkControl())
    with gr.Row(elem_classes="pg-buttons"):
        go = gr.Button(texts.PUSH, elem_classes="pg-do", size="sm", scale=0, min_width=170, elem_id="push-go")
        keeps = gr.Button(texts.KEEP_PUSHED, size="sm", scale=0, min_width=170, elem_id="push-keep")
        stop = stop_button("push-stop", control)
    sentence, badge = sentence_and_badge("push")
    written = Panel(live=True, elem_id="push-written")
    figure = PlotlyView(label="Along the direction", height=400, elem_id="push-map", elem_classes=LEADING)
    Panel(markup.explanation(*texts.PUSH_ABOUT))

    own: dict[str, Component] = {"source": source, "towards": towards, "away": away, "word": word, "layer": layer}
    inputs = own | {"strength": strength, "reading": reading, "control": control}
    wires: dict[str, Any] = {"inputs": inputs, "request": PushRequest}
    shown: dict[str, Component] = {"figure": figure, "sentence": sentence, "badge": badge, "written": written}
    shown |= {"layer": layer, "reading": reading}
    page = view.page
    view.draws(draw, **wires, outputs=shown)
    changed = [source.input, layer.input, *typed(towards, away, word)]
    bind(changed, redraw, page=page, **wires, outputs=shown, **LATEST)
    bind(
        [go.click, strength.submit],
        with_stop(write),
        page=page,
        **wires,
        outputs=shown | {"stop": stop},
        **GENERATES | {"trigger_mode": "always_last"},
    )
    bind(keeps.click, keep_pushed, page=page, **wires, outputs={"edited": page.edited, "sentence": sentence}, **QUIET)
    boxes = [towards, away, word]
    source.change(
        lambda kind: [gr.update(visible=(box is word) == (kind == WORD)) for box in boxes], source, boxes, **QUIET
    )


def draw(page: PageContext, request: PushRequest) -> Outputs:
    """The direction through the page's text; of another model a third of the way up."""
    if request.reading is None or request.reading[0] != page.reading[0]:
        request = replace(request, layer=_depth(page.model()) // 3)
    return redraw(page, request)


def redraw(page: PageContext, request: PushRequest) -> Outputs:
    """How far the text's states point along the direction."""
    depth = _depth(page.model())
    request = replace(request, layer=min(max(0, int(request.layer or 0)), depth - 1))
    common: Outputs = {"layer": numbered("Layer", request.layer, depth), "reading": page.reading, "written": ""}
    request.control.stop = True  # texts of what the controls said before
    from playground.analysis.layers.edits import pushed_cosine  # torch: not before the page is there

    try:
        _check_strength(request)
        direction, recording = direction_in(page, request), page.recording(edited=False)
        cosines, labels = _cosines(recording, direction)
    except PlaygroundError as error:
        return common | {"figure": figure_or_nothing(None), "badge": "", "sentence": markup.note(str(error))}
    whole = texts.WHOLE_MODEL if page.edits_on(page.text) else ""
    last = float(cosines[request.layer + 1, -1])
    if recording.length == 1:
        strength = spared_words(labels[-1])
    else:
        strength = strength_words(labels[-1], (last, pushed_cosine(last, request.strength)), request.strength)
    can_write = page.model().capabilities.generate
    hint = texts.PUSH_HINT if can_write else texts.NO_PUSH.format(reason=can_write.reason)
    words = f"{cosines_words(cosines, labels, request.layer)} {strength} {hint}{whole}"
    return common | {
        "figure": figure_or_nothing(cosines_figure(cosines, labels, request.layer)),
        "sentence": markup.note(words),
        "badge": _badge(recording, _edit(request, direction, 1)),
        script_output("figure"): push_script(
            page, recording, _source(page, request), request.layer, (float(request.strength), WRITTEN)
        ),
    }


def write(page: PageContext, request: PushRequest) -> Iterator[Outputs]:
    """The text as it goes on against the direction, as it is, and along it."""
    yield from newest_only(request.control, _texts_so_far(page, request))


def _texts_so_far(page: PageContext, request: PushRequest) -> Iterator[Outputs]:
    drawn = redraw(page, request)
    request.control.stop = False
    yield drawn
    if not drawn["badge"]:
        return
    model = page.model()
    if not model.capabilities.generate:
        yield drawn | {"written": markup.note(texts.NO_PUSH.format(reason=model.capabilities.generate.reason))}
        return
    from playground.generation.settings import GenerationSettings

    direction, recording = direction_in(page, request), page.recording(edited=False)
    settings = GenerationSettings(max_new_tokens=WRITTEN, greedy=True, target_language=page.language_of(model))
    pushed: list[str] = []
    for sign in (-1, 0, 1):
        edits = (_edit(request, direction, sign),) if sign else ()
        for text in going_on(recording, settings, edits, request.control, every=6):
            yield {"written": _texts(float(request.strength), [*pushed, text])}
        if request.control.stop:
            return
        pushed.append(text)
    yield drawn | {"written": _texts(float(request.strength), pushed)}


def keep_pushed(page: PageContext, request: PushRequest) -> Outputs:
    """Keeps pushing along the direction while all tabs look."""
    model = page.model()
    try:
        _check_strength(request)
        edit = _edit(request, direction_in(page, request), 1)
        recording_of(model, page.text, page.language_of(model), (edit,))  # refuses what the model does not allow
    except PlaygroundError as error:  # where a field, left for the button, says so as well
        return {"sentence": markup.note(str(error))}
    words = texts.PUSHED.format(layer=edit.layer, strength=as_typed(edit.strength))
    return {"edited": PageEdits(page.model_id, page.text, words, (edit,))}


def direction_in(page: PageContext, request: PushRequest) -> tuple[float, ...]:
    """The direction (D,) that the controls name."""
    from playground.recording.layers.push import difference, mean_states, word_direction  # torch: not before the page

    model, bench, language = page.model(), workbench.shared(), page.language_of(page.model())
    if request.source == WORD and not request.word.strip():
        raise PlaygroundError("There is no word to push towards.", "Type one.")
    source = _source(page, request)
    if isinstance(source, int):
        return word_direction(model, source)

    def record(line: str) -> "Recording":
        return recording_of(model, line, language)

    sets = (("mean states", language, lines) for lines in source)
    means = [bench.memo(model, key, partial(mean_states, key[-1], record), lambda made: made.nbytes) for key in sets]
    return difference(means[0], means[1], int(request.layer))


def _source(page: PageContext, request: PushRequest) -> int | tuple[tuple[str, ...], tuple[str, ...]]:
    """What the direction is made of: the id of a word's token, or two sets of lines."""
    from playground.models.one_token import one_token  # torch: not before the page is there
    from playground.recording.layers.push import lines_of

    if request.source == WORD:
        return one_token(page.model(), request.word)
    return lines_of(request.towards), lines_of(request.away)


def _check_strength(request: PushRequest) -> None:
    """PlaygroundError for a strength that no edit has."""
    value = request.strength
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_STRENGTH:
        spelled = as_typed(value) if isinstance(value, int | float) else "no number"
        raise PlaygroundError(
            texts.WRONG_STRENGTH.format(value=spelled), texts.STRENGTH_RANGE.format(most=as_typed(MOST_STRENGTH))
        )


def _edit(request: PushRequest, direction: tuple[float, ...], sign: int) -> Edit:
    return Edit(STATE, int(request.layer), how=ADD, direction=direction, strength=sign * float(request.strength))


def _cosines(recording: "Recording", direction: tuple[float, ...]) -> tuple[Any, list[str]]:
    from playground.recording.layers.push import cosines, states_along

    window = window_of(recording, None, NEURON_WINDOW)
    states = workbench.shared().memo(
        recording, ("states along", window), lambda: states_along(recording, window), lambda made: made.nbytes
    )
    return cosines(states, direction).numpy(), [own_tokens(recording)[n].label for n in window]


def _badge(recording: "Recording", edit: Edit) -> str:
    """Whether strength 0 gives the same logits, bit for bit."""
    from playground.recording.layers.push import keeps_every_bit

    if not recording.model.capabilities.logits:
        return markup.badge("ok", texts.NO_LOGITS_BADGE, "")
    same = keeps_every_bit(recording, replace(edit, strength=0.0))
    return markup.badge("ok" if same else "warn", texts.SAME_BITS if same else texts.OTHER_BITS, "")


def _texts(strength: float, written: list[str]) -> str:
    """The texts side by side, each under its strength."""
    names = f"−{as_typed(strength)}", "0", f"+{as_typed(strength)}"
    return side_by_side(zip(names, [*written, "", ""], strict=False))


def _depth(model: "LoadedModel") -> int:
    return model.anatomy.decoder_layers or model.anatomy.layers
