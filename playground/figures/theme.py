"""Every colour of the playground, and the type of the figures. Knows no data.

Figures import the constants. The page's sheet and scripts read CSS variables, which `css_variables` writes; the Gradio
theme takes its accent from BLUE. Text and background colours are the page's own (light or dark); grids and marks are
greys that work on both. A colour code stands in this file only: tests/figures/test_colours.py checks it.
"""

from collections.abc import Mapping

from plotly.colors import cyclical, sample_colorscale

Scale = list[tuple[float, str]]
"""Places 0..1, rising, each with its colour."""

ACCENT = "#d9480f"
"""The selected head, token or point. Stands out on white, on black and on SEQUENTIAL."""
WRITTEN = "#2a78cf"
"""Tokens that a model generated, beside those of the prompt."""
INK = "#3b6fb6"
"""Bars and single lines: marks that are neither selected nor one of several categories."""
STREAM = "#4f84bd"
"""The residual stream: the state of a token on its way through the layers."""
LOOK = "#cf5b12"
"""Attention from the token in question to others; FAR is attention between others."""
FAR = "#8c6fd0"
ANSWER = "#159068"
"""What the model says in the end, wherever it appears before."""
REST = "#a3a9b3"
"""Reference lines, masked cells, and the bar of all the rest."""
FAINT = "rgba(128,128,128,0.22)"
"""Grid lines."""
AXIS = "rgba(128,128,128,0.55)"
"""Axis lines."""
OUTLINE = "#8f959e"
"""Thin outlines and the axes of a 3D scene."""
HALO = "#ffffff"
"""The edge round a mark that lies on a map."""
CLEAR = "rgba(0,0,0,0)"
"""Nothing at all."""
SEQUENTIAL: Scale = [
    (0.0, "#f4f7fc"),
    (0.12, "#dbe6f5"),
    (0.3, "#b3cdea"),
    (0.5, "#7fabdd"),
    (0.7, "#4d88cc"),
    (0.87, "#2b66b5"),
    (1.0, "#1b459c"),
]
"""Weights and probabilities: light = little. One hue, lightness falling steadily, down to a blue that can be told from
the blanks of a causal map on a dark page."""
DIVERGING: Scale = [
    (0.0, "#134b8a"),
    (0.2, "#3f7fc0"),
    (0.38, "#a5c8e6"),
    (0.5, "#ffffff"),
    (0.62, "#f6bf95"),
    (0.8, "#d9703a"),
    (1.0, "#8f2f0b"),
]
"""Signed values: blue below zero, white at zero, orange above; safe for all kinds of colour vision."""
WARM: Scale = [(0, "#fff3e6"), (0.5, "#f6a35c"), (1, "#a63603")]
"""A measure of a head, drawn over its map: light = little, in another hue than the weights."""
ORDERED: Scale = [(0, "#35a79c"), (0.5, "#3f83cc"), (1, "#9a55c8")]
"""Things in an order (positions, heads, dimensions), from teal over blue to purple."""
CYCLIC: Scale = [(i / (len(cyclical.Twilight) - 1), colour) for i, colour in enumerate(cyclical.Twilight)]
"""Angles: 0 and 2π have the same colour."""
CATEGORIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C", "#B8A700")
"""Categories, after Okabe and Ito 2008; grey replaces black and a darker yellow theirs, for both backgrounds."""
BLUE = {
    50: "#f4f7fc",
    100: "#e7eef8",
    200: "#dbe6f5",
    300: "#abc8e8",
    400: "#7aa9dc",
    500: "#4f86c6",
    600: "#3b6fb6",
    700: "#2f5a97",
    800: "#20447f",
    900: "#16305f",
    950: "#0e2148",
}
"""The page's accent by Gradio's steps, in the hue of SEQUENTIAL: a strong button, a bar and a large weight are one blue."""

SYMBOLS = ("circle", "square", "diamond", "cross", "x", "circle-open", "square-open", "diamond-open")
"""One for each of CATEGORIES, so that colour is not the only difference. 2D and 3D both have these."""
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono', monospace"
SIZE, SMALL = 13, 11
"""Sizes of type in pixels."""


def css_variables() -> str:
    """The colours that the page's sheet and scripts read, as CSS: `--pg-…` on :root, with what differs in the dark.

    A scale is written as its stops, "0 #f4f7fc, 0.12 #dbe6f5, …", the categories as a list.
    """
    light = {
        "--pg-selected": ACCENT,
        "--pg-halo": HALO,
        "--pg-ok": "#15703d",
        "--pg-warn": "#8a5200",
        "--pg-frame-ground": "#ffffff",
        "--pg-frame-text": "#111111",
        "--pg-sequential": _stops(SEQUENTIAL),
        "--pg-diverging": _stops(DIVERGING),
        "--pg-categories": ", ".join(CATEGORIES),
    }
    dark = {
        "--pg-selected": "#ff8a4c",
        "--pg-ok": "#6ee7a0",
        "--pg-warn": "#fbbf5a",
        "--pg-frame-ground": "#0b0f19",
        "--pg-frame-text": "#dddddd",
        "--color-accent": BLUE[400],  # Gradio has one accent for both; text in it has to be lighter on dark
    }
    return _rule(":root", light) + _rule(".dark", dark)


def _rule(selector: str, variables: Mapping[str, str]) -> str:
    lines = "".join(f"  {name}: {value};\n" for name, value in variables.items())
    return f"{selector} {{\n{lines}}}\n"


def _stops(scale: Scale) -> str:
    return ", ".join(f"{place:g} {colour}" for place, colour in scale)


def category_colour(number: int) -> str:
    """The colour of a category by its number; colours repeat after the last."""
    return CATEGORIES[number % len(CATEGORIES)]


def shades(count: int) -> list[str]:
    """`count` colours of ORDERED, evenly spaced."""
    places = [i / (count - 1) for i in range(count)] if count > 1 else [0.5]
    return sample_colorscale([list(stop) for stop in ORDERED], places) if count else []  # plotly takes lists only
