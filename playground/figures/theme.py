"""Colours, type and layout that all figures share, and the one way a text may enter a figure. Knows no data.

Text and background colours are left to the page (light or dark); grids and marks are greys that work on both. What
the page's view may overrule (fonts, margins, grids) stands in the template, what belongs to a picture in its layout.
Plotly reads its labels as a kind of HTML, so every token, title and hover goes through `label`.
"""

import html
from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.colors import cyclical, sample_colorscale

from playground.analysis.text_display import LIMIT, plain_mark

ACCENT = "#d9480f"
"""The chosen one: selected head, chosen token, own point. Stands out on white, on black and on SEQUENTIAL."""
WRITTEN = "#2a78cf"
"""What a model wrote, where the text that it was given stands beside it."""
INK = "#3b6fb6"
"""Marks that are neither chosen nor one of several categories: bars, single lines."""
REST = "#a3a9b3"
"""What stands back: the bar of all the rest, reference lines."""
FAINT = "rgba(128,128,128,0.22)"
"""Grid lines."""
SEQUENTIAL = [
    [0.0, "#f4f7fc"],
    [0.12, "#dbe6f5"],
    [0.3, "#b3cdea"],
    [0.5, "#7fabdd"],
    [0.7, "#4d88cc"],
    [0.87, "#2b66b5"],
    [1.0, "#1b459c"],
]
"""Weights and probabilities: light = little, one hue, lightness falling steadily, to a blue that is still seen
beside the blanks of a causal map on a dark page."""
DIVERGING = [
    [0.0, "#134b8a"],
    [0.2, "#3f7fc0"],
    [0.38, "#a5c8e6"],
    [0.5, "#ffffff"],
    [0.62, "#f6bf95"],
    [0.8, "#d9703a"],
    [1.0, "#8f2f0b"],
]
"""Signed values: blue below zero, white at zero, orange above; told apart with any colour vision."""
CYCLIC = [[i / (len(cyclical.Twilight) - 1), colour] for i, colour in enumerate(cyclical.Twilight)]
"""Angles: 0 and 2π have the same colour."""
CATEGORIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C", "#B8A700")
"""Categories, after Okabe and Ito 2008; black is grey and yellow is darker, to be seen on both backgrounds."""
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "circle-open", "square-open", "diamond-open")
"""One for each category, so that colour is not the only difference (the set that 2D and 3D have in common)."""
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono', monospace"
SIZE, SMALL = 13, 11
TICK_LIMIT = 16
"""Characters of a token beside an axis; the hover has room for LIMIT."""

_AXIS = {
    "gridcolor": FAINT,
    "linecolor": "rgba(128,128,128,0.55)",
    "zeroline": False,
    "automargin": True,
    "ticks": "",
    "title": {"standoff": 10, "font": {"size": SIZE}},
    "tickfont": {"size": SMALL},
}
_CAMERA = {"eye": {"x": 1.6, "y": 1.6, "z": 0.9}, "center": {"x": 0, "y": 0, "z": -0.12}}
_SCENE_AXIS = {
    "gridcolor": "#8f959e",
    "linecolor": "#8f959e",
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


def base_layout(description: str, *, title: str = "", uirevision: str = "", table: bool = True, **more) -> go.Layout:
    """The layout that every figure starts from.

    description: one plain sentence for those who can't see the picture (the view makes it the aria-label);
    title: unescaped; uirevision: what is shown: while it stays the same, zoom and hidden series survive an
    update; table: whether a heat map's numbers mean something as a table; more: further layout attributes.
    """
    if title:
        more = {"title": {"text": label(title, None)}, "margin": {"t": 76}, **more}
    meta = {"description": plain_mark(description, None)} | ({} if table else {"table": False})
    return go.Layout(template=TEMPLATE, meta=meta, uirevision=uirevision or "same", **more)


def finish(figure: go.Figure, description: str, **options) -> go.Figure:
    """Lays `base_layout(description, **options)` under what the figure has; plotly's own template goes."""
    layout = base_layout(description, **options).to_plotly_json()
    del layout["template"]  # an update would merge it with plotly's own, which takes twenty times as long
    figure.update_layout(layout)
    figure.layout.template = TEMPLATE
    return figure


def colour_bar(title: str, **more) -> dict:
    """A slim colour bar above the picture, at its left, where it takes no width from a phone."""
    return {
        "orientation": "h",
        "title": {"text": label(title, None), "side": "right", "font": {"size": SMALL}},
        "lenmode": "pixels",
        "len": 220,
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


def token_axis(title: str, labels: Sequence[str], most: int = 32, **more) -> dict:
    """A numeric axis 0..n-1 that shows texts: at most `most` ticks, the text of every place on hover.

    Places stay numbers, so a token that occurs twice has two places and a click tells which.
    `labels` come unescaped. Figures read the text of any place in a hover as %{x} or %{y}.
    """
    step = max(1, -(-len(labels) // most))
    places = list(range(0, len(labels), step))
    return {
        "title": {"text": label(title, None) if title else ""},
        "tickmode": "array",
        "tickvals": places,
        "ticktext": [label(labels[i], TICK_LIMIT) for i in places],
        "labelalias": {str(i): label(text) for i, text in enumerate(labels)},  # what the hover says between ticks
        "hoverformat": "d",
        "showgrid": False,
        "tickfont": {"family": MONO, "size": SMALL if len(places) <= 24 else SMALL - 1},
        **more,
    }


def shades(count: int) -> list[str]:
    """`count` colours in an order that can be seen (heads, dimensions), from teal over blue to purple."""
    places = [i / (count - 1) for i in range(count)] if count > 1 else [0.5]
    return sample_colorscale([[0, "#35a79c"], [0.5, "#3f83cc"], [1, "#9a55c8"]], places) if count else []
