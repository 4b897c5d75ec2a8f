"""Pictures of the distribution at one place of a text. Draw labels and probabilities; know nothing of models or sampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import in_words, plain_mark
from playground.figures.layout import OUTSIDE, finish, label, percent_ticks, token_axis
from playground.figures.theme import ACCENT, INK, MONO, REST, SIZE, SMALL
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.generation.fill_mask import MaskPrediction
    from playground.generation.steps import Alternative, Step, TokenLikelihood

OTHERS = "all others"
LEAD, GUESS = "The most likely next token", "The best guess for the blank"


def distribution_figure(
    labels: Sequence[str],
    probabilities: Sequence[float],
    *,
    chosen: int | None = None,
    rest: float | None = None,
    title: str = "",
    lead: str = LEAD,
) -> go.Figure:
    """Horizontal bars of a next-token distribution with percentages, in the caller's order (the most likely first).

    labels: token texts, unescaped. probabilities: 0..1. chosen: index into labels, drawn in the accent colour. rest: the
    probability of all other tokens together, the last bar; None for 1 - sum. lead: what the sentence calls the first
    label. A click's customdata is the index, -1 for the rest.
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
            text=[label(percent(float(share))) for share in shares],
            textposition="outside",
            textfont={"size": SMALL},
            constraintext="none",  # else Plotly shrinks a percentage to its bar's height
            cliponaxis=False,
            hovertemplate="<b>%{y}</b><br>probability <b>%{text}</b> (%{x:.4f})<extra></extra>",
        )
    )
    sentence = ""
    if len(p):
        sentence = f"{lead} is “{in_words(labels[0])}” with {percent(float(p[0]))}"
        sentence += f"; all but these {len(p)} share {percent(rest)}."
    if chosen is not None:
        sentence += f" Marked: “{in_words(labels[chosen])}” with {percent(float(p[chosen]))}."
    places = [*labels, OTHERS]
    finish(
        figure,
        sentence,
        title=title,
        uirevision=f"next-{len(p)}",
        own_ticks=[f"yaxis {len(p)}"],
        bargap=0.35,
        showlegend=False,
    )
    end = OUTSIDE * float(shares.max()) or 1
    figure.update_xaxes(title_text="probability", range=[0, end], **percent_ticks(end))
    figure.update_yaxes(
        token_axis("", places, max_ticks=100, range=[len(places) - 0.5, -0.5], tickfont={"family": MONO, "size": SIZE})
    )
    return figure


def alternatives_figure(
    alternatives: Sequence[Alternative],
    title: str,
    token: str = "",
    likelihood: TokenLikelihood | Step | None = None,
    lead: str = LEAD,
) -> go.Figure:
    """The candidates as bars, the token that stands there in the accent colour; a token that is not among them gets a
    bar of its own below. lead: as in `distribution_figure`."""
    labels, shares = [a.token.label for a in alternatives], [a.probability for a in alternatives]
    if likelihood is None:
        return distribution_figure(labels, shares, title=title, lead=lead)
    if likelihood.rank > len(labels):
        labels, shares = [*labels, token], [*shares, likelihood.probability]
    return distribution_figure(labels, shares, chosen=min(likelihood.rank, len(labels)) - 1, title=title, lead=lead)


def mask_figure(mask: MaskPrediction) -> go.Figure:
    """The candidates for one mask, the token that it replaces in the accent colour."""
    alternatives = mask.expected.alternatives
    if mask.original is None:
        return alternatives_figure(alternatives, f"What fits into the blank at place {mask.index}", lead=GUESS)
    title = f"What the model expects instead of “{plain_mark(mask.original.label, 24)}”, hidden"
    return alternatives_figure(alternatives, title, mask.original.label, mask.expected.actual, lead=GUESS)
