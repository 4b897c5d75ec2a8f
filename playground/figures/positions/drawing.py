"""What the pictures of positions share: which rows, columns and points of a large array are drawn, with a sentence on the
selection, and titled axes."""

import numpy as np
import plotly.graph_objects as go

from playground.figures.layout import finish

MAX_ROWS, MAX_COLUMNS = 256, 192
"""Most rows and columns of a heat map, a third of a megabyte; of more every n-th is drawn."""
MAX_LINES, MAX_POINTS = 32, 513
"""Most lines of a picture, and points of a line (256 to each side of 0); of more only some are drawn."""


def rows_and_columns(
    shape: tuple[int, int], what: str, together: int = 1, columns: int = MAX_COLUMNS
) -> tuple[np.ndarray, np.ndarray, str]:
    """The rows and columns of a large table to draw, and a sentence on the selection. Columns stay `together` in groups:
    every second column of sinusoids would be the sines alone."""
    row_step, step = -(-shape[0] // MAX_ROWS), -(-shape[1] // columns)
    at = np.arange(shape[1])
    parts = [f"every {n}. {name}" for n, name in ((row_step, "row"), (step, what)) if n > 1]
    words = f" Shown: {' and '.join(parts)}." if parts else ""
    return np.arange(0, shape[0], row_step), at[at // together % step == 0], words


def spread(count: int, limit: int = MAX_POINTS, around: int = 0) -> np.ndarray:
    """Numbers of at most `limit` of `count` things, (n,) rising: every n-th, `around` among them."""
    step = max(1, -(-count // limit))
    return np.arange(around % step, count, step)


def extremes(values: np.ndarray, limit: int = MAX_POINTS) -> np.ndarray:
    """Numbers of at most `limit` + 2 points of a long line (n,), rising: the first, the last, and the lowest and highest of
    each interval, so that a wave too fast to draw appears as the band that it fills."""
    if len(values) <= limit:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), limit // 2 + 1).astype(int)
    intervals = list(zip(edges[:-1], edges[1:], strict=True))
    points = {a + int(pick(values[a:b])) for a, b in intervals for pick in (np.argmin, np.argmax)}
    return np.array(sorted(points | {0, len(values) - 1}))


def drawn_words(count: int, at: np.ndarray, what: str = "distance") -> str:
    """A sentence on a selection `at` of `count` things; empty where all are drawn."""
    step = int(at[1] - at[0]) if len(at) > 1 else 1
    return f" Drawn: every {step}. {what} of {count:,}." if step > 1 else ""


def heat_map(z: np.ndarray, rows: np.ndarray, columns: np.ndarray, **more) -> go.Figure:
    """A heat map of z (rows, columns), with the numbers of its rows and columns as places."""
    x, y = columns.astype(np.float32), rows.astype(np.float32)
    figure = go.Figure(go.Heatmap(z=np.asarray(z, np.float32), x=x, y=y, **more))
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(showgrid=False, autorange="reversed")
    return figure


def finish_axes(figure: go.Figure, sentence: str, x: str, y: str, title: str, shape) -> go.Figure:
    finish(figure, sentence, title=title, uirevision=f"{x}-{y}-{shape}")
    return figure.update_layout(xaxis_title_text=x, yaxis_title_text=y)
