"""Pictures of rotary embedding: clocks that turn with the position, and one score over the distance, pair by pair.
Draws arrays; knows nothing of models. Pairs and positions count from 0; distances and wavelengths are in tokens."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted, in_words
from playground.figures.animation import player
from playground.figures.layout import finish, label
from playground.figures.theme import ACCENT, CATEGORIES, CYCLIC, FAINT, INK, KEY, QUERY, REST, SMALL

MAX_CLOCKS, COLUMNS = 32, 8


def short(tokens: float) -> str:
    """A number of tokens in a few characters: 6.3, 912, 14k, 1.2M; "still" for infinity."""
    if not np.isfinite(tokens):
        return "still"
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if tokens >= 0.9995 * size:
            return f"{tokens / size:.2g}{unit}" if tokens < 9.95 * size else f"{tokens / size:.0f}{unit}"
    return f"{tokens:.1f}" if tokens < 99.5 else f"{tokens:.0f}"


def clocks_figure(
    frequencies: np.ndarray, tokens: Sequence[str], *, start: int = 0, key: int | None = None, title: str = ""
) -> go.Figure:
    """A clock for each pair, its hand at the angle position·frequency, animated over the positions 0..len(tokens)-1. Below
    each clock stands its wavelength. Hands turn counter-clockwise, as angles do.

    frequencies (P,): radians per token; of more than 32 pairs every n-th is drawn. tokens: the text at each position,
    unescaped, "" for none. start: the first frame's position. key: the position of a key, whose hands stand still.
    """
    step = -(-len(frequencies) // MAX_CLOCKS)
    pairs = np.arange(0, len(frequencies), step)
    theta = np.asarray(frequencies, np.float64)[pairs]
    columns = min(COLUMNS, len(pairs))
    x, y = (pairs // step % columns).astype(np.float32), -(pairs // step // columns).astype(np.float32) * 1.25
    with np.errstate(divide="ignore"):
        waves = 2 * np.pi / np.abs(theta)

    def hands(position: int) -> list[dict]:
        ends = 0.4 * np.stack([np.cos(position * theta), np.sin(position * theta)])  # (2, clocks)
        lines = np.full((2, len(pairs), 3), np.nan, np.float32)
        lines[:, :, 0], lines[:, :, 1] = (x, y), (x + ends[0], y + ends[1])
        turned = np.mod(position * theta, 2 * np.pi).astype(np.float32)
        return [
            {"type": "scatter", "x": lines[0].ravel(), "y": lines[1].ravel()},
            {
                "type": "scatter",
                "x": lines[0, :, 1],
                "y": lines[1, :, 1],
                "marker": {"color": turned},
                "customdata": turned,
            },
        ]

    first = hands(start)
    figure = go.Figure(
        [
            go.Scatter(**first[0], mode="lines", line={"color": QUERY, "width": 2.5}, hoverinfo="skip"),
            go.Scatter(
                x=first[1]["x"],
                y=first[1]["y"],
                mode="markers",
                cliponaxis=False,
                customdata=first[1]["customdata"],
                text=[
                    f"pair <b>{pair}</b>, once round in <b>{wave:,.1f}</b> tokens"
                    if np.isfinite(wave)
                    else f"pair <b>{pair}</b> stands still"
                    for pair, wave in zip(pairs, waves, strict=True)
                ],
                marker={
                    "size": 11,
                    "color": first[1]["marker"]["color"],
                    "colorscale": CYCLIC,
                    "cmin": 0,
                    "cmax": 2 * np.pi,
                    "line": {"color": QUERY, "width": 1},
                },
                hovertemplate="%{text}<br>turned by <b>%{customdata:.2f}</b> rad<extra></extra>",
            ),
            go.Scatter(
                x=x,
                y=y - 0.56,
                mode="text",
                text=[short(wave) for wave in waves],
                hoverinfo="skip",
                textfont={"size": SMALL},
            ),
        ]
    )
    if key is not None:
        figure.add_scatter(**hands(key)[0], mode="lines", line={"color": KEY, "width": 2}, hoverinfo="skip")
    figure.frames = [
        {"name": str(position), "data": hands(position), "traces": [0, 1]} for position in range(len(tokens))
    ]
    moving = waves[np.isfinite(waves)]
    sentence = f"{counted(len(pairs), 'clock')}, one for each pair of dimensions"
    sentence += f" (every {step}. of {len(frequencies)})" if step > 1 else ""
    if len(moving):
        sentence += (
            f"; the number below is the tokens for one full turn, {short(moving.min())} to {short(moving.max())}"
        )
    rows = -(-len(pairs) // columns)
    finish(
        figure,
        sentence + ".",
        title=title,
        uirevision=f"clocks-{len(frequencies)}",
        showlegend=False,
        height=190 + 92 * rows,
        dragmode=False,
    )
    figure.update_layout(
        shapes=[
            {
                "type": "circle",
                "x0": a - 0.42,
                "x1": a + 0.42,
                "y0": b - 0.42,
                "y1": b + 0.42,
                "layer": "below",
                "line": {"color": FAINT, "width": 1.5},
            }
            for a, b in zip(x.tolist(), y.tolist(), strict=True)
        ],
        **player([f"position {p}{_beside(token)}" for p, token in enumerate(tokens)], start=start),
        margin={"b": 110},
    )
    figure.update_xaxes(visible=False, range=[-0.55, columns - 0.45], fixedrange=True, constrain="domain")
    figure.update_yaxes(
        visible=False,
        range=[1.25 * (1 - rows) - 0.75, 0.5],
        fixedrange=True,
        scaleanchor="x",
        constrain="domain",
        constraintoward="top",
    )
    return figure


def _beside(token: str) -> str:
    return f" · {label(token, 12)}" if token else ""


def pairs_figure(
    parts: np.ndarray, now: np.ndarray, wavelengths: np.ndarray, unturned: float, *, title: str = ""
) -> go.Figure:
    """Bars of each pair's share of a score, the fastest pair first: parts (P,) at the visitor's distance; as dashes, now
    (P,) at the real distance. unturned: the share of the dimensions without rotation."""
    pairs = np.arange(len(parts), dtype=np.float32)
    figure = go.Figure()
    figure.add_bar(
        x=pairs,
        y=np.asarray(parts, np.float32),
        name="at this distance",
        marker={"color": INK},
        customdata=wavelengths.astype(np.float32),
        hovertemplate="pair <b>%{x}</b>, wavelength %{customdata:,.1f}<br>adds <b>%{y:+.4f}</b><extra></extra>",
    )
    figure.add_scatter(
        x=pairs,
        y=np.asarray(now, np.float32),
        mode="markers",
        name="at the actual distance",
        marker={"color": ACCENT, "symbol": "line-ew-open", "size": 9, "line": {"width": 2}},
        hovertemplate="pair <b>%{x}</b> adds at the actual distance <b>%{y:+.4f}</b><extra></extra>",
    )
    strongest = int(np.abs(parts).argmax())
    sentence = (
        f"What each of {len(parts)} pairs adds to the score, the fastest first: most pair {strongest}, "
        f"{parts[strongest]:+.3f} (wavelength {short(wavelengths[strongest])})."
    )
    if unturned:
        sentence += f" The dimensions that don't turn add {unturned:+.3f} at every distance."
    finish(figure, sentence, title=title, uirevision=f"pairs-{len(parts)}", height=330, bargap=0.25)
    figure.update_xaxes(title_text="pair of dimensions", showgrid=False)
    figure.update_yaxes(title_text="adds to the score", zeroline=True, zerolinecolor=REST)
    return figure


def curve_figure(
    distances: np.ndarray, scores: np.ndarray, real: int, real_score: float, *, title: str = ""
) -> go.Figure:
    """A line of scores over distances, (n,) each, with a dot at the recorded distance and score."""
    figure = go.Figure()
    figure.add_scatter(
        x=np.asarray(distances, np.float32),
        y=np.asarray(scores, np.float32),
        mode="lines",
        showlegend=False,
        line={"color": INK, "width": 1.8},
        hovertemplate="distance <b>%{x:d}</b>: score <b>%{y:.3f}</b><extra></extra>",
    )
    figure.add_scatter(
        x=[real],
        y=[real_score],
        mode="markers",
        showlegend=False,
        marker={"color": ACCENT, "size": 10},
        hovertemplate="recorded, at distance <b>%{x:d}</b>: <b>%{y:.3f}</b><extra></extra>",
    )
    sentence = (
        f"The score at distances {int(distances[0])} to {int(distances[-1])}: {scores.min():.2f} to "
        f"{scores.max():.2f}; the dot is what the model computed at distance {real}, {real_score:.2f}."
    )
    finish(figure, sentence, title=title, uirevision=f"curve-{len(distances)}", height=330)
    figure.update_xaxes(title_text="distance (query − key)", showgrid=False)
    figure.update_yaxes(title_text="score")
    return figure


def distance_mark(distance: float) -> dict:
    """The line at a distance in `curve_figure`, as a Plotly shape."""
    line = {"color": ACCENT, "width": 2, "dash": "dot"}
    return {"type": "line", "x0": distance, "x1": distance, "yref": "paper", "y0": 0, "y1": 1, "line": line}


def decay_figure(distances: np.ndarray, lines: dict[str, np.ndarray], *, length: int, title: str = "") -> go.Figure:
    """Scores over far distances on a logarithmic axis, a line for each name (unescaped) -> (n,), with a mark at
    the text's length."""
    figure = go.Figure()
    for (name, values), colour in zip(lines.items(), (INK, CATEGORIES[1]), strict=False):
        figure.add_scatter(
            x=np.asarray(distances, np.float32),
            y=np.asarray(values, np.float32),
            mode="lines",
            name=label(name, 60),
            line={"color": colour, "width": 1.8},
            hovertemplate="distance <b>%{x:d}</b>: score <b>%{y:.3f}</b><extra></extra>",
        )
    last = list(lines.values())[-1]
    sentence = (
        f"Scores at distances {int(distances[0])} to {int(distances[-1]):,}: {in_words(list(lines)[-1], None)} "
        f"goes from {last[0]:.2f} to {last[-1]:.2f}."
    )
    finish(figure, sentence, title=title, uirevision=f"decay-{len(distances)}", height=330)
    figure.update_xaxes(title_text="distance, logarithmic", type="log", dtick=1, tickformat=",d", showgrid=False)
    figure.update_yaxes(title_text="score")
    if length > 1:
        figure.add_shape(
            type="line",
            x0=length,
            x1=length,
            yref="paper",
            y0=0,
            y1=1,
            layer="below",
            line={"color": REST, "width": 1.5, "dash": "dot"},
        )
    return figure
