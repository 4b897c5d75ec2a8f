"""The buttons and the slider under a picture that moves. Knows frames by name only."""

from collections.abc import Sequence

from playground.figures.theme import CLEAR, SMALL


def player(labels: Sequence[str], *, start: int = 0, pace: int = 260, redraw: bool = False, below: int = 0) -> dict:
    """Layout of Play, Pause and a slider over the frames "0", "1", …, one label (escaped) each; below the horizontal axis,
    so that neither covers the other on a narrow screen.

    start: the frame shown first; pace: milliseconds a frame; redraw: for scenes, which need it; below: pixels that the
    axis' own labels take.
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
