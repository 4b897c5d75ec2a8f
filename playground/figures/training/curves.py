"""The loss and the scores of a run over its steps, on a logarithmic axis. Step 0 stands at the left end, at LEFT."""

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted
from playground.analysis.training.curves import thinned
from playground.analysis.training.strongest_head import strongest_head
from playground.figures.layout import finish, label
from playground.figures.theme import ACCENT, CATEGORIES, INK, REST, SMALL
from playground.training.recipe import LONGEST_GRADIENT
from playground.training.snapshot import Snapshot

LEFT = 0.7
"""Where step 0 stands: a logarithmic axis has no 0."""


def loss_figure(
    losses: Sequence[float], snapshots: Sequence[Snapshot], uniform_loss: float, jump: int | None, steps: int
) -> go.Figure:
    """Loss over steps: of each step's batch and of what is held out, in nats per token.

    losses: of steps 1, 2, … uniform_loss: ln V, a line. jump: the step of the phase change, a line. steps: of the whole run.
    """
    places, means = thinned(losses)
    figure = go.Figure(
        go.Scatter(
            x=places, y=means, mode="lines", name="training", line={"color": INK, "width": 1.5},
            hovertemplate="step %{x:.0f}<br>training <b>%{y:.3f}</b><extra></extra>",
        )
    )  # fmt: skip
    figure.add_scatter(
        x=_places(snapshots), y=np.array([one.held_out_loss for one in snapshots], np.float32), mode="lines+markers",
        name="held out", line={"color": CATEGORIES[1], "width": 2}, marker={"size": 4 if len(snapshots) > 1 else 9},
        customdata=[one.step for one in snapshots],
        hovertemplate="step %{customdata}<br>held out <b>%{y:.3f}</b><extra></extra>",
    )  # fmt: skip
    last = snapshots[-1]
    finish(
        figure,
        f"Loss over steps: {last.held_out_loss:.3f} nats per token on what is held out after {last.step} steps; guessing "
        f"has {uniform_loss:.3f}." + (f" The jump is at step {jump}." if jump else ""),
        uirevision=f"loss-{steps}",
        height=320,
    )
    line = {"color": REST, "dash": "dot", "width": 1.5}
    small = {"size": SMALL}
    figure.add_hline(uniform_loss, line=line)
    words = {"text": "ln V, guessing", "showarrow": False, "font": small}
    figure.add_annotation(xref="paper", x=0.5, y=uniform_loss, yanchor="bottom", **words)
    if jump:
        figure.add_vline(jump, line={**line, "color": ACCENT})
        words = {"text": f"jump: step {jump:,}", "showarrow": False, "font": small}
        figure.add_annotation(x=math.log10(jump), y=0, xanchor="right", xshift=-4, yanchor="bottom", **words)
    top = max(uniform_loss, *(min(one.held_out_loss, 3 * uniform_loss) for one in snapshots)) * 1.08
    figure.update_yaxes(title_text="loss (nats per token)", range=[0, top])
    figure.update_xaxes(_step_axis(steps))
    return figure


def step_mark(step: int) -> dict:
    """The line at a step, as a Plotly shape for `loss_figure`."""
    place = max(step, LEFT)
    return {
        "type": "line", "x0": place, "x1": place, "yref": "paper", "y0": 0, "y1": 1, "line": {"color": ACCENT, "width": 2},
    }  # fmt: skip


def scores_figure(snapshots: Sequence[Snapshot], steps: int) -> go.Figure:
    """The model's scores, and each head's, over steps, 0..1: of a head's score the strongest head is named and drawn
    strongly, all others thinly in its colour."""
    figure, places, last = go.Figure(), _places(snapshots), snapshots[-1]
    mode = "lines" if len(snapshots) > 1 else "markers"
    for number, name in enumerate(last.scores):
        figure.add_scatter(
            x=places, y=np.array([one.scores.get(name, np.nan) for one in snapshots], np.float32), mode=mode,
            name=label(name, None), line={"color": CATEGORIES[(number + 2) % len(CATEGORIES)], "width": 2.5},
            hovertemplate=f"step %{{x:.0f}}<br>{label(name, None)} <b>%{{y:.2f}}</b><extra></extra>",
        )  # fmt: skip
    strongest = []
    for number, (name, values) in enumerate(last.heads.items()):
        colour = CATEGORIES[number % 2]
        best = strongest_head(values)
        strongest.append(f"{name} {best.value:.2f} in layer {best.layer}, head {best.head}")
        for layer, head in np.ndindex(values.shape):
            strong = (layer, head) == (best.layer, best.head)
            figure.add_scatter(
                x=places, y=np.array([one.heads[name][layer, head] for one in snapshots], np.float32), mode=mode,
                name=label(f"{name}, strongest head", None), showlegend=strong, opacity=1 if strong else 0.35,
                line={"color": colour, "width": 2.5 if strong else 1, "dash": "dash" if strong else "solid"},
                hovertemplate=f"step %{{x:.0f}}<br>layer {layer}, head {head}<br>{label(name, None)} <b>%{{y:.2f}}</b>"
                "<extra></extra>",
            )  # fmt: skip
    sentences = [f"{name} {value:.2f}" for name, value in last.scores.items()] + strongest
    finish(figure, f"Scores after {last.step} steps: {'; '.join(sentences)}.", uirevision=f"scores-{steps}", height=320)
    figure.update_yaxes(title_text="score", range=[-0.03, 1.03])
    figure.update_xaxes(_step_axis(steps))
    return figure


def gradient_figure(snapshots: Sequence[Snapshot], steps: int) -> go.Figure:
    """Norm of the gradient at each snapshot after step 0, before it is scaled down; both axes are logarithmic."""
    later = [one for one in snapshots if one.gradient_norm > 0]
    figure = go.Figure(
        go.Scatter(
            x=_places(later), y=np.array([one.gradient_norm for one in later], np.float32), mode="lines+markers",
            line={"color": INK, "width": 1.5}, marker={"size": 4},
            hovertemplate="step %{x:.0f}<br>norm <b>%{y:.2f}</b><extra></extra>",
        )
    )  # fmt: skip
    now = f"{later[-1].gradient_norm:.2f} after {counted(later[-1].step, 'step')}" if later else "none before step 1"
    words = f"Gradient norm: {now}. A gradient longer than {LONGEST_GRADIENT:g} (dotted) is scaled down to it."
    finish(figure, words, uirevision=f"gradient-{steps}", height=260)
    figure.add_hline(LONGEST_GRADIENT, line={"color": REST, "dash": "dot", "width": 1.5})
    lengths = [LONGEST_GRADIENT, *(one.gradient_norm for one in later)]
    ticks = [base * 10.0**power for power in range(-4, 5) for base in (1, 2, 5)]
    span = [math.log10(min(lengths)) - 0.2, math.log10(max(lengths)) + 0.2]
    figure.update_yaxes(
        title_text="gradient norm", type="log", range=span, tickvals=ticks, ticktext=[f"{t:g}" for t in ticks]
    )
    figure.update_xaxes(_step_axis(steps))
    return figure


def _places(snapshots: Sequence[Snapshot]) -> np.ndarray:
    return np.array([max(one.step, LEFT) for one in snapshots], np.float32)


def _step_axis(steps: int) -> dict:
    ticks = [t for t in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if t <= steps]
    return {
        "type": "log", "range": [math.log10(LEFT * 0.9), math.log10(max(steps, 2) * 1.1)], "title": {"text": "step"},
        "tickmode": "array", "tickvals": [LEFT, *ticks], "ticktext": ["0", *(f"{t:,}" for t in ticks)],
    }  # fmt: skip
