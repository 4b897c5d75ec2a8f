"""One cell of the lens in detail: which one it is, its best guesses, and the ranks of some tokens over the layers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import gradio as gr

from playground import workbench
from playground.analysis.text_display import in_words
from playground.components import markup
from playground.errors import PlaygroundError
from playground.figures.attention.token_grid import frame
from playground.figures.generation.next_token import distribution_figure
from playground.figures.layers.lens import PROBABILITY, rank_figure
from playground.figures.layers.words import cell_words, first_for_good, rank_words
from playground.recording.layers.window import lens_cell, own_tokens, window_states
from playground.scripts.lens import lens_cell as lens_cell_of
from playground.scripts.lens import lens_ranks
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.layer_scripts import staged_lens_script
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.wiring import Outputs
from playground.texts import layers as texts

if TYPE_CHECKING:
    from playground.analysis.layers.lens import Lens
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording


@dataclass(frozen=True)
class LensViewRequest:
    """What the view's controls say."""

    shade: str = PROBABILITY
    follow: str = ""
    between: bool = False
    first: int | None = None
    """The first token of the window, of a long text."""
    cell: str = ""
    """The clicked cell: its token's number and its state's name, if one was clicked; empty for none."""
    reading: tuple[str, str] | None = None
    """The page's reading in which it was clicked."""
    column: tuple[tuple[str, str], int, int | None] | None = None
    """See PageControls.lens_column."""


def clicked_cell(page: PageContext, request: LensViewRequest) -> tuple[int, str] | None:
    """Token and state of the clicked cell, if it was clicked in this text; the state is empty for a column alone."""
    token, _, state = request.cell.partition(" ")
    if request.reading is None or tuple(request.reading) != page.reading or not token.isdecimal():
        return None
    return int(token), state


def place_of(page: PageContext, request: LensViewRequest, lens: "Lens") -> tuple[int, int]:
    """State and token of the clicked cell, of a column alone the last state; of none in this window the last token's, where
    its guess settles."""
    token, state = clicked_cell(page, request) or (-1, "")
    if token not in lens.tokens:
        return first_for_good(lens.ids[:, -1, 0]), lens.tokens[-1]
    return lens.states.index(state if state in lens.states else lens.states[-1]), token


def cell_outputs(page: PageContext, request: LensViewRequest, lens: "Lens", place: tuple[int, int]) -> Outputs:
    """The frame round a cell, its best guesses, and the ranks of some tokens over the states of its token."""
    recording, store = page.recording(), workbench.shared()
    state, token = place
    followed, _ = followed_token(recording.model, request.follow)
    states = window_states(recording, store, lens.tokens, request.between)
    cell = lens_cell(recording, store, states, place, followed)
    named = {number: recording.model.vocabulary.text(number) for number in {*cell.ids, *cell.followed}}
    label = own_tokens(recording)[token].label
    words = cell_words(lens.states[state], label, cell.ids, cell.probabilities, named)
    ranked = cell.ids[0] if followed is None else followed
    of_rank = rank_words(named[ranked], lens.states, cell.ranks[:, cell.followed.index(ranked)].tolist())
    names = [named[number] for number in cell.followed]
    best, ranks = (place, len(cell.ids)), (token, cell.followed)
    return {
        script_output("best"): staged_lens_script(
            page, recording, request.between, lambda text, way, stages: lens_cell_of(text, way, *best, stages)
        ),
        script_output("ranks"): staged_lens_script(
            page, recording, request.between, lambda text, way, stages: lens_ranks(text, way, *ranks, stages)
        ),
        "figure": gr.update(mark=frame(lens.tokens.index(token), state)),
        "of_cell": markup.note(f"{words} {of_rank}"),
        "best": figure_or_nothing(distribution_figure([named[n] for n in cell.ids], cell.probabilities)),
        "ranks": figure_or_nothing(rank_figure(lens.states, cell.ranks, names, state)),
        "opens": gr.update(visible=True, value=texts.OPEN_PARTS.format(token=in_words(named[cell.ids[0]], 12))),
    }


def followed_token(model: "LoadedModel", typed: str) -> tuple[int | None, str]:
    """The token to follow, and why there is none where what was typed is no token."""
    from playground.models.one_token import typed_token  # torch: not before the page is there

    try:
        return typed_token(model, typed or ""), ""
    except PlaygroundError as error:
        return None, str(error)


def texts_of(recording: "Recording", lens: "Lens") -> dict[int, str]:
    return {int(number): recording.model.vocabulary.text(int(number)) for number in set(lens.ids.flat)}
