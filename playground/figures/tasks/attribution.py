"""Pictures of an attribution: the text shaded, bars by token, and the sentence beside them. Draw numbers; know no models."""

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from playground.analysis.tasks.attribution import GRADIENT, INTEGRAL, LARGEST_ERROR, scaled
from playground.analysis.text_display import plain_mark
from playground.figures.layout import finish, label, token_axis
from playground.figures.theme import ACCENT, AXIS, INK, SMALL
from playground.texts.numbers import minus, percent

if TYPE_CHECKING:
    from playground.tasks.attribute import Attribution

MAX_BARS = 30


def shaded_pieces(seen: "Attribution") -> list[tuple[str, float | None, str]]:
    """(words, strength -1..1, title) of each token, for `components.shaded_text.shaded`; tokens that it does not explain
    have no strength. Byte pieces of one character are one piece."""
    pieces: list[tuple[str, float | None, str]] = []
    if seen.values is None:
        return pieces
    strengths, end, segment = scaled(_per_character(seen)), 0, 0
    for number, token in enumerate(seen.tokens):
        if token.segment != segment and not token.special:
            pieces.append(("\n\n", None, ""))
            segment, end = token.segment, token.start
        if token.piece and token.piece[0] > 1:
            end = token.end
            continue
        gap = " " if token.start > end and not token.text.startswith(" ") else ""
        end = token.end
        if token.special and not seen.free[number]:
            continue
        if gap:
            pieces.append((gap, None, ""))
        explained = seen.free[number]
        title = f"{minus(float(_per_character(seen)[number]))} nats"
        pieces.append((token.text, float(strengths[number]) if explained else None, title if explained else ""))
    return pieces


def _per_character(seen: "Attribution") -> np.ndarray:
    """(T,): the values, those of a character's byte pieces together at the first of them."""
    assert seen.values is not None
    values = np.array(seen.values, float)
    for number, token in enumerate(seen.tokens):
        if token.piece and token.piece[0] > 1:
            first = number - (token.piece[0] - 1)
            values[first] += values[number]
            values[number] = 0.0
    return values


def attribution_figure(seen: "Attribution") -> go.Figure:
    """Horizontal bars by token in the text's order, the strongest of a longer text: to the right what speaks for the
    answer, in the accent colour, to the left what speaks against it."""
    values = _per_character(seen)
    places = [n for n, t in enumerate(seen.tokens) if seen.free[n] and not (t.piece and t.piece[0] > 1)]
    if len(places) > MAX_BARS:
        places = sorted(sorted(places, key=lambda n: -abs(values[n]))[:MAX_BARS])
    names, heights = [seen.tokens[n].text for n in places], [float(values[n]) for n in places]
    figure = go.Figure(
        go.Bar(
            x=heights,
            y=list(range(len(places))),
            orientation="h",
            marker={"color": [ACCENT if value >= 0 else INK for value in heights], "line": {"width": 0}},
            text=[label(minus(value)) for value in heights],
            textposition="outside",
            textfont={"size": SMALL},
            cliponaxis=False,
            hovertemplate="<b>%{y}</b><br><b>%{text}</b> nats<extra></extra>",
        )
    )
    lowest, highest = min(0.0, *heights, 0.0), max(0.0, *heights, 0.0)
    width = highest - lowest or 1.0
    left, right = 0.35 * width, 0.2 * width  # for the numbers, at the left with their sign and beside the names
    span = [lowest - left if lowest < 0 else 0, highest + right if highest > 0 else 0]
    finish(
        figure,
        attribution_sentence(seen),
        uirevision="attribution",
        height=90 + 22 * max(4, len(places)),
        margin={"r": 56},
        bargap=0.3,
    )
    figure.update_xaxes(title_text="nats for (right) and against (left)", range=span, zeroline=True, zerolinecolor=AXIS)
    figure.update_yaxes(token_axis("", names, max_ticks=100, range=[len(places) - 0.5, -0.5]))
    return figure


def attribution_sentence(seen: "Attribution") -> str:
    """What is explained, the strongest token on each side, and whether the parts add up."""
    count = sum(seen.free)
    blank = plain_mark(seen.baseline, 20)
    words = (
        f"{seen.words}: {minus(seen.score)} for your text, {minus(seen.baseline_score)} with {blank} in place of each "
    )
    words += f"of its {count:,} tokens."
    if seen.completeness is not None:
        error = seen.completeness.error
        spelled = percent(error) if error < 10 else "more than 1,000 %"
        words += (
            f" The parts sum to {minus(seen.completeness.total)}, the difference is {minus(seen.completeness.difference)}: "
            f"off by {spelled} after {seen.passes} passes."
        )
        if seen.values is None:
            words += (
                " That is more than 1 %"
                if error > LARGEST_ERROR
                else " Stretch by stretch they are off by more than 10 %"
            )
            words += ", so they are not shown: choose occlusion, which needs no path between texts."
    if seen.values is None:
        return words
    values = _per_character(seen)
    best, worst = int(values.argmax()), int(values.argmin())
    if values[best] > 0:
        words += f" Most for it: “{_name(seen, best)}” ({minus(float(values[best]))})"
        words += (
            f"; most against it: “{_name(seen, worst)}” ({minus(float(values[worst]))})." if values[worst] < 0 else "."
        )
    if seen.method == GRADIENT:
        words += " Slopes at the text alone need not add up to the difference."
    elif seen.method != INTEGRAL:
        words += " Each number is what the score loses without that token."
    return words


def _name(seen: "Attribution", place: int) -> str:
    return plain_mark(seen.tokens[place].text.strip() or seen.tokens[place].text, 24)
