"""The lens as a map of tokens by states, and one of its cells in detail. Draws arrays; knows no models."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted, in_words, percent
from playground.figures.layers.words import short_state, state_name
from playground.figures.layout import OURS, THEIRS, colour_bar, finish, label, token_axis
from playground.figures.theme import ACCENT, CATEGORIES, MONO, SEQUENTIAL, SMALL, WRITTEN
from playground.figures.xray.words import ordinal
from playground.texts.numbers import bits

if TYPE_CHECKING:
    from playground.analysis.layers.lens import Lens

PROBABILITY, ENTROPY, DIVERGENCE, RANK = "probability", "entropy", "divergence", "rank"
SHADES = {
    "how sure it is": PROBABILITY,
    "how unsure it is (entropy)": ENTROPY,
    "distance from the last layer": DIVERGENCE,
    "rank of the followed token": RANK,
}
"""How cells are shaded, by the words of the control."""
LISTED = 3
"""Guesses in a cell's hover label."""
LONGEST = 7
"""Characters of a guess in a cell."""
TALL = 15
"""Pixels of a row in the list of all states, where layers are shown with what is between."""


class Shade(NamedTuple):
    """What the colours of a lens say."""

    values: np.ndarray  # (S, N) float32
    low: float
    high: float
    scale: list[tuple[float, str]]
    bar: dict[str, Any]
    words: list[list[str]]
    """For each cell its number, as it is spelled."""


def shade_of(lens: "Lens", by: str) -> Shade:
    """The colours of a lens by one of SHADES. The first token of the text counts for no end of a scale: its state is often a
    hundred times as long as others."""
    counted = lens.tokens.start == 0 and len(lens.tokens) > 1
    if by == RANK and lens.ranks is not None:
        values, most = np.log10(lens.ranks).astype(np.float32), max(1.0, float(np.log10(lens.ranks).max()))
        ticks = list(range(int(most) + 1))
        bar = colour_bar("rank", tickmode="array", tickvals=ticks, ticktext=[f"{10**tick:,}" for tick in ticks])
        reverse = [(1 - place, colour) for place, colour in reversed(SEQUENTIAL)]
        return Shade(values, 0.0, most, reverse, bar, [[ordinal(int(rank)) for rank in row] for row in lens.ranks])
    if by in (ENTROPY, DIVERGENCE) and by in lens.measures:
        values = lens.measures[by]
        high = max(1e-3, float((values[:, 1:] if counted else values).max()))
        spelled = [[bits(float(value)) for value in row] for row in values]
        return Shade(values, 0.0, high, SEQUENTIAL, colour_bar(f"{by} (bits)"), spelled)
    values = lens.probabilities[..., 0]
    bar = colour_bar("probability", tickmode="array", tickvals=[0, 0.5, 1], ticktext=["0 %", "50 %", "100 %"])
    spelled = [[percent(float(value)) for value in row] for row in values]
    return Shade(values, 0.0, 1.0, SEQUENTIAL, bar, spelled)


def lens_figure(
    lens: "Lens", labels: Sequence[str], texts: Mapping[int, str], by: str = PROBABILITY, *, tall: bool = False
) -> go.Figure:
    """Tokens from left to right, states from bottom to top; in each cell the most likely token, bold where it is the one
    that the model says in the end. labels: of the N tokens, texts: of every id, both unescaped. A click's x is the token's
    place among these, its y the state's. tall: rows high enough to scroll through."""
    shade, final = shade_of(lens, by), lens.ids[-1, :, 0]
    words = [[_cell(texts[int(i)], i == final[n]) for n, i in enumerate(row)] for row in lens.ids[..., 0]]
    hovers = [
        [_hover(lens, texts, (s, n), shade.words[s][n]) for n in range(len(lens.tokens))]
        for s in range(len(lens.states))
    ]
    figure = go.Figure(
        go.Heatmap(
            z=shade.values,
            zmin=shade.low,
            zmax=shade.high,
            colorscale=[list(stop) for stop in shade.scale],
            colorbar=shade.bar,
            text=words,
            texttemplate="%{text}",
            textfont={"size": SMALL - 1, "family": MONO},
            hovertext=hovers,
            hovertemplate="%{hovertext}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    options: dict[str, Any] = {"height": 90 + TALL * len(lens.states)} if tall else {}
    finish(
        figure,
        f"What the model would say of each of {counted(len(lens.tokens), 'token')}, from left to right, at each of "
        f"{len(lens.states)} states, from the embedding at the bottom to the last layer on top.",
        uirevision=f"lens-{lens.tokens}-{len(lens.states)}",
        own_ticks=["yaxis"],
        margin={"l": 34, "r": 8, "t": 40, "b": 36},
        **options,
    )
    figure.update_xaxes(token_axis("", labels, max_ticks=64, constrain="domain"))
    names = [short_state(name) for name in lens.states]
    whole = [place for place, name in enumerate(names) if name]
    step = 1 if tall else max(1, len(whole) // 16)
    places = sorted({*whole[::step], whole[-1]})
    figure.update_yaxes(
        title_text="after layer",
        tickmode="array",
        tickvals=places,
        ticktext=[names[place] for place in places],
        labelalias={str(place): label(state_name(name), None) for place, name in enumerate(lens.states)},
        showgrid=False,
        tickfont={"size": SMALL},
        range=[-0.5, len(lens.states) - 0.5],
    )
    return figure


def _cell(text: str, final: bool) -> str:
    words = label(in_words(text, LONGEST), None)
    return f"<b>{words}</b>" if final else words


def _hover(lens: "Lens", texts: Mapping[int, str], place: tuple[int, int], number: str) -> str:
    state, token = place
    pairs = zip(lens.ids[state, token, :LISTED], lens.probabilities[state, token], strict=False)
    lines = [f"{label(in_words(texts[int(i)]))} {percent(float(share))}" for i, share in pairs]
    return "<br>".join([label(state_name(lens.states[state]), None), *lines, number])


def rank_figure(states: Sequence[str], ranks: np.ndarray, names: Sequence[str], at: int) -> go.Figure:
    """Ranks (S, F) of some tokens over the states as paths, 1 on top. names (F,): of the tokens, unescaped; the first is the
    model's answer. at: the clicked state, marked."""
    figure = go.Figure()
    colours = [WRITTEN, ACCENT, *CATEGORIES]
    places, named = np.arange(len(states), dtype=np.float32), [label(state_name(state), None) for state in states]
    for number, name in enumerate(names):
        figure.add_scatter(
            x=places,
            y=ranks[:, number].astype(np.float32),
            mode="lines",
            line={"color": colours[number], "width": 2, "dash": "solid" if number == 0 else "dot"},
            name=label(in_words(name), None),
            meta=f"{OURS} {THEIRS}",
            text=[f"{ordinal(int(rank))} {where}" for rank, where in zip(ranks[:, number], named, strict=True)],
            hovertemplate=f"{label(in_words(name))}: %{{text}}<extra></extra>",
            showlegend=True,
        )
    most = max(10.0, float(ranks.max()))
    finish(
        figure,
        f"The rank of {counted(len(names), 'token')} over {len(states)} states, 1 on top.",
        uirevision=f"ranks-{len(states)}",
        own_ticks=["xaxis"],
        height=230,
        margin={"l": 54, "r": 12, "t": 34, "b": 40},
    )
    figure.add_vline(x=at, line={"color": ACCENT, "width": 1})
    shown = [place for place in range(0, len(states), max(1, len(states) // 6)) if short_state(states[place])]
    figure.update_xaxes(
        title_text="after layer",
        tickmode="array",
        tickvals=shown,
        ticktext=[short_state(states[place]) for place in shown],
        range=[-0.5, len(states) - 0.5],
        showgrid=False,
    )
    powers = [10**power for power in range(int(np.log10(most)) + 1)]
    figure.update_yaxes(
        title_text="rank",
        type="log",
        tickmode="array",
        tickvals=powers,
        ticktext=[f"{power:,}" for power in powers],
        range=[np.log10(most) + 0.1, -0.15],
    )
    return figure
