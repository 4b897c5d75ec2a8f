"""Sentences compared by meaning: a query, what is nearest to it, and how alike all are."""

import time
from collections.abc import Iterator

import gradio as gr
import numpy as np

from playground import workbench
from playground.analysis.arrays import as_array
from playground.analysis.embeddings.pca_and_neighbours import nearest, pca
from playground.analysis.embeddings.vector_arithmetic import cosines
from playground.analysis.text_display import counted, plain_mark
from playground.catalog import find
from playground.components import FollowingDropdown, Panel, PlotlyView, markup
from playground.errors import Cancelled, PlaygroundError
from playground.figures.embeddings.cosines import cosines_figure
from playground.figures.embeddings.scatter import HALF, neighbours_figure, scatter_figure
from playground.tabs.embeddings.projector_points import poolings_of
from playground.tabs.embeddings.projector_request import OWN
from playground.tabs.shared.long_work import Halt, halt_now, in_steps
from playground.tabs.shared.page_context import GENERATES, QUIET, loaded, outputs
from playground.tabs.shared.views import View

NAME, TITLE = "sentences", "Sentences"
MINILM, LOADED = "all-minilm-l6-v2", "the model that is loaded"
BEST, MAX_SHOWN = 10, 60
FIRST_LINES = """The cat sleeps on the warm sofa.
A kitten is napping on the couch.
The stock market fell sharply today.
Shares lost a tenth of their value.
She plays the violin in an orchestra.
He is a member of a rock band.
It will rain in the mountains tomorrow."""
FIRST_QUERY = "a pet resting"
ABOUT = markup.explanation(
    "What am I looking at?",
    "A sentence model (Reimers and Gurevych 2019) was trained so that sentences of like meaning have vectors of like "
    "direction; the ranking is the cosine of each line with the query. Its vector is made of the last layer's token vectors "
    "as the model was trained to, for MiniLM by their mean.",
    "Other models were not trained for it: a mean or the last token of theirs is a vector too, but all of them point much "
    "the same way, and the ranking shows how badly that works. Try “the model that is loaded” beside MiniLM.",
)


def build(view: View) -> None:
    """Builds the view and connects it."""
    lens = view.lens
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            lines = gr.Textbox(FIRST_LINES, label="Sentences, one a line", lines=8, max_lines=16, elem_id="lines")
            query = gr.Textbox(FIRST_QUERY, label="Query", lines=1, elem_id="query", info="Press Enter.")
            which = gr.Dropdown([MINILM, LOADED], value=MINILM, label="Model for sentences", elem_id="sentence-model")
            pooling = FollowingDropdown([OWN], value=OWN, label="A sentence is", elem_id="pooling")
            with gr.Row():
                search = gr.Button("Search", variant="primary", min_width=80, elem_id="search-lines")
                stop = gr.Button("Stop", min_width=80, elem_id="stop-lines")
            badge = Panel(elem_id="pooling-badge")
        with gr.Column(min_width=300):
            ranking = PlotlyView(label="Nearest to the query", height=400, elem_id="ranking")
            sentence = Panel(live=True, elem_id="ranking-sentence")
    with gr.Row():
        with gr.Column(min_width=300):
            alike = PlotlyView(label="Sentence to sentence", height=480, elem_id="sentences-alike")
        with gr.Column(min_width=300):
            placed = PlotlyView(label="Sentences as points", height=480, elem_id="sentences-map")
    Panel(ABOUT)

    halt = gr.State(Halt())
    given = [*lens.given[:3], lines, query, pooling, which, halt]
    shown = [ranking, sentence, alike, placed, pooling, badge, lens.message]
    view.draws(draw, given, shown)
    gr.on([search.click, query.submit, pooling.input], draw, given, shown, trigger_mode="once", **GENERATES)
    given[5] = gr.State(OWN)  # of the model chosen now
    which.input(draw, given, shown, trigger_mode="always_last", **GENERATES)
    stop.click(halt_now, halt, None, **QUIET)


@outputs(6)
def draw(model_id, device, dtype, lines, query, pooling, which=MINILM, halt=None) -> Iterator[tuple]:
    """The ranking, a sentence, the heat map, the sentences as points, the poolings to choose, and which one it is of which
    model. Before that, how far it is."""
    from playground.embeddings.sentence_vectors import encode, limit_of, own_pooling, split_lines

    texts, halt, skip = split_lines(lines), halt or Halt(), gr.skip()
    if not (query or "").strip():
        raise PlaygroundError("There is no query.", "Type one, and press Enter.")
    asked, halt.asked = split_lines(query)[0], False
    try:
        for bar, taken in sentence_model(which, model_id, device, dtype, halt):
            if taken is None:
                yield skip, bar, *[skip] * 4
        model, why = taken
        own = own_pooling(model)
        choices, pooling = poolings_of(model, pooling)
        way, started = own if pooling == OWN else pooling, time.monotonic()
        for share, found in in_steps(
            lambda tick: workbench.shared().sentences(model, tuple(texts), way, tick), halt, "The search"
        ):
            if found is None:
                said = f"{int(share * len(texts)):,} of {len(texts):,} sentences read. Stop ends it."
                yield skip, markup.progress(said, share, time.monotonic() - started), *[skip] * 4
    except Cancelled:
        yield skip, markup.note("Stopped. The pictures are the ones from before, if there were some."), *[skip] * 4
        return
    of_query = encode(model, [asked], way)
    figures, told = _shown(texts, asked, found.vectors, of_query.vectors)
    limit = limit_of(model)
    for count, what in ((found.cut, counted(found.cut, "sentence")), (of_query.cut, "The query")):
        if count:
            told += f" {what} {'was' if count == 1 else 'were'} cut to {limit:,} tokens."
    state, words = (
        ("ok", f"Pooled as this model was trained: {own}.")
        if pooling == OWN
        else (
            "off",
            f"Not trained for sentences: the {pooling} of the last layer is taken."
            if own is None
            else f"This model was trained with another pooling: {own}.",
        )
    )
    ranking, alike, placed = figures
    badge = markup.badge("warn" if why else state, f"{why}{model.model_id}: {words}")
    yield ranking, markup.note(told), alike, placed, gr.update(choices=choices, value=pooling), badge


def sentence_model(which: str, model_id, device, dtype, halt: Halt) -> Iterator[tuple]:
    """Yields (progress bar, None) while MiniLM is being loaded, and at the end ("", (the model, why it is another than was
    chosen)). Cancelled once Stop was pressed."""
    if which == LOADED or find(model_id or "") is find(MINILM):
        yield "", (loaded(model_id, device, dtype), "")
        return
    try:
        for status in workbench.shared().loading(MINILM, device, "auto"):
            if halt.asked:
                raise Cancelled("Loading")
            if status.model is not None:
                yield "", (status.model, "")
                return
            yield markup.progress(f"{MINILM}: {status.message}", status.share, status.seconds), None
    except Cancelled:
        raise
    except PlaygroundError as error:
        why = f"{MINILM} can't be had ({error.message.rstrip('.')}), so the loaded model is taken. "
    yield "", (loaded(model_id, device, dtype), why)


def _shown(texts: list[str], asked: str, vectors, query) -> tuple[tuple, str]:
    """The ranking, the heat map and the sentences as points, and what is said of them; vectors (N, D), query (1, D)."""
    found = nearest(vectors, query[0], min(BEST, len(texts)))
    best = [texts[i] for i in found.indices]
    told = (
        f"“{plain_mark(best[0], 80)}” is nearest to “{plain_mark(asked, 60)}”, with a cosine of {found.values[0]:.3f}."
    )
    shown = min(len(texts), MAX_SHOWN)
    cosine = cosines(vectors[:shown])
    if shown > 1:
        others = (cosine.sum() - shown) / (shown * (shown - 1))
        first = "first " if shown < len(texts) else ""
        told += f" The {first}{shown} sentences have {others:.2f} with one another on average."
    points = pca(np.concatenate([as_array(query), as_array(vectors)]))
    return (
        neighbours_figure(found, best, title="Nearest to the query", limit=32),
        cosines_figure(cosine, texts[:shown], description=told),
        scatter_figure(points, [asked, *texts], selected=0, title="The query (ringed) and the sentences", width=HALF),
    ), told
