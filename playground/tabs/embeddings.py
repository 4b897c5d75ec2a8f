"""Embeddings: words typed by the visitor, placed by the loaded model's embedding matrix, and their neighbours."""

import gradio as gr

from playground.analysis.display import percent
from playground.analysis.projection import nearest, pca
from playground.components import Panel, PlotlyView, markup
from playground.figures.embeddings import neighbours_figure, scatter_figure
from playground.tabs.lens import RUNS_MODEL, Lens, loaded, only_when_active, outputs

NAME, TITLE = "embeddings", "Embeddings"
NEIGHBOURS = 12
PRESETS = {
    "animals, fruit, cities, numbers": "cat, dog, horse, lion, mouse, wolf\n"
    "apple, banana, orange, pear, cherry, grape\n"
    "London, Paris, Berlin, Rome, Madrid, Tokyo\n"
    "one, two, three, four, five, six",
    "countries and capitals": "France, Germany, Italy, Spain, Japan, Russia\nParis, Berlin, Rome, Madrid, Tokyo, Moscow",
    "opposites": "big, small\nhot, cold\nfast, slow\nrich, poor\nlight, dark\nold, new",
    "English and Chinese": "one, two, three, water, fire, mountain\n一, 二, 三, 水, 火, 山",
}
FIRST_WORDS = next(iter(PRESETS.values()))

ABOUT = markup.explanation(
    "What am I looking at?",
    "The model holds one vector for every token of its vocabulary: the row of its embedding matrix. Words used alike "
    "come to lie near each other. Principal component analysis (Pearson 1901) shows the two or three directions in which "
    "the chosen words differ most; the axes say how much of the difference that is. The rest is not on the picture.",
    "Neighbours are found in the whole vocabulary and all dimensions, by cosine: "
    "<code>cos(a, b) = a·b / (|a| |b|)</code>. A word of several tokens stands at the mean of their vectors.",
)


def build(lens: Lens, tab: gr.Tab) -> None:
    """Builds the tab and connects it."""
    placed = gr.State([])
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=260):
            words = gr.Textbox(FIRST_WORDS, label="Words", lines=6, max_lines=14, elem_id="words",
                               info="With commas between them; each line is a group with its own colour.")
            with gr.Row(elem_classes="pg-chips"):
                presets = [gr.Button(name, size="sm", min_width=40, elem_classes="pg-chip") for name in PRESETS]
            dimensions = gr.Radio(["2D", "3D"], value="2D", label="Dimensions", elem_id="dimensions")
            space = gr.Checkbox(True, label="As within a sentence (with a space before the word)", elem_id="space")
            place = gr.Button("Place", variant="primary", elem_id="place")
        with gr.Column(scale=7):
            figure = PlotlyView(label="Words in the embedding space", height=480, elem_id="embedding-map")
            sentence = Panel(elem_id="embedding-sentence")
    neighbours = PlotlyView(label="Nearest neighbours", height=360, elem_id="neighbours")
    Panel(ABOUT)

    given = [*lens.given[:3], words, dimensions, space]
    drawn = [figure, sentence, neighbours, placed, lens.message]
    tab.select(draw, given, drawn, **RUNS_MODEL)
    gr.on([lens.model.change], only_when_active(NAME, draw), [lens.active, *given], drawn, **RUNS_MODEL)
    gr.on([place.click, dimensions.input, space.input], draw, given, drawn, trigger_mode="always_last", **RUNS_MODEL)
    for preset in presets:
        preset.click(choose_preset, preset, words, api_visibility="private", show_progress="hidden").then(
            draw, given, drawn, **RUNS_MODEL
        )
    figure.select(show_neighbours, [*lens.given[:3], placed, space], [neighbours, lens.message], **RUNS_MODEL)


def choose_preset(name: str) -> str:
    """A preset's words."""
    return PRESETS[name]


@outputs(4)
def draw(model_id, device, dtype, words, dimensions, space) -> tuple:
    """The words on their principal axes, and the neighbours of the first."""
    from playground.models.embeddings import place_words, split_words

    model = loaded(model_id, device, dtype)
    group_of = {word: str(number) for number, line in reversed(list(enumerate((words or "").splitlines())))
                for word in (part.strip() for part in line.split(","))}  # fmt: skip
    chosen = split_words(words or "")
    placed = place_words(model, chosen, space)
    projection = pca(placed.vectors, 3 if dimensions == "3D" else 2)
    labels = placed.labels()
    groups = [group_of[word] for word in chosen]
    names = {group: f"{next(w for w in chosen if group_of[w] == group)} …" for group in dict.fromkeys(groups)}
    categories = [names[group] for group in groups] if len(names) > 1 else None
    shares = " and ".join(percent(share) for share in projection.explained_variance_ratio)
    words_said = f"{len(chosen)} words in {model.anatomy.d_model:,} dimensions; the axes hold {shares} of their variance. "
    words_said += projection.note or "Click a point for its neighbours in the whole vocabulary."
    figure = scatter_figure(projection, labels, categories)
    return figure, markup.note(words_said), neighbours_of(model, placed, 0), chosen


@outputs(1)
def show_neighbours(model_id, device, dtype, placed, space, event: gr.EventData) -> tuple:
    """The neighbours of the clicked point."""
    from playground.models.embeddings import place_words

    index = event._data.get("customdata")
    index = int(index[0] if isinstance(index, list) else index)
    model = loaded(model_id, device, dtype)
    return (neighbours_of(model, place_words(model, [placed[index]], space), 0),)


def neighbours_of(model, placed, index: int):
    """Bars of the tokens nearest to a placed word by cosine, its own left out."""
    from playground.models.embeddings import embedding_matrix

    own = placed.ids[index] if len(placed.ids[index]) == 1 else ()
    found = nearest(embedding_matrix(model), placed.vectors[index], NEIGHBOURS, exclude=own)
    labels = [model.vocabulary.describe([i])[0].label for i in found.indices]
    return neighbours_figure(found, labels, title=f"Nearest to “{placed.words[index]}” in the whole vocabulary")
