"""Sentences compared by meaning: a query, what is nearest to it, and how alike all are."""

import gradio as gr

from playground.analysis.display import plain_mark
from playground.analysis.projection import nearest, pca
from playground.analysis.vectors import cosines
from playground.components import FollowingDropdown, Panel, PlotlyView, markup
from playground.figures.clouds import cosines_figure
from playground.figures.embeddings import HALF, neighbours_figure, scatter_figure
from playground.tabs.lens import RUNS_MODEL, loaded, outputs
from playground.tabs.views import View

NAME, TITLE = "sentences", "Sentences"
OWN = "the model's own"
BEST, MOST_SHOWN = 10, 60
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
    "the same way, and the ranking shows how badly that works. Try it beside MiniLM (all-minilm-l6-v2 in the list).",
)


def build(view: View) -> None:
    """Builds the view and connects it."""
    lens = view.lens
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            lines = gr.Textbox(FIRST_LINES, label="Sentences, one a line", lines=8, max_lines=16, elem_id="lines")
            query = gr.Textbox(FIRST_QUERY, label="Query", lines=1, elem_id="query", info="Press Enter.")
            pooling = FollowingDropdown([OWN], value=OWN, label="A sentence is", elem_id="pooling")
            search = gr.Button("Search", variant="primary", elem_id="search-lines")
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

    given = [*lens.given[:3], lines, query, pooling]
    shown = [ranking, sentence, alike, placed, pooling, badge, lens.message]
    view.draws(draw, given, shown)
    gr.on([search.click, query.submit, pooling.input], draw, given, shown, trigger_mode="once", **RUNS_MODEL)


@outputs(6)
def draw(model_id, device, dtype, lines, query, pooling) -> tuple:
    """The ranking, a sentence, the heat map, the sentences as points, the poolings to choose, and which one it is."""
    from playground.models.sentences import LAST, MEAN, POOLINGS, encode, own_pooling, split_lines

    model = loaded(model_id, device, dtype)
    texts, own = split_lines(lines), own_pooling(model)
    asked = split_lines(query or "")[:1]
    choices = [OWN, *POOLINGS] if own else list(POOLINGS)
    pooling = pooling if pooling in choices else OWN if own else LAST if model.anatomy.kind == "decoder" else MEAN
    vectors, cut = encode(model, [*asked, *texts], own if pooling == OWN else pooling)
    found = nearest(vectors[1:], vectors[0], min(BEST, len(texts)))
    best = [texts[i] for i in found.indices]
    told = f"“{plain_mark(best[0], 80)}” is nearest to “{plain_mark(asked[0], 60)}”, with a cosine of {found.values[0]:.3f}."
    shown = min(len(texts), MOST_SHOWN)
    cosine = cosines(vectors[1 : shown + 1])
    others = (cosine.sum() - shown) / max(1, shown * (shown - 1))
    told += f" The {'first ' if shown < len(texts) else ''}{shown} sentences have {others:.2f} with one another on average."
    if cut:
        told += f" {cut} of them were cut to 256 tokens."
    state, words = ("ok", f"Pooled as this model was trained: {own}.") if pooling == OWN else (
        "off", f"Not trained for sentences: the {pooling} of the last layer is taken." if own is None else
        f"This model was trained with another pooling: {own}.")  # fmt: skip
    return (
        neighbours_figure(found, best, title="Nearest to the query", limit=32), markup.note(told),
        cosines_figure(cosine, texts[:shown], description=told),
        scatter_figure(pca(vectors), [*asked, *texts], selected=0, title="The query (ringed) and the sentences",
                       width=HALF),
        gr.update(choices=choices, value=pooling), markup.badge(state, words),
    )  # fmt: skip
