"""The handlers of "Who looks from A to B?" in the Heads view: two tokens are chosen, all heads are ranked."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.analysis.text_display import in_words
from playground.components import markup
from playground.errors import PlaygroundError
from playground.figures.attention.head_request import HeadRequest
from playground.figures.attention.ranked_heads import MAX_RANKED, ranking_figure, ranking_words
from playground.recording.pair_ranking import rank_heads_between
from playground.scripts.attention import ranked_heads
from playground.tabs.shared.controls import figure_or_nothing, token_choices
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import reading_for_script, script_output
from playground.tabs.shared.wiring import Outputs
from playground.texts.attention import WHO_NEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

FROM, TO = 0.3, 0.75
"""Shades of the two tokens."""


def draw_pair(page: PageContext, request: HeadRequest) -> Outputs:
    """The tokens to choose from, those that are chosen, and the ranking once there are two."""
    recording = page.recording()
    request = request.clamped(recording)
    attention = recording.attention(request.layer, request.kind)
    queries, keys = ([token.label for token in axis] for axis in (attention.query_tokens, attention.key_tokens))
    first, second = _existing(request.pair_in(page.reading), len(queries), len(keys))
    choosing_key = first is not None and second is None
    ask = WHO_NEXT.format(token=in_words(queries[first])) if first is not None and second is None else ""
    outputs: Outputs = {
        "who_strip": _strip(keys if choosing_key else queries, first, second, attention.kind == "cross", choosing_key),
        "who_from": token_choices(queries, first),
        "who_to": token_choices(keys, second),
        "who_words": markup.note(ask),
        "who": figure_or_nothing(None),
        "who_text": page.reading,
    }
    if first is None or second is None:
        return outputs
    try:
        ranking = rank_heads_between(recording, first, second, request.kind)
    except PlaygroundError as error:
        return outputs | {"who_words": markup.note(f"{error.message} {error.remedy}")}
    words = ranking_words(ranking, first, second, queries, keys)
    figure = ranking_figure(ranking, (queries[first], keys[second]))
    script = ranked_heads(reading_for_script(recording, page), request.kind, first, second, MAX_RANKED)
    ranked = {"who_words": markup.note(words), "who": figure_or_nothing(figure), script_output("who"): script}
    return outputs | ranked


def no_pair() -> Outputs:
    """Nothing to choose from."""
    empty = token_choices([], None)
    nothing: Outputs = {"who_strip": [], "who_from": empty, "who_to": empty, "who_words": ""}
    return nothing | {"who": figure_or_nothing(None)}


def _existing(pair: tuple[int | None, int | None], queries: int, keys: int) -> tuple[int | None, int | None]:
    first, second = (
        int(place) if place is not None and 0 <= int(place) < count else None
        for place, count in zip(pair, (queries, keys), strict=True)
    )
    return first, None if first is None else second


def _strip(
    labels: "Sequence[str]", first: int | None, second: int | None, two_texts: bool, choosing_key: bool
) -> list[dict[str, Any]]:
    """The tokens to click, the chosen ones marked A and B."""
    items: list[dict[str, Any]] = [{"text": name} for name in labels]
    marks = [("A", first, FROM), ("B", None if two_texts else second, TO)]
    for name, place, shade in marks:
        if place is not None and not (two_texts and choosing_key):
            items[place] |= {"shade": shade, "title": f"{name}: {'from' if name == 'A' else 'to'} here"}
    return items


def choose_token(page: PageContext, request: HeadRequest, event: gr.EventData) -> Outputs:
    """A clicked token: the first of the two, then the second; a third click begins anew."""
    first, second = request.pair_in(page.reading)
    index = int(event._data["index"])
    pair = (first, index) if first is not None and second is None else (index, None)
    return draw_pair(page, replace(request, who_from=pair[0], who_to=pair[1], who_text=page.reading))
