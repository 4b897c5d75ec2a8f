"""Words typed by the visitor, placed by an embedding matrix of the loaded model; their neighbours; sums of words."""

import gradio as gr

from playground.analysis.embeddings.pca_and_neighbours import MEASURES, nearest, pca
from playground.analysis.embeddings.vector_arithmetic import signed_sum
from playground.analysis.text_display import percent, plain_mark
from playground.components import FollowingDropdown, Panel, PlotlyView, markup
from playground.figures.embeddings.scatter import neighbours_figure, scatter_figure
from playground.tabs.shared.page_context import QUIET, RUNS_MODEL, loaded, outputs
from playground.tabs.shared.views import View

NAME, TITLE = "words", "Words"
NEIGHBOURS = 12
PRESETS = {
    "animals, fruit, cities, numbers": "cat, dog, horse, lion, mouse, wolf\n"
    "apple, banana, orange, pear, cherry, grape\n"
    "London, Paris, Berlin, Rome, Madrid, Tokyo\n"
    "one, two, three, four, five, six",
    "countries and capitals": "France, Germany, Italy, Spain, Japan, Russia\nParis, Berlin, Rome, Madrid, Tokyo, Moscow",
    "cat, dog, animal": "cat, dog, animal\nkitten, puppy\ncar, house",
    "opposites": "big, small\nhot, cold\nfast, slow\nrich, poor\nlight, dark\nold, new",
    "English and Chinese": "one, two, three, water, fire, mountain\n一, 二, 三, 水, 火, 山",
}
FIRST_WORDS = next(iter(PRESETS.values()))
FIRST_SUM = "king - man + woman"
SUMS = (FIRST_SUM, "Paris - France + Italy", "walking - walk + swim")

ABOUT = markup.explanation(
    "What am I looking at?",
    "The model holds one vector for every token of its vocabulary: the row of its embedding matrix. Words used alike "
    "come to lie near each other. Principal component analysis (Pearson 1901) shows the two or three directions in which "
    "the chosen words differ most; the axes say how much of the difference that is. The rest is not on the picture.",
    "Neighbours are found in the whole vocabulary and all dimensions, by cosine <code>a·b / (|a| |b|)</code>, by dot "
    "product or by distance. The vectors of most models share a direction, so that even random words look alike "
    "(anisotropy, Ethayarajh 2019): the page prints how much, and the mean of all vectors can be taken off first. A word of "
    "several tokens stands at the mean of their vectors and is marked, or each of its tokens is placed by itself.",
    "Sums of words (Mikolov et al. 2013) famously give king − man + woman ≈ queen; without leaving out the words of the "
    "sum themselves the answer is often one of these (Rogers et al. 2017). Both are shown as they are.",
)


def build(view: View) -> None:
    """Builds the view and connects it."""
    lens = view.lens
    placed = gr.State([])
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=260):
            words = gr.Textbox(
                FIRST_WORDS,
                label="Words",
                lines=6,
                max_lines=14,
                elem_id="words",
                info="With commas between them; each line is a group with its own colour.",
            )
            with gr.Row(elem_classes="pg-chips"):
                presets = [gr.Button(name, size="sm", min_width=40, elem_classes="pg-chip") for name in PRESETS]
            place = gr.Button("Place", variant="primary", elem_id="place")
            dimensions = gr.Radio(["2D", "3D"], value="2D", label="Dimensions", elem_id="dimensions")
            with gr.Accordion("More", open=False):
                which = FollowingDropdown(
                    ["input embedding"], value="input embedding", label="Matrix", elem_id="matrix"
                )
                space = gr.Checkbox(True, label="As within a sentence (with a space before the word)", elem_id="space")
            tokens = gr.Checkbox(
                False,
                label="Token by token",
                elem_id="token-by-token",
                info="A word of several tokens not at their mean, but each by itself.",
            )
        with gr.Column(scale=7):
            figure = PlotlyView(label="Words in the embedding space", height=480, elem_id="embedding-map")
            sentence = Panel(elem_id="embedding-sentence")
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            with gr.Row(elem_classes="pg-controls"):
                measure = gr.Radio(list(MEASURES), value="cosine", label="Nearest by", elem_id="near-measure")
                centre = gr.Checkbox(False, label="Take the mean of all vectors off first", elem_id="near-centre")
            neighbours = PlotlyView(label="Nearest neighbours", height=360, elem_id="neighbours")
        with gr.Column(min_width=300):
            total = gr.Textbox(
                FIRST_SUM,
                label="A sum of words",
                lines=1,
                elem_id="sum",
                info="Signs with spaces round them; press Enter.",
            )
            with gr.Row(elem_classes="pg-chips"):
                sums = [gr.Button(name, size="sm", min_width=40, elem_classes="pg-chip") for name in SUMS]
            keep = gr.Checkbox(False, label="Allow the words of the sum as an answer", elem_id="sum-keep")
            answer = PlotlyView(label="Nearest to the sum", height=360, elem_id="sum-neighbours")
            said = Panel(live=True, elem_id="sum-sentence")
    Panel(ABOUT)

    model, near = lens.given[:3], [which, space, measure, centre]
    given = [*model, words, dimensions, *near, tokens]
    drawn = [figure, sentence, neighbours, placed, which, lens.message]
    asked = [*model, total, keep, *near]
    summed = [answer, said, lens.message]
    view.draws(draw, given, drawn)
    view.draws(add_up, asked, summed)
    gr.on([place.click, dimensions.input, tokens.input], draw, given, drawn, trigger_mode="always_last", **RUNS_MODEL)
    for changed in (which, space, measure, centre):
        changed.input(draw, given, drawn, trigger_mode="always_last", **RUNS_MODEL).then(
            add_up, asked, summed, **RUNS_MODEL
        )
    gr.on([total.submit, keep.input], add_up, asked, summed, trigger_mode="always_last", **RUNS_MODEL)
    for preset in presets:
        preset.click(choose_preset, preset, words, **QUIET).then(draw, given, drawn, **RUNS_MODEL)
    for chip in sums:
        chip.click(_same, chip, total, **QUIET).then(add_up, asked, summed, **RUNS_MODEL)
    figure.select(show_neighbours, [*model, placed, *near, tokens], [neighbours, lens.message], **RUNS_MODEL)


def choose_preset(name: str) -> str:
    """A preset's words."""
    return PRESETS[name]


def _same(text: str) -> str:
    return text


@outputs(5)
def draw(
    model_id,
    device,
    dtype,
    words,
    dimensions,
    which="input embedding",
    space=True,
    measure="cosine",
    centre=False,
    tokens=False,
) -> tuple:
    """The words on their principal axes, a sentence, the neighbours of the first, the words, the matrices to choose."""
    from playground.embeddings.matrices import table_of, word_groups

    model = loaded(model_id, device, dtype)
    chosen, lines = word_groups(words or "")
    placed, owners, names, which = _placed(model, chosen, space, which, tokens)
    projection = pca(placed.vectors, 3 if dimensions == "3D" else 2)
    categories = [lines[owner] for owner in owners] if len(set(lines)) > 1 else None
    shares = " and ".join(percent(share) for share in projection.explained_variance_ratio)
    alike = table_of(model, names[which]).anisotropy
    many = f"{len(chosen)} words" if len(owners) == len(chosen) else f"{len(owners)} tokens of {len(chosen)} words"
    said = (
        f"{many} in {model.anatomy.d_model:,} dimensions; the axes hold {shares} of their variance. "
        f"{projection.note or 'Click a point for its neighbours in the whole vocabulary.'} Two random tokens have a cosine "
        f"of {alike.mean_cosine:.2f} on average, {alike.centred:.2f} with the mean taken off: measure likeness against that."
    )
    figure = scatter_figure(projection, placed.labels(), categories)
    bars = neighbours_of(model, placed, 0, names[which], measure, centre)
    return figure, markup.note(said), bars, chosen, gr.update(choices=list(names), value=which)


def _placed(model, words: list[str], space: bool, which: str, tokens: bool) -> tuple:
    """The words, or their tokens, placed; the number of the word of each; the matrices' names, and the one that is taken."""
    from playground.embeddings.matrices import matrices, place_words, token_by_token

    names = matrices(model)
    which = which if which in names else next(iter(names))
    placed, owners = place_words(model, words, space, names[which]), list(range(len(words)))
    if tokens:
        placed, owners = token_by_token(model, placed, names[which])
    return placed, owners, names, which


@outputs(1)
def show_neighbours(
    model_id, device, dtype, words, which, space, measure, centre, event: gr.EventData, tokens=False
) -> tuple:
    """The neighbours of the clicked point; nothing for a click on none."""
    index = event._data.get("customdata")
    index = index[0] if isinstance(index, list) and index else index
    if not isinstance(index, int | float) or not words:
        return (gr.skip(),)
    model = loaded(model_id, device, dtype)
    placed, _, names, which = _placed(model, words, space, which, tokens)
    if not 0 <= index < len(placed.words):
        return (gr.skip(),)
    return (neighbours_of(model, placed, int(index), names[which], measure, centre),)


@outputs(2)
def add_up(
    model_id, device, dtype, total, keep, which="input embedding", space=True, measure="cosine", centre=False
) -> tuple:
    """The tokens nearest to a signed sum of words, and which is nearest without the words of the sum and with them."""
    from playground.embeddings.matrices import added, matrices, table_of

    model = loaded(model_id, device, dtype)
    names = matrices(model)
    matrix = names.get(which, next(iter(names.values())))
    table, terms = table_of(model, matrix), signed_sum(total or "")
    vector, placed = added(model, terms, matrix, space)
    origin = None
    if centre:  # off every word of the sum: the signs say how often
        origin = table.mean
        vector = vector - (sum(term.sign for term in terms) - 1) * vector.new_tensor(table.mean)
    without, every = (
        nearest(table.matrix, vector, NEIGHBOURS, MEASURES[measure], left_out, origin)
        for left_out in (placed.all_ids, ())
    )
    best, best_of_all = (
        f"“{plain_mark(table.texts[near.indices[0]])}” ({near.values[0]:.3f})" for near in (without, every)
    )
    said = f"{plain_mark(total.strip(), 80)} gives "
    said += (
        f"{best_of_all}; without the words of the sum {best}."
        if keep
        else f"{best}, the words of the sum left out; with them {best_of_all}."
    )
    found = every if keep else without
    shown = neighbours_figure(
        found, [table.texts[i] for i in found.indices], title=f"Nearest to {plain_mark(total.strip(), 60)}"
    )
    return shown, markup.note(said + placed.remarks())


def neighbours_of(model, placed, index: int, matrix: str, measure: str = "cosine", centre: bool = False):
    """Bars of the tokens nearest to a placed word, its own left out."""
    from playground.embeddings.matrices import table_of

    table = table_of(model, matrix)
    own = placed.ids[index] if len(placed.ids[index]) == 1 else ()
    origin = table.mean if centre else None
    found = nearest(table.matrix, placed.vectors[index], NEIGHBOURS, MEASURES[measure], own, origin)
    title = f"Nearest to “{placed.words[index]}” in the whole vocabulary"
    return neighbours_figure(found, [table.texts[i] for i in found.indices], title=title)
