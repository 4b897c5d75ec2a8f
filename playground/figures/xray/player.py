"""The frames by which X-ray is read layer by layer: a veil over what comes later, and the guess so far above."""

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import in_words, percent
from playground.figures.animation import player
from playground.figures.layout import OURS
from playground.figures.theme import OUTLINE, SIZE, WRITTEN
from playground.figures.xray.geometry import Places
from playground.figures.xray.guesses import guess_word
from playground.figures.xray.words import ordinal, place_name

if TYPE_CHECKING:
    from playground.recording.xray import Xray

HEIGHT_OF_PLAYER = 52
BIG = 26
"""Pixels of the answer's type."""
NOTHING = "\u200b"
"""In place of an empty text, for which Plotly makes no element that a later frame could fill."""
READ_IT, LEAST_TOKENS = "Each token rises through the layers; arcs: who looks at whom.", 9
"""How the whole picture is read, where so many tokens leave room; while layers are hidden, how far the answer is stands in
its place."""
LONGEST, SHORT_WORD = 16, 9
"""Characters of a guess, and those up to which it stands over the column of guesses; longer ones end at the right edge."""


def add_player(figure: go.Figure, seen: "Xray", places: Places) -> dict[str, Any]:
    """Adds the moving traces and the frames, one for each place 0..L; returns the layout of Play and slider."""
    assert seen.guesses is not None
    count = len(seen.guesses.layers)
    figure.add_scatter(**_heading(seen, places))
    first = len(figure.data)
    for trace in _moving(seen, places, count - 1):
        figure.add_scatter(**trace)
    moving = list(range(first, len(figure.data)))
    keep = ("x", "y", "text")
    figure.frames = [  # plain dicts: Plotly checks a Scatter in a Frame in a figure three times
        {
            "name": str(place),
            "traces": moving,
            "data": [
                {"type": "scatter"} | {name: trace[name] for name in keep if name in trace}
                for trace in _moving(seen, places, place)
            ],
        }
        for place in range(count)
    ]
    names = [place_name(place) for place in range(count)]
    layout = player(names, start=count - 1, pace=220)
    layout["sliders"][0] |= {"x": 0.16, "len": 0.84, "pad": {"t": 4}}  # beside Play, not below it
    return layout


def _heading(seen: "Xray", places: Places) -> dict[str, Any]:
    """What the answer is an answer to, in small type over it."""
    at = _place_of_answer(seen, places)
    words = "the model fills in:" if seen.reads_both_ways else "the model goes on:"
    return {
        **at,
        "y": at["y"] + np.float32(0.45 * (places.top - places.layers)),
        "text": [words],
        "mode": "text",
        "meta": OURS,
    }


def _place_of_answer(seen: "Xray", places: Places) -> dict[str, Any]:
    """Where the big answer stands: over the column of guesses, or ending at the right edge where one of them is long."""
    assert seen.guesses is not None
    longest = max(len(in_words(seen.texts[layer.ids[0]], LONGEST)) for layer in seen.guesses.layers)
    short = longest <= SHORT_WORD
    return {
        "x": np.array([places.guesses - 0.1 if short else places.width - 0.4], np.float32),
        "y": np.array([places.layers + 0.42 * (places.top - places.layers)], np.float32),
        "textposition": "middle right" if short else "middle left",
        "hoverinfo": "skip",
    }


def _moving(seen: "Xray", places: Places, place: int) -> list[dict[str, Any]]:
    """The traces that differ from frame to frame: veil, line, and the answer so far in one of two colours."""
    assert seen.guesses is not None
    guesses = seen.guesses
    layer, last = guesses.layers[place], place == len(guesses.layers) - 1
    own = layer.ids[0] == guesses.answer
    words = f"<b>{guess_word(seen.texts[layer.ids[0]], LONGEST)}</b> {percent(layer.probabilities[0])}"
    y = np.array([place + 0.12, place + 0.12, places.layers + 0.4, places.layers + 0.4], np.float32)
    left, right = -0.6, places.width - 0.4
    read_it = READ_IT if len(seen.window) >= LEAST_TOKENS else NOTHING
    beside = read_it if last else f"{place_name(place)}; the answer is {ordinal(guesses.ranks[place])}"
    big = {**_place_of_answer(seen, places), "mode": "text"}
    return [
        {
            "x": np.array([left, right, right, left], np.float32),
            "y": np.full(4, places.layers + 0.4, np.float32) if last else y,
            "mode": "lines",
            "fill": "toself",
            "opacity": 0.82,
            "line": {"width": 0},
            "meta": "veil",
            "hoverinfo": "skip",
        },
        {
            "x": np.array([left, right], np.float32),
            "y": np.full(2, place + 0.12, np.float32),
            "mode": "lines",
            "line": {"width": 1, "dash": "dot", "color": OUTLINE},
            "opacity": 0.7,
            "hoverinfo": "skip",
        },
        {**big, "text": [words if own else NOTHING], "textfont": {"size": BIG, "color": WRITTEN}},
        {**big, "text": [words if not own else NOTHING], "textfont": {"size": BIG}},
        {
            **big,
            "x": np.array([-0.4], np.float32),
            "text": [beside],
            "meta": OURS,
            "textposition": "middle right",
            "textfont": {"size": SIZE},
        },
    ]
