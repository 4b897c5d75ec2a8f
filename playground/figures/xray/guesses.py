"""What the model would say after each layer, and the way of its answer to the first rank, as traces of Plotly."""

from typing import TYPE_CHECKING, Any

import numpy as np

from playground.analysis.text_display import in_words, percent
from playground.figures.layout import OURS, label
from playground.figures.theme import REST, SIZE, SMALL, WRITTEN
from playground.figures.xray.geometry import Places, fitting, rank_places, spread
from playground.figures.xray.words import ordinal, place_name

if TYPE_CHECKING:
    from playground.analysis.xray.guesses import Guesses
    from playground.recording.xray import Xray

GUESS = 2
"""The first number of a guess' customdata."""
LONGEST = 12
"""Characters of a guess in the picture."""


def guess_traces(seen: "Xray", places: Places) -> list[dict[str, Any]]:
    """The traces of an X-ray that has guesses."""
    return [_bars(seen, places), *_names(seen, places), *_ranks(seen, places)]


def _guesses_of(seen: "Xray") -> "Guesses":
    assert seen.guesses is not None
    return seen.guesses


def _heights(guesses: "Guesses") -> np.ndarray:
    return np.arange(len(guesses.layers), dtype=np.float32)


def _bars(seen: "Xray", places: Places) -> dict[str, Any]:
    """A dot after every layer, larger where the guess is surer."""
    guesses = _guesses_of(seen)
    count = len(guesses.layers)
    sure = np.array([layer.probabilities[0] for layer in guesses.layers])
    first = [layer.ids[0] == guesses.answer for layer in guesses.layers]
    return {
        "x": np.full(count, places.guesses, np.float32),
        "y": _heights(guesses),
        "mode": "markers",
        "marker": {
            "size": (3 + 9 * np.sqrt(sure)).astype(np.float32),
            "color": [WRITTEN if own else REST for own in first],
            "line": {"width": 0},
        },
        "customdata": np.array([[GUESS, place] for place in range(count)], np.uint16),
        "text": [_hover(seen, place) for place in range(count)],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _hover(seen: "Xray", place: int) -> str:
    guesses = _guesses_of(seen)
    layer = guesses.layers[place]
    pairs = zip(layer.ids, layer.probabilities, strict=True)
    lines = [f"{label(in_words(seen.texts[number]))} {percent(share)}" for number, share in pairs]
    answer = label(in_words(seen.texts[guesses.answer]))
    lines.append(f"<b>{answer}</b> is {ordinal(guesses.ranks[place])}")
    return "<br>".join([f"{place_name(place)}, it would say", *lines])


def _names(seen: "Xray", places: Places) -> list[dict[str, Any]]:
    """The guesses as words: one for each run of layers with the same guess, larger for a longer run, where there is room:
    the last one has it first, then the longest. The answer in its colour."""
    guesses = _guesses_of(seen)
    tops = [layer.ids[0] for layer in guesses.layers[:-1]]
    starts = [place for place, number in enumerate(tops) if place == 0 or tops[place - 1] != number]
    lengths = [end - start for start, end in zip(starts, [*starts[1:], len(tops)], strict=True)]
    heights = [start + (length - 1) / 2 for start, length in zip(starts, lengths, strict=True)]
    traces = []
    sizes = [SIZE + min(4, length - 2) if length > 1 else SMALL for length in lengths]
    by_length = sorted(range(len(starts)), key=lambda n: (n < len(starts) - 1, -lengths[n], -n))
    chosen = fitting(heights, sizes, by_length, places.layer_pixels)
    for own in (False, True):
        runs = [n for n in chosen if (tops[starts[n]] == guesses.answer) == own]
        traces.append(
            {
                "x": np.full(len(runs), places.guesses + 0.16, np.float32),
                "y": np.array([heights[n] for n in runs], np.float32),
                "mode": "text",
                "text": [guess_word(seen.texts[tops[starts[n]]]) for n in runs],
                "textposition": "middle right",
                "textfont": {"size": [sizes[n] for n in runs]} | ({"color": WRITTEN} if own else {}),
                "customdata": np.array([[GUESS, starts[n]] for n in runs], np.uint16).reshape(-1, 2),
                "hoverinfo": "skip",
            }
        )
    return traces


def guess_word(text: str, limit: int = LONGEST) -> str:
    """A guess in the picture: punctuation in quotes, because it is hard to see alone."""
    words = label(in_words(text, limit), None)
    return f"“{words}”" if not any(character.isalnum() for character in text) else words


def _ranks(seen: "Xray", places: Places) -> list[dict[str, Any]]:
    """The answer's rank after every layer as a path, with a few ranks in figures."""
    guesses = _guesses_of(seen)
    ranks = guesses.ranks
    x, y = rank_places(np.array(ranks), places), _heights(guesses)
    steps = spread([float(place) for place in range(len(ranks))], max(1.0, len(ranks) / 7))
    left = places.ranks[0]
    answer = label(in_words(seen.texts[guesses.answer], LONGEST), None)
    path = {
        "x": np.concatenate([[left - 0.15], x, [left - 0.15]]).astype(np.float32),
        "y": np.concatenate([y[:1], y, y[-1:]]),
        "mode": "none",
        "fill": "toself",
        "fillcolor": f"{WRITTEN}30",
        "hoverinfo": "skip",
    }
    line = {"x": x, "y": y, "mode": "lines", "line": {"color": WRITTEN, "width": 2}, "hoverinfo": "skip"}
    figures = {
        "x": x[steps],
        "y": y[steps],
        "mode": "markers+text",
        "marker": {"size": 6, "color": WRITTEN},
        "text": [ordinal(ranks[place]) for place in steps],
        "textposition": "middle right",
        "textfont": {"size": SMALL + 1, "color": WRITTEN},
        "customdata": np.array([[GUESS, place] for place in steps], np.uint16),
        "hovertext": [f"{place_name(place)}, <b>{answer}</b> is {ordinal(ranks[place])}" for place in steps],
        "hoverinfo": "text",
        "meta": OURS,
    }
    title = {
        "x": np.array([places.guesses + 0.16, left - 0.15], np.float32),
        "y": np.full(2, places.bottom * 0.45, np.float32),
        "mode": "text",
        "text": ["it would say", f"rank of “{answer}”"],
        "meta": OURS,
        "textposition": "middle right",
        "textfont": {"size": SMALL},
        "hoverinfo": "skip",
    }
    return [path, line, figures, title]
