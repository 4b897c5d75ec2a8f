"""The projector: the vocabulary of the loaded model, words, the tokens of the text or sentences as a cloud of points. What a
click into it tells stands in clicks.py."""

import time
from collections.abc import Iterator

import gradio as gr

from playground.analysis.embeddings.pca_and_neighbours import MEASURES
from playground.analysis.embeddings.vocabulary_filter import ANY, SPACES
from playground.analysis.text_display import percent
from playground.components import FollowingDropdown, Panel, PlotlyView, markup
from playground.errors import Cancelled
from playground.tabs.embeddings import projector_points
from playground.tabs.embeddings.colours import colours_of
from playground.tabs.embeddings.files import NAMES, picture_of
from playground.tabs.embeddings.projector_clicks import (
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
from playground.tabs.embeddings.projector_request import (
    COLOURS,
    KINDS,
    LAYOUTS,
    OWN,
    SENTENCES,
    TOKENS,
    VOCABULARY,
    WORDS,
    asked,
)
from playground.tabs.embeddings.sentences_view import FIRST_LINES
from playground.tabs.embeddings.words_view import FIRST_WORDS
from playground.tabs.shared.long_work import Halt, halt_now, in_steps
from playground.tabs.shared.page_context import GENERATES, QUIET, RUNS_MODEL, loaded, outputs
from playground.tabs.shared.views import View

NAME, TITLE = "projector", "Projector"
ABOUT = markup.explanation(
    "What am I looking at?",
    "Everything here is a vector of many numbers: a token of the vocabulary is a row of the embedding matrix, a token of "
    "the text its state after a layer, a sentence what is made of its tokens. <b>PCA</b> shows the two or three directions "
    "in which the points differ most, and says how little of the whole that is. <b>t-SNE</b> (van der Maaten and Hinton "
    "2008) and <b>UMAP</b> (McInnes et al. 2018) give up distances to keep neighbours together: near means near, far means "
    "nothing, and the size of a group means nothing either; another seed gives another picture. They take at most 5,000 "
    "points, and PCA 50,000, so of more a sample is drawn.",
    "Click a point for its neighbours in all dimensions, click another for the similarity of the two; draw round a group "
    "with the lasso (above the picture, in two dimensions) for what is near to all of it. In three dimensions drag to turn.",
    "The vectors of most models share a direction, so that even random ones look alike (anisotropy, Ethayarajh 2019): the "
    "page prints how much, and the mean of all of them can be taken off first.",
)


def build(view: View) -> None:
    """Builds the view and connects it."""
    lens = view.lens
    with gr.Row(equal_height=False):
        with gr.Column(scale=7):
            figure = PlotlyView(label="The projector", height=620, elem_id="cloud")
            sentence = Panel(live=True, elem_id="cloud-sentence")
            with gr.Row(elem_classes="pg-actions"):
                make = gr.Button("Make files", size="sm", scale=0, min_width=110, elem_id="cloud-files")
                files = [gr.DownloadButton(name, size="sm", scale=0, min_width=90, visible=False) for name in NAMES]
        with gr.Column(scale=3, min_width=260):
            what = gr.Dropdown(list(KINDS), value=VOCABULARY, label="Place", elem_id="cloud-what")
            search = gr.Textbox("", label="Fly to", lines=1, placeholder=FIRST.strip(), elem_id="cloud-search")
            layout = gr.Radio(list(LAYOUTS), value="PCA", label="Layout", elem_id="cloud-layout")
            dimensions = gr.Radio(["2D", "3D"], value="2D", label="Dimensions", elem_id="cloud-dimensions")
            colour = FollowingDropdown(list(COLOURS), value=COLOURS[0], label="Colour", elem_id="cloud-colour")
            space = FollowingDropdown(
                ["input embedding"], value="input embedding", label="Space", elem_id="cloud-matrix"
            )
            with gr.Accordion("Which tokens", open=False) as of_vocabulary:
                script = FollowingDropdown([ANY], value=ANY, label="Script", elem_id="cloud-script")
                leading = gr.Radio(list(SPACES), value=ANY, label="Leading space", elem_id="cloud-space")
                least = gr.Number(0, label="At least so many characters", precision=0, elem_id="cloud-least")
                most = gr.Number(100, label="At most", precision=0, elem_id="cloud-most")
                pattern = gr.Textbox("", label="Regular expression", lines=1, elem_id="cloud-pattern")
            with gr.Column(visible=False) as of_words:
                words = gr.Textbox(
                    FIRST_WORDS,
                    label="Words",
                    lines=4,
                    max_lines=10,
                    elem_id="cloud-words",
                    info="With commas between them; each line is a group.",
                )
                by_token = gr.Checkbox(False, label="Token by token", elem_id="cloud-by-token")
            with gr.Column(visible=False) as of_sentences:
                lines = gr.Textbox(
                    FIRST_LINES, label="Sentences, one a line", lines=5, max_lines=12, elem_id="cloud-lines"
                )
                pooling = FollowingDropdown([OWN], value=OWN, label="A sentence is", elem_id="cloud-pooling")
            with gr.Accordion("How", open=False):
                count = gr.Number(0, label="Sample of (0: all)", precision=0, elem_id="cloud-count")
                perplexity = gr.Number(
                    0, label="Perplexity (t-SNE; 0: 30, or what so few points allow)", elem_id="cloud-perplexity"
                )
                near = gr.Number(0, label="Neighbours (UMAP; 0: 15, or all)", precision=0, elem_id="cloud-near")
                spread = gr.Number(0.1, label="Least distance (UMAP)", step=0.05, elem_id="cloud-spread")
                seed = gr.Number(0, label="Seed", precision=0, elem_id="cloud-seed")
                directions = gr.Checkbox(
                    False, label="Directions only (every vector scaled to length 1)", elem_id="cloud-directions"
                )
                dropped = gr.Textbox(
                    "",
                    label="Drop into the picture (PCA, UMAP)",
                    lines=1,
                    elem_id="cloud-dropped",
                    info="Words with commas between them, another text, or a sentence, as what is placed; "
                    "the others stay where they are.",
                )
            with gr.Row():
                place = gr.Button("Place", variant="primary", min_width=80, elem_id="cloud-place")
                stop = gr.Button("Stop", min_width=80, elem_id="cloud-stop")
    with gr.Row(elem_classes="pg-controls"):
        measure = gr.Radio(list(MEASURES), value="cosine", label="Nearest by", elem_id="cloud-measure")
        centre = gr.Checkbox(False, label="Take the mean of all vectors off first", elem_id="cloud-centre")
    neighbours = PlotlyView(label="Nearest neighbours", height=360, elem_id="cloud-neighbours")
    Panel(ABOUT)

    drawn, chosen, halt = gr.State(None), gr.State(None), gr.State(Halt())
    numbers = [least, most, count, perplexity, near, spread, seed]
    kinds = [layout, colour, dimensions, space, script, leading]
    controls = [
        what,
        *kinds,
        least,
        most,
        pattern,
        count,
        perplexity,
        near,
        spread,
        seed,
        directions,
        words,
        by_token,
        lens.applied,
        lines,
        pooling,
        dropped,
        chosen,
    ]
    model = lens.given[:3]
    given = [*model, measure, centre, drawn, halt, *controls]
    shown = [figure, sentence, script, space, colour, pooling, neighbours, drawn, chosen, lens.message]
    view.draws(draw_if_other, given, shown)
    gr.on(
        [place.click, *(c.submit for c in (dropped, pattern, *numbers))],
        draw,
        given,
        shown,
        trigger_mode="once",
        **GENERATES,
    )
    gr.on(
        [c.input for c in (*kinds, directions, by_token, pooling)],
        draw,
        given,
        shown,
        trigger_mode="always_last",
        **GENERATES,
    )
    what.input(show_controls, what, [of_vocabulary, of_words, of_sentences, colour, space, directions], **QUIET).then(
        draw, given, shown, **GENERATES
    )
    stop.click(halt_now, halt, None, **QUIET)
    seen = [*model, drawn, chosen, measure, centre]
    told = [figure, neighbours, sentence, drawn, chosen, lens.message]
    figure.select(choose, seen, told, **RUNS_MODEL)
    figure.lasso(choose_group, seen, [neighbours, sentence, lens.message], **RUNS_MODEL)
    gr.on([measure.input, centre.input], near_again, seen, [neighbours, lens.message], **RUNS_MODEL)
    search.submit(fly, [*model, search, *seen[3:]], told, **RUNS_MODEL)
    make.click(download, [*model, drawn], [*files, lens.message], **RUNS_MODEL)


def show_controls(what: str) -> tuple:
    """The controls that belong to what is placed; colour and space are the usual ones of such points. Of states within the
    model the direction counts: a first token is often a hundred times longer than the others."""
    return *(gr.update(visible=what == kind) for kind in (VOCABULARY, WORDS, SENTENCES)), None, None, what == TOKENS


@outputs(9)
def draw_if_other(model_id, device, dtype, measure, centre, drawn, halt, *rest) -> Iterator[tuple]:
    """`draw`, unless what is asked for is on the page already: a picture of the vocabulary takes a megabyte."""
    wanted = asked(*rest)
    if drawn == Drawn((model_id, device, dtype), wanted):
        yield (gr.skip(),) * 9
    else:
        yield from _drawing(model_id, device, dtype, measure, centre, halt, drawn, wanted)


@outputs(9)
def draw(model_id, device, dtype, measure, centre, drawn, halt, *rest) -> Iterator[tuple]:
    """The cloud: picture, sentence, the scripts, spaces, colours and poolings to choose, neighbours of the chosen point or
    of one to begin with, what was drawn, and the chosen point, which is none once the points are others. Long layouts tell
    how far they are."""
    yield from _drawing(model_id, device, dtype, measure, centre, halt, drawn, asked(*rest))


def _drawing(model_id, device, dtype, measure, centre, halt, drawn: Drawn | None, wanted) -> Iterator[tuple]:
    model, of = loaded(model_id, device, dtype), (model_id, device, dtype)
    names = list(projector_points.spaces(model, wanted.what))
    wanted = wanted._replace(space=wanted.space if wanted.space in names else names[0])
    if drawn is None or drawn.of != of or drawn.asked.source != wanted.source:
        wanted = wanted._replace(chosen=None)
    halt.asked, started, skip, found = False, time.monotonic(), gr.skip(), None
    try:
        for share, found in in_steps(lambda tick: projector_points.cloud(model, wanted, tick), halt, "The layout"):
            if found is None:
                said = f"{wanted.layout}: {percent(share)} after {time.monotonic() - started:.0f} s. Stop ends it."
                yield skip, markup.note(said), *[skip] * 7
    except Cancelled:
        yield skip, markup.note("Stopped. The picture is the one from before, if there was one."), *[skip] * 7
        return
    points, took = found.placed.points, time.monotonic() - started
    words = found.words + (f" It took {took:.1f} s." if took > 1 else "") + " Click a point for its neighbours."
    scripts = sorted(set(points.source.scripts)) if wanted.what == VOCABULARY else []
    poolings, way = projector_points.poolings_of(model, wanted.pooling)
    wanted = wanted._replace(colour=found.colour, pooling=way)
    yield (
        picture_of(found, wanted),
        markup.note(words),
        gr.update(choices=[ANY, *scripts]),
        gr.update(choices=names, value=wanted.space),
        gr.update(choices=colours_of(points), value=found.colour),
        gr.update(choices=poolings, value=way),
        neighbours_of(points, shown_at_first(found.placed, wanted.chosen), measure, centre)[0],
        Drawn(of, wanted),
        wanted.chosen,
    )
