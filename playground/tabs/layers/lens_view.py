"""Lens: what the model would say of each token after every layer, and one cell of it in detail."""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from playground import workbench
from playground.analysis.text_display import in_words
from playground.components import FollowingSlider, Panel, PlotlyView, markup
from playground.errors import PlaygroundError
from playground.figures.attention.token_grid import frame
from playground.figures.generation.next_token import distribution_figure
from playground.figures.layers.lens import PROBABILITY, RANK, SHADES, lens_figure, rank_figure
from playground.figures.layers.words import cell_words, first_for_good, identities, lens_words, rank_words
from playground.recording.layers.window import WINDOW, lens_cell, own_tokens, window_lens, window_of, window_states
from playground.scripts.lens import lens_cell as lens_cell_of
from playground.scripts.lens import lens_ranks
from playground.tabs.layers.clicks import whole
from playground.tabs.layers.parts_controls import PartsControls
from playground.tabs.layers.refusals import refusal
from playground.tabs.shared.controls import WIDE, figure_or_nothing, typed
from playground.tabs.shared.detail import BESIDE, LEADING, LIST, MORE, detail, sentence_and_badge, show_detail
from playground.tabs.shared.events import LATEST, QUIET, RUNS_MODEL
from playground.tabs.shared.language_chooser import build_language_chooser
from playground.tabs.shared.layer_scripts import lens_map_script, lens_script
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.views import View, script_that_opens
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts import layers as texts
from playground.texts import scripts as texts_of_scripts

if TYPE_CHECKING:
    from playground.analysis.layers.lens import Lens
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording

NAME, TITLE = "lens", "Lens"
UNDER_SLIDER = "pg-under-slider"
"""The class of a picture that begins a line lower, below the slider of a long text's first token."""
OPEN_PARTS = script_that_opens("Layers", "layers", "Contributions")


@dataclass(frozen=True)
class LensViewRequest:
    """What the view's controls say."""

    shade: str = PROBABILITY
    follow: str = ""
    between: bool = False
    first: int | None = None
    """The first token of the window, of a long text."""
    cell: str = ""
    """The clicked cell: its token's number and its state's name; empty for none."""
    reading: tuple[str, str] | None = None
    """The page's reading in which it was clicked."""


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
        column = gr.Column(scale=7, min_width=300, elem_classes="pg-list-column")
        with column, gr.Column(elem_classes=LIST, elem_id="lens-list"):
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
    wires: dict[str, Any] = {"inputs": inputs | clicks, "request": LensViewRequest}
    one: dict[str, Component] = {"figure": figure, "of_cell": of_cell, "best": best, "ranks": ranks, "opens": opens}
    everything = one | {"sentence": sentence, "badge": badge, "first": first, "shade": shade} | clicks
    view.draws(draw, **wires, outputs=everything)
    redraws = [shade.input, *typed(follow), between.input]
    bind(redraws, redraw, page=view.page, **wires, outputs=everything, **LATEST)
    bind(first.input, redraw, page=view.page, **wires, outputs=everything, **LATEST)
    clicked = bind(figure.select, choose, page=view.page, **wires, outputs=one | clicks, **RUNS_MODEL)
    show_detail(clicked, "lens-detail")
    handed = {"from_lens": controls.from_lens, "opened_at": opened_at}
    bind(opens.click, open_parts, page=view.page, **wires, outputs=handed, **RUNS_MODEL)
    opened_at.change(None, None, None, js=OPEN_PARTS, **QUIET)


def draw(page: PageContext, request: LensViewRequest) -> Outputs:
    """The lens of the text's last tokens, or of the window round the chosen cell."""
    cell = _clicked(page, request)
    stale = {} if cell else {"cell": "", "reading": None}
    return stale | redraw(page, replace(request, first=cell[0] - WINDOW + 1 if cell else None))


def redraw(page: PageContext, request: LensViewRequest) -> Outputs:
    """The lens as the controls say, and its chosen cell."""
    recording, store = page.recording(), workbench.shared()
    window = window_of(recording, None if request.first is None else int(request.first))
    followed, problem = _followed(recording.model, request.follow)
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
    named = _texts(recording, lens)
    words = lens_words(lens, labels, named, recording.model.anatomy.kind == "encoder")
    state, words_of_badge = identities({"last row": lens.error})
    picture = lens_figure(lens, [labels[n] for n in window], named, request.shade, tall=request.between)
    place = _place(page, request, lens)
    outputs = _cell(page, replace(request, between=request.between), lens, place)
    count = recording.length
    classes = [] if request.between else [LEADING]  # twice as many rows scroll in their list
    classes += [UNDER_SLIDER] if count > WINDOW else []
    plain = request.shade == PROBABILITY and not request.between
    outputs[script_output("figure")] = lens_map_script(page, recording, window, plain)
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
    return _cell(page, request, lens, place) | {"cell": f"{place[1]} {lens.states[state]}", "reading": page.reading}


def open_parts(page: PageContext, request: LensViewRequest) -> Outputs:
    """Opens Contributions on the first guess of the chosen cell, at its token."""
    lens = _lens(page, request)
    state, token = _place(page, request, lens)
    number = int(lens.ids[state, lens.tokens.index(token), 0])
    return {"from_lens": (page.reading, token, number), "opened_at": str(time.monotonic_ns())}


def _lens(page: PageContext, request: LensViewRequest) -> "Lens":
    recording = page.recording()
    first = None if request.first is None else int(request.first)
    return window_lens(recording, workbench.shared(), window_of(recording, first), request.between)


def _clicked(page: PageContext, request: LensViewRequest) -> tuple[int, str] | None:
    """Token and state of the clicked cell, if it was clicked in this text."""
    token, _, state = request.cell.partition(" ")
    if request.reading is None or tuple(request.reading) != page.reading or not token.isdecimal():
        return None
    return int(token), state


def _place(page: PageContext, request: LensViewRequest, lens: "Lens") -> tuple[int, int]:
    """State and token of the clicked cell; of none in this window the last token's, where its guess settles."""
    token, state = _clicked(page, request) or (-1, "")
    if token in lens.tokens and state in lens.states:
        return lens.states.index(state), token
    return first_for_good(lens.ids[:, -1, 0]), lens.tokens[-1]


def _cell(page: PageContext, request: LensViewRequest, lens: "Lens", place: tuple[int, int]) -> Outputs:
    """The frame round a cell, its best guesses, and the ranks of some tokens over the states of its token."""
    recording, store = page.recording(), workbench.shared()
    state, token = place
    followed, _ = _followed(recording.model, request.follow)
    states = window_states(recording, store, lens.tokens, request.between)
    cell = lens_cell(recording, store, states, place, followed)
    named = {number: recording.model.vocabulary.text(number) for number in {*cell.ids, *cell.followed}}
    label = own_tokens(recording)[token].label
    words = cell_words(lens.states[state], label, cell.ids, cell.probabilities, named)
    ranked = cell.ids[0] if followed is None else followed
    of_rank = rank_words(named[ranked], lens.states, cell.ranks[:, cell.followed.index(ranked)].tolist())
    names = [named[number] for number in cell.followed]
    why = texts_of_scripts.OTHER_LENS if request.between else ""
    count = len(cell.ids)
    return {
        script_output("best"): lens_script(
            page, recording, lambda text, way: lens_cell_of(text, way, place, count), why
        ),
        script_output("ranks"): lens_script(
            page, recording, lambda text, way: lens_ranks(text, way, token, cell.followed), why
        ),
        "figure": gr.update(mark=frame(lens.tokens.index(token), state)),
        "of_cell": markup.note(f"{words} {of_rank}"),
        "best": figure_or_nothing(distribution_figure([named[n] for n in cell.ids], cell.probabilities)),
        "ranks": figure_or_nothing(rank_figure(lens.states, cell.ranks, names, state)),
        "opens": gr.update(visible=True, value=texts.OPEN_PARTS.format(token=in_words(named[cell.ids[0]], 12))),
    }


def _followed(model: "LoadedModel", typed: str) -> tuple[int | None, str]:
    """The token to follow, and why there is none where what was typed is no token."""
    from playground.models.one_token import one_token  # torch: not before the page is there

    if not (typed or "").strip():
        return None, ""
    try:
        return one_token(model, typed), ""
    except PlaygroundError as error:
        return None, str(error)


def _texts(recording: "Recording", lens: "Lens") -> dict[int, str]:
    return {int(number): recording.model.vocabulary.text(int(number)) for number in set(lens.ids.flat)}
