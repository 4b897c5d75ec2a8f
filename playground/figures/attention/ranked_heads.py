"""The heads that look from one token at another, as bars and in a sentence. Layers and heads count from 0."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.attention.pair_ranking import PairRanking
from playground.analysis.text_display import in_words, percent
from playground.figures.bars import named_bars
from playground.figures.layout import finish
from playground.figures.theme import INK

MAX_RANKED = 10
"""Heads drawn."""


def ranking_figure(ranking: PairRanking, names: tuple[str, str]) -> go.Figure:
    """Bars of the heads that give most, the first on top. names: of the two tokens, unescaped. A click's customdata is
    (layer, head)."""
    heads = ranking.heads[:MAX_RANKED]
    query, key = (f"“{in_words(name)}”" for name in names)
    figure = named_bars(
        [head.weight for head in heads],
        [f"layer {head.layer}, head {head.head}" for head in heads],
        text=[percent(head.weight) for head in heads],
        customdata=np.array([(head.layer, head.head) for head in heads], np.int32),
        marker={"color": INK},
    )
    finish(
        figure,
        f"The {len(heads)} heads that give most from {query} to {key}, as bars.",
        bargap=0.25,
        uirevision=f"ranked-{len(heads)}",
        own_ticks=["yaxis"],
        height=60 + 19 * len(heads),
        margin={"l": 8, "r": 40, "t": 8, "b": 36},
    )
    high = max(heads[0].weight, 1e-9)
    figure.update_xaxes(title_text="weight", nticks=5, range=[0, high * 1.25])
    return figure


def ranking_words(ranking: PairRanking, query: int, key: int, queries: Sequence[str], keys: Sequence[str]) -> str:
    """Which head looks most from one token to the other, and how unusual that is."""
    best, to = ranking.heads[0], f"“{in_words(keys[key])}”"
    pair = f"“{in_words(queries[query])}” (position {query}) to {to} (position {key})"
    gives = "1 head gives" if ranking.firm == 1 else f"{ranking.firm or 'No'} heads give"
    return (
        f"Layer {best.layer}, head {best.head} looks most from {pair}: {percent(best.weight)}. {gives} {to} more than any "
        f"other token. Mean of all {len(ranking.heads)}: {percent(ranking.mean)}; evenly spread: {percent(ranking.even)}. "
        "Click a bar to open its head there."
    )
