"""A class's answers as bars, and the sentence below them. Draws counts; knows no pupil and no model."""

from collections.abc import Sequence

import plotly.graph_objects as go

from playground.classroom.histogram import Bar
from playground.figures.bars import named_bars
from playground.figures.layout import OURS, finish, label
from playground.figures.theme import ACCENT, INK, SIZE, SMALL
from playground.texts import classroom as texts

LONGEST = 36
"""Characters of an answer beside its bar; a longer one is cut, and whole at the pointer."""
LONGEST_QUESTION = 180
"""Characters of a question above the bars: three lines. The lesson's panel has the whole."""


def answers_figure(bars: Sequence[Bar], question: str, key: str, own: bool = False) -> go.Figure:
    """Horizontal bars in the given order, the model's own answer in the accent colour once it is out.

    question: unescaped, the title. key: names the question; bars of one question keep their place. own: whether the answers
    are the lesson's own words, not tokens.
    """
    counts = [bar.count for bar in bars]
    figure = named_bars(
        counts,
        [_short(bar.label) for bar in bars],
        text=[f"{bar.count} {texts.OWN}" if bar.is_right else str(bar.count) for bar in bars],
        textfont={"size": SIZE + 2},
        marker={"color": [ACCENT if bar.is_right else INK for bar in bars], "line": {"width": 0}},
        customdata=[[label(bar.label, None)] for bar in bars],
        meta=OURS,
    )
    figure.update_traces(hovertemplate="<b>%{customdata[0]}</b>: %{text}<extra></extra>")
    spoken = ", ".join(f"{bar.label}: {bar.count}" for bar in bars)
    finish(
        figure,
        texts.DESCRIPTION.format(bars=spoken),
        title=_short(question, LONGEST_QUESTION),
        uirevision=key,
        own_ticks=["yaxis"] if own else (),
        height=100 + 34 * max(2, len(bars)),
        margin={"r": 40, "t": 44, "b": 44},
        bargap=0.3,
    )
    most = max([*counts, 1])
    end = (1.4 if any(bar.is_right for bar in bars) else 1.12) * most  # room for the words after a bar
    figure.update_xaxes(title_text=texts.PUPILS, range=[0, end], dtick=max(1, round(most / 6)), tickformat="d")
    figure.update_yaxes(tickfont={"size": SIZE if len(bars) <= 8 else SMALL})
    return figure


def answers_sentence(bars: Sequence[Bar], own: str = "", right: int = 0) -> str:
    """What most of the class says, where that is more than half; once the model's answer is out, what it is and how many
    predicted it.

    own: the model's answer, empty before the reveal. right: how many answers count as right."""
    total = sum(bar.count for bar in bars)
    if own:
        return texts.MODEL_SAYS.format(answer=own, right=right, answers=total)
    if not total:
        return texts.NO_ANSWERS
    most = max(bars, key=lambda bar: bar.count)
    if 2 * most.count <= total:
        return texts.SPREAD.format(count=most.count, answers=total)
    return texts.MOST_GAVE.format(answer=most.label, count=most.count, answers=total)


def _short(words: str, longest: int = LONGEST) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"
