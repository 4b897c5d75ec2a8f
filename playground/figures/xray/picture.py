"""X-ray as a picture: tokens below, their streams through the layers, arcs of attention, and the guesses beside them.

Draws numbers; knows no model. Whatever is clicked has customdata that `clicked` reads.
"""

from html import unescape
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple
from unicodedata import east_asian_width
from zlib import crc32

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted, percent
from playground.analysis.xray.arcs import Arc
from playground.analysis.xray.streams import stream_widths
from playground.figures.layout import finish, label
from playground.figures.theme import ATTENTION, FAINT_ATTENTION, MONO, RESIDUAL, SIZE, SMALL, WRITTEN
from playground.figures.xray.geometry import HEIGHT, MARGIN, Places, arc_curve, stream_outline
from playground.figures.xray.guesses import GUESS, guess_traces
from playground.figures.xray.player import HEIGHT_OF_PLAYER, add_player

if TYPE_CHECKING:
    from playground.models.vocabulary import Token
    from playground.recording.xray import Xray

UNIT = {16: 42, 24: 30}
"""Pixels that a token takes at least, by the number of tokens: a narrower screen scrolls inside the picture."""
ROOM = {16: 5.6, 24: 3.5}
"""Characters that fit into such a column, on the whole screen too, where type grows more than the picture."""
_BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
TOKEN, ARC = 0, 1
"""What was clicked, or GUESS: the first number of customdata. A token's place or an arc's or a layer's number follows it."""


def xray_figure(seen: "Xray") -> go.Figure:
    """The picture of an X-ray."""
    places = Places(len(seen.window), seen.layers)
    figure = go.Figure()
    _add_streams(figure, seen)
    for number, arc in reversed(list(enumerate(seen.arcs))):  # the most telling one on top
        figure.add_scatter(**_arc(seen, number, arc))
    if seen.guesses is not None:
        for trace in guess_traces(seen, places):
            figure.add_scatter(**trace)
    _add_tokens(figure, seen, places)
    player = add_player(figure, seen, places) if seen.guesses is not None else {}
    below = HEIGHT_OF_PLAYER if player else 0
    finish(
        figure,
        _description(seen),
        table=False,
        uirevision=_name(seen),
        height=HEIGHT + below,
        margin={"l": 44, "r": 8, "t": MARGIN, "b": MARGIN + below},
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        **player,
    )
    least = round((UNIT[16] if places.tokens <= 16 else UNIT[24]) * (places.width + 1))
    figure.layout.meta = {**figure.layout.meta, "minWidth": least, "scroll": "end", "tools": False}
    layers = list(range(0, seen.layers, max(1, -(-seen.layers // 8))))
    end = places.width if seen.guesses is not None else places.tokens
    bare = {"showgrid": False, "fixedrange": True}
    names = {str(n): label(seen.tokens[place].label) for n, place in enumerate(seen.window)}
    figure.update_xaxes(range=[-0.6, end - 0.4], showticklabels=False, labelalias=names, hoverformat="d", **bare)
    figure.update_yaxes(
        range=[places.bottom, places.top],
        tickvals=[n + 0.5 for n in layers],
        ticktext=[str(n) for n in layers],
        title={"text": "layer", "standoff": 4},
        **bare,
    )
    return figure


def _name(seen: "Xray") -> str:
    """One name for all pictures of one window of one text: the view keeps its scrolling while the name stays."""
    text = crc32(repr([token.text for token in seen.tokens]).encode("utf-8", "surrogatepass"))
    return f"xray-{seen.kind}-{seen.layers}-{text:08x}-{seen.window.start}"


class Clicked(NamedTuple):
    """What was clicked."""

    what: int
    """TOKEN, ARC or GUESS."""
    number: int
    """A token's place, an arc's number, or a guess' place 0..L."""
    layer: int | None = None
    """Of a token: the layer in whose height its stream was clicked."""


def clicked(customdata: Any) -> Clicked | None:
    """What was clicked, by its customdata; None for anything else."""
    if not isinstance(customdata, list) or len(customdata) < 2 or customdata[0] not in (TOKEN, ARC, GUESS):
        return None
    what, number, *more = customdata
    return Clicked(int(what), int(number), int(more[0]) if what == TOKEN and more else None)


def _description(seen: "Xray") -> str:
    return (
        f"{counted(len(seen.window), 'token')} from left to right, {counted(seen.layers, 'layer')} from bottom to top. "
        "Each token is a stream, wider where a layer changes its state more; arcs lead to where a head looks from."
    )


def _add_streams(figure: go.Figure, seen: "Xray") -> None:
    """A filled band for each token, and invisible points that answer to the mouse."""
    if seen.changes is None:
        return
    changes = seen.changes[:, list(seen.window)]  # (L, W)
    widths = stream_widths(seen.changes)[:, list(seen.window)]
    for column, place in enumerate(seen.window):
        x, y = stream_outline(widths[:, column], column)
        chosen = place == seen.focus and seen.guesses is not None
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            fill="toself",
            fillgradient={"type": "vertical", "colorscale": [[0, _clear(RESIDUAL, 0.25)], [1, _clear(RESIDUAL, 0.6)]]}
            if not chosen
            else {"type": "vertical", "colorscale": [[0, _clear(RESIDUAL, 0.5)], [1, _clear(WRITTEN, 0.8)]]},
            line={"color": RESIDUAL, "width": 1, "shape": "spline", "smoothing": 0.7},
            hoverinfo="skip",
        )
    layers, count = changes.shape
    figure.add_scatter(
        x=np.tile(np.arange(count, dtype=np.float32), layers),
        y=np.repeat(np.arange(layers, dtype=np.float32) + 0.5, count),
        customdata=np.stack(
            [
                np.full(layers * count, TOKEN),
                np.tile(np.array(seen.window), layers),
                np.repeat(np.arange(layers), count),
                changes.ravel(),
                widths.ravel(),
            ],
            1,
        ).astype(np.float32),
        mode="markers",
        marker={"size": 12, "opacity": 0},
        hovertemplate="<b>%{x}</b>, layer %{customdata[2]:d}<br>adds %{customdata[3]:.2f} times the length of the state"
        "<br>(width: logarithmic, the widest 5 % cut off)<br>click: where it looks in this layer<extra></extra>",
    )


def _arc(seen: "Xray", number: int, arc: Arc) -> dict[str, Any]:
    """The trace of an arc, with a dot at the token that is looked at."""
    x, y = arc_curve(arc, seen.window.start, seen.layers)
    own = arc.query == seen.focus
    from_, to = (label(seen.tokens[place].label) for place in (arc.query, arc.key))
    sizes = [0.0] * len(x)
    sizes[0] = 7.0
    return {
        "x": x,
        "y": y,
        "mode": "lines+markers",
        "line": {
            "color": ATTENTION if own else FAINT_ATTENTION,
            "width": round(0.8 + 3 * arc.weight, 2),
            "shape": "spline",
        },
        "marker": {"size": sizes, "color": ATTENTION if own else FAINT_ATTENTION, "line": {"width": 0}},
        "opacity": 0.95 if own else 0.6,
        "customdata": np.tile(np.array([ARC, number], np.uint8), (len(x), 1)),
        "hovertemplate": f"layer {arc.layer}, head {arc.head}<br><b>{from_}</b> gives {percent(arc.weight)} of its "
        f"attention to <b>{to}</b><br>click: this head in Attention<extra></extra>",
    }


def _add_tokens(figure: go.Figure, seen: "Xray", places: Places) -> None:
    """The tokens below their streams, the chosen one in the answer's colour."""
    few = places.tokens <= 16
    limit = 10 if few else 6
    words = {place: _token(seen.tokens[place], limit) for place in seen.window}
    heights = _heights(list(words.values()), ROOM[16] if few else ROOM[24])
    for chosen in (False, True):
        own = [place for place in seen.window if (place == seen.focus) == chosen]
        figure.add_scatter(
            x=np.array([place - seen.window.start for place in own], np.float32),
            y=np.array([places.bottom * heights[place - seen.window.start] for place in own], np.float32),
            text=[f"<b>{words[place]}</b>" if chosen else words[place] for place in own],
            customdata=np.array([[TOKEN, place] for place in own], np.int32).reshape(-1, 2),
            mode="text",
            textfont={"size": SIZE - 1 if few else SMALL, "family": MONO}
            | ({"color": WRITTEN} if chosen and seen.guesses is not None else {}),
            hovertemplate="<b>%{x}</b><br>click: what the model says here, and where it looks<extra></extra>",
        )


def _token(token: "Token", limit: int) -> str:
    """A token's text, as short as two columns; the number of a byte piece stands below the line."""
    text = token.text.strip(" ") or token.text
    words = label(text, max(3, limit - _wide(text)))
    if token.piece is not None:
        words += str(token.piece[0]).translate(_BELOW)
    return words


def _wide(text: str) -> int:
    """Characters that take the room of two."""
    return sum(east_asian_width(character) in "WF" for character in text)


def _heights(words: list[str], room: float) -> list[float]:
    """How far below the streams each token stands, as a share of the room there: in one line, or in two by turns where
    neighbours would touch. room: characters in a column, in its narrowest picture."""
    lengths = [len(unescape(text)) + _wide(text) for text in words]
    touch = any((a + b) / 2 + 0.6 > room for a, b in pairwise(lengths))
    return [0.3 if n % 2 else 0.78 for n in range(len(words))] if touch else [0.45] * len(words)


def _clear(colour: str, opacity: float) -> str:
    """A colour of the theme, "#rrggbb", with an opacity."""
    return f"{colour}{round(255 * opacity):02x}"
