"""Pictures of a text whose order or positions were broken: all variants at once, one head's weights before and after.
Draws arrays; knows nothing of models. Tokens count from 0, in the text's own order."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted
from playground.figures.attention.token_grid import MAX_CELLS
from playground.figures.layout import colour_bar, finish, label, token_axis
from playground.figures.theme import ACCENT, DIVERGING, SEQUENTIAL


def variants_figure(
    names: Sequence[str],
    tokens: Sequence[str],
    values: np.ndarray,
    *,
    what: str,
    unit: str,
    signed: bool = True,
    means: Sequence[float] = (),
) -> go.Figure:
    """Heat map of one number per variant and token, values (V, T), NaN where a token has none: variants from top to
    bottom, tokens from left to right in the text's own order.

    names, tokens: unescaped. what, unit: the number's name and unit. signed: in two hues from zero, else in one. means: one
    per variant, beside its name. Colours end at the 98th percentile of the magnitudes. A click's y is the variant.
    """
    z = np.asarray(values, np.float32)
    magnitudes = np.abs(z[np.isfinite(z)])
    limit = max(float(np.percentile(magnitudes, 98)) if len(magnitudes) else 0.0, 1e-3)
    figure = go.Figure(
        go.Heatmap(
            z=z,
            x=np.arange(z.shape[1], dtype=np.float32),
            y=np.arange(z.shape[0], dtype=np.float32),
            zmin=-limit if signed else 0,
            zmax=limit,
            colorscale=DIVERGING if signed else SEQUENTIAL,
            hoverongaps=False,
            xgap=1 if z.shape[1] <= 60 else 0,
            ygap=3,
            colorbar=colour_bar(f"{what} ({unit})" if unit else what),
            hovertemplate=f"<b>%{{y}}</b><br>%{{x}}<br>{label(what, None)} <b>%{{z:.3g}}</b> {label(unit, None)}"
            "<extra></extra>",
        )
    )
    finish(
        figure,
        f"{what[:1].upper()}{what[1:]} for {counted(len(names), 'way')} to break the text, from top to bottom, and "
        f"{counted(len(tokens), 'token')} from left to right; colours end at {limit:.3g} {unit}.",
        uirevision=f"variants-{z.shape}",
        own_ticks=["yaxis"],
        height=150 + 32 * len(names),
    )
    figure.update_xaxes(token_axis("", tokens, tickangle=-50 if len(tokens) > 6 else 0))
    written = [
        label(name, None) + (f"  <span>{_mean(mean)}</span>" if np.isfinite(mean) else "")  # a text of its own
        for name, mean in zip(names, means or [np.nan] * len(names), strict=True)
    ]
    figure.update_yaxes(
        autorange="reversed",
        showgrid=False,
        tickmode="array",
        tickvals=list(range(len(names))),
        ticktext=written,
        labelalias={str(i): label(name, None) for i, name in enumerate(names)},
    )
    return figure


def _mean(mean: float) -> str:
    return "±0" if abs(mean) < 0.005 else f"{mean:+.2f}".replace("-", "−")


def variant_mark(row: int, tokens: int) -> dict:
    """The frame round a variant of `variants_figure`, as a Plotly shape."""
    line = {"color": ACCENT, "width": 2.5}
    return {"type": "rect", "x0": -0.5, "x1": tokens - 0.5, "y0": row - 0.5, "y1": row + 0.5, "line": line}


def weights_change_figure(
    before: np.ndarray, after: np.ndarray, tokens: Sequence[str], *, title: str = ""
) -> go.Figure:
    """Heat map of how one head's weights changed, after - before, (Q, K): orange where a token now gets more.

    Of more than 256 tokens every n-th is drawn.
    """
    step = -(-len(tokens) // MAX_CELLS)
    z = (np.asarray(after, np.float32) - np.asarray(before, np.float32))[::step, ::step]
    drawn = list(tokens)[::step]
    limit = max(float(np.abs(z).max()), 1e-3)
    places = np.arange(len(drawn), dtype=np.float32)
    figure = go.Figure(
        go.Heatmap(
            z=z,
            x=places,
            y=places,
            zmin=-limit,
            zmax=limit,
            colorscale=DIVERGING,
            colorbar=colour_bar("weight, after − before"),
            hovertemplate="query  <b>%{y}</b><br>key  <b>%{x}</b><br>weight  <b>%{z:+.3f}</b><extra></extra>",
        )
    )
    finish(
        figure,
        f"Change of one head's attention over {counted(len(tokens), 'token')}, tokens in the text's own order: "
        f"orange where a key now gets more, blue where it gets less, up to {limit:.3g}.",
        title=title,
        uirevision=f"change-{z.shape}",
    )
    figure.update_xaxes(
        token_axis(
            "key (attends to)",
            drawn,
            tickangle=-60 if len(drawn) > 6 else 0,
            constrain="domain",
            constraintoward="left",
        )
    )
    figure.update_yaxes(
        token_axis(
            "query (attends from)",
            drawn,
            autorange="reversed",
            scaleanchor="x",
            constrain="domain",
            constraintoward="top",
        )
    )
    return figure
