"""Two trainings side by side: as it should be, and with a mistake."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import percent
from playground.analysis.training.outcome import outcome
from playground.figures.layout import finish, label
from playground.figures.theme import ACCENT, INK


def comparison_figure(right: Sequence[float], wrong: Sequence[float], mistake: str, steps: int) -> go.Figure:
    """The training losses of both, each a mean over ten steps, in nats per token that counts."""
    figure = go.Figure()
    for name, losses, colour, dash in (("right", right, INK, "solid"), (mistake, wrong, ACCENT, "dash")):
        means = np.array([np.mean(losses[i : i + 10]) for i in range(0, len(losses), 10)], np.float32)
        figure.add_scatter(
            x=np.arange(10, 10 * len(means) + 1, 10, dtype=np.float32),
            y=np.where(np.isfinite(means), means, np.nan),
            mode="lines",
            name=label(name, None),
            line={"color": colour, "dash": dash, "width": 2},
            hovertemplate="step %{x}<br>loss <b>%{y:.3f}</b><extra></extra>",
        )
    finish(
        figure,
        f"Training loss over {len(right)} steps: right, ending at {np.mean(right[-10:]):.3f}, and with the mistake "
        f"“{mistake}”, ending at {np.mean(wrong[-10:]):.3f}.",
        uirevision="comparison",
        height=300,
    )
    figure.update_xaxes(title_text="step", range=[0, steps])
    figure.update_yaxes(title_text="training loss (nats per token)", rangemode="tozero")
    return figure


def comparison_words(
    right: Sequence[float], wrong: Sequence[float], answers: tuple[float, float], mistake: str, prediction: str
) -> str:
    """What the two runs just made show: losses at the end, whole answers written freely, and the prediction."""
    result = outcome(right, wrong)
    hit = "as you said" if prediction == result else f"you said {prediction}"
    return (
        f"With “{mistake}” the training loss is {result} over the run ({hit}): {np.mean(wrong):.3f} on average instead of "
        f"{np.mean(right):.3f}, {np.mean(wrong[-10:]):.3f} instead of {np.mean(right[-10:]):.3f} in the last ten steps. "
        f"Written freely, {percent(answers[1])} of the answers are whole; without the mistake {percent(answers[0])}."
    )
