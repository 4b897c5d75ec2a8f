"""How far the states of a text point along a direction, as a map of layers by tokens, and its sentences. Draws results;
knows no models. Layers count from 0."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted, in_words
from playground.figures.layers import maps
from playground.figures.layout import colour_bar, finish, token_axis
from playground.figures.theme import ACCENT
from playground.texts.numbers import as_typed, cosine

SATURATED = 0.9995
"""The cosine from which on a pushed state counts as nothing but its direction."""


def cosines_figure(cosines: np.ndarray, labels: Sequence[str], layer: int) -> go.Figure:
    """Cosines (L + 1, N) of states with a direction: the embedding at the bottom, then each layer; orange along it, blue
    against it. labels (N,): of the tokens, unescaped. layer: where the text is pushed, marked."""
    most = float(np.abs(cosines).max()) or 1.0
    names = ["in", *(str(number) for number in range(len(cosines) - 1))]
    hover = "“%{x}” after layer <b>%{y}</b>: <b>%{z:+.3f}</b><extra></extra>"
    figure = maps.cells(cosines, (-most, most), colour_bar("cosine", nticks=4), hovertemplate=hover)
    finish(
        figure,
        f"Cosine of the state of each of {counted(len(labels), 'token')} with the direction, after each of "
        f"{counted(len(cosines) - 1, 'layer')}, from bottom to top.",
        uirevision=f"cosines-{cosines.shape}",
        margin=maps.MARGIN,
    )
    figure.add_hline(y=layer + 1, line={"color": ACCENT, "width": 1, "dash": "dot"})
    figure.update_xaxes(token_axis("", labels, max_ticks=64, constrain="domain"))
    maps.named_rows(figure, "after layer", names)
    return figure


def cosines_words(cosines: np.ndarray, labels: Sequence[str], layer: int) -> str:
    """Which tokens' states point most along the direction at a layer, and which against it; the first token set aside."""
    row = cosines[layer + 1, 1:] if len(labels) > 1 else cosines[layer + 1]
    first = len(labels) - len(row)
    along, against = int(row.argmax()), int(row.argmin())
    most = f"“{in_words(labels[along + first])}” lies most along the direction ({cosine(float(row[along]))})"
    words = f"At layer {layer} {most}"
    if along == against:
        return f"{words}."
    return f"{words}, “{in_words(labels[against + first])}” least ({cosine(float(row[against]))})."


def spared_words(label: str) -> str:
    """Why a text of one token has no state that a push changes. label: of the token, unescaped."""
    return f"“{in_words(label)}” is the first token, which is never pushed; each token after it is."


def strength_words(label: str, cosines: tuple[float, float], strength: float) -> str:
    """What a push makes of one token's state. label: of the token, unescaped. cosines: with the direction, before and
    after."""
    before, after = (cosine(value) for value in cosines)
    words = f"Pushed by {as_typed(strength)}, “{in_words(label)}” there has a cosine of {after} with it, not {before}."
    if strength and abs(cosines[1]) > SATURATED:
        return f"{words} Almost nothing else is left of the state; a stronger push changes little."
    return words
