"""Every colour of the playground in the light and in the dark, and the type of the figures. Knows no data.

A figure holds the light colours alone, so that it is whole wherever it is shown. Where the page is dark, PlotlyView's script
puts the partner from IN_THE_DARK in the place of each, without asking the server. The page's sheet and scripts read CSS
variables, which `css_variables` writes; the Gradio theme takes its accent from BLUE. Marks have a contrast of at least 3 : 1
with the page in both; grids are greys that work on both. A colour code stands in this file only:
tests/figures/test_colours.py checks all of it.
"""

from collections.abc import Mapping

from plotly.colors import sample_colorscale

Scale = list[tuple[float, str]]
"""Places 0..1, rising, each with its colour."""

IN_THE_DARK: dict[str, str] = {}
"""A light colour -> the one that takes its place on a dark page. Others stay as they are."""
PAGE, DARK_PAGE = "#ffffff", "#0a0f1e"
"""The page's ground."""


def _both(light: str, dark: str) -> str:
    """The light colour, by which figures name both. ValueError if it has another partner already."""
    if IN_THE_DARK.setdefault(light, dark) != dark:
        raise ValueError(f"{light} is {IN_THE_DARK[light]} in the dark already, so it can't be {dark}.")
    return light


def _scale(*stops: tuple[float, str, str]) -> Scale:
    """A scale of (place, light colour, dark colour)."""
    return [(place, _both(light, dark)) for place, light, dark in stops]


# --- the actors: one colour each, wherever they appear -----------------------------------------------------------

QUERY = _both("#9140dd", "#9a66ff")
KEY = _both("#0a93b8", "#62c8fb")
VALUE = _both("#d8558e", "#dd55a2")
ATTENTION = _both("#1f4aa3", "#7aa0fa")
MLP = _both("#63300c", "#a1663c")
RESIDUAL = _both("#b48242", "#ffce72")
PROMPT = _both("#3b4557", "#a6abb3")
WRITTEN = _both("#22805f", "#8ff0cf")
ACTORS = {
    "query": QUERY,
    "key": KEY,
    "value": VALUE,
    "attention": ATTENTION,
    "mlp": MLP,
    "residual": RESIDUAL,
    "prompt": PROMPT,
    "written": WRITTEN,
}
"""Any two can be told apart in both themes, also by readers who see no red, no green or no blue: simulated after Machado,
Oliveira and Fernandes 2009, they are at least 0.06 apart in OKLab (Ottosson 2020)."""

# --- marks -------------------------------------------------------------------------------------------------------

ACCENT = _both("#d9480f", "#ff8a4c")
"""The selected head, token or point. Stands out on the page and on SEQUENTIAL."""
INK = _both("#3b6fb6", "#6b9fe0")
"""Bars and single lines: marks that are no actor, neither selected nor one of several categories."""
FAINT_ATTENTION = _both("#6b8ac6", "#4c6bb0")
"""Attention beside the one in question."""
REST = _both("#868c96", "#78808c")
"""Reference lines, masked cells, and the bar of all the rest."""
CATEGORIES = (
    _both("#0b62c4", "#2b74dc"),
    _both("#b58a0e", "#efb80b"),
    _both("#1a9e84", "#83ccb8"),
    _both("#bb3a96", "#b37f9d"),
    _both("#1c4463", "#52a5f2"),
    _both("#8a3a0a", "#e77117"),
    _both("#67655f", "#786c58"),
    _both("#807033", "#f0ec9b"),
)
"""Categories, in the hues of Okabe and Ito 2008, each as light or dark as the page allows."""
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "circle-open", "square-open", "diamond-open")
"""One for each of CATEGORIES, so that colour is not the only difference. 2D and 3D both have these."""

# --- what is not a mark ------------------------------------------------------------------------------------------

FAINT = "rgba(128,128,128,0.22)"
"""Grid lines."""
AXIS = "rgba(128,128,128,0.55)"
"""Axis lines."""
OUTLINE = _both("#8a909a", "#8f959e")
"""Thin outlines and the axes of a 3D scene."""
HALO = _both(PAGE, DARK_PAGE)
"""The edge round a mark that lies on a map."""
CLEAR = "rgba(0,0,0,0)"
"""Nothing at all."""

# --- scales: little is near the page's colour, much is far from it -----------------------------------------------

SEQUENTIAL = _scale(
    (0.0, "#f4f7fc", "#172031"),
    (0.12, "#dbe6f5", "#1b3259"),
    (0.3, "#b3cdea", "#254c88"),
    (0.5, "#7fabdd", "#336ebe"),
    (0.7, "#4d88cc", "#5998e3"),
    (0.87, "#2b66b5", "#94c6f9"),
    (1.0, "#1b459c", "#dbeefe"),
)
"""Weights and probabilities. One hue, lightness changing steadily."""
DIVERGING = _scale(
    (0.0, "#134b8a", "#b7ddfe"),
    (0.2, "#3f7fc0", "#5094e5"),
    (0.38, "#a5c8e6", "#1d4176"),
    (0.5, PAGE, DARK_PAGE),
    (0.62, "#f6bf95", "#653312"),
    (0.8, "#d9703a", "#d97230"),
    (1.0, "#8f2f0b", "#fdce9b"),
)
"""Signed values: blue below zero, the page's colour at zero, orange above; safe for all kinds of colour vision."""
MARKS: Scale = [(i / 2, colour) for i, (_, colour) in enumerate(SEQUENTIAL[4:])]
"""The part of SEQUENTIAL in which single points and lines stand out from the page."""
WARM = _scale((0, "#fff3e6", "#3d2919"), (0.5, "#f6a35c", "#bf7028"), (1, "#a63603", "#fed899"))
"""A measure of a head, drawn over its map, in another hue than the weights."""
ORDERED: Scale = [(0, "#2f9c91"), (0.5, "#3f83cc"), (1, "#9a55c8")]
"""Things in an order (positions, heads, dimensions), from teal over blue to purple; the same in both themes."""
CYCLIC = _scale(
    (0.0, "#e2d9e2", "#46234f"),
    (0.125, "#9ebbc9", "#5e43a5"),
    (0.25, "#6785be", "#6785be"),
    (0.375, "#5e43a5", "#9ebbc9"),
    (0.5, "#46234f", "#e2d9e2"),
    (0.625, "#8e2c50", "#ceac94"),
    (0.75, "#ba6657", "#ba6657"),
    (0.875, "#ceac94", "#8e2c50"),
    (1.0, "#e2d9e2", "#46234f"),
)
"""Angles: 0 and 2π have the same colour, near the page's."""
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

MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono', monospace"
SIZE, SMALL = 13, 11
"""Sizes of type in pixels."""


def css_variables() -> str:
    """The colours that the page's sheet and scripts read, as CSS: `--pg-…` on :root, with what differs in the dark.

    A scale is written as its stops, "0 #f4f7fc, 0.12 #dbe6f5, …", the categories as a list, the partners as "light dark".
    """
    light = {
        "--pg-selected": ACCENT,
        "--pg-halo": HALO,
        "--pg-ok": "#15703d",
        "--pg-warn": "#8a5200",
        "--pg-frame-ground": PAGE,
        "--pg-frame-text": "#111111",
        "--pg-sequential": _stops(SEQUENTIAL),
        "--pg-diverging": _stops(DIVERGING),
        "--pg-categories": ", ".join(CATEGORIES),
        "--pg-partners": "none",
    } | {f"--pg-{name}": colour for name, colour in ACTORS.items()}
    dark = {
        "--pg-ok": "#6ee7a0",
        "--pg-warn": "#fbbf5a",
        "--pg-frame-ground": DARK_PAGE,
        "--pg-frame-text": "#dddddd",
        "--pg-partners": ", ".join(" ".join(pair) for pair in IN_THE_DARK.items()),
        "--color-accent": BLUE[400],  # Gradio has one accent for both; text in it has to be lighter on dark
    } | {f"--pg-{name}": IN_THE_DARK[light[f"--pg-{name}"]] for name in ("selected", "halo", *ACTORS)}
    for name in ("sequential", "diverging", "categories"):
        variable = f"--pg-{name}"
        dark[variable] = " ".join(map(_in_the_dark, light[variable].split(" ")))
    return _rule(":root", light) + _rule(".dark", dark) + _legend_rules()


def _legend_rules() -> str:
    """A rule for each actor's key in a legend (components.markup.actors)."""
    return "".join(f'[data-actor="{name}"] {{ --pg-actor: var(--pg-{name}); }}\n' for name in ACTORS)


def _in_the_dark(word: str) -> str:
    colour = word.rstrip(",")
    return IN_THE_DARK.get(colour, colour) + word[len(colour) :]


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
