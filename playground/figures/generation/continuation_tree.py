"""A picture of a text's continuations as a tree. Draws the segments of generation/continuation_tree; knows no models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from playground.analysis.text_display import counted, in_words, plain_mark
from playground.figures.layout import finish, label
from playground.figures.theme import ACCENT, INK, MONO, REST, SMALL
from playground.generation.continuation_tree import ROOT
from playground.texts.numbers import minus, percent

if TYPE_CHECKING:
    from playground.generation.continuation_tree import Segment, Tree

ROW_HEIGHT, MAX_HEIGHT = 40, 640
"""Pixels for each continuation, and for the whole picture."""
LETTER = 6.2
"""Pixels of a character at an end."""
WIDTH = 110
"""Characters that fit on a wide screen between the first token and the last."""


@dataclass(frozen=True)
class TreeToken:
    """A node of the tree, for the picture."""

    text: str
    """Unescaped."""
    probability: float
    """The model's own, 0..1."""
    log_probability: float
    """Of the continuation up to this token, in nats."""
    stopped: bool = False
    """Whether the text ends with it."""


def continuations_figure(tree: Tree, node: int, decode: Callable[[list[int]], str], title: str = "") -> go.Figure:
    """`tree_figure` of all continuations, the one that ends at a node in the accent colour. decode: token ids -> text."""
    segments, tokens, sums = tree.segments(), [], {ROOT: 0.0}
    for number, each in enumerate(tree.nodes):  # a parent comes before its children
        sums[number] = sums[each.parent] + each.step.log_probability
        tokens.append(TreeToken(each.step.token.label, each.step.probability, sums[number], each.step.stopped))
    dropped = {number: each.dropped for number, each in enumerate(tree.nodes) if each.dropped is not None}
    texts = [decode([tree.nodes[number].step.token.id for number in segment.nodes]) for segment in segments]
    return tree_figure(segments, tokens, texts, strip=tree.path(node), dropped=dropped, title=title)


def tree_figure(
    segments: Sequence[Segment],
    tokens: Sequence[TreeToken],
    texts: Sequence[str],
    *,
    strip: Sequence[int] = (),
    dropped: Mapping[int, int] | None = None,
    title: str = "",
) -> go.Figure:
    """Continuations from left to right, one row each, with forks where they part; the log-probability in nats at each end.

    tokens: one per node. texts: one per segment, unescaped. strip: the nodes on the page's token strip, in the accent
    colour. dropped: node -> the step at which beam search dropped its continuation. A click's customdata is the number of
    the node.
    """
    dropped = dropped or {}
    longest = max((s.start + len(s.nodes) for s in segments), default=1)
    figure, on_strip = go.Figure(), set(strip)
    gone = {i for i, segment in enumerate(segments) if segment.nodes[-1] in dropped}
    for name, colour, dash, part in _styles(segments, on_strip, gone):
        x, y = _lines(segments, part)
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            name=name,
            hoverinfo="skip",
            line={"color": colour, "width": 3 if colour == ACCENT else 2, "dash": dash},
        )
    places = [(s.start + i + 1, s.row, node) for s in segments for i, node in enumerate(s.nodes)]
    figure.add_scatter(
        x=[p[0] for p in places],
        y=[p[1] for p in places],
        mode="markers",
        showlegend=False,
        customdata=np.array([p[2] for p in places], np.int32),
        marker={"size": 7, "color": [ACCENT if p[2] in on_strip else REST for p in places]},
        text=[_hover(tokens[p[2]], dropped.get(p[2])) for p in places],
        hovertemplate="%{text}<extra></extra>",
    )
    room = _write(figure, segments, texts, tokens, dropped, longest)
    leaves = 1 + round(max((s.row for s in segments), default=0))
    finish(
        figure,
        _sentence(segments, tokens, leaves, dropped),
        title=title,
        uirevision=f"tree-{len(tokens)}-{leaves}",
        height=min(MAX_HEIGHT, 120 + ROW_HEIGHT * leaves),
        showlegend=bool(gone),
        margin={"l": 16, "r": 16 + room, "t": 76 if title else 40},
    )
    figure.update_xaxes(title_text="tokens after the text", range=[-0.02 * longest, longest * 1.02], showgrid=False)
    figure.update_yaxes(visible=False, range=[leaves - 0.5, -0.7])
    return figure


def _styles(
    segments: Sequence[Segment], on_strip: set[int], gone: set[int]
) -> tuple[tuple[str, str, str, set[int]], ...]:
    """(name, colour, dash, numbers of the segments) of each kind of line; the last one lies on top."""
    on = {i for i, segment in enumerate(segments) if segment.nodes[0] in on_strip}
    rest = set(range(len(segments))) - on - gone
    return (
        ("dropped by beam search", REST, "dot", gone - on),
        ("kept", INK, "solid", rest),
        ("on the strip", ACCENT, "solid", on),
    )


def _lines(segments: Sequence[Segment], part: set[int]) -> tuple[list, list]:
    """The line of each segment, from its fork to its last token; None ends a line."""
    x: list[float | None] = []
    y: list[float | None] = []
    for i in sorted(part):
        segment = segments[i]
        parent = segments[segment.parent].row if segment.parent is not None else None
        if parent is not None:
            x.append(segment.start)
            y.append(parent)
        x += [segment.start, segment.start + len(segment.nodes), None]
        y += [segment.row, segment.row, None]
    return x, y


def _write(
    figure: go.Figure,
    segments: Sequence[Segment],
    texts: Sequence[str],
    tokens: Sequence[TreeToken],
    dropped: Mapping[int, int],
    longest: int,
) -> int:
    """Adds the segments' texts above their lines, and the log-probability at each end; pixels that the longest end takes."""
    inner = {segment.parent for segment in segments}
    room = [max(5, int(len(segment.nodes) / longest * WIDTH)) for segment in segments]
    figure.add_scatter(
        x=[segment.start + 0.1 for segment in segments],
        y=[segment.row - 0.08 for segment in segments],
        mode="text",
        text=[label(text.strip(" ") or text, limit) for text, limit in zip(texts, room, strict=True)],
        textposition="top right",
        textfont={"size": SMALL, "family": MONO},
        hoverinfo="skip",
        showlegend=False,
    )
    ends = [segment for i, segment in enumerate(segments) if i not in inner]
    end_texts = [
        _end(tokens[segment.nodes[-1]], segment.start + len(segment.nodes), dropped.get(segment.nodes[-1]))
        for segment in ends
    ]
    figure.add_scatter(
        x=[segment.start + len(segment.nodes) for segment in ends],
        y=[segment.row for segment in ends],
        mode="text",
        text=end_texts,
        textposition="middle right",
        textfont={"size": SMALL},
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )
    return round(LETTER * max(map(len, end_texts), default=0))


def _end(token: TreeToken, length: int, step: int | None) -> str:
    """The text at the end of a continuation of `length` tokens; step: at which beam search dropped it."""
    words = f" {minus(token.log_probability)} ({minus(token.log_probability / max(1, length))} per token)"
    return words + (f", dropped at token {step}" if step is not None else "")


def _hover(token: TreeToken, step: int | None) -> str:
    words = f"<b>{label(token.text)}</b><br>{label(percent(token.probability))}"
    words += f"<br>ln p up to here {minus(token.log_probability)}"
    return words + (f"<br>beam search dropped it at token {step}" if step is not None else "")


def _sentence(segments: Sequence[Segment], tokens: Sequence[TreeToken], leaves: int, dropped: Mapping[int, int]) -> str:
    """How many continuations there are, and which of the finished ones is the most probable per token: a shorter one always
    has the larger sum, and one that was cut off or dropped is no whole text."""
    if not segments:
        return "No continuation yet."
    inner = {segment.parent for segment in segments}
    lengths = {s.nodes[-1]: s.start + len(s.nodes) for i, s in enumerate(segments) if i not in inner}
    finished = [node for node in lengths if tokens[node].stopped and node not in dropped]
    words = counted(leaves, "continuation")
    if finished:
        best = max(finished, key=lambda node: tokens[node].log_probability / lengths[node])
        total, length = tokens[best].log_probability, lengths[best]
        words += (
            f"; of {len(finished)} finished the most probable per token has ln p {minus(total / length)} per token "
        )
        words += f"({minus(total)} over {counted(length, 'token')}) and ends with "
        words += f"“{plain_mark(in_words(tokens[best].text))}”."
    else:
        words += "; none has come to its end, so none is called the most probable."
    return words + (f" Beam search dropped {len(dropped)} on the way." if dropped else "")
