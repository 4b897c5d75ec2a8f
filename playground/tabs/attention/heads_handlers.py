"""The handlers of the Heads view, and the one by which the tab's chooser follows the model."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.components import markup, numbered
from playground.figures.attention.all_heads import overview_cell, overview_mark
from playground.figures.attention.head_request import COLUMN, ROW, HeadRequest
from playground.figures.attention.one_head import head_picture
from playground.figures.attention.overview import overview_marks, overview_pictures
from playground.figures.attention.token_grid import zoomed_window
from playground.recording.head_choice import BETWEEN, NOTHING, THIS_HEAD, HeadChoice, two_sentences, why_no_attention
from playground.recording.head_files import write_files
from playground.recording.head_weights import HeadWeights
from playground.recording.kept_steps import head_check
from playground.tabs.attention.head_outputs import no_head, one_head, row_of, weights_of
from playground.tabs.attention.head_scripts import every_head_script, head_script
from playground.tabs.attention.pair_handlers import draw_pair, no_pair
from playground.tabs.attention.tab_chooser import opening_of
from playground.tabs.shared.controls import layer_slider
from playground.tabs.shared.downloads import file_stem, fresh_folder
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.sources import source_of
from playground.tabs.shared.wiring import REQUEST, Outputs
from playground.texts.attention import PAIR

if TYPE_CHECKING:
    import numpy as np

MAX_EXACT = 32
"""Tokens up to which a map shows every weight, so that zooming in adds nothing."""


def follow(page: PageContext, choice: HeadChoice) -> Outputs:
    """The kinds, layers and heads that the model has, and as "opened" which of them to show: what exists stays; before a
    visitor chose a head, the most telling one of the text, which becomes the whole page's. See
    `TabChooser.follow_openings`."""
    recording = page.recording()
    if not recording.kinds:
        return {}
    clamped = choice.opened(recording, workbench.shared())
    heads = recording.attention(clamped.layer, clamped.kind).heads
    return {
        "kind": gr.Radio(choices=list(recording.kinds), visible=len(recording.kinds) > 1),
        "layer": layer_slider(recording, clamped.layer, clamped.kind, moved=False),
        "head": numbered("Head", clamped.head, heads, moved=False),
        "opened": opening_of(choice, clamped),
    }


def draw(page: PageContext, request: HeadRequest) -> Iterator[Outputs]:
    """The whole view: first the chosen head, then all heads, then the check of the maths."""
    recording = page.recording()
    if words := why_no_attention(recording):
        no_pairs = {"pairs": gr.update(visible=False), **no_pair()}
        yield no_head(markup.note(words)) | {"overview": None, "badge": "", **no_pairs}
        return
    request = request.opened(recording, workbench.shared())
    heads = recording.attention(request.layer, request.kind).heads
    request = replace(request, others=[head for head in request.others or () if head < heads])
    pair = two_sentences(recording.tokens)
    yield {
        REQUEST: request,
        "others": gr.update(choices=[(f"head {n}", n) for n in range(heads)], value=request.others),
        "between": gr.update(visible=pair),
        "pairs": gr.update(visible=bool(recording.model.capabilities.pairs) and not pair),
        **draw_pair(page, request),
        **one_head(page, request),
    }
    for number, (figure, mark, to_come) in enumerate(overview_pictures(recording, request, workbench.shared())):
        badge = markup.badge("off", to_come) if to_come else head_badge(page, request)
        frame: dict[str, Any] = {"mark": mark} if number == 0 else {}  # later a visitor may have clicked another head
        overview = {"overview": gr.update(value=figure, **frame), "badge": badge, REQUEST: request}
        yield overview | every_head_script(page, request.kind)


def draw_head(page: PageContext, request: HeadRequest) -> Outputs:
    """Another head of the same recording, one that a visitor chose; the frame in the overview moves there."""
    mark = overview_mark(int(request.layer), int(request.head), _order(page, request))
    picture = one_head(page, request)  # raises for a head that does not exist
    return {"overview": gr.update(mark=mark), **picture, "badge": head_badge(page, request)}


def open_telling(page: PageContext, request: HeadRequest) -> Outputs:
    """Back to the head that tells most of the text, on its own row."""
    request = replace(request, chosen=False, token=None, direction=ROW).opened(page.recording(), workbench.shared())
    head = {"layer": request.layer, "head": request.head, "chosen": False, "token": None, "direction": ROW}
    return head | draw_head(page, request)


def head_badge(page: PageContext, request: HeadRequest) -> str:
    """Whether the head that is shown was reproduced; empty for a picture that is no attention of the model: means,
    differences, rollouts, and weights that were scaled or shared anew."""
    if request.show != THIS_HEAD or request.exclude != NOTHING:
        return ""
    whole = head_check(page.recording(), workbench.shared(), request.layer, request.kind)
    return markup.badge(*whole.badge(request.layer, request.head, request.kind))


def open_head(page: PageContext, request: HeadRequest, event: gr.EventData) -> Outputs:
    """The head whose small map was clicked in the overview."""
    recording = page.recording()
    heads = [0] * recording.depth(request.kind)
    for number in recording.layer_numbers(request.kind):
        heads[number] = recording.attention(number, request.kind).heads
    cell = overview_cell(heads, event._data["x"], event._data["y"])
    if cell is None:
        return {}
    layer, head = cell
    if (order := _order(page, request)) is not None:
        head = int(order[layer, head])
    return {"layer": layer, "head": head} | draw_head(page, replace(request, layer=layer, head=head))


def open_ranked(page: PageContext, request: HeadRequest, event: gr.EventData) -> Outputs:
    """The head of a clicked bar of the ranking, on the row of the token that looks."""
    looking, _ = request.pair_in(page.reading)
    if looking is None or not isinstance(place := event._data.get("customdata"), list):
        return {}
    layer, head = map(int, place)
    chosen: Outputs = {"layer": layer, "head": head, "token": looking, "text": page.reading, "direction": ROW}
    return chosen | draw_head(page, replace(request, **chosen))


def _order(page: PageContext, request: HeadRequest) -> "np.ndarray | None":
    """(layers, heads): the head at each place of the overview; None for their own order."""
    if not request.sort_heads:
        return None
    return overview_marks(page.recording(), request, workbench.shared())[0].order


def draw_overview(page: PageContext, request: HeadRequest) -> Iterator[Outputs]:
    """All heads, with another measure marked in them."""
    for figure, mark, _ in overview_pictures(page.recording(), request, workbench.shared()):
        yield {"overview": gr.update(value=figure, mark=mark)} | every_head_script(page, request.kind)


def open_row(page: PageContext, request: HeadRequest, event: gr.EventData) -> Outputs:
    """The row of the query token whose cell was clicked."""
    weights = weights_of(page, request)
    token = min(max(0, int(event._data["y"])), len(weights.queries) - 1)
    return _another_row(page, weights, replace(request, direction=ROW), token)


def open_token(page: PageContext, request: HeadRequest, event: gr.EventData) -> Outputs:
    """A clicked token of the strip, or of a bar, becomes the chosen one. Of two texts the strip shows the other one, so that
    a click there turns from row to column, or back."""
    weights = weights_of(page, request)
    token, direction = event._data["index"], request.direction
    if isinstance(event._data.get("customdata"), int | float):
        token = event._data["customdata"]  # of a bar
    queries, keys = BETWEEN.get(request.between, (0, 0))
    if weights.cross or len(weights.queries) != len(weights.keys) or queries != keys:
        direction = COLUMN if direction == ROW else ROW
    return _another_row(page, weights, replace(request, direction=direction), int(token))


def _another_row(page: PageContext, weights: HeadWeights, request: HeadRequest, token: int) -> Outputs:
    """The row or column of a token that a visitor chose."""
    chosen: Outputs = {"direction": request.direction, "token": token, "text": page.reading}
    return chosen | row_of(page, weights, replace(request, **chosen))


def draw_row(page: PageContext, request: HeadRequest) -> Outputs:
    """The chosen token in another direction."""
    return row_of(page, weights_of(page, request), request)


def zoom(page: PageContext, request: HeadRequest, event: gr.EventData) -> Outputs:
    """The visible part of a long text's map, as exact as the picture's cells allow. It is kept for the next head."""
    weights = weights_of(page, request)
    queries, keys = weights.weights.shape
    if max(queries, keys) <= MAX_EXACT:
        return {"zoom": None}
    window = zoomed_window(event._data, (queries, keys))
    request = replace(request, zoom=((queries, keys), window) if window else None)
    figure, row = head_picture(page.recording(), weights, request).figure, row_of(page, weights, request)
    script = {script_output("map"): head_script(page, page.recording(), request)}
    return {"map": row["map"] | {"value": figure}, "zoom": request.zoom} | script


def download(page: PageContext, request: HeadRequest) -> Outputs:
    """The map shown, as CSV and as JSON, behind a button each."""
    source = source_of(page, request, ("Attention", "Heads"))
    stem = file_stem(source["model"], f"attention heads layer {request.layer} head {request.head}", page.text)
    paths = write_files(weights_of(page, request), fresh_folder(), source, stem)
    return {
        name: gr.DownloadButton(value=str(path), visible=True)
        for name, path in zip(("csv", "json"), paths, strict=True)
    }


def two_sentences_example(page: PageContext) -> Outputs:
    """Two sentences with the model's own separator between them, for the box and under the lens."""
    text = PAIR.format(sep=page.model().tokenizer.sep_token)
    return {"text": text, "applied": text}
