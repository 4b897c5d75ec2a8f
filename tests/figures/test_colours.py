"""Colours stand in figures/theme.py alone: the sheets, the scripts and the other modules read them from there."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from playground.components import markup
from playground.components.opening_words import opening_style
from playground.figures import theme
from playground.figures.attention.token_grid import frame
from playground.figures.layout import coloured

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / "playground" / "figures" / "theme.py"
COLOUR = re.compile(r"(?<![\w&/])#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3,4})\b|\b(?:rgba?|hsla?)\([^)]*\)")
"""A colour code in CSS, JavaScript or Python."""
SHEETS = [ROOT / "assets" / "style.css", *sorted((ROOT / "playground").rglob("*.css"))]
SCRIPTS = sorted((ROOT / "playground").rglob("*.js"))
MODULES = [path for path in sorted((ROOT / "playground").rglob("*.py")) if path != OWN]


def colours(text: str) -> set[str]:
    return {re.sub(r"\s", "", code) for code in COLOUR.findall(text)}


def variables(selector: str) -> dict[str, str]:
    """Name -> value of the custom properties that css_variables sets on a selector."""
    (rule,) = re.findall(rf"^{re.escape(selector)} {{\n(.*?)}}", theme.css_variables(), re.DOTALL | re.MULTILINE)
    return dict(re.findall(r"(--[\w-]+): ([^;]+);", rule))


def test_the_pattern_sees_colours():
    """Guards the test itself: a pattern that matches nothing would pass everything."""
    assert colours("a{color:#fff} 'rgba(0, 0, 0, 0.5)' \"#1b459c\"") == {"#fff", "rgba(0,0,0,0.5)", "#1b459c"}
    assert not colours("&#10003; url(#look) #chips > #look")
    assert colours(OWN.read_text(encoding="utf-8")) >= {theme.ACCENT, theme.FAINT}


def test_a_colour_is_defined_in_the_theme_alone():
    """Guards against a second blue beside the theme's, and against a copy that stays behind when the theme changes."""
    files = [*SHEETS, *SCRIPTS, *MODULES]
    own = {str(path.relative_to(ROOT)): colours(path.read_text(encoding="utf-8")) - {theme.CLEAR} for path in files}
    assert len(own) > 500 and {path: codes for path, codes in own.items() if codes} == {}


def test_every_variable_that_is_read_is_set():
    """Guards against a misspelt or removed variable: CSS falls back in silence."""
    texts = "\n".join(path.read_text(encoding="utf-8") for path in [*SHEETS, *SCRIPTS])
    read = set(re.findall(r"(?:var\(|variable\(|scale\()'?(--pg-[\w-]+)", texts))
    own = set(re.findall(r"(--pg-[\w-]+):", texts))
    assert {"--pg-selected", "--pg-ok", "--pg-sequential"} <= read
    actors = {f"--pg-{name}" for name in theme.ACTORS}
    assert read - own <= set(variables(":root"))
    assert set(variables(".dark")) - {"--color-accent"} <= set(variables(":root")) >= actors


def in_the_dark(colour: str) -> str:
    return theme.IN_THE_DARK.get(colour, colour)


@pytest.mark.parametrize("name", ["sequential", "diverging"])
def test_scales_reach_the_script_whole(name):
    """Guards against a scale whose stops get lost on the way to PlotlyView's script, in one of the themes."""
    scale = getattr(theme, name.upper())
    for selector, partner in ((":root", str), (".dark", in_the_dark)):
        stops = [stop.split() for stop in variables(selector)[f"--pg-{name}"].split(",")]
        assert [(float(place), colour) for place, colour in stops] == [(place, partner(c)) for place, c in scale]


def test_categories_and_partners_reach_the_script_whole():
    """Guards against a category or a partner that the script never learns of."""
    assert tuple(variables(":root")["--pg-categories"].split(", ")) == theme.CATEGORIES
    assert variables(".dark")["--pg-categories"].split(", ") == [in_the_dark(colour) for colour in theme.CATEGORIES]
    partners = dict(pair.split() for pair in variables(".dark")["--pg-partners"].split(", "))
    assert partners == theme.IN_THE_DARK and variables(":root")["--pg-partners"] == "none"


def test_a_colour_has_one_partner():
    """Guards against two marks of one light colour that the script could not tell apart."""
    with pytest.raises(ValueError, match="already"):
        theme._both(theme.ACCENT, "#000000")


def test_the_accent_is_the_figures_blue():
    """Guards against a button in one blue and a bar in another."""
    assert theme.BLUE[600] == theme.INK and theme.BLUE[50] == theme.SEQUENTIAL[0][1]


def _linear(colour: str) -> np.ndarray:
    """Linear red, green and blue 0..1 of "#rrggbb" (IEC 61966-2-1)."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    return float(_linear(colour) @ (0.2126, 0.7152, 0.0722))


def contrast(first: str, second: str) -> float:
    """The contrast of two colours, 1..21 (WCAG 2.1)."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard():
    """Guards the next tests: black on white is 21 : 1, and #767676 is the palest grey with 4.5 : 1 (WCAG 2.1)."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") >= 4.5 > contrast("#777777", "#ffffff")


def as_hex(rgb: str) -> str:
    """ "rgb(1, 2, 3)" as "#010203"."""
    return "#" + "".join(f"{round(float(part)):02x}" for part in re.findall(r"[\d.]+", rgb))


MARKS = {
    **theme.ACTORS,
    **{name: getattr(theme, name) for name in ("ACCENT", "INK", "FAINT_ATTENTION", "REST", "OUTLINE")},
    **{f"category {number}": colour for number, colour in enumerate(theme.CATEGORIES)},
    **{f"MARKS at {place:g}": colour for place, colour in theme.MARKS},
    **{f"shade {number} of 13": as_hex(colour) for number, colour in enumerate(theme.shades(13))},
}
THEMES = {"light": (theme.PAGE, str), "dark": (theme.DARK_PAGE, in_the_dark)}


@pytest.mark.parametrize("which", THEMES)
def test_marks_stand_out_from_the_page(which):
    """Guards against lines, points and bars that vanish on a light or a dark page: contrast of at least 3 : 1 (WCAG 2.1,
    1.4.11). On white orange had 2.3, sky 2.3, khaki 2.4 and the bar of all others 2.4."""
    ground, partner = THEMES[which]
    weak = {name: round(contrast(partner(colour), ground), 2) for name, colour in MARKS.items()}
    assert {name: ratio for name, ratio in weak.items() if ratio < 3} == {}


@pytest.mark.parametrize("scale", [theme.SEQUENTIAL, theme.WARM, theme.MARKS])
@pytest.mark.parametrize("which", THEMES)
def test_more_is_farther_from_the_page(scale, which):
    """Guards against a scale of the light theme on a dark page, where weight 0 glared white: contrast with the page grows
    from stop to stop."""
    ground, partner = THEMES[which]
    ratios = [contrast(partner(colour), ground) for _, colour in scale]
    assert ratios == sorted(set(ratios))
    assert ratios[-1] >= 3


@pytest.mark.parametrize("which", THEMES)
def test_zero_of_a_signed_scale_is_the_page(which):
    """Guards against zeros that stand like a white wall in the dark: zero has the page's colour, and both sides move away
    from it."""
    ground, partner = THEMES[which]
    colours = [partner(colour) for _, colour in theme.DIVERGING]
    middle = len(colours) // 2
    assert theme.DIVERGING[middle] == (0.5, theme.PAGE) and colours[middle] == ground
    for side in (colours[middle:], colours[middle::-1]):
        ratios = [contrast(colour, ground) for colour in side]
        assert ratios == sorted(set(ratios))


SIGHT = {
    "all colours": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "no blue": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""What a reader sees of linear red, green and blue: Machado, Oliveira and Fernandes 2009, table 1, severity 1.0."""
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _oklab(linear: np.ndarray) -> np.ndarray:
    """OKLab of linear red, green and blue (Ottosson 2020): lightness 0..1 and two axes of hue."""
    return _LAB @ np.cbrt(_CONES @ linear)


def apart(first: str, second: str) -> float:
    """The least distance in OKLab between two colours as any reader of SIGHT sees them; 0.02 is just noticeable."""
    seen = [[_oklab(np.clip(eye @ _linear(colour), 0, 1)) for eye in SIGHT.values()] for colour in (first, second)]
    return min(float(np.linalg.norm(a - b)) for a, b in zip(*seen, strict=True))


def test_distances_are_those_of_the_papers():
    """Guards the next tests: white is (1, 0, 0) and red (0.628, 0.225, 0.126) in OKLab (Ottosson 2020), a grey is the same
    grey for every reader, and without red this red and this green are one colour."""
    assert _oklab(_linear("#ffffff")) == pytest.approx([1, 0, 0], abs=1e-3)
    assert _oklab(_linear("#ff0000")) == pytest.approx([0.628, 0.225, 0.126], abs=1e-3)
    for eye in SIGHT.values():
        assert eye @ np.ones(3) == pytest.approx(np.ones(3), abs=1e-4)
    red, green = "#c05050", "#5f7850"
    assert apart(red, green) < 0.05 < np.linalg.norm(_oklab(_linear(red)) - _oklab(_linear(green)))


@pytest.mark.parametrize("which", THEMES)
@pytest.mark.parametrize(("group", "least"), [(tuple(theme.ACTORS.values()), 0.06), (theme.CATEGORIES, 0.05)])
def test_actors_and_categories_can_be_told_apart(group, least, which):
    """Guards against two actors of one colour to a reader who sees no red, no green or no blue."""
    partner = THEMES[which][1]
    close = {pair: apart(*map(partner, pair)) for pair in itertools.combinations(group, 2)}
    assert {pair: round(distance, 3) for pair, distance in close.items() if distance < least} == {}


def test_a_legend_has_each_actor_in_its_colour():
    """Guards against a key without a colour, and against words of a legend read as markup."""
    legend = markup.actors(dict.fromkeys(theme.ACTORS, "<b>"))
    named = set(re.findall(r'data-actor="(\w+)"', legend))
    assert named == set(theme.ACTORS) and "<b>" not in legend
    for name in named:
        assert f'[data-actor="{name}"] {{ --pg-actor: var(--pg-{name}); }}' in theme.css_variables()


def test_a_figure_names_colours_by_the_light_ones():
    """Guards against a figure that carries both themes: bytes twice over, and no colour where it is shown elsewhere."""
    assert frame(0, 0)["line"]["color"] == theme.ACCENT in theme.IN_THE_DARK
    assert coloured("q", theme.QUERY) == f'<span style="color:{theme.QUERY}">q</span>'
    assert not {*theme.IN_THE_DARK.values()} & {theme.ACCENT, *theme.ACTORS.values(), *theme.CATEGORIES}


def test_no_rule_asks_what_an_element_holds():
    """Guards against `:has()` in the page's rules, but of an element's own children: Plotly measures each label in the page,
    and with such rules on the body or a tab each measurement computed all styles anew, 1 to 2 s a view."""
    rules = "\n".join(sheet.read_text(encoding="utf-8") for sheet in SHEETS) + opening_style("Loading", built="built")
    rules = re.sub(r"/\*.*?\*/", "", rules, flags=re.DOTALL)
    assert ".pv-waiting" in rules and "#lens" in rules and "body:not(.built)" in rules
    for held in re.findall(r":has\(([^{]*)", rules):
        assert held.startswith("> ") and ":not(" not in held
