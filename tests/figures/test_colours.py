"""Colours stand in figures/theme.py alone: the sheets, the scripts and the other modules read them from there."""

import re
from pathlib import Path

import pytest

from playground.figures import theme

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


@pytest.mark.parametrize("path", [*SHEETS, *SCRIPTS, *MODULES], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_colour_is_defined_in_the_theme_alone(path):
    """Guards against a second blue beside the theme's, and against a copy that stays behind when the theme changes."""
    assert colours(path.read_text(encoding="utf-8")) <= {theme.CLEAR}


def test_every_variable_that_is_read_is_set():
    """Guards against a misspelt or removed variable: CSS falls back in silence."""
    texts = "\n".join(path.read_text(encoding="utf-8") for path in [*SHEETS, *SCRIPTS])
    read = set(re.findall(r"(?:var\(|variable\(|scale\()'?(--pg-[\w-]+)", texts))
    own = set(re.findall(r"(--pg-[\w-]+):", texts))
    assert {"--pg-selected", "--pg-ok", "--pg-sequential"} <= read
    assert read - own <= set(variables(":root"))
    assert set(variables(".dark")) - {"--color-accent"} <= set(variables(":root"))


def test_scales_reach_the_script_whole():
    """Guards against a scale whose stops get lost on the way to PlotlyView's script."""
    for name, scale in (("--pg-sequential", theme.SEQUENTIAL), ("--pg-diverging", theme.DIVERGING)):
        stops = [stop.split() for stop in variables(":root")[name].split(",")]
        assert [(float(place), colour) for place, colour in stops] == scale
    assert tuple(variables(":root")["--pg-categories"].split(", ")) == theme.CATEGORIES


def test_the_accent_is_the_figures_blue():
    """Guards against a button in one blue and a bar in another."""
    assert theme.BLUE[600] == theme.INK and theme.BLUE[50] == theme.SEQUENTIAL[0][1]


def _luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb" (WCAG 2.1)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", [theme.STREAM, theme.LOOK, theme.FAR, theme.ANSWER])
@pytest.mark.parametrize("ground", ["#ffffff", "#0b0f19"])
def test_marks_of_x_ray_stand_out_in_both_themes(colour, ground):
    """Guards against streams, arcs or answers that vanish on a light or a dark page: contrast of at least 3 : 1."""
    light, dark = sorted((_luminance(colour), _luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3
