"""The vocabulary of the loaded model as a cloud of points: all of it, a sample, or what a filter lets through."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import gradio as gr

from playground.analysis.display import percent, plain_mark
from playground.analysis.vocabulary import ANY, SPACES
from playground.components import FollowingDropdown, Panel, PlotlyView, markup
from playground.errors import Cancelled, PlaygroundError
from playground.figures.clouds import cloud_figure, flown_to
from playground.figures.embeddings import neighbours_figure
from playground.tabs.embeddings import placing
from playground.tabs.embeddings.placing import COLOURS, LAYOUTS, Cloud
from playground.tabs.lens import GENERATES, QUIET, RUNS_MODEL, loaded, outputs
from playground.tabs.views import View

NAME, TITLE = "vocabulary", "Vocabulary"
EVERY = 0.3
FIRST = " cat"
"""The token whose neighbours are shown before one is chosen, if it is there."""
ABOUT = markup.explanation(
    "What am I looking at?",
    "Every token of the vocabulary is a row of the embedding matrix. <b>PCA</b> shows the two or three directions in which "
    "these rows differ most, and says how little of the whole that is. <b>t-SNE</b> (van der Maaten and Hinton 2008) and "
    "<b>UMAP</b> (McInnes et al. 2018) give up distances to keep neighbours together: near means near, far means nothing, "
    "and the size of a group means nothing either; another seed gives another picture. They take at most 5,000 points, so "
    "a sample is drawn.",
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
                seed = gr.Number(0, label="Seed", precision=0, elem_id="cloud-seed")
                dropped = gr.Textbox("", label="Drop words into the picture (PCA, UMAP)", lines=1, elem_id="cloud-dropped",
                                     info="With commas between them; the others stay where they are.")  # fmt: skip
            with gr.Row():
                place = gr.Button("Place", variant="primary", min_width=80, elem_id="cloud-place")
                stop = gr.Button("Stop", min_width=80, elem_id="cloud-stop")
    neighbours = PlotlyView(label="Nearest neighbours", height=360, elem_id="cloud-neighbours")
    Panel(ABOUT)

    chosen, halt = gr.State(None), gr.State(placing.Halt())
    asked = [layout, colour, dimensions, script, space, least, most, pattern, count, perplexity, near, seed, dropped, chosen]
    given = [*lens.given[:3], *asked]
    shown = [figure, sentence, script, neighbours, lens.message]
    view.draws(draw, [*given, halt], shown)
    gr.on([place.click, dropped.submit, pattern.submit], draw, [*given, halt], shown, trigger_mode="once", **GENERATES)
    gr.on([c.input for c in (layout, colour, dimensions, script, space)], draw, [*given, halt], shown,
          trigger_mode="always_last", **GENERATES)  # fmt: skip
    stop.click(halt_now, halt, None, **QUIET)
    figure.select(choose, given, [neighbours, sentence, chosen, lens.message], **RUNS_MODEL)
    figure.lasso(choose_group, given, [neighbours, sentence, lens.message], **RUNS_MODEL)
    search.submit(fly, [*lens.given[:3], search, *asked], [figure, neighbours, sentence, chosen, lens.message], **RUNS_MODEL)
    make.click(download, given, [*files, lens.message], **RUNS_MODEL)


def halt_now(halt) -> None:
    """Stops the layout that is being computed for this visitor."""
    halt.asked = True


@outputs(4)
def draw(model_id, device, dtype, *rest) -> Iterator[tuple]:
    """The cloud: picture, sentence, scripts to choose, neighbours of the chosen token or of one to begin with. Long layouts
    tell how far they are."""
    *rest, halt = rest
    model = loaded(model_id, device, dtype)
    asked = placing.asked(*rest)
    halt.asked, progress, started = False, [0.0], time.monotonic()

    def tick(share: float) -> None:
        progress[0] = share
        if halt.asked:
            raise Cancelled("The layout")

    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(placing.cloud, model, asked, tick)
        try:
            while not work.done():
                done = threading.Event()
                work.add_done_callback(lambda _, done=done: done.set())
                if not done.wait(EVERY):
                    said = f"{asked.layout}: {percent(progress[0])} after {time.monotonic() - started:.0f} s. Stop ends it."
                    yield gr.skip(), markup.note(said), gr.skip(), gr.skip()
        except GeneratorExit:
            halt.asked = True
            raise
        found = work.result()
    figure = cloud_figure(
        found.layout.coordinates, [found.labels[i] for i in found.numbers], groups=found.groups, values=found.values,
        value_name=asked.colour, axes=found.axes, dropped=found.dropped, description=found.words, kind=asked.kind,
    )  # fmt: skip
    took = time.monotonic() - started
    words = found.words + (f" It took {took:.1f} s." if took > 1 else "")
    chosen = asked.chosen
    if chosen is None or chosen >= len(found.table.texts):
        chosen = int(found.numbers[placing.find(found, FIRST) or 0])
    scripts = gr.update(choices=[ANY, *found.scripts])
    yield figure, markup.note(words + " Click a point for its neighbours."), scripts, neighbours_of(found, chosen)[0]


def _found(model_id, device, dtype, rest) -> Cloud:
    return placing.cloud(loaded(model_id, device, dtype), placing.asked(*rest))


@outputs(3)
def choose(model_id, device, dtype, event: gr.EventData, *rest) -> tuple:
    """The neighbours of the clicked token, its similarity to the one clicked before, and its number."""
    found, chosen = _found(model_id, device, dtype, rest), placing.asked(*rest).chosen
    place = event._data.get("index")
    if not isinstance(place, int) or not 0 <= place < len(found.numbers) or event._data.get("trace"):
        return (gr.skip(),) * 3
    number = int(found.numbers[place])
    bars, words = neighbours_of(found, number)
    if chosen is not None and chosen != number and chosen < len(found.table.texts):
        words += f" Its cosine with “{_name(found, chosen)}”, clicked before: {placing.cosine(found, chosen, number):.3f}."
    return bars, markup.note(words), number


@outputs(2)
def choose_group(model_id, device, dtype, event: gr.EventData, *rest) -> tuple:
    """What is nearest to the mean of the tokens within the lasso."""
    found = _found(model_id, device, dtype, rest)
    places = [i for i in event._data.get("indices") or [] if isinstance(i, int) and 0 <= i < len(found.numbers)]
    if not places:
        return gr.skip(), markup.note("No token is chosen.")
    numbers = found.numbers[places]
    near_all = placing.near_group(found, numbers)
    labels = [found.table.texts[i] for i in near_all.indices]
    some = ", ".join(f"“{_name(found, int(i))}”" for i in numbers[:6])
    words = f"{len(numbers):,} tokens chosen: {some}{' …' if len(numbers) > 6 else ''}. Nearest to their mean are the bars."
    return neighbours_figure(near_all, labels, title=f"Nearest to the mean of {len(numbers):,} tokens"), markup.note(words)


@outputs(4)
def fly(model_id, device, dtype, search, *rest) -> tuple:
    """The picture moves to the token that was searched for, which becomes the chosen one."""
    found = _found(model_id, device, dtype, rest)
    place = placing.find(found, search or "")
    if place is None:
        raise PlaygroundError(
            f"“{plain_mark(search or '', 40)}” is not among the {len(found.numbers):,} tokens shown.",
            "Tokens are pieces of words: try a shorter one, or show all tokens.",
        )
    number = int(found.numbers[place])
    bars, words = neighbours_of(found, number)
    change = flown_to(found.layout.coordinates, place) | {"_": f"{place}-{time.monotonic_ns()}"}
    return gr.update(view=change), bars, markup.note(words), number


def neighbours_of(found: Cloud, number: int) -> tuple:
    """Bars of the tokens nearest to one, and a sentence."""
    near = placing.near(found, number)
    labels = [found.table.texts[i] for i in near.indices]
    name = _name(found, number)
    words = (f"“{name}” (token {number:,}): nearest is “{plain_mark(labels[0].strip() or labels[0], 24)}” with a cosine of "
             f"{near.values[0]:.3f}; two random tokens have {found.table.anisotropy.mean_cosine:.2f}.")  # fmt: skip
    return neighbours_figure(near, labels, title=f"Nearest to “{name}”"), words


def _name(found: Cloud, number: int) -> str:
    return plain_mark(found.table.texts[number], 24)


@outputs(4)
def download(model_id, device, dtype, *rest) -> tuple:
    """Vectors and metadata for the Embedding Projector, the points as CSV, the picture as HTML, behind a button each."""
    found = _found(model_id, device, dtype, rest)
    return tuple(gr.DownloadButton(value=path, visible=True) for path in placing.write_files(found, placing.asked(*rest)))
