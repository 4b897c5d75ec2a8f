"""Positions: the loaded model's own scheme from its own tensors, and the sinusoidal encoding by its formula."""

import gradio as gr

from playground.analysis.positions import (
    alibi_bias,
    relative_bias,
    rotary_angles,
    rotary_wavelengths,
    sinusoidal,
    table_similarity,
)
from playground.components import Panel, PlotlyView, markup
from playground.figures.positions import (
    alibi_figure,
    relative_bias_figure,
    rotary_figure,
    similarity_figure,
    table_figure,
    wavelengths_figure,
)
from playground.tabs.lens import QUIET, loaded, outputs
from playground.tabs.positions.views import View

NAME, TITLE = "scheme", "The scheme"
SHOWN_POSITIONS = 256

ABOUT = markup.explanation(
    "What am I looking at?",
    "Attention by itself sees a bag of tokens. A model learns about order only through what is added to its embeddings "
    "(sinusoidal: Vaswani et al. 2017; learned tables: BERT, GPT-2), turned into its queries and keys (rotary: Su et al. "
    "2021) or added to its scores (relative buckets: Raffel et al. 2020; ALiBi: Press et al. 2022).",
    "The upper pictures are read from the loaded model's own weights or configuration. The lower one is the formula of "
    "2017, for comparison: <code>PE(pos, 2i) = sin(pos / 10000<sup>2i/d</sup>)</code>, "
    "<code>PE(pos, 2i+1) = cos(pos / 10000<sup>2i/d</sup>)</code>.",
)


def build(view: View) -> None:
    """Builds the view and connects it."""
    lens = view.lens
    heading = Panel(elem_id="positions-heading")
    with gr.Row():
        own = PlotlyView(label="The model's positions", height=420, elem_id="positions-own")
        second = PlotlyView(label="The same, seen otherwise", height=420, elem_id="positions-second")
    gr.HTML('<h3 class="pg-section">The sinusoidal encoding, by its formula</h3>')
    with gr.Row(elem_classes="pg-controls"):
        length = gr.Slider(2, 512, value=64, step=1, label="Length (positions)", elem_id="sinusoidal-length")
        width = gr.Slider(2, 1024, value=128, step=1, label="Width d (dimensions)", elem_id="sinusoidal-width")
    formula = PlotlyView(draw_formula_figure(64, 128), label="Sinusoidal encoding", height=420, elem_id="sinusoidal")
    Panel(ABOUT)

    view.draws(draw, lens.given[:3], [heading, own, second, lens.message])
    gr.on([length.input, width.input], draw_formula, [length, width], [formula, lens.message],
          trigger_mode="always_last", **QUIET)  # fmt: skip


@outputs(3)
def draw(model_id, device, dtype) -> tuple:
    """The loaded model's scheme: a heading, its picture, and a second view of it."""
    from playground.models.positions import position_facts

    model = loaded(model_id, device, dtype)
    facts = position_facts(model)
    heading = markup.badge("ok" if not facts.missing else "off", f"{model_id}: {facts.words}")
    if facts.missing:
        return heading + markup.note(f"There is no picture: {facts.missing}."), None, None
    figure, second, sentence = scheme_figures(facts, model.anatomy.context_length)
    return heading + markup.note(sentence), figure, second


def scheme_figures(facts, context: int | None) -> tuple:
    """Two figures and a sentence for a model's position facts."""
    if facts.table is not None:
        table = facts.table[:SHOWN_POSITIONS]
        similarity = table_similarity(table)
        sentence = (
            f"{facts.table.shape[0]:,} positions, each a vector of {facts.table.shape[1]:,} numbers that is added to the "
            f"token's embedding; the first {len(table)} are shown."
        )
        return table_figure(table.numpy(), title="The model's own table"), similarity_figure(
            similarity.cosine, title="Similarity of positions"), sentence  # fmt: skip
    if facts.inverse_frequencies:
        name, frequencies = next(iter(facts.inverse_frequencies.items()))
        wavelengths = rotary_wavelengths(frequencies)
        sentence = (
            f"Each query and key is turned in {len(frequencies)} planes; the fastest turns once in {wavelengths[0]:.3g} "
            f"tokens, the slowest once in {wavelengths[-1]:,.0f}. A score then depends on the distance of two tokens alone."
        )
        if len(facts.inverse_frequencies) > 1:
            sentence += f" Layers differ ({', '.join(facts.inverse_frequencies)}); shown: {name}."
        return rotary_figure(rotary_angles(frequencies, SHOWN_POSITIONS), title="Rotary angle of each position"), (
            wavelengths_figure(wavelengths, context=context, title="Wavelength of each plane")), sentence  # fmt: skip
    if facts.slopes is not None:
        bias = alibi_bias(facts.slopes, SHOWN_POSITIONS)
        sentence = f"Each of {len(facts.slopes)} heads subtracts its own slope times the distance from every score."
        return alibi_figure(bias, title="Bias over distance"), None, sentence
    distances = range(-SHOWN_POSITIONS, SHOWN_POSITIONS + 1)
    figures = []
    for buckets in facts.buckets[:2]:
        bias = relative_bias(buckets.table, list(distances), buckets.bidirectional, buckets.max_distance)
        figures.append(relative_bias_figure(bias, list(distances), title=f"Learned bias by distance, {buckets.where}"))
    sentence = (
        f"Distances fall into {len(facts.buckets[0].table)} buckets, wider the farther; each head adds a learned number "
        "for the bucket to the score."
    )
    return figures[0], figures[1] if len(figures) > 1 else None, sentence


@outputs(1)
def draw_formula(length, width) -> tuple:
    """The sinusoidal encoding for a length and a width."""
    return (draw_formula_figure(length, width),)


def draw_formula_figure(length, width):
    """Heat map of PE(pos, 2i) = sin(pos / 10000^(2i/d)), PE(pos, 2i+1) = cos(pos / 10000^(2i/d))."""
    return table_figure(sinusoidal(int(length), int(width)), what="sinusoidal encoding")
