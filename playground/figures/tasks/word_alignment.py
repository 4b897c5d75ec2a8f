"""Pictures of an alignment between words: lines, and a heat map; and the sentence beside them. Know no models."""

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import in_words
from playground.figures.attention.token_rows import MAX_LINKED, alignment_figure
from playground.figures.layout import colour_bar, finish, token_axis
from playground.figures.theme import SEQUENTIAL
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.tasks.word_alignment import WordAlignment

MAX_CELLS = 60
"""Words on each axis of the heat map."""


def lines_figure(words: "WordAlignment", description: str) -> go.Figure:
    """The source's words above, those that were written below; lines to what each looked at."""
    return alignment_figure(
        words.weights, words.written, words.source, description=description, title="Source above, translation below",
        source_above=True,
    )  # fmt: skip


def map_figure(words: "WordAlignment") -> go.Figure:
    """Heat map: a row for each word that was written, a column for each of the source; at most 60 of each."""
    z = words.weights[:MAX_CELLS, :MAX_CELLS]
    figure = go.Figure(
        go.Heatmap(
            z=z,
            x=np.arange(z.shape[1]),
            y=np.arange(z.shape[0]),
            zmin=0,
            zmax=1,
            colorscale=SEQUENTIAL,
            colorbar=colour_bar("cross-attention"),
            xgap=1,
            ygap=1,
            hovertemplate="<b>%{y}</b> looked at<br><b>%{x}</b> with <b>%{z:.3f}</b><extra></extra>",
        )
    )
    height = int(np.clip(150 + 22 * len(z), 260, 640))
    finish(
        figure, "Cross-attention from each word of the translation to each of the source.",
        uirevision=f"words-{z.shape}", height=height,
    )  # fmt: skip
    figure.update_xaxes(token_axis("source", words.source[: z.shape[1]], tickangle=-60 if z.shape[1] > 8 else 0))
    figure.update_yaxes(token_axis("translation", words.written[: len(z)], autorange="reversed"))
    return figure


def alignment_sentence(words: "WordAlignment", which: str) -> str:
    """The first words with what each looked at most, the share of what is no word of the text, and what is left out."""
    special = np.array(words.special, bool)
    pairs = []
    for name, weights in zip(words.written[:6], words.weights, strict=False):
        if len(weights):
            best = int(weights.argmax())
            pairs.append(f"“{in_words(name)}” → “{in_words(words.source[best])}” {percent(float(weights[best]))}")
    sentence = f"{which}: {', '.join(pairs)}{', …' if len(words.written) > 6 else ''}."
    if special.any() and len(words.weights):
        share = float(words.weights[:, special].sum(1).mean())
        sentence += (
            f" What is no word of your text (such as “{in_words(_first(words))}”) gets {percent(share)} on average."
        )
    if max(words.weights.shape) > MAX_LINKED:
        sentence += f" Drawn are the first {MAX_LINKED} words by lines, the first {MAX_CELLS} in the map."
    return sentence


def _first(words: "WordAlignment") -> str:
    return next(name for name, special in zip(words.source, words.special, strict=True) if special)
