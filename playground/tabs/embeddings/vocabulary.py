"""The vocabulary of the loaded model as a cloud of points: all of it, a sample, or what a filter lets through. What a click
into it tells stands in clicks.py."""

import time
from collections.abc import Iterator

import gradio as gr

from playground.analysis.display import percent
from playground.analysis.projection import MEASURES
from playground.analysis.vocabulary import ANY, SPACES
from playground.components import FollowingDropdown, Panel, PlotlyView, markup
from playground.errors import Cancelled
from playground.tabs.embeddings import placing
from playground.tabs.embeddings.clicks import (
    FIRST,
    Drawn,
    choose,
    choose_group,
    download,
    fly,
    near_again,
    neighbours_of,
    shown_at_first,
)
from playground.tabs.embeddings.files import picture_of
from playground.tabs.embeddings.placing import COLOURS, LAYOUTS
from playground.tabs.embeddings.waiting import Halt, halt_now, in_steps
from playground.tabs.lens import GENERATES, QUIET, RUNS_MODEL, loaded, outputs
from playground.tabs.views import View

NAME, TITLE = "vocabulary", "Vocabulary"
ABOUT = markup.explanation(
    "What am I looking at?",
    "Every token of the vocabulary is a row of the embedding matrix. <b>PCA</b> shows the two or three directions in which "
    "these rows differ most, and says how little of the whole that is. <b>t-SNE</b> (van der Maaten and Hinton 2008) and "
    "<b>UMAP</b> (McInnes et al. 2018) give up distances to keep neighbours together: near means near, far means nothing, "
    "and the size of a group means nothing either; another seed gives another picture. They take at most 5,000 points, and "
    "PCA 50,000, so of more a sample is drawn.",
    "Click a point for its neighbours in all dimensions, click another for the similarity of the two; draw round a group "
    "with the lasso (above the picture) for what is near to all of it.",
)


def build(view: View) -> None:
    """Builds the view and connects it."""
    lens = view.lens
    with gr.Row(equal_height=False):
        with gr.Column(scale=7):
            figure = PlotlyView(label="The vocabulary", height=620, elem_id="cloud")
            sentence = Panel(live=True, elem_id="cloud-sentence")
            with gr.Row(elem_classes="pg-actions"):
                make = gr.Button("Make files", size="sm", scale=0, min_width=110, elem_id="cloud-files")
                files = [gr.DownloadButton(name, size="sm", scale=0, min_width=90, visible=False)
                         for name in ("vectors.tsv", "metadata.tsv", "points.csv", "picture.html")]  # fmt: skip
        with gr.Column(scale=3, min_width=260):
            search = gr.Textbox("", label="Fly to a token", lines=1, placeholder=FIRST.strip(), elem_id="cloud-search")
            layout = gr.Radio(list(LAYOUTS), value="PCA", label="Layout", elem_id="cloud-layout")
            colour = gr.Dropdown(list(COLOURS), value="script", label="Colour", elem_id="cloud-colour")
            dimensions = gr.Radio(["2D", "3D"], value="2D", label="Dimensions", elem_id="cloud-dimensions")
            matrix = FollowingDropdown(["input embedding"], value="input embedding", label="Matrix", elem_id="cloud-matrix")
            with gr.Accordion("Which tokens", open=False):
                script = FollowingDropdown([ANY], value=ANY, label="Script", elem_id="cloud-script")
                space = gr.Radio(list(SPACES), value=ANY, label="Leading space", elem_id="cloud-space")
                least = gr.Number(0, label="At least so many characters", precision=0, elem_id="cloud-least")
                most = gr.Number(100, label="At most", precision=0, elem_id="cloud-most")
                pattern = gr.Textbox("", label="Regular expression", lines=1, elem_id="cloud-pattern")
                count = gr.Number(0, label="Sample of (0: all)", precision=0, elem_id="cloud-count")
            with gr.Accordion("How", open=False):
                perplexity = gr.Number(30, label="Perplexity (t-SNE)", elem_id="cloud-perplexity")
                near = gr.Number(15, label="Neighbours (UMAP)", precision=0, elem_id="cloud-near")
                spread = gr.Number(0.1, label="Least distance (UMAP)", step=0.05, elem_id="cloud-spread")
                seed = gr.Number(0, label="Seed", precision=0, elem_id="cloud-seed")
                dropped = gr.Textbox("", label="Drop words into the picture (PCA, UMAP)", lines=1, elem_id="cloud-dropped",
                                     info="With commas between them; the others stay where they are.")  # fmt: skip
            with gr.Row():
                place = gr.Button("Place", variant="primary", min_width=80, elem_id="cloud-place")
                stop = gr.Button("Stop", min_width=80, elem_id="cloud-stop")
    measure = gr.Radio(list(MEASURES), value="cosine", label="Nearest by", elem_id="cloud-measure")
    neighbours = PlotlyView(label="Nearest neighbours", height=360, elem_id="cloud-neighbours")
    Panel(ABOUT)

    drawn, chosen, halt = gr.State(None), gr.State(None), gr.State(Halt())
    numbers = [least, most, count, perplexity, near, spread, seed]
    model, kinds = lens.given[:3], [layout, colour, dimensions, matrix, script, space]
    asked = [*kinds, least, most, pattern, count, perplexity, near, spread, seed, dropped, chosen]
    given = [*model, measure, drawn, halt, *asked]
    shown = [figure, sentence, script, matrix, neighbours, drawn, chosen, lens.message]
    view.draws(draw, given, shown)
    gr.on([place.click, *(c.submit for c in (dropped, pattern, *numbers))], draw, given, shown, trigger_mode="once",
          **GENERATES)  # fmt: skip
    gr.on([c.input for c in kinds], draw, given, shown, trigger_mode="always_last", **GENERATES)
    stop.click(halt_now, halt, None, **QUIET)
    seen = [*model, drawn, chosen, measure]
    told = [figure, neighbours, sentence, drawn, chosen, lens.message]
    figure.select(choose, seen, told, **RUNS_MODEL)
    figure.lasso(choose_group, seen, [neighbours, sentence, lens.message], **RUNS_MODEL)
    measure.input(near_again, seen, [neighbours, lens.message], **RUNS_MODEL)
    search.submit(fly, [*model, search, drawn, chosen, measure], told, **RUNS_MODEL)
    make.click(download, [*model, drawn], [*files, lens.message], **RUNS_MODEL)


@outputs(7)
def draw(model_id, device, dtype, measure, drawn, halt, *rest) -> Iterator[tuple]:
    """The cloud: picture, sentence, scripts and matrices to choose, neighbours of the chosen token or of one to begin with,
    what was drawn, and the chosen token, which is none once the model is another. Long layouts tell how far they are."""
    from playground.models.embeddings import matrices

    model, asked = loaded(model_id, device, dtype), placing.asked(*rest)
    if drawn is None or drawn.of != (model_id, device, dtype):
        asked = asked._replace(chosen=None)
    halt.asked, started, skip = False, time.monotonic(), gr.skip()
    names, found = list(matrices(model)), None
    asked = asked._replace(matrix=asked.matrix if asked.matrix in names else names[0])
    try:
        for share, found in in_steps(lambda tick: placing.cloud(model, asked, tick), halt, "The layout"):
            if found is None:
                said = f"{asked.layout}: {percent(share)} after {time.monotonic() - started:.0f} s. Stop ends it."
                yield skip, markup.note(said), *[skip] * 5
    except Cancelled:
        yield skip, markup.note("Stopped. The picture is the one from before, if there was one."), *[skip] * 5
        return
    table, took = found.placed.table, time.monotonic() - started
    words = found.words + (f" It took {took:.1f} s." if took > 1 else "") + " Click a point for its neighbours."
    shown = shown_at_first(found.placed, asked.chosen)
    yield (
        picture_of(found, asked), markup.note(words), gr.update(choices=[ANY, *sorted(set(table.scripts))]),
        gr.update(choices=names, value=asked.matrix), neighbours_of(table, shown, measure)[0],
        Drawn((model_id, device, dtype), asked), asked.chosen,
    )  # fmt: skip
