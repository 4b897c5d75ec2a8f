"""Lens: what the model would say of each token after every layer, and one cell of it in detail."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from playground import workbench
from playground.components import FollowingSlider, Panel, PlotlyView, markup
from playground.errors import PlaygroundError
from playground.figures.layers.lens import PROBABILITY, RANK, SHADES, lens_figure
from playground.figures.layers.words import identities, lens_words
from playground.recording.layers.window import WINDOW, own_tokens, window_lens, window_of
from playground.scripts.lens import Shading
from playground.tabs.layers.clicks import whole
from playground.tabs.layers.lens_cell import (
    LensViewRequest,
    cell_outputs,
    clicked_cell,
    followed_token,
    place_of,
    texts_of,
)
from playground.tabs.layers.parts_controls import PartsControls
from playground.tabs.layers.refusals import refusal
from playground.tabs.shared.controls import WIDE, figure_or_nothing, typed
from playground.tabs.shared.detail import BESIDE, LEADING, LIST, MORE, detail, sentence_and_badge, show_detail
from playground.tabs.shared.events import LATEST, QUIET, RUNS_MODEL
from playground.tabs.shared.language_chooser import build_language_chooser
from playground.tabs.shared.layer_scripts import lens_map_script
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.views import View, script_that_opens
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts import layers as texts

if TYPE_CHECKING:
    from playground.analysis.layers.lens import Lens

NAME, TITLE = "lens", "Lens"
UNDER_SLIDER = "pg-under-slider"
"""The class of a picture that begins a line lower, below the slider of a long text's first token."""
OPENED = "cell", "reading", "follow"
"""What is set where Lens opens on a column."""
OPEN_PARTS = script_that_opens("Layers", "layers", "Contributions")


def build(view: View, controls: PartsControls) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        shade = gr.Dropdown(
            list(SHADES.items()), value=PROBABILITY, label=texts.SHADE, min_width=200, elem_id="lens-shade"
        )
        follow = gr.Textbox(
            "", label=texts.FOLLOW, placeholder=texts.FOLLOW_HINT, max_length=100, max_lines=1, min_width=270,
            elem_id="lens-follow",
        )  # fmt: skip
        between = gr.Checkbox(False, label=texts.BETWEEN, elem_id="lens-between")
        first = FollowingSlider(
            0, 1, value=0, step=1, label=texts.FIRST, visible=False, min_width=WIDE + 80, elem_id="lens-first"
        )
        build_language_chooser(view.page, "layers")
    sentence, badge = sentence_and_badge("lens")
    with gr.Row(elem_classes=BESIDE):
        left = gr.Column(scale=7, min_width=300, elem_classes="pg-list-column")
        with left, gr.Column(elem_classes=LIST, elem_id="lens-list"):
            figure = PlotlyView(label="Lens", height=470, elem_id="lens-map", elem_classes=LEADING)
        with detail("lens-detail", scale=4, min_width=280):
            of_cell = Panel(live=True, elem_id="lens-cell")
            opens = gr.Button("", size="sm", visible=False, elem_id="lens-open")
            best = PlotlyView(label="The best guesses of a cell", height=280, elem_id="lens-best", elem_classes=MORE)
            ranks = PlotlyView(label="Ranks over the layers", height=230, elem_id="lens-ranks", elem_classes=MORE)
    Panel(markup.explanation(*texts.LENS_ABOUT))
    cell = gr.Textbox("", visible="hidden", container=False, elem_id="lens-clicked")
    opened_at = gr.Textbox("", visible="hidden", container=False)

    inputs: dict[str, Component] = {"shade": shade, "follow": follow, "between": between, "first": first}
    clicks: dict[str, Component] = {"cell": cell, "reading": view.reading()}
    column: dict[str, Component] = {"column": view.page.lens_column}
    wires: dict[str, Any] = {"inputs": inputs | clicks | column, "request": LensViewRequest}
    one: dict[str, Component] = {"figure": figure, "of_cell": of_cell, "best": best, "ranks": ranks, "opens": opens}
    everything = one | {"sentence": sentence, "badge": badge, "first": first, "shade": shade} | clicks
    view.draws(draw, **wires, outputs=everything | column | {"follow": follow})
    redraws = [shade.input, *typed(follow), between.input]
    bind(redraws, redraw, page=view.page, **wires, outputs=everything, **LATEST)
    bind(first.input, redraw, page=view.page, **wires, outputs=everything, **LATEST)
    clicked = bind(figure.select, choose, page=view.page, **wires, outputs=one | clicks, **RUNS_MODEL)
    show_detail(clicked, "lens-detail")
    handed = {"from_lens": controls.from_lens, "opened_at": opened_at}
    bind(opens.click, open_parts, page=view.page, **wires, outputs=handed, **RUNS_MODEL)
    opened_at.change(None, None, None, js=OPEN_PARTS, **QUIET)


def draw(page: PageContext, request: LensViewRequest) -> Outputs:
    """The lens of the text's last tokens, or of the window round the chosen cell, or round the token whose column is to be
    opened."""
    if request.column is not None and tuple(request.column[0]) == page.reading:
        return _opened_on(page, request, *request.column[1:])
    cell = clicked_cell(page, request)
    stale = {} if cell else {"cell": "", "reading": None}
    return stale | redraw(page, replace(request, first=cell[0] - WINDOW + 1 if cell else None))


def _opened_on(page: PageContext, request: LensViewRequest, token: int, follower: int | None) -> Outputs:
    """The lens up to a token, at its last guesses, following the token that comes after it."""
    from playground.models.one_token import typed_as  # torch: not before the page is there

    follow = request.follow if follower is None else typed_as(page.model(), follower)
    chosen = replace(request, first=token - WINDOW + 1, cell=str(token), reading=page.reading, follow=follow)
    return redraw(page, chosen) | {name: getattr(chosen, name) for name in OPENED} | {"column": None}


def redraw(page: PageContext, request: LensViewRequest) -> Outputs:
    """The lens as the controls say, and its chosen cell."""
    recording, store = page.recording(), workbench.shared()
    window = window_of(recording, None if request.first is None else int(request.first))
    followed, problem = followed_token(recording.model, request.follow)
    labels = [token.label for token in own_tokens(recording)]
    try:
        lens = window_lens(recording, store, window, request.between)
        if request.shade == RANK and followed is None:
            followed = int(lens.ids[-1, -1, 0])
        lens = window_lens(recording, store, window, request.between, request.shade, followed)
    except PlaygroundError as error:
        nothing = dict.fromkeys(("figure", "best", "ranks"), figure_or_nothing(None))
        hidden = {"of_cell": "", "badge": "", "opens": gr.update(visible=False)}
        return {**nothing, **hidden, "sentence": refusal(recording.model, error), "first": gr.update(visible=False)}
    named = texts_of(recording, lens)
    words = lens_words(lens, labels, named, recording.model.anatomy.kind == "encoder")
    state, words_of_badge = identities({"last row": lens.error})
    picture = lens_figure(lens, [labels[n] for n in window], named, request.shade, tall=request.between)
    place = place_of(page, request, lens)
    outputs = cell_outputs(page, request, lens, place)
    count = recording.length
    classes = [] if request.between else [LEADING]  # twice as many rows scroll in their list
    classes += [UNDER_SLIDER] if count > WINDOW else []
    shading = Shading(request.shade, followed or 0)
    outputs[script_output("figure")] = lens_map_script(page, recording, window, request.between, shading)
    outputs["figure"] = gr.update(value=picture, visible=True, mark=outputs["figure"]["mark"], elem_classes=classes)
    return outputs | {
        "sentence": markup.note(f"{problem} {words}".strip(), terms=True),
        "badge": markup.badge("ok", state, words_of_badge),
        "first": gr.update(
            visible=count > WINDOW,
            maximum=max(1, count - WINDOW),
            value=window.start,
            label=f"{texts.FIRST} (of {count:,})",
        ),
    }


def choose(page: PageContext, request: LensViewRequest, event: gr.EventData) -> Outputs:
    """The clicked cell in detail."""
    token, state = whole(event, "x"), whole(event, "y")
    lens = _lens(page, request)
    if not (0 <= token < len(lens.tokens) and 0 <= state < len(lens.states)):
        return {}
    place = state, lens.tokens[token]
    return cell_outputs(page, request, lens, place) | {
        "cell": f"{place[1]} {lens.states[state]}",
        "reading": page.reading,
    }


def open_parts(page: PageContext, request: LensViewRequest) -> Outputs:
    """Opens Contributions on the first guess of the chosen cell, at its token."""
    lens = _lens(page, request)
    state, token = place_of(page, request, lens)
    number = int(lens.ids[state, lens.tokens.index(token), 0])
    return {"from_lens": (page.reading, token, number), "opened_at": str(time.monotonic_ns())}


def _lens(page: PageContext, request: LensViewRequest) -> "Lens":
    recording = page.recording()
    first = None if request.first is None else int(request.first)
    return window_lens(recording, workbench.shared(), window_of(recording, first), request.between)
