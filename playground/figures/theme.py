"""Colours, type and layout that all figures share, and the one way a text may enter a figure. Knows no data.

Text and background colours are left to the page (light or dark); grids and marks are half-transparent greys that
work on both. Plotly reads its labels as a kind of HTML, so every token, title and hover goes through `label`.
"""

import html

import numpy as np
import plotly.graph_objects as go
from plotly.colors import cyclical, sample_colorscale

from playground.analysis.display import LIMIT, percent, plain_mark

__all__ = ["label", "percent", "plain_mark"]

ACCENT = "#d9480f"
"""The chosen one: selected head, chosen token, own point. Stands out on white, on black and on SEQUENTIAL."""
INK = "#3b6fb6"
"""Marks that are neither chosen nor one of several categories: bars, single lines."""
FAINT = "rgba(128,128,128,0.22)"
"""Grid lines."""
MUTED = "rgba(128,128,128,0.55)"
"""Axis lines, outlines, whatever stands back."""
SEQUENTIAL = [
    [0.0, "#f4f7fc"], [0.12, "#dbe6f5"], [0.3, "#abc8e8"], [0.5, "#6d9fd3"], [0.7, "#3b6fb6"], [0.87, "#20447f"],
    [1.0, "#0e2148"],
]  # fmt: skip
"""Weights and probabilities: light = little, one hue, lightness falling steadily."""
DIVERGING = [
    [0.0, "#134b8a"], [0.2, "#3f7fc0"], [0.38, "#a5c8e6"], [0.5, "#ffffff"], [0.62, "#f6bf95"], [0.8, "#d9703a"],
    [1.0, "#8f2f0b"],
]  # fmt: skip
"""Signed values: blue below zero, white at zero, orange above; told apart with any colour vision."""
CYCLIC = [[i / (len(cyclical.Twilight) - 1), colour] for i, colour in enumerate(cyclical.Twilight)]
"""Angles: 0 and 2π have the same colour."""
CATEGORIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C", "#B8A700")
"""Categories, after Okabe and Ito 2008; black is grey and yellow is darker, to be seen on both backgrounds."""
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "circle-open", "square-open", "diamond-open")
"""One for each category, so that colour is not the only difference (the set that 2D and 3D have in common)."""
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono', monospace"
SIZE, SMALL = 13, 11


def label(text: str, limit: int | None = LIMIT) -> str:
    """`plain_mark(text)` escaped for Plotly's labels.

    Quotes stay: no label stands in an attribute, and plotly.js would show &quot; as it is.
    """
    return html.escape(plain_mark(text, limit), quote=False)


def title_text(text: str) -> str:
    """A title or sentence for Plotly: escaped, not shortened."""
    return html.escape(plain_mark(text, None), quote=False)


def base_layout(description: str, *, title: str = "", uirevision: str = "", **more) -> go.Layout:
    """The layout that every figure starts from.

    description: one plain sentence for those who can't see the picture (the view makes it the aria-label);
    uirevision: what is shown; while it stays the same, zoom and hidden series survive an update;
    more: further layout attributes.
    """
    return go.Layout(
        template="none",
        meta={"description": plain_mark(description, None)},
        title={"text": title_text(title), "font": {"size": SIZE + 2}, "x": 0, "xref": "paper", "xanchor": "left"}
        if title
        else None,
        uirevision=uirevision or "same",
        font={"size": SIZE},
        margin={"l": 56, "r": 16, "t": 44 if title else 16, "b": 48, "pad": 0},
        colorway=CATEGORIES,
        hoverlabel={"align": "left", "font": {"size": SIZE}},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.01, "x": 0, "title": {"text": ""}},
        dragmode="zoom",
        **more,
    )


def axis(title: str = "", **more) -> dict:
    """A quiet axis: faint grid, no zero line, room for its own labels."""
    return {
        "title": {"text": title_text(title) if title else "", "standoff": 10, "font": {"size": SIZE}},
        "gridcolor": FAINT,
        "linecolor": MUTED,
        "zeroline": False,
        "automargin": True,
        "tickfont": {"size": SMALL},
        **more,
    }


def colour_bar(title: str, **more) -> dict:
    """A slim colour bar; its title stands on top."""
    return {
        "title": {"text": title_text(title), "side": "top", "font": {"size": SMALL}},
        "thickness": 10,
        "len": 0.6,
        "y": 1,
        "yanchor": "top",
        "outlinewidth": 0,
        "tickfont": {"size": SMALL},
        "ticks": "",
        **more,
    }


def token_axis(title: str, labels: list[str], most: int = 60, **more) -> dict:
    """A numeric axis 0..n-1 that shows texts: about `most` ticks at most, the text of every place on hover.

    Places stay numbers, so a token that occurs twice has two places and a click tells which.
    `labels` come unescaped. Figures read the text of any place in a hover as %{x} or %{y}.
    """
    texts = [label(text) for text in labels]
    step = max(1, -(-len(texts) // most))
    places = list(range(0, len(texts), step))
    return axis(
        title,
        tickmode="array",
        tickvals=places,
        ticktext=[texts[i] for i in places],
        labelalias={str(i): text for i, text in enumerate(texts)},  # reaches the hover of places without a tick
        hoverformat="d",
        showgrid=False,
        ticks="",
        **{"tickfont": {"family": MONO, "size": SMALL}, **more},
    )


def shades(count: int) -> list[str]:
    """`count` colours in an order that can be seen (heads, dimensions), none too light to read on white."""
    places = np.linspace(0.35, 1, count) if count > 1 else [0.7]
    return sample_colorscale([[0, "#8fc7c9"], [0.35, "#8fc7c9"], [0.7, "#3b6fb6"], [1, "#5b2a86"]], list(places))
