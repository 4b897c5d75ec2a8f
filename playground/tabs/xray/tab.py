"""The X-ray tab: the picture, its sentence, and what a click on it says."""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from playground import workbench
from playground.components import FollowingRadio, FollowingSlider, Panel, PlotlyView, markup
from playground.components.links import OPENING
from playground.figures.xray.geometry import HEIGHT
from playground.figures.xray.picture import ARC, GUESS, clicked, xray_figure
from playground.figures.xray.player import HEIGHT_OF_PLAYER, READ_IT
from playground.figures.xray.words import arc_words, layer_words, story
from playground.recording.firmest_look import firmest_look
from playground.recording.xray import WINDOW, xray
from playground.scripts.script import Script
from playground.scripts.xray import xray as xray_script
from playground.tabs.shared.detail import show_detail
from playground.tabs.shared.events import LATEST, QUIET, RUNS_MODEL
from playground.tabs.shared.language_chooser import build_language_chooser
from playground.tabs.shared.layer_scripts import lens_script, streams_script
from playground.tabs.shared.page_context import PageContext, PageControls, StillLoading
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.sources import source_of
from playground.tabs.shared.views import script_that_opens
from playground.tabs.shared.wiring import SOURCE, Outputs, bind
from playground.texts import xray as texts

if TYPE_CHECKING:
    from playground.analysis.xray.arcs import Arc
    from playground.recording.xray import Xray

NAME, TITLE = "xray", "X-ray"
STACKS = "decoder", "encoder"
OPEN_HEADS = script_that_opens("Attention", "attention", "Heads")
"""Opens the view that shows one head in full."""
PICTURE_BYTES = 1_000_000
"""Of a picture in memory, about."""


@dataclass(frozen=True)
class XrayRequest:
    """What the tab's controls say."""

    stack: str = "decoder"  # of an encoder-decoder
    first: int | None = None  # the first token of the window, of a long text
    chosen: tuple[str, str, str, int] | None = (
        None  # the model, the text and the stack of the chosen token, and its place
    )
    target: tuple[int, int, int, str] | None = None
    """What the button opens in Attention: layer, head, the token that looks, and the kind."""
    address: str = ""  # the link that the page opens with
    drawn: tuple | None = None  # what `draw_first` has drawn, until `draw` is called, see `_basis`


def build(page: PageControls) -> None:
    """Builds the tab and connects it."""
    Panel(f'<p class="pg-hint">{READ_IT}</p>', elem_id="xray-read")
    figure = PlotlyView(label="X-ray", height=HEIGHT + HEIGHT_OF_PLAYER, elem_id="xray-picture")
    sentence = Panel(markup.note(texts.WAITING), live=True, elem_id="xray-sentence")
    with gr.Row(elem_classes="pg-actions"):
        detail = Panel(markup.note(texts.HINT), live=True, elem_id="xray-detail")
        opens = gr.Button("", size="sm", scale=0, min_width=230, visible=False, elem_id="xray-open")
    with gr.Row(elem_classes="pg-controls"):
        stack = FollowingRadio(list(STACKS), value="decoder", label=texts.STACK, visible=False, elem_id="xray-stack")
        build_language_chooser(page, NAME)
        first = FollowingSlider(0, 1, value=0, step=1, label=texts.FIRST, visible=False, elem_id="xray-first")
    Panel(markup.actors(texts.ACTORS))
    Panel(markup.explanation(*texts.ABOUT))
    chosen = gr.State(None)
    target, drawn = gr.State(None), gr.State(None)
    opened_at = gr.Textbox("", visible="hidden", container=False)

    inputs = {"stack": stack, "first": first, "chosen": chosen, "target": target, "address": page.link.address}
    inputs["drawn"] = drawn
    wires: dict[str, Any] = {"page": page, "inputs": inputs, "request": XrayRequest}
    seen = {"figure": figure, "sentence": sentence, "detail": detail, "opens": opens, "stack": stack, "first": first}
    opened = page.redraw[NAME].change
    whole, empties = seen | {"drawn": drawn}, ("figure", "sentence", "detail", "opens", "drawn")
    bind(page.opened, draw_first, outputs=whole, js=OPENING, empties=empties, **wires, **QUIET)
    bind(opened, draw, outputs=whole, only_while={page.active: NAME}, empties=empties, **wires, **LATEST)
    bind(stack.input, draw, outputs=whole, **wires, **LATEST)
    bind(first.input, move, outputs=seen, **wires, **LATEST)
    names = ("layer", "head", "kind", "token", "token_text")
    head: dict[str, Component] = {name: getattr(page.head, name) for name in names} | {"head_chosen": page.head.chosen}
    head["opened_at"] = opened_at
    answers = seen | head | {"chosen": chosen, "target": target}
    show_detail(bind(figure.select, choose, outputs=answers, **wires, **RUNS_MODEL), "xray-detail")
    bind(opens.click, open_target, outputs=head, **wires, **QUIET)
    opened_at.change(None, None, None, js=OPEN_HEADS, **QUIET)
    forget = [page.model.change, page.applied.change]  # back at the same text, its last token is shown again
    gr.on(forget, lambda: None, None, chosen, **QUIET)


def draw_first(page: PageContext, request: XrayRequest) -> Outputs:
    """The picture with which a page opens, without waiting until it has been told its model: `draw` follows, and does not
    send the same picture again. StillLoading where the model has to be loaded first."""
    if request.address:  # another text, or another tab
        return {"message": gr.skip()}
    bench = workbench.shared()
    page = replace(page, model_id=bench.settings.default_model)
    if bench.loaded(page.model_id) is None:
        raise StillLoading("The model is still loading.", "Wait a moment.")
    seen = _seen(page, replace(request, first=None))
    return _drawn(page, seen) | {SOURCE: source_of(page, request, [TITLE]), "drawn": _basis(page, seen)}


def draw(page: PageContext, request: XrayRequest) -> Outputs:
    """The picture of the text, its window round the token in question."""
    seen = _seen(page, replace(request, first=None))
    if request.drawn is not None and tuple(request.drawn) == _basis(page, seen):
        return {"drawn": None}
    return _drawn(page, seen) | {"drawn": None}


def move(page: PageContext, request: XrayRequest) -> Outputs:
    """Another window of a long text."""
    outputs = _drawn(page, _seen(page, request))
    del outputs["first"]  # it is being moved
    return outputs


def choose(page: PageContext, request: XrayRequest, event: gr.EventData) -> Outputs:
    """A clicked token becomes the one whose guesses are shown, a clicked guess is put into words. Both lead on to the head
    in which the token looks most firmly, in the clicked layer if there is one. A clicked arc opens its head at once, on
    the row of the token that looks."""
    click = clicked(event._data.get("customdata"))
    if click is None:
        return {}
    seen = _seen(page, request)
    if click.what == ARC:
        if not 0 <= click.number < len(seen.arcs):
            return {}
        arc = seen.arcs[click.number]
        words = {"detail": markup.note(_sentence(arc_words(seen, arc)))}
        return words | _way_on(seen, arc) | _opened(page, _target(seen, arc))
    if click.what == GUESS:
        if seen.guesses is None or not 0 <= click.number <= seen.layers:
            return {}
        return _looks(page, seen, seen.focus, max(0, click.number - 1), layer_words(seen, click.number))
    chosen = *page.reading, seen.kind, click.number
    again = _seen(page, replace(request, chosen=chosen, first=seen.window.start))
    return _drawn(page, again) | {"chosen": chosen} | _looks(page, again, again.focus, click.layer)


def open_target(page: PageContext, request: XrayRequest) -> Outputs:
    """Opens Attention on the head and the row that the last click named."""
    return _opened(page, request.target) if request.target else {}


def _looks(page: PageContext, seen: "Xray", token: int, layer: int | None, words: str = "") -> Outputs:
    """The words, then where a token looks most firmly, in the layer if there is one, and the button that opens that head."""
    arc = firmest_look(page.recording(), seen.kind, token, layer)
    if arc is None:
        return {"detail": markup.note(words or _hint(seen), terms=True), "opens": gr.update(visible=False)}
    look = arc_words(seen, arc)
    says = (texts.LOOKS if layer is None else texts.LOOKS_THERE).format(look=look)
    return {"detail": markup.note(f"{words} {says}".strip(), terms=True)} | _way_on(seen, arc)


def _way_on(seen: "Xray", arc: "Arc") -> Outputs:
    """The button that opens an arc's head."""
    label = texts.OPEN_HEAD.format(layer=arc.layer, head=arc.head)
    return {"opens": gr.update(visible=True, value=label), "target": _target(seen, arc)}


def _target(seen: "Xray", arc: "Arc") -> tuple[int, int, int, str]:
    return arc.layer, arc.head, arc.query, seen.kind


def _opened(page: PageContext, target: tuple[int, int, int, str]) -> Outputs:
    layer, head, token, kind = target
    chosen = {"layer": layer, "head": head, "kind": kind, "head_chosen": True}
    return chosen | {"token": token, "token_text": page.reading, "opened_at": str(time.monotonic_ns())}


def _hint(seen: "Xray") -> str:
    return texts.HINT if seen.guesses is not None else texts.HINT_WITHOUT_GUESSES


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def _seen(page: PageContext, request: XrayRequest) -> "Xray":
    recording = page.recording()
    stack = request.stack if recording.target_tokens is not None else "self"
    token = None
    if request.chosen is not None and tuple(request.chosen[:2]) == page.reading:
        token = request.chosen[3] if request.chosen[2] == stack else None
    first = None if request.first is None else int(request.first)
    return xray(recording, workbench.shared(), stack, token, first)


def _basis(page: PageContext, seen: "Xray") -> tuple:
    """All that the picture depends on."""
    return page, seen.kind, seen.focus, seen.window


def _script(page: PageContext, seen: "Xray") -> Script:
    """Of the guesses at the token in question, and of the streams' widths."""
    recording = page.recording()
    if seen.guesses is None:
        return (
            Script(why=" ".join(seen.reasons)) if seen.changes is None else streams_script(page, recording, seen.kind)
        )
    focus, count = seen.focus, len(seen.guesses.layers[0].ids)
    return lens_script(page, recording, lambda text, way: xray_script(text, way, focus, count))


def _drawn(page: PageContext, seen: "Xray") -> Outputs:
    """What the tab shows of an X-ray; the picture, which every visit opens with, is kept with its recording."""
    count = len(seen.tokens)
    name = "picture", seen.kind, seen.focus, seen.window
    picture = workbench.shared().memo(page.recording(), name, lambda: xray_figure(seen), lambda _: PICTURE_BYTES)
    label = f"{texts.FIRST} (of {count:,})"
    return {
        script_output("figure"): _script(page, seen),
        "figure": picture,
        "sentence": markup.note(story(seen), terms=True),
        "detail": markup.note(_hint(seen)),
        "opens": gr.update(visible=False),
        "stack": gr.update(visible=seen.kind != "self"),
        "first": gr.update(
            visible=count > WINDOW, maximum=max(1, count - WINDOW), value=seen.window.start, label=label
        ),
    }
