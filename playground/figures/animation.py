"""The buttons and the slider under an animation. Knows frames by name only."""

from collections.abc import Sequence

from playground.figures.theme import CLEAR, SMALL


def player(labels: Sequence[str], *, start: int = 0, pace: int = 260, redraw: bool = False, below: int = 0) -> dict:
    """Layout attributes for Play, Pause and a slider over the frames "0", "1", …, with one label (escaped) each. They stand
    below the horizontal axis, where they don't overlap on a narrow screen.

    start: the first frame; pace: milliseconds per frame; redraw: needed by 3D scenes; below: pixels of the axis' labels.
    """
    still = {"mode": "immediate", "frame": {"duration": 0, "redraw": redraw}, "transition": {"duration": 0}}
    play = {"fromcurrent": True, "frame": {"duration": pace, "redraw": redraw}, "transition": {"duration": 0}}
    return {
        "updatemenus": [
            {
                "type": "buttons",
                "direction": "left",
                "x": 0,
                "xanchor": "left",
                "y": 0,
                "yanchor": "top",
                "pad": {"t": 14 + below, "r": 8},
                "showactive": False,
                "buttons": [
                    {"label": "▶ Play", "method": "animate", "args": [None, play]},
                    {"label": "❚❚", "method": "animate", "args": [[None], still]},
                ],
            }
        ],
        "sliders": [
            {
                "active": start,
                "x": 0,
                "len": 1,
                "y": 0,
                "yanchor": "top",
                "pad": {"t": 62 + below},
                "ticklen": 0,
                "minorticklen": 0,
                "font": {"size": 1, "color": CLEAR},
                "currentvalue": {"font": {"size": SMALL + 2}, "xanchor": "right", "offset": 6},
                "steps": [
                    {"label": text, "method": "animate", "args": [[str(number)], still]}
                    for number, text in enumerate(labels)
                ],
            }
        ],
    }
