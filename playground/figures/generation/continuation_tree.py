"""A picture of a text's continuations as a tree. Draws what continuations.py found; knows no models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted, in_words, percent, plain_mark
from playground.figures.layout import finish, label
from playground.figures.theme import ACCENT, INK, MONO, REST, SMALL

if TYPE_CHECKING:
    from playground.generation.continuation_tree import Segment

LANE, MOST = 40, 640
"""Pixels of height for each continuation, and for the whole picture."""
WIDTH = 110
"""Characters that a wide screen has room for from the first token to the last."""


@dataclass(frozen=True)
class TreeToken:
    """What the picture tells of a node."""

    text: str
    """Unescaped."""
    probability: float
    """The model's own, 0..1."""
    log_probability: float
    """Of the continuation up to here, in nats."""


def tree_figure(
    stretches: Sequence[Segment],
    tokens: Sequence[TreeToken],
    texts: Sequence[str],
    *,
    shown: Sequence[int] = (),
    dropped: Mapping[int, int] | None = None,
    title: str = "",
) -> go.Figure:
    """Continuations from left to right, one lane each, forks where they part; at each end its log-probability in nats.

    tokens: one for each node; texts: one for each stretch, unescaped; shown: the nodes on the strip, drawn in the
    accent colour; dropped: for nodes where beam search let a continuation fall, the step. customdata of every point is
    its node's number.
    """
    dropped = dropped or {}
    longest = max((s.start + len(s.nodes) for s in stretches), default=1)
    figure, chosen = go.Figure(), set(shown)
    gone = {i for i, stretch in enumerate(stretches) if stretch.nodes[-1] in dropped}
    for name, colour, dash, part in _styles(stretches, chosen, gone):
        x, y = _lines(stretches, part)
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            name=name,
            hoverinfo="skip",
            line={"color": colour, "width": 3 if colour == ACCENT else 2, "dash": dash},
        )
    places = [(s.start + i + 1, s.lane, node) for s in stretches for i, node in enumerate(s.nodes)]
    figure.add_scatter(
        x=[p[0] for p in places],
        y=[p[1] for p in places],
        mode="markers",
        showlegend=False,
        customdata=np.array([p[2] for p in places], np.int32),
        marker={"size": 7, "color": [ACCENT if p[2] in chosen else REST for p in places]},
        text=[_hover(tokens[p[2]], dropped.get(p[2])) for p in places],
        hovertemplate="%{text}<extra></extra>",
    )
    _write(figure, stretches, texts, tokens, dropped, longest)
    leaves = 1 + round(max((s.lane for s in stretches), default=0))
    finish(
        figure,
        _sentence(stretches, tokens, leaves, len(dropped)),
        title=title,
        uirevision=f"tree-{len(tokens)}-{leaves}",
        height=min(MOST, 120 + LANE * leaves),
        showlegend=bool(gone),
        margin={"l": 16, "r": 8, "t": 76 if title else 40},
    )
    figure.update_xaxes(title_text="tokens after the text", range=[-0.02 * longest, longest * 1.12], showgrid=False)
    figure.update_yaxes(visible=False, range=[leaves - 0.5, -0.7])
    return figure


def _styles(stretches, chosen: set[int], gone: set[int]):
    """(name, colour, dash, numbers of the stretches) of each kind of line, what stands back first."""
    on = {i for i, stretch in enumerate(stretches) if stretch.nodes[0] in chosen}
    rest = set(range(len(stretches))) - on - gone
    return (
        ("dropped by beam search", REST, "dot", gone - on),
        ("kept", INK, "solid", rest),
        ("on the strip", ACCENT, "solid", on),
    )


def _lines(stretches: Sequence[Segment], part: set[int]) -> tuple[list, list]:
    """Each stretch from the fork that it leaves to its last token; None lifts the pen."""
    x: list[float | None] = []
    y: list[float | None] = []
    for i in sorted(part):
        stretch = stretches[i]
        parent = stretches[stretch.parent].lane if stretch.parent is not None else None
        if parent is not None:
            x.append(stretch.start)
            y.append(parent)
        x += [stretch.start, stretch.start + len(stretch.nodes), None]
        y += [stretch.lane, stretch.lane, None]
    return x, y


def _write(figure: go.Figure, stretches, texts, tokens, dropped, longest: int) -> None:
    """The stretches' texts above their lines, and the log-probability behind each end."""
    inner = {stretch.parent for stretch in stretches}
    room = [max(5, int(len(stretch.nodes) / longest * WIDTH)) for stretch in stretches]
    figure.add_scatter(
        x=[stretch.start + 0.1 for stretch in stretches],
        y=[stretch.lane - 0.08 for stretch in stretches],
        mode="text",
        text=[label(text.strip(" ") or text, limit) for text, limit in zip(texts, room, strict=True)],
        textposition="top right",
        textfont={"size": SMALL, "family": MONO},
        hoverinfo="skip",
        showlegend=False,
    )
    ends = [stretch for i, stretch in enumerate(stretches) if i not in inner]
    figure.add_scatter(
        x=[stretch.start + len(stretch.nodes) for stretch in ends],
        y=[stretch.lane for stretch in ends],
        mode="text",
        text=[_end(tokens[stretch.nodes[-1]], dropped.get(stretch.nodes[-1])) for stretch in ends],
        textposition="middle right",
        textfont={"size": SMALL},
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )


def _end(token: TreeToken, step: int | None) -> str:
    return f" {token.log_probability:.1f}" + (f" out at {step}" if step is not None else "")


def _hover(token: TreeToken, step: int | None) -> str:
    words = f"<b>{label(token.text)}</b><br>probability {token.probability:.4f}"
    words += f"<br>up to here ln p {token.log_probability:.2f}"
    return words + (f"<br>beam search dropped it at step {step}" if step is not None else "")


def _sentence(stretches, tokens, leaves: int, dropped: int) -> str:
    if not stretches:
        return "No continuation yet."
    inner = {stretch.parent for stretch in stretches}
    ends = [s.nodes[-1] for i, s in enumerate(stretches) if i not in inner]
    best = max(ends, key=lambda node: tokens[node].log_probability)
    words = f"{counted(leaves, 'continuation')}; the most probable has ln p {tokens[best].log_probability:.1f}"
    words += f" (probability {percent(math.exp(tokens[best].log_probability))}) and ends with "
    words += f"“{plain_mark(in_words(tokens[best].text))}”."
    return words + (f" Beam search dropped {dropped} on the way." if dropped else "")
