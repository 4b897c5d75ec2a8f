"""The most active neurons of a layer, token by token, and the tokens that one of them writes. Draws results; knows no
models."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted, in_words
from playground.figures.layers import maps
from playground.figures.layers.contributions import signed_bars
from playground.figures.layout import colour_bar, finish, token_axis
from playground.figures.theme import ACCENT, INK, MONO
from playground.texts.numbers import signed

if TYPE_CHECKING:
    from playground.analysis.layers.neurons import Activations

Written = tuple[tuple[int, float], ...]
"""(token id, what is added to its logit), the largest size first."""


def neurons_map(activations: "Activations", neurons: np.ndarray, labels: Sequence[str]) -> go.Figure:
    """How much each of some neurons writes at each of N tokens, the first neuron on top: orange in its own direction, blue
    against it. labels (N,): of the tokens, unescaped. A click's x is the token's place, its y that of the neuron."""
    lengths, values = activations.lengths[:, neurons].T, activations.values[:, neurons].T  # (rows, N)
    counted_from = 1 if activations.tokens.start == 0 and lengths.shape[1] > 1 else 0
    most = float(np.abs(lengths[:, counted_from:]).max(initial=0.0)) or 1.0
    hover = "neuron <b>%{y}</b> at <b>%{x}</b>: writes %{z:+.2f}<br>activation %{customdata:+.3f}<extra></extra>"
    bar = colour_bar("length of what it writes", nticks=3)
    figure = maps.cells(lengths, (-most, most), bar, customdata=values.astype(np.float32), hovertemplate=hover)
    finish(
        figure,
        f"How much each of {counted(len(neurons), 'neuron')} of layer {activations.layer} writes at each of "
        f"{counted(len(labels), 'token')}, the most active on top.",
        uirevision=f"neurons-{activations.layer}-{activations.tokens}",
        margin={"l": 52, "r": 8, "t": 40, "b": 36},
    )
    figure.update_xaxes(token_axis("", labels, max_ticks=64, constrain="domain"))
    places = list(range(len(neurons)))
    figure.update_yaxes(
        title_text="neuron",
        tickmode="array",
        tickvals=places,
        ticktext=[str(number) for number in neurons],
        labelalias={str(place): str(number) for place, number in enumerate(neurons)},
        range=[len(neurons) - 0.5, -0.5],
        showgrid=False,
        tickfont={"family": MONO},
    )
    return figure


def written_figure(raised: Written, lowered: Written, texts: dict[int, str]) -> go.Figure:
    """Bars of the tokens that a neuron raises most and of those that it lowers most. texts: of every id, unescaped."""
    pairs = [*raised, *reversed(lowered)]
    names = [in_words(texts[token], 14) for token, _ in pairs]
    colours = [ACCENT if value >= 0 else INK for _, value in pairs]
    keys = np.array([token for token, _ in pairs], np.int32)
    return signed_bars([value for _, value in pairs], names, colours, keys, "adds to the token's logit", own=False)


def neurons_words(activations: "Activations", neurons: np.ndarray, labels: Sequence[str]) -> str:
    """Which neuron writes most, and where."""
    lengths = np.abs(activations.lengths[:, neurons])
    first = 1 if activations.tokens.start == 0 and len(lengths) > 1 else 0
    place, column = np.unravel_index(int(lengths[first:].argmax()), lengths[first:].shape)
    token, neuron = int(place) + first, int(neurons[column])
    size = activations.values.shape[1]
    where = f"“{in_words(labels[token])}” ({activations.tokens[token]})"
    aside = ""
    if first and lengths[0].max() > lengths[first:].max():
        at_first = int(neurons[int(lengths[0].argmax())])
        aside = f" The first token is set aside: neuron {at_first} writes {lengths[0].max():.1f} there."
    return (
        f"Of the {size:,} neurons of layer {activations.layer}, neuron {neuron} writes most: at {where} a vector of length "
        f"{lengths[token, column]:.1f}, activation {signed(float(activations.values[token, neuron]))}.{aside}"
    )


def neuron_words(place: tuple[int, int, str], activation: float, raised: Written, lowered: Written, texts: dict) -> str:
    """One neuron at one token in a sentence. place: layer, neuron, the token's label."""
    layer, neuron, token = place
    up, down = (
        ", ".join(f"“{in_words(texts[number], 14)}” ({signed(value)})" for number, value in some[:3])
        for some in (raised, lowered)
    )
    return (
        f"Neuron {neuron} of layer {layer} at “{in_words(token)}”, activation {signed(activation)}: it raises {up} and "
        f"lowers {down}."
    )
