"""Tokens of a text through the layers: a token's path on fixed axes, the same word in a second text, and how alike the
tokens are at a layer."""

import gradio as gr

from playground.analysis.embeddings.layer_paths import cosine_by_layer, cosine_to_endpoints, paths_of, track_of
from playground.analysis.embeddings.pca_and_neighbours import pca
from playground.analysis.embeddings.vector_arithmetic import cosines
from playground.analysis.text_display import in_words, percent, plain_mark
from playground.components import FollowingDropdown, FollowingSlider, Panel, PlotlyView, markup, numbered
from playground.figures.embeddings.cosines import by_layer_figure, cosines_figure
from playground.figures.embeddings.layer_paths import paths_figure
from playground.figures.embeddings.scatter import HALF, scatter_figure
from playground.tabs.shared.page_context import QUIET, RUNS_MODEL, outputs, recorded
from playground.tabs.shared.views import View

NAME, TITLE = "layers", "Through the layers"
BANKS = ("They walked along the river to the muddy bank", "She took all her money out of the bank")
MAX_TOKENS = 128
"""Tokens of the heat map."""
ABOUT = markup.explanation(
    "What am I looking at?",
    "A token enters as its embedding, the same in every text; each layer adds to it what attention and the feed-forward "
    "network make of its surroundings (the residual stream). The path shows its state after every layer on the two or "
    "three axes along which these states differ most (PCA), fixed while it moves. States grow many times longer from layer "
    "to layer, so by default each is scaled to length 1 and only its direction counts.",
    "Give a second text, and the same word there has a path of its own: a bank of a river and one of money begin at the "
    "same point. The last state is after the final norm, which is why its step is often the longest.",
)


def build(view: View) -> None:
    """Builds the view and connects it."""
    lens = view.lens
    with gr.Row(elem_classes="pg-controls"):
        token = FollowingDropdown([], label="Token of the text under the lens", elem_id="path-token")
        second = gr.Textbox("", label="The same word in a second text", lines=1, elem_id="path-second")
        with gr.Column(min_width=150):
            banks = gr.Button("Two banks", size="sm", elem_id="two-banks")
            dimensions = gr.Radio(["2D", "3D"], value="2D", label="Dimensions", elem_id="path-dimensions")
            directions = gr.Checkbox(
                True, label="Directions only (every state scaled to length 1)", elem_id="path-directions"
            )
    figure = PlotlyView(label="Path through the layers", height=520, elem_id="path")
    sentence = Panel(live=True, elem_id="path-sentence")
    ends = PlotlyView(label="Likeness to its beginning and its end", height=340, elem_id="path-ends")
    layer = FollowingSlider(0, 1, value=0, step=1, label="Tokens after layer", elem_id="path-layer")
    with gr.Row():
        with gr.Column(min_width=300):
            alike = PlotlyView(label="Token to token", height=480, elem_id="path-alike")
        with gr.Column(min_width=300):
            placed = PlotlyView(label="The tokens at this layer", height=480, elem_id="path-tokens")
    Panel(ABOUT)

    given = [*lens.given, token, second, dimensions, directions, layer]
    shown = [token, figure, sentence, ends, layer, alike, placed, lens.message]
    view.draws(draw, given, shown)
    gr.on(
        [token.input, second.submit, dimensions.input, directions.input],
        draw,
        given,
        shown,
        trigger_mode="always_last",
        **RUNS_MODEL,
    )
    layer.input(
        draw_layer, [*lens.given, layer], [alike, placed, lens.message], trigger_mode="always_last", **RUNS_MODEL
    )
    banks.click(two_banks, None, [lens.text, lens.applied, second, token], **QUIET)


def two_banks() -> tuple:
    """A bank of a river and one of money, for the text under the lens and the second one; the last token of each."""
    return *(BANKS[0],) * 2, BANKS[1], None


@outputs(7)
def draw(model_id, device, dtype, text, token, second, dimensions, directions, layer) -> tuple:
    """Tokens to choose, the paths, a sentence, likeness by layer, the slider, and two pictures of the tokens at a layer."""
    recording = recorded(model_id, device, dtype, text)
    labels = [t.label for t in recording.tokens]
    number = last_word(recording.tokens) if token is None or int(token) >= len(labels) else int(token)
    states = recording.hidden_states
    word = recording.tokens[number].text
    name = in_words(word)
    tracks = {f"“{name}” in the text": track_of(states, number)}
    said = ""
    if (second or "").strip():
        other = recorded(model_id, device, dtype, second)
        place = same_word(other.tokens, word)
        if place is None:
            said = f" The second text has no token “{name}”."
        else:
            tracks[f"“{name}” in the second text"] = track_of(other.hidden_states, place)
    found = paths_of(tracks.values(), 3 if dimensions == "3D" else 2, bool(directions))
    shares = found.projection.explained_variance_ratio
    axes = [f"component {i + 1} ({percent(float(share))})" for i, share in enumerate(shares)]
    lines = {}
    for title, track in tracks.items():
        lines[f"{title}: to its embedding"], lines[f"{title}: to its last state"] = cosine_to_endpoints(track)
    first = next(iter(tracks.values()))
    begin = float(cosine_to_endpoints(first)[0][-2 if len(first) > 2 else -1])
    words = f"Before the last layer “{name}” still has a cosine of {begin:.2f} with its own embedding."
    if len(tracks) == 2:
        lines["the two, at the same layer"] = together = cosine_by_layer(*tracks.values())
        words += (
            f" The two begin with a cosine of {together[0]:.2f}, are least alike after layer {int(together.argmin())} "
            f"({together.min():.2f}) and end with {together[-1]:.2f}."
        )
    words += f" The axes hold {percent(float(shares.sum()))} of the paths' variance.{said}"
    last = len(states) - 1
    layer = min(int(layer), last)
    return (
        gr.update(choices=[(f"{i}: {plain_mark(label, 24)}", i) for i, label in enumerate(labels)], value=number),
        paths_figure(dict(zip(tracks, found.paths, strict=True)), axes, description=words),
        markup.note(words),
        by_layer_figure(lines, description=words),
        numbered("Tokens after layer", layer, last + 1),
        *_at_layer(states, labels, layer),
    )


@outputs(2)
def draw_layer(model_id, device, dtype, text, layer) -> tuple:
    """The tokens at another layer: how alike they are, and where they lie."""
    recording = recorded(model_id, device, dtype, text)
    states = recording.hidden_states
    return _at_layer(states, [t.label for t in recording.tokens], min(int(layer), len(states) - 1))


def _at_layer(states, labels: list[str], layer: int) -> tuple:
    """Cosines of the tokens at a layer, and the tokens on the principal axes of their states there."""
    count = min(len(labels), MAX_TOKENS)
    cosine = cosines(states[layer, :count])
    others = (cosine.sum() - count) / max(1, count * (count - 1))
    words = f"Cosine of the tokens' states after layer {layer}: {others:.2f} on average."
    if count < len(labels):
        words += f" The first {count} of {len(labels):,} tokens."
    placed = scatter_figure(
        pca(states[layer, :count]), labels[:count], title=f"The tokens after layer {layer}", width=HALF
    )
    return cosines_figure(cosine, labels[:count], description=words), placed


def last_word(tokens) -> int:
    """The last token that is a word, else the last."""
    words = [i for i, token in enumerate(tokens) if not token.special and any(c.isalpha() for c in token.text)]
    return words[-1] if words else len(tokens) - 1


def same_word(tokens, word: str) -> int | None:
    """Where a word stands in a text; the last place of several."""
    places = [i for i, token in enumerate(tokens) if token.text.strip().lower() == word.strip().lower()]
    return places[-1] if places else None
