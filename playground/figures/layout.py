"""The layout that all figures share, and the one way a text may enter a figure. Knows no data.

The page's view may overrule the template (fonts, margins, grids); a figure's own layout is final. Plotly reads labels as a
kind of HTML, so every token, title and hover text goes through `label`.
"""

import html
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import plotly.graph_objects as go

from playground.analysis.text_display import LIMIT, plain_mark
from playground.figures.theme import AXIS, CATEGORIES, FAINT, MONO, OUTLINE, SIZE, SMALL
from playground.texts.numbers import percent

OURS, THEIRS = "ours", "theirs"
"""For the page in another language (components/figure_translation.js). Words in a trace's `meta`: all texts at its points
are the page's own; its name is a visitor's or a model's. As an annotation's `name`: its text is a visitor's or a model's.
In the layout's `meta`, OURS lists the axes whose ticks, or one of whose ticks, are the page's own."""
OUTSIDE = 1.25
"""Of an axis of horizontal bars its end over the longest bar: the number beside it has room in narrow pictures too, which
have no margin."""
TICK_LIMIT = 16
"""Characters of a token beside an axis; the hover label has room for LIMIT."""

_AXIS = {
    "gridcolor": FAINT,
    "linecolor": AXIS,
    "zeroline": False,
    "automargin": True,
    "ticks": "",
    "title": {"standoff": 10, "font": {"size": SIZE}},
    "tickfont": {"size": SMALL},
}
_CAMERA = {"eye": {"x": 1.6, "y": 1.6, "z": 0.9}, "center": {"x": 0, "y": 0, "z": -0.12}}
_SCENE_AXIS = {
    "gridcolor": OUTLINE,
    "linecolor": OUTLINE,
    "zeroline": False,
    "showbackground": False,
    "showspikes": False,
    "tickfont": {"size": SMALL - 1},
    "nticks": 4,
}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"size": SIZE},
        "colorway": CATEGORIES,
        "title": {"x": 0, "xanchor": "left", "font": {"size": SIZE + 2}},
        "margin": {"l": 56, "r": 16, "t": 24, "b": 48},
        "hoverlabel": {"align": "left", "font": {"size": SIZE}},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.01, "x": 0},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "scene": {"camera": _CAMERA, **{f"{name}axis": _SCENE_AXIS for name in "xyz"}},
    }
)


def label(text: str, limit: int | None = LIMIT) -> str:
    """`plain_mark(text)` escaped for Plotly's labels.

    Quotes stay: no label stands in an attribute, and plotly.js would show &quot; as it is.
    """
    return html.escape(plain_mark(text, limit), quote=False)


def coloured(words: str, colour: str) -> str:
    """An escaped text in a colour of figures/theme.py; the page's script puts in the one for the dark."""
    return f'<span style="color:{colour}">{words}</span>'


def base_layout(
    description: str,
    *,
    title: str = "",
    uirevision: str = "",
    table: bool = True,
    own_ticks: Sequence[str] = (),
    **more: Any,
) -> dict[str, Any]:
    """What every figure's layout begins with, but for TEMPLATE.

    description: one plain sentence for screen readers (the view makes it the aria-label). title: unescaped.
    uirevision: names the content; while it stays the same, zoom and hidden series survive an update. table: whether
    the page offers a heat map's numbers as a table. own_ticks: the axes whose ticks are all the page's own words, such as
    "yaxis"; "yaxis 12" if only the tick at 12 is. more: further layout attributes.
    """
    if title:
        more = {"title": {"text": label(title, None)}, "margin": {"t": 76}, **more}
    meta: dict[str, Any] = {"description": plain_mark(description, None)} | ({} if table else {"table": False})
    meta |= {OURS: list(own_ticks)} if own_ticks else {}
    return {"meta": meta, "uirevision": uirevision or "same", **more}


def finish(figure: go.Figure, description: str, **options: Any) -> go.Figure:
    """Adds `base_layout(description, **options)` to the figure, with TEMPLATE in place of plotly's own."""
    figure.update_layout(base_layout(description, **options))  # a go.Layout would be checked twice: half of the time
    figure.layout.template = TEMPLATE  # update_layout merges it with plotly's own: twenty times as long
    return figure


def colour_bar(title: str, **more: Any) -> dict:
    """A slim colour bar above the picture, at the left, where it takes no width from a phone. Its length includes the
    title, beside which its numbers keep room."""
    return {
        "orientation": "h",
        "title": {"text": label(title, None), "side": "right", "font": {"size": SMALL}},
        "lenmode": "pixels",
        "len": max(220, 110 + 6 * len(title)),
        "x": 0,
        "xanchor": "left",
        "xpad": 0,
        "y": 1,
        "yanchor": "bottom",
        "ypad": 6,
        "thickness": 8,
        "outlinewidth": 0,
        "tickfont": {"size": SMALL},
        "ticks": "",
        "nticks": 5,
        "tickangle": 0,
        **more,
    }


def percent_ticks(end: float) -> dict:
    """Ticks of an axis of shares from 0 to `end`, about five, in the page's spelling of a percentage."""
    step = next(size for size in (0.25, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0) if end >= 4 * size)
    places = [number * step for number in range(int(end / step) + 1) if number * step <= 1] if step else [0]
    return {"tickmode": "array", "tickvals": places, "ticktext": [label(percent(place)) for place in places]}


def raw_labels(labels: Sequence[str]) -> list[str] | None:
    """The texts as they are, percent-encoded, for files; None where labels show no marks in their place. For an axis'
    `categoryarray`, which Plotly leaves alone while an axis counts numbers."""
    if all(plain_mark(text, None) == text for text in labels):
        return None
    return [quote(text.encode("utf-8", "replace")) for text in labels]


def token_axis(title: str, labels: Sequence[str], max_ticks: int = 32, **more: Any) -> dict:
    """A numeric axis 0..n-1 with texts (unescaped) as ticks, at most `max_ticks` of them, and every text on hover.

    Places stay numbers, so a token that occurs twice has two places and a click tells which. A hover template reads
    the text of a place as %{x} or %{y}.
    """
    step = max(1, -(-len(labels) // max_ticks))
    places = list(range(0, len(labels), step))
    return {
        "title": {"text": label(title, None) if title else ""},
        "tickmode": "array",
        "tickvals": places,
        "ticktext": [label(labels[i], TICK_LIMIT) for i in places],
        "labelalias": {
            str(i): label(text) for i, text in enumerate(labels)
        },  # the hover label's text, between ticks too
        "categoryarray": raw_labels(labels),
        "hoverformat": "d",
        "showgrid": False,
        "tickfont": {"family": MONO, "size": SMALL if len(places) <= 24 else SMALL - 1},
        **more,
    }
