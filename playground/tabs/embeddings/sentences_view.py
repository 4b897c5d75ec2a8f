"""Sentences compared by meaning: a query, what is nearest to it, and how alike all are."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.catalog import find
from playground.components import Panel, PlotlyView, markup
from playground.embeddings.pooling_choices import pooling_badge, pooling_choices
from playground.embeddings.pooling_names import OWN
from playground.errors import Cancelled, PlaygroundError
from playground.figures.embeddings.cosines import cosines_figure
from playground.figures.embeddings.point_pictures import neighbour_bars, on_principal_axes
from playground.figures.embeddings.scatter import HALF
from playground.tabs.embeddings.controls import pooling_list
from playground.tabs.embeddings.sentence_scripts import search_scripts
from playground.tabs.shared.detail import LEADING
from playground.tabs.shared.events import GENERATES
from playground.tabs.shared.long_work import WorkControl, with_progress
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.stop_button import stop_button, with_stop
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts.embeddings import FIRST_LINES, FIRST_QUERY, SENTENCES_ABOUT

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel

NAME, TITLE = "sentences", "Sentences"
MINILM, LOADED = "all-minilm-l6-v2", "the model that is loaded"


@dataclass(frozen=True)
class SentencesRequest:
    """Which sentences are compared with which query, and by which model."""

    lines: str | None
    query: str | None
    pooling: str | None = None
    source: str = MINILM
    """MINILM or LOADED."""
    control: WorkControl = field(default_factory=WorkControl)


def build(view: View) -> None:
    """Builds the view and connects it."""
    control = gr.State(WorkControl())
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            lines = gr.Textbox(FIRST_LINES, label="Sentences (one per line)", lines=8, max_lines=16, elem_id="lines")
            query = gr.Textbox(FIRST_QUERY, label="Query", lines=1, elem_id="query", info="Press Enter.")
            which = gr.Dropdown([MINILM, LOADED], value=MINILM, label="Model for sentences", elem_id="sentence-model")
            pooling = pooling_list("pooling")
            with gr.Row():
                search = gr.Button("Search", elem_classes="pg-do", min_width=80, elem_id="search-lines")
                stop = stop_button("stop-lines", control, large=True)
            badge = Panel(elem_id="pooling-badge")
        with gr.Column(min_width=300):
            ranking = PlotlyView(label="Nearest to the query", height=400, elem_id="ranking", elem_classes=LEADING)
            sentence = Panel(live=True, elem_id="ranking-sentence")
    with gr.Row():
        with gr.Column(min_width=300):
            alike = PlotlyView(label="Sentence to sentence", height=480, elem_id="sentences-alike")
        with gr.Column(min_width=300):
            placed = PlotlyView(label="Sentences as points", height=480, elem_id="sentences-map")
    Panel(markup.explanation(*SENTENCES_ABOUT))

    inputs = {"lines": lines, "query": query, "pooling": pooling, "source": which, "control": control}
    outputs: dict[str, Any] = {"ranking": ranking, "sentence": sentence, "alike": alike, "placed": placed}
    outputs |= {"pooling": pooling, "badge": badge, "stop": stop}
    wires: dict[str, Any] = {"request": SentencesRequest, "outputs": outputs}
    page, works = view.page, with_stop(draw)
    view.draws(works, inputs, **wires)
    searched = [search.click, query.submit, pooling.input]
    bind(searched, works, page=page, inputs=inputs, **wires, trigger_mode="once", **GENERATES)
    usual = inputs | {"pooling": gr.State(OWN)}  # of the model chosen now
    bind(which.input, works, page=page, inputs=usual, **wires, trigger_mode="always_last", **GENERATES)


def draw(page: PageContext, request: SentencesRequest) -> Iterator[Outputs]:
    """The ranking, a sentence, the heat map, the sentences as points, the poolings to choose, and which one it is of which
    model. Before that, how far it is."""
    from playground.embeddings.sentence_search import cut_in_words, search_sentences
    from playground.embeddings.sentence_vectors import chosen_pooling, encode, limit_of, split_lines

    texts, control = split_lines(request.lines or ""), request.control
    if not (request.query or "").strip():
        raise PlaygroundError("There is no query.", "Type one and press Enter.")
    query, control.stop = split_lines(request.query or "")[0], False
    try:
        model, reason = yield from sentence_model(page, request.source, control)
        choices, choice = pooling_choices(model, request.pooling)
        pooling = chosen_pooling(model, choice)

        def progress(share: float, seconds: float) -> Outputs:
            words = f"{int(share * len(texts)):,} of {len(texts):,} sentences read. Stop ends it."
            return {"sentence": markup.progress(words, share, seconds)}

        encoded = yield from with_progress(
            lambda tick: workbench.shared().sentences(model, tuple(texts), pooling, tick, role="document"),
            control,
            "The search",
            progress,
        )
    except Cancelled:
        yield {"sentence": markup.note("Stopped. The pictures are the ones from before, if there were some.")}
        return
    of_query = encode(model, [query], pooling, lambda share: None, None, "query")
    result = search_sentences(texts, query, encoded.vectors, of_query.vectors[0])
    cut = cut_in_words(encoded.cut, bool(of_query.cut), limit_of(model))
    title = "The query (ringed) and the sentences"
    placed, _ = on_principal_axes(result.with_query, selected=0, title=title, width=HALF)
    yield {
        "ranking": neighbour_bars(result.sentences, result.neighbours, "Nearest to the query"),
        "sentence": markup.note(result.description + cut, terms=True),
        "alike": cosines_figure(result.cosines, result.compared.labels, description=result.description),
        "placed": placed,
        **search_scripts(model, texts, query, pooling, (len(result.neighbours.indices), len(result.cosines))),
        "pooling": gr.update(choices=choices, value=choice),
        "badge": markup.badge(*pooling_badge(model, choice, reason)),
    }


def sentence_model(
    page: PageContext, source: str, control: WorkControl
) -> Generator[Outputs, None, tuple["LoadedModel", str]]:
    """Yields a progress bar while MiniLM is being loaded; returns the model, and the reason why it is another than was
    chosen. Cancelled once Stop was pressed."""
    if source == LOADED or find(page.model_id or "") is find(MINILM):
        return page.model(), ""
    try:
        for status in workbench.shared().loading(MINILM, page.device, "auto"):
            if control.stop:
                raise Cancelled("Loading")
            if status.model is not None:
                return status.model, ""
            words = f"{MINILM}: {status.message}"
            yield {"sentence": markup.progress(words, status.share, status.seconds)}
    except Cancelled:
        raise
    except PlaygroundError as error:
        reason = f"{MINILM} can't be had ({error.message.rstrip('.')}), so the loaded model is taken. "
    return page.model(), reason
