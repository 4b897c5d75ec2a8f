"""Words typed by the visitor, placed by an embedding matrix of the loaded model; their neighbours; sums of words."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.analysis.embeddings.pca_and_neighbours import MEASURES
from playground.analysis.embeddings.vector_arithmetic import signed_sum
from playground.analysis.text_display import plain_mark
from playground.components import Panel, PlotlyView, markup
from playground.embeddings.point_neighbours import NEIGHBOURS, neighbours_of
from playground.embeddings.point_sets import PointRequest, WordPoints
from playground.figures.embeddings.point_pictures import neighbour_bars, on_principal_axes, words_in_words
from playground.figures.embeddings.scatter import neighbours_figure
from playground.scripts.embeddings import nearest
from playground.scripts.script import Script
from playground.tabs.embeddings.cloud_scripts import placed_ids, words_script
from playground.tabs.embeddings.controls import axes_of, dimensions_radio, matrix_list, neighbour_controls
from playground.tabs.embeddings.projector_points import WorkbenchReader
from playground.tabs.shared.controls import chips
from playground.tabs.shared.detail import LEADING, detail, show_detail
from playground.tabs.shared.events import LATEST, RUNS_MODEL
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import model_for_script, script_output
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts import embeddings as texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playground.embeddings.points import Points
    from playground.models.loaded_model import LoadedModel

NAME, TITLE = "words", "Words"
WORDS = WordPoints()


@dataclass(frozen=True)
class WordsRequest:
    """Which words are placed and which are added up, and how neighbours are searched."""

    words: str | None
    dimensions: str = "2D"
    matrix: str | None = "input embedding"
    leading_space: bool = True
    measure: str = "cosine"
    centre: bool = False
    by_token: bool = False
    drawn: PointRequest | None = None
    """The points in the picture; `words` may be others that were typed since."""
    total: str | None = texts.FIRST_SUM
    keep: bool = False
    """Whether the words of the sum are allowed as an answer."""


def build(view: View) -> None:
    """Builds the view and connects it."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=260):
            words = gr.Textbox(
                texts.FIRST_WORDS, label="Words", lines=6, max_lines=14, elem_id="words", info=texts.LINES_ARE_COLOURS
            )
            presets = chips(texts.PRESETS, words)
            place = gr.Button("Draw", elem_classes="pg-do", elem_id="place")
            dimensions = dimensions_radio("dimensions")
            with gr.Accordion("More", open=False):
                which = matrix_list("Matrix", "matrix")
                space = gr.Checkbox(True, label="As inside a sentence (with a space before the word)", elem_id="space")
            tokens = gr.Checkbox(
                False, label="Show each token of a word", elem_id="token-by-token", info=texts.BY_TOKEN_HELP
            )
        with gr.Column(scale=7):
            figure = PlotlyView(
                label="Words in the embedding space", height=480, elem_id="embedding-map", elem_classes=LEADING
            )
            sentence = Panel(elem_id="embedding-sentence")
    with gr.Row(equal_height=False):
        with detail("words-detail", min_width=300):
            by = neighbour_controls("near")
            neighbours = PlotlyView(label="Nearest neighbours", height=360, elem_id="neighbours")
        with gr.Column(min_width=300):
            total = gr.Textbox(texts.FIRST_SUM, label="A sum of words", lines=1, elem_id="sum", info=texts.SUM_HELP)
            sums = chips({text: text for text in texts.SUMS}, total)
            keep = gr.Checkbox(False, label="Allow the words of the sum as an answer", elem_id="sum-keep")
            answer = PlotlyView(label="Nearest to the sum", height=360, elem_id="sum-neighbours")
            said = Panel(live=True, elem_id="sum-sentence")
    Panel(markup.explanation(*texts.WORDS_ABOUT))

    drawn, page = gr.State(None), view.page
    search: dict[str, Any] = {"matrix": which, "leading_space": space, **by}
    place_inputs = {"words": words, "dimensions": dimensions, "by_token": tokens, "drawn": drawn}
    wires: dict[str, Any] = {"inputs": search | place_inputs | {"total": total, "keep": keep}, "request": WordsRequest}
    places = wires | {
        "outputs": {"figure": figure, "sentence": sentence, "neighbours": neighbours, "drawn": drawn, "matrix": which}
    }
    adds = wires | {"outputs": {"answer": answer, "sum_sentence": said}}
    view.draws(draw, **places, empties=["figure", "sentence", "neighbours", "drawn"])
    view.draws(add_up, **adds)
    bind([place.click, dimensions.input, tokens.input], draw, page=page, **places, **LATEST)
    bind([total.submit, keep.input], add_up, page=page, **adds, **LATEST)
    for control in search.values():
        drawing = bind(control.input, draw, page=page, **places, **LATEST)
        bind(drawing.then, add_up, page=page, **adds, **RUNS_MODEL)
    for written in presets:
        bind(written.then, draw, page=page, **places, **RUNS_MODEL)
    for written in sums:
        bind(written.then, add_up, page=page, **adds, **RUNS_MODEL)
    opening = bind(figure.select, show_neighbours, page=page, **wires, outputs={"neighbours": neighbours}, **RUNS_MODEL)
    show_detail(opening, "words-detail", "neighbours")


def draw(page: PageContext, request: WordsRequest) -> Outputs:
    """The words on their principal axes, a sentence, and the neighbours of the first."""
    from playground.embeddings.matrices import split_words

    model = page.model()
    count = len(split_words(request.words or ""))
    drawn = PointRequest(request.words or "", by_token=request.by_token, leading_space=request.leading_space)
    points = WORDS.points(model, drawn, _matrix(model, request), WorkbenchReader())
    figure, projection = on_principal_axes(points, axes_of(request.dimensions))
    return {
        "figure": figure,
        script_output("figure"): words_script(
            model, drawn, WORDS.space_name(model, request.matrix), axes_of(request.dimensions)
        ),
        "sentence": markup.note(words_in_words(points, count, projection), terms=True),
        **_neighbours(model, points, 0, replace(request, drawn=drawn)),
        "drawn": drawn,
        "matrix": gr.update(choices=list(WORDS.spaces(model)), value=WORDS.space_name(model, request.matrix)),
    }


def _matrix(model: "LoadedModel", request: WordsRequest) -> str:
    """The chosen embedding matrix, or the usual one."""
    return str(WORDS.spaces(model)[WORDS.space_name(model, request.matrix)])


def show_neighbours(page: PageContext, request: WordsRequest, event: gr.EventData) -> Outputs:
    """The neighbours of the clicked point; nothing for a click on none."""
    index = event._data.get("customdata")
    index = index[0] if isinstance(index, list) and index else index
    if not isinstance(index, int | float) or request.drawn is None:
        return {}
    model = page.model()
    points = WORDS.points(model, request.drawn, _matrix(model, request), WorkbenchReader())
    if not 0 <= index < len(points.numbers):
        return {}
    return _neighbours(model, points, int(index), request)


def _neighbours(model: "LoadedModel", points: "Points", index: int, request: WordsRequest) -> Outputs:
    """Bars of the tokens nearest to a placed word, its own left out."""
    neighbours = neighbours_of(points, [index], request.measure, request.centre)
    bars = neighbour_bars(points, neighbours, f"Nearest to “{points.name(index)}” in the whole vocabulary")
    drawn = request.drawn or PointRequest(
        request.words or "", by_token=request.by_token, leading_space=request.leading_space
    )
    script = _nearest_script(model, [(1.0, placed_ids(model, drawn)[index])], points.own_rows([index]), request)
    return {"neighbours": bars, script_output("neighbours"): script}


def _nearest_script(
    model: "LoadedModel",
    terms: "Sequence[tuple[float, Sequence[int]]]",
    left_out: "Sequence[int]",
    request: WordsRequest,
) -> Script:
    """Of the tokens nearest to a sum of words, each with its sign and its ids."""
    how = MEASURES[request.measure], request.centre
    return nearest(model_for_script(model), terms, left_out, _matrix(model, request), how, NEIGHBOURS)


def add_up(page: PageContext, request: WordsRequest) -> Outputs:
    """The tokens nearest to a signed sum of words, and which is nearest without the words of the sum and with them."""
    from playground.embeddings.word_sums import sum_of_words

    model, text = page.model(), request.total or ""
    matrix = _matrix(model, request)
    result = sum_of_words(model, text, matrix, request.leading_space, request.measure, request.centre)
    neighbours = result.neighbours(request.keep)
    terms = [(term.sign, ids) for term, ids in zip(signed_sum(text), result.words.ids, strict=True)]
    left_out = [] if request.keep else sorted(result.words.all_ids)
    labels, title = [result.table.texts[i] for i in neighbours.indices], f"Nearest to {plain_mark(text.strip(), 60)}"
    return {
        script_output("answer"): _nearest_script(model, terms, left_out, request),
        "answer": neighbours_figure(neighbours, labels, title=title),
        "sum_sentence": markup.note(result.description(text, request.keep)),
    }
