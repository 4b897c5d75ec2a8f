"""Pictures of what heads add to scores by distance: ALiBi's slopes and lines, relative buckets and their biases. Draws
arrays; knows nothing of models. Heads count from 0; distances are in tokens."""

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted
from playground.figures.layout import colour_bar, finish, label
from playground.figures.positions.drawing import MAX_LINES, MAX_POINTS, drawn_words, finish_axes, spread
from playground.figures.theme import CATEGORIES, DIVERGING, INK, shades

MAX_CELLS = 2**15
"""Most heads times distances of a heat map."""


def slopes_figure(slopes: np.ndarray, *, title: str = "") -> go.Figure:
    """Bars of ALiBi's slope of each head (heads,) on a logarithmic axis (Press et al. 2022)."""
    figure = go.Figure(
        go.Bar(
            x=np.arange(len(slopes)),
            y=np.asarray(slopes, np.float32),
            marker={"color": INK},
            hovertemplate="head <b>%{x}</b>: slope <b>%{y:.5f}</b><extra></extra>",
        )
    )
    sentence = (
        f"Slopes of {counted(len(slopes), 'head')}, {slopes.max():.3g} to {slopes.min():.3g}: steeper sees less far."
    )
    finish(figure, sentence, title=title, uirevision=f"slopes-{len(slopes)}", bargap=0.3)
    figure.update_xaxes(title_text="head", showgrid=False)
    figure.update_yaxes(title_text="slope", type="log", dtick=1)
    return figure


def alibi_figure(bias: np.ndarray, *, title: str = "") -> go.Figure:
    """ALiBi's bias (heads, distances) as a falling line for each head; of many heads every n-th (Press et al. 2022)."""
    figure, left_out = _lines(bias, np.arange(bias.shape[1]))
    sentence = (
        f"{len(bias)} heads subtract more from a score the farther the key lies back; at distance "
        f"{bias.shape[1] - 1} from {-bias[:, -1].min():.3g} (steepest head) to {-bias[:, -1].max():.3g}.{left_out}"
    )
    return finish_axes(figure, sentence, "distance (tokens back)", "added to the score", title, bias.shape)


def buckets_figure(distances: np.ndarray, buckets: dict[str, np.ndarray], *, title: str = "") -> go.Figure:
    """The bucket of each distance (key - query), (n,), as steps, a line for each name -> (n,) buckets."""
    figure, at = go.Figure(), spread(len(distances), around=int(np.abs(distances).argmin()))
    for (name, values), colour in zip(buckets.items(), CATEGORIES, strict=False):
        figure.add_scatter(
            x=np.asarray(distances[at], np.float32),
            y=np.asarray(values[at], np.float32),
            mode="lines",
            name=label(name),
            line={"color": colour, "width": 2, "shape": "hvh"},
            hovertemplate="distance <b>%{x:d}</b>: bucket <b>%{y:d}</b><extra></extra>",
        )
    first = next(iter(buckets.values()))
    sentence = (
        f"{len(np.unique(first))} buckets for distances {int(distances[0])} to {int(distances[-1])}: one distance "
        "each near the query, wider the farther."
    )
    sentence += drawn_words(len(distances), at)
    finish(figure, sentence, title=title, uirevision=f"buckets-{len(distances)}", showlegend=len(buckets) > 1)
    figure.update_xaxes(title_text="distance (key − query)", showgrid=False)
    figure.update_yaxes(title_text="bucket")
    return figure


def relative_bias_figure(bias: np.ndarray, distances: np.ndarray, *, lines: bool = False, title: str = "") -> go.Figure:
    """Learned bias (heads, distances) over distances (key position - query position): a signed heat map, or lines. Of many
    distances or lines every n-th is drawn."""
    sentence = (
        f"What {len(bias)} heads add to the score of a key {int(distances[0])} to {int(distances[-1])} tokens "
        f"from the query: {bias.min():.3g} to {bias.max():.3g}."
    )
    where = "distance (key − query)"
    if lines:
        figure, left_out = _lines(bias, distances)
        return finish_axes(figure, sentence + left_out, where, "added to the score", title, bias.shape)
    limit = float(np.abs(bias).max()) or 1.0
    at = spread(len(distances), min(MAX_POINTS, MAX_CELLS // len(bias)), around=int(np.abs(distances).argmin()))
    figure = go.Figure(
        go.Heatmap(
            z=np.asarray(bias[:, at], np.float32),
            x=np.asarray(distances[at], np.int32),
            y0=0,
            dy=1,
            zmin=-limit,
            zmax=limit,
            colorscale=DIVERGING,
            colorbar=colour_bar("bias"),
            ygap=1,
            hovertemplate="head <b>%{y:d}</b><br>distance <b>%{x:d}</b><br>bias <b>%{z:.3f}</b><extra></extra>",
        )
    )
    figure = finish_axes(figure, sentence + drawn_words(len(distances), at), where, "head", title, bias.shape)
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False, dtick=max(1, len(bias) // 12))
    return figure


def _lines(bias: np.ndarray, distances: np.ndarray) -> tuple[go.Figure, str]:
    """Lines over distance, and a sentence on the selection of heads and distances."""
    figure, heads = go.Figure(), spread(len(bias), MAX_LINES)
    at = spread(len(distances), around=int(np.abs(distances).argmin()))
    x = np.asarray(distances[at], np.float32)
    for head, colour in zip(heads.tolist(), shades(len(heads)), strict=True):
        figure.add_scatter(
            x=x,
            y=np.asarray(bias[head, at], np.float32),
            mode="lines",
            name=f"head {head}",
            line={"color": colour, "width": 1.6},
            showlegend=len(bias) <= 16,
            hovertemplate=f"head {head}<br>distance <b>%{{x:d}}</b>, bias <b>%{{y:.3f}}</b><extra></extra>",
        )
    return figure, drawn_words(len(bias), heads, "head") + drawn_words(len(distances), at)
