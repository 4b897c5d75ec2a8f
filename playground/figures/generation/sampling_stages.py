"""A picture of how a token was sampled, stage by stage. Draws the numbers of analysis/generation/sampling_stages; knows no
models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import in_words
from playground.figures.generation.sentences import dice
from playground.figures.layout import finish, label, token_axis
from playground.figures.theme import ACCENT, MONO, REST, SEQUENTIAL, SIZE, SMALL
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.analysis.generation.sampling_stages import Draw, TokenChoice

CUT = "cut"
RULES = {"logits": "the model's own"}
"""What a stage is called here, where that is not its name."""


def stages_figure(choice: TokenChoice, labels: Sequence[str], *, title: str = "") -> go.Figure:
    """Heat map with the numbers in its cells: candidates from top to bottom, the rules from left to right in the order
    applied. A cell has the candidate's probability after the rule, or "cut". If a random number was drawn, a bar below has
    the final probabilities end to end and the number's place among them.

    labels (candidates,): token texts, unescaped. A frame marks the sampled token.
    """
    shares = np.array([stage.probabilities for stage in choice.stages], np.float32).T  # (candidates, stages)
    alive = np.isfinite(np.array([stage.logits for stage in choice.stages], np.float32)).T
    text = [
        [label(percent(p)) if on else "" for p, on in zip(*row, strict=True)] for row in zip(shares, alive, strict=True)
    ]
    names = [f"{RULES.get(stage.name, stage.name)}<br>{stage.kept:,} left" for stage in choice.stages]
    figure = go.Figure(
        go.Heatmap(
            z=np.where(alive, np.sqrt(shares), np.float32(np.nan)),
            x=np.arange(len(names)),
            y=np.arange(len(labels)),
            text=text,
            texttemplate="%{text}",
            textfont={"size": SMALL},
            customdata=shares,
            zmin=0,
            zmax=1,
            xgap=2,
            ygap=2,
            colorscale=SEQUENTIAL,
            showscale=False,
            hovertemplate="<b>%{y}</b> after %{x}<br>probability <b>%{text}</b> (%{customdata:.5f})<extra></extra>",
        )
    )
    chosen = choice.candidates.index(choice.token_id)
    figure.add_shape(
        type="rect", x0=-0.5, x1=len(names) - 0.5, y0=chosen - 0.5, y1=chosen + 0.5, line={"color": ACCENT, "width": 2}
    )
    rows, columns = np.nonzero(~alive)  # a heat map draws no readable text in cells without a colour
    figure.add_scatter(
        x=columns,
        y=rows,
        mode="text",
        text=[CUT] * len(rows),
        textfont={"size": SMALL, "color": REST},
        hoverinfo="skip",
    )
    finish(
        figure,
        _sentence(choice, labels, chosen),
        title=title,
        uirevision="stages",
        own_ticks=["xaxis"],
        showlegend=False,
    )
    figure.update_xaxes(
        tickvals=list(range(len(names))), ticktext=names, side="top", showgrid=False, range=[-0.5, len(names) - 0.5]
    )
    figure.update_yaxes(
        token_axis("", labels, max_ticks=100, range=[len(labels) - 0.5, -0.5], tickfont={"family": MONO, "size": SIZE}),
        showgrid=False,
    )
    if choice.draw is not None:
        _add_draw(figure, choice, choice.draw, labels)
    return figure


def _add_draw(figure: go.Figure, choice: TokenChoice, draw: Draw, labels: Sequence[str]) -> None:
    """Adds the final probabilities end to end from 0 to 1, in falling order, and the random number."""
    final, start = choice.stages[-1].probabilities, 0.0
    chosen = choice.candidates.index(choice.token_id)
    figure.update_yaxes(domain=[0.24, 1])
    for index in choice.leading:
        if index != chosen and final[index] > 0:
            figure.add_bar(
                x=[final[index]],
                base=[start],
                y=[0],
                orientation="h",
                xaxis="x2",
                yaxis="y2",
                marker={"color": REST, "opacity": 0.55, "line": {"width": 1}},
                text=[label(labels[index])],
                textposition="inside",
                hovertemplate=f"{label(labels[index])}: {label(percent(final[index]))}<extra></extra>",
            )
        start += final[index]
    figure.add_bar(
        x=[draw.end - draw.start],
        base=[draw.start],
        y=[0],
        orientation="h",
        xaxis="x2",
        yaxis="y2",
        marker={"color": ACCENT, "line": {"width": 0}},
        text=[label(labels[chosen])],
        textposition="inside",
        hovertemplate=f"from {draw.start:.4f} to {draw.end:.4f}<extra></extra>",
    )
    figure.add_scatter(
        x=[draw.number],
        y=[0.62],
        xaxis="x2",
        yaxis="y2",
        mode="markers+text",
        text=[f"{draw.number:.4f}"],
        marker={"symbol": "triangle-down", "size": 11, "color": ACCENT},
        textposition="top center",
        hovertemplate="the dice showed %{x:.6f}<extra></extra>",
        cliponaxis=False,
    )
    figure.update_layout(
        barmode="overlay",
        xaxis2={
            "range": [0, 1],
            "anchor": "y2",
            "title": {"text": "the dice: candidates laid end to end"},
            "tickformat": ".1f",
            "showgrid": False,
        },
        yaxis2={"domain": [0, 0.12], "anchor": "x2", "range": [-0.5, 0.7], "visible": False},
    )


def _sentence(choice: TokenChoice, labels: Sequence[str], chosen: int) -> str:
    steps = ", ".join(f"{stage.name} {percent(stage.probabilities[chosen])}" for stage in choice.stages)
    words = f"“{in_words(labels[chosen])}” after each rule: {steps}."
    if choice.draw is None:
        return f"{words} It was the most likely and was taken without dice."
    number, start, end = dice(choice.draw)
    return f"{words} The dice showed {number}, inside its stretch {start}–{end}."
