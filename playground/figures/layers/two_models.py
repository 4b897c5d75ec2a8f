"""Two models beside each other: what each expects next, which pieces of the text surprise which more, and how similar the
most similar head is. Draws results; knows no models. The first model's bars are blue, the second's yellow."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from playground.analysis.generation.alignment import Column
from playground.analysis.text_display import counted, in_words
from playground.figures.generation.alignment import comparison_figure
from playground.figures.layers import maps
from playground.figures.layout import OUTSIDE, colour_bar, finish, label, percent_ticks, token_axis
from playground.figures.theme import CATEGORIES, MONO, SEQUENTIAL, SIZE, SMALL
from playground.texts import layers as texts
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.analysis.layers.head_matches import HeadMatches
    from playground.analysis.layers.two_distributions import NextPair

MAX_PIECES = 240
"""Of a long text: pieces whose bits are drawn."""
Names = tuple[str, str]
"""What the two models are called, unescaped."""


def next_figure(pair: "NextPair", tokens: Sequence[str], names: Names) -> go.Figure:
    """The probabilities of either model, a group of two bars for each token; a token that a vocabulary lacks has a cross in
    the place of its bar. tokens: of the outcomes, unescaped."""
    figure = go.Figure()
    sides = [[outcome.first for outcome in pair.outcomes], [outcome.second for outcome in pair.outcomes]]
    largest = max((share for side in sides for share in side if share is not None), default=1.0)
    for name, shares, colour in zip(names, sides, CATEGORIES, strict=False):
        figure.add_bar(
            x=np.array([share or 0 for share in shares], np.float32),
            y=np.arange(len(shares)),
            orientation="h",
            name=label(name),
            marker={"color": colour, "line": {"width": 0}},
            text=[texts.NO_SUCH_TOKEN if share is None else label(percent(share)) for share in shares],
            textposition="outside",
            textfont={"size": SMALL},
            cliponaxis=False,
            hovertemplate=f"<b>%{{y}}</b><br>{label(name)} <b>%{{text}}</b> (%{{x:.4f}})<extra></extra>",
        )
    words = "; ".join(
        f"{name}: “{in_words(tokens[best])}” with {percent(shares[best] or 0)}"
        for name, shares in zip(names, sides, strict=True)
        for best in [max(range(len(shares)), key=lambda place: shares[place] or 0)]
    )
    finish(
        figure,
        f"The probabilities of the next token. The most likely of {words}.",
        uirevision=f"two-next-{len(tokens)}",
        bargap=0.3,
        bargroupgap=0.05,
        margin={"t": 34},
    )
    end = OUTSIDE * largest or 1
    figure.update_xaxes(title_text="probability", range=[0, end], **percent_ticks(end))
    font = {"family": MONO, "size": SIZE}
    figure.update_yaxes(token_axis("", tokens, max_ticks=100, range=[len(tokens) - 0.5, -0.5], tickfont=font))
    return figure


def pieces_figure(
    pieces: Sequence[str], bits: tuple[Sequence[float | None], Sequence[float | None]], names: Names
) -> go.Figure:
    """The surprisal of each piece to either model and the difference, as `comparison_figure`; of the first MAX_PIECES.

    pieces: their texts, unescaped. bits: of either model; None where nothing predicts a piece.
    """
    pieces = pieces[:MAX_PIECES]
    columns = [Column(place, place, bits[0][place], bits[1][place]) for place in range(len(pieces))]
    return comparison_figure(columns, pieces, pieces, names=names)


def matches_figure(matches: "HeadMatches", names: Names) -> go.Figure:
    """Of each head of the first model how similar the most similar one of the second is, layers from bottom to top; heads
    that were left out are blank. A click's x is the head, its y the layer."""
    grid = matches.grid
    layers, heads = grid.shape
    partners = np.full(grid.shape, "", object)
    for (layer, head), (other_layer, other_head), _ in matches.pairs():
        partners[layer, head] = f"{other_layer}.{other_head}"
    figure = maps.cells(grid, (0.0, 1.0), colour_bar(texts.SIMILARITY, nticks=3), SEQUENTIAL)
    figure.update_traces(
        customdata=partners.tolist(),
        hovertemplate="layer <b>%{y}</b>, head <b>%{x}</b>: <b>%{z:.3f}</b> with "
        f"<b>%{{customdata}}</b> of {label(names[1])}<extra></extra>",
    )
    finish(
        figure,
        f"How similar the most similar head of {names[1]} is to each of {counted(heads, 'head')} in each of "
        f"{counted(layers, 'layer')} of {names[0]}; layers from bottom to top.",
        uirevision=f"two-heads-{layers}-{heads}",
        margin=maps.MARGIN,
    )
    maps.layers_by_heads(figure, grid.shape)
    return figure
