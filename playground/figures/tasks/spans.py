"""Picture of a reader's answer: P(start) · P(end) of the spans round the best one. Draws numbers; knows no models."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.figures.layout import colour_bar, finish, token_axis
from playground.figures.theme import SEQUENTIAL

MAX_CELLS = 40
"""Tokens on each axis."""


def span_figure(
    starts: np.ndarray, ends: np.ndarray, tokens: Sequence[str], span: tuple[int, int], max_length: int
) -> go.Figure:
    """Heat map of P(start) · P(end), starts from top to bottom, ends from left to right, of at most 40 tokens round the best
    span. starts, ends (T,): probabilities. Spans that are not allowed are empty. The
    axes' 0 is the token `first_drawn`."""
    count, first = min(len(tokens), MAX_CELLS), first_drawn(len(tokens), span)
    window = slice(first, first + count)
    grid = np.outer(starts[window], ends[window]).astype(np.float32)
    places = np.arange(count)
    length = places[None, :] - places[:, None]
    grid[(length < 0) | (length >= max_length)] = np.nan
    largest = float(np.nanmax(grid, initial=0.0))
    figure = go.Figure(
        go.Heatmap(
            z=grid,
            x=places,
            y=places,
            zmin=0,
            zmax=largest or 1,
            colorscale=SEQUENTIAL,
            colorbar=colour_bar("P(start) · P(end)"),
            hovertemplate="from <b>%{y}</b><br>to <b>%{x}</b><br><b>%{z:.4f}</b><extra></extra>",
        )
    )
    finish(figure, "The probability of each span by its first and last token.", uirevision="spans", height=420)
    names = list(tokens[window])
    figure.update_xaxes(token_axis("the answer's last token", names, max_ticks=20, tickangle=-60))
    figure.update_yaxes(token_axis("its first token", names, max_ticks=20, autorange="reversed"))
    return figure


def first_drawn(tokens: int, span: tuple[int, int]) -> int:
    """The number of the first of these many tokens that the picture round a span shows."""
    count = min(tokens, MAX_CELLS)
    return min(max(0, (span[0] + span[1]) // 2 - count // 2), tokens - count)
