"""Pictures of the distribution at one place of a text. Draw labels and probabilities; know nothing of models or sampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import in_words, percent, plain_mark
from playground.figures.layout import finish, token_axis
from playground.figures.theme import ACCENT, INK, MONO, REST, SIZE, SMALL

if TYPE_CHECKING:
    from playground.generation.fill_mask import MaskPrediction
    from playground.generation.steps import Alternative, Step, TokenLikelihood

OTHERS = "all others"


def distribution_figure(
    labels: Sequence[str],
    probabilities: Sequence[float],
    *,
    chosen: int | None = None,
    rest: float | None = None,
    title: str = "",
) -> go.Figure:
    """Horizontal bars of a next-token distribution with percentages, in the caller's order (the most likely first).

    labels: token texts, unescaped. probabilities: 0..1. chosen: index into labels, drawn in the accent colour. rest: the
    probability of all other tokens together, the last bar; None for 1 - sum. A click's customdata is the index, -1 for
    the rest.
    """
    p = np.asarray(probabilities, np.float32)
    rest = max(0.0, 1.0 - float(p.sum())) if rest is None else rest
    shares = np.append(p, np.float32(rest))
    colours = [ACCENT if i == chosen else INK for i in range(len(p))] + [REST]
    figure = go.Figure(
        go.Bar(
            x=shares,
            y=np.arange(len(shares)),
            orientation="h",
            marker={"color": colours, "line": {"width": 0}},
            customdata=np.append(np.arange(len(p)), -1),
            text=[_digits(float(share)) for share in shares],
            textposition="outside",
            textfont={"size": SMALL},
            cliponaxis=False,
            hovertemplate="<b>%{y}</b><br>probability <b>%{x:.4f}</b><extra></extra>",
        )
    )
    sentence = ""
    if len(p):
        sentence = f'The most likely next token is "{in_words(labels[0])}" with {percent(float(p[0]))}'
        sentence += f"; all but these {len(p)} share {percent(rest)}."
    if chosen is not None:
        sentence += f' Chosen: "{in_words(labels[chosen])}" with {percent(float(p[chosen]))}.'
    finish(figure, sentence, title=title, uirevision=f"next-{len(p)}", bargap=0.35, showlegend=False)
    largest = float(shares.max())
    figure.update_xaxes(title_text="probability", tickformat=".0%", range=[0, min(largest * 1.18, 1.12) or 1], nticks=6)
    places = [*labels, OTHERS]
    figure.update_yaxes(
        token_axis("", places, max_ticks=100, range=[len(places) - 0.5, -0.5], tickfont={"family": MONO, "size": SIZE})
    )
    return figure


def alternatives_figure(
    alternatives: Sequence[Alternative], title: str, token: str = "", likelihood: TokenLikelihood | Step | None = None
) -> go.Figure:
    """The candidates as bars, the token that stands there in the accent colour; a token that is not among them gets a
    bar of its own below."""
    labels, shares = [a.token.label for a in alternatives], [a.probability for a in alternatives]
    if likelihood is None:
        return distribution_figure(labels, shares, title=title)
    if likelihood.rank > len(labels):
        labels, shares = [*labels, token], [*shares, likelihood.probability]
    return distribution_figure(labels, shares, chosen=min(likelihood.rank, len(labels)) - 1, title=title)


def mask_figure(mask: MaskPrediction) -> go.Figure:
    """The candidates for one mask, the token that it replaces in the accent colour."""
    alternatives = mask.expected.alternatives
    if mask.original is None:
        return alternatives_figure(alternatives, f"Expected in the mask at place {mask.index}")
    title = f"Expected where “{plain_mark(mask.original.label, 24)}” is masked"
    return alternatives_figure(alternatives, title, mask.original.label, mask.expected.actual)


def _digits(share: float) -> str:
    """Percent with one digit below 10: 38 %, 2.9 %, <0.1 %."""
    value = 100 * share
    if 0 < value < 0.05:
        return "&lt;0.1 %"
    return f"{value:.0f} %" if value >= 9.95 else f"{value:.1f} %"
