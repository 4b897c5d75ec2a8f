"""Pictures of a classification: the labels as bars. Draw numbers; know no models."""

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from playground.analysis.text_display import counted, plain_mark
from playground.figures.layout import OUTSIDE, finish, label, percent_ticks, token_axis
from playground.figures.theme import ACCENT, INK, MONO, SIZE, SMALL
from playground.texts.numbers import minus, percent

if TYPE_CHECKING:
    from playground.tasks.classification import Classification

MAX_BARS = 20
"""Labels that are drawn; the table below the picture's menu holds no others."""


def labels_figure(result: "Classification") -> go.Figure:
    """Horizontal bars of the labels' probabilities, the most likely first and in the accent colour; of a regression its
    numbers."""
    ranking = result.ranking[:MAX_BARS]
    regression = result.function == "regression"
    names = [each.name for each in ranking]
    values = [each.probability for each in ranking]
    texts = [minus(value) if regression else percent(value) for value in values]
    figure = go.Figure(
        go.Bar(
            x=values,
            y=list(range(len(names))),
            orientation="h",
            marker={"color": [ACCENT, *[INK] * (len(names) - 1)], "line": {"width": 0}},
            text=[label(words) for words in texts],
            textposition="outside",
            textfont={"size": SMALL},
            cliponaxis=False,
            customdata=[[minus(each.logit)] for each in ranking],
            hovertemplate="<b>%{y}</b><br><b>%{text}</b><br>logit %{customdata[0]}<extra></extra>",
        )
    )
    more = f" The {MAX_BARS} most likely of {len(result.labels)}." if len(result.labels) > MAX_BARS else ""
    finish(
        figure,
        f"{names[0]}: {texts[0]}.{more}",
        uirevision="labels",
        height=110 + 30 * max(2, len(names)),
        margin={"r": 64},
        bargap=0.35,
    )
    if regression:
        figure.update_xaxes(title_text="number")
    else:
        end = OUTSIDE * max(values) or 1
        figure.update_xaxes(title_text="probability", range=[0, end], **percent_ticks(end))
    figure.update_yaxes(
        token_axis("", names, max_ticks=100, range=[len(names) - 0.5, -0.5], tickfont={"family": MONO, "size": SIZE})
    )
    return figure


def labels_sentence(result: "Classification") -> str:
    """The best label with its probability and logit, the runner-up, and in how many windows the text was read."""
    best, *others = result.ranking
    name = plain_mark(best.name, 40)
    if result.function == "regression":
        words = f"The model gives the text {minus(best.logit)}" + (f" for “{name}”." if result.labels[1:] else ".")
    else:
        words = f"“{name}” with {percent(best.probability)} (logit {minus(best.logit)})"
        if others:
            second = others[0]
            words += f", then “{plain_mark(second.name, 40)}” with {percent(second.probability)}"
            words += f" (logit {minus(second.logit)})"
        words += "."
        if result.function == "sigmoid":
            words += " Each label has a probability of its own: several may hold, or none."
    if result.way == "words":
        words += " A logit is here what the text adds to ln P of the label's words."
    if result.windows > 1:
        words += (
            f" The text is longer than is read at once: {counted(result.windows, 'window')} that overlap, "
            "the logits are their mean."
        )
    return words


def beside_figure(one: "Classification", two: "Classification", names: tuple[str, str]) -> go.Figure:
    """Two classifications beside each other: of each label two bars, those of the first in the accent colour. names: of the
    two, unescaped. A label that one of them lacks has one bar."""
    labels = list(dict.fromkeys(each.name for each in (*one.ranking, *two.ranking)))[:MAX_BARS]
    figure = go.Figure()
    spelled = minus if "regression" in (one.function, two.function) else percent
    for result, name, colour in ((one, names[0], ACCENT), (two, names[1], INK)):
        shares = {each.name: each.probability for each in result.labels}
        values = [shares.get(each) for each in labels]
        figure.add_bar(
            x=values,
            y=list(range(len(labels))),
            orientation="h",
            name=label(name, 40),
            marker={"color": colour, "line": {"width": 0}},
            text=["" if value is None else label(spelled(value)) for value in values],
            textposition="outside",
            textfont={"size": SMALL},
            cliponaxis=False,
            hovertemplate="<b>%{y}</b><br><b>%{text}</b><extra></extra>",
        )
    finish(
        figure,
        beside_sentence(one, two),
        uirevision="beside",
        height=150 + 52 * max(2, len(labels)),
        margin={"r": 64},
        bargap=0.3,
        legend={"traceorder": "normal"},
    )
    if "regression" in (one.function, two.function):
        figure.update_xaxes(title_text="number")
    else:
        figure.update_xaxes(title_text="probability", range=[0, OUTSIDE], **percent_ticks(OUTSIDE))
    figure.update_yaxes(
        token_axis("", labels, max_ticks=100, range=[len(labels) - 0.5, -0.5], tickfont={"family": MONO, "size": SIZE})
    )
    return figure


def beside_sentence(one: "Classification", two: "Classification") -> str:
    """The best label of each, and by how much the first one's lead over its runner-up differs between the two."""
    best = one.best.name
    words = f"The first: “{plain_mark(best, 40)}” with {percent(one.best.probability)}; the second: "
    words += f"“{plain_mark(two.best.name, 40)}” with {percent(two.best.probability)}."
    first, second = ({each.name: each.logit for each in result.labels} for result in (one, two))
    other = next((each.name for each in one.ranking[1:]), None)
    if other is None or best not in second or other not in second:
        return words
    leads = first[best] - first[other], second[best] - second[other]
    return words + (
        f" “{plain_mark(best, 40)}” is {minus(leads[0])} nats ahead of “{plain_mark(other, 40)}” in the first and "
        f"{minus(leads[1])} in the second: a difference of {minus(leads[0] - leads[1])}."
    )
