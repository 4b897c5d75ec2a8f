"""What the view Two models shows of two recordings: results kept by the workbench, drawn and put into words."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import gradio as gr

from playground import workbench
from playground.analysis.text_display import in_words
from playground.components import markup
from playground.components.token_cuts import token_cuts
from playground.errors import PlaygroundError
from playground.figures.attention.head import Shading, head_figure
from playground.figures.attention.token_grid import MapAxes, frame
from playground.figures.generation.next_token import alternatives_figure
from playground.figures.layers.two_models import MAX_PIECES as MAX_DRAWN
from playground.figures.layers.two_models import matches_figure, next_figure, pieces_figure
from playground.figures.layers.two_models_words import (
    bits_words,
    cut_words,
    head_words,
    match_words,
    next_words,
    vocabulary_words,
)
from playground.generation.token_entries import expected_after
from playground.scripts.next_token import next_token
from playground.tabs.layers.two_models_scripts import bits_script, matches_script, next_script, patterns_scripts
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import reading_for_script, script_output
from playground.tabs.shared.wiring import Outputs
from playground.texts import layers as texts
from playground.texts.numbers import minus

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from playground.analysis.layers.head_matches import HeadMatches
    from playground.models.loaded_model import LoadedModel
    from playground.recording.layers.two_models import TwoModels

MAX_PIECES = 200
"""Whose tokens are shown."""
MAX_PAIRS = 10
NO_HEADS: Outputs = {
    **dict.fromkeys(("heads", "one", "other"), figure_or_nothing(None)),
    **dict.fromkeys(("of_heads", "of_pair", "best"), ""),
    "aside": gr.update(visible=False),
}
NO_BITS: Outputs = {"of_vocabulary": "", "of_bits": "", "bits": figure_or_nothing(None)}


@dataclass(frozen=True)
class Pair:
    """Two models on the page's text, and what they are called."""

    models: "TwoModels"
    names: tuple[str, str]


def pair_of(page: PageContext, second: "LoadedModel") -> Pair:
    """Both recordings of the page's text, of whole models, as one sentence."""
    from playground.models.vocabulary import whole_characters  # torch: not before the page is there
    from playground.recording.layers.two_models import TwoModels

    bench, first = workbench.shared(), page.model()
    one, two = (PurePath(model.model_id).name or model.model_id for model in (first, second))
    names = one, two if two != one else texts.AGAIN.format(model=two)
    own = bench.recording(first, page.text)
    try:
        beside = bench.recording(second, page.text)
    except PlaygroundError as error:  # which speaks of “this model”
        raise PlaygroundError(f"{names[1]}: {error.message}", error.remedy) from error
    return Pair(TwoModels(whole_characters(page.text), own, beside), names)


def heads_of(pair: Pair, aside: bool, tick: Callable[[float], None] = lambda share: None) -> "HeadMatches":
    """The matches, computed once for all visitors."""
    models = pair.models
    key = "heads of two", models.second.model.key, aside
    return workbench.shared().memo(models.first, key, lambda: models.match(aside, tick))


def first_alone(page: PageContext) -> Outputs:
    """What the first model expects, before there is a second one."""
    recording = page.recording(edited=False)
    expected = expected_after(recording)
    figure = None if expected is None else alternatives_figure(expected.alternatives, "")
    words = texts.CHOOSE_SECOND.format(model=recording.model.model_id)
    outputs = NO_HEADS | NO_BITS | {"figure": figure_or_nothing(figure), "sentence": markup.note(words)}
    outputs |= {"expected": gr.update(visible=figure is not None), "of_cuts": ""}
    if expected is not None:
        script = next_token(reading_for_script(recording, page), -1, len(expected.alternatives))
        outputs[script_output("figure")] = script
    return outputs


def reading_outputs(page: PageContext, pair: Pair) -> Outputs:
    """Tokens, next tokens and bits; the heads come later."""
    edited = texts.WHOLE_MODEL if page.edits_on(page.text) else ""
    return NO_HEADS | _cuts(pair) | _expected(pair, edited)


def _cuts(pair: Pair) -> Outputs:
    models, names = pair.models, pair.names
    both = [[token.label for token in recording.tokens] for recording in models.both]
    counts = [sum(not token.special for token in recording.tokens) for recording in models.both]
    units = models.units
    pieces = [
        ([both[0][n] for n in unit.first], [both[1][n] for n in unit.second], unit.differs)
        for unit in units[:MAX_PIECES]
    ]
    more = texts.MORE_PIECES.format(count=len(units) - MAX_PIECES) if len(units) > MAX_PIECES else ""
    words = markup.note(cut_words(models.text, (counts[0], counts[1]), units, names))
    legend = markup.note(texts.FIRST_ABOVE.format(first=names[0], second=names[1])) if units else ""
    return {"of_cuts": words + (token_cuts(pieces, more) if units else "") + legend}


def _expected(pair: Pair, edited: str) -> Outputs:
    from playground.recording.layers.expected_bytes import token_name

    models, names, bench = pair.models, pair.names, workbench.shared()
    second = models.second.model.key
    try:
        expected = bench.memo(models.first, ("next of two", second), models.next_tokens)
        bits = bench.memo(models.first, ("bits of two", second), lambda: models.unit_bits)
    except PlaygroundError as error:
        words = f"{str(error).strip()} {texts.STILL_COMPARED}{edited}"
        nothing = {"figure": figure_or_nothing(None), "expected": gr.update(visible=False)}
        return NO_BITS | nothing | {"sentence": markup.note(words)}
    tokens = [token_name(outcome.key) for outcome in expected.outcomes]
    pieces = [models.text[unit.start : unit.end] for unit in models.units]
    figure = pieces_figure(pieces, bits, names) if pieces else None
    return {
        "expected": gr.update(visible=True),
        "of_vocabulary": markup.note(vocabulary_words(expected, names)),
        "figure": figure_or_nothing(next_figure(expected, tokens, names)),
        "sentence": markup.note(next_words(expected, tokens, names) + edited, terms=True),
        "of_bits": markup.note(bits_words(models.text, models.units, bits, names), terms=True),
        "bits": figure_or_nothing(figure),
        **next_script(models, len(expected.outcomes)),
        **bits_script(models, min(len(pieces), MAX_DRAWN)),
    }


def without_heads(error: PlaygroundError) -> Outputs:
    """Why no heads are compared."""
    return NO_HEADS | {"of_heads": markup.note(str(error))}


def pair_outputs(pair: Pair, matches: "HeadMatches", place: int | None = None, whole_list: bool = False) -> Outputs:
    """A head of the first model, at a place of `matches.first`, beside the most similar one of the second; by default that
    of the best pair. whole_list: with the map and the list of pairs."""
    pairs, names = matches.pairs(), pair.names
    if place is None:
        place = matches.first.index(pairs[0][0]) if pairs else None
    outputs: Outputs = NO_HEADS | _list(pair, matches) if whole_list else {}
    if place is None:
        return outputs
    layer, head = matches.first[place]
    best = matches.best[place, 0]
    outputs |= {
        "heads": outputs.get("heads", {}) | gr.update(mark=frame(head, layer)),
        "of_pair": markup.note(head_words(matches, place, names)),
        "one": figure_or_nothing(_pattern(pair, 0, (layer, head), matches.aside)),
        "other": figure_or_nothing(None if best < 0 else _pattern(pair, 1, matches.second[best], matches.aside)),
        **patterns_scripts(pair.models, matches, place),
    }
    return outputs


def _list(pair: Pair, matches: "HeadMatches") -> Outputs:
    pairs, names = matches.pairs(), pair.names
    rows = [
        [f"{first[0]}.{first[1]}", f"{second[0]}.{second[1]}", minus(similarity)]
        for first, second, similarity in pairs[:MAX_PAIRS]
    ]
    short = {"first": in_words(names[0], 16), "second": in_words(names[1], 16)}
    columns = [name.format(**short) for name in texts.PAIR_COLUMNS]
    table = markup.note(texts.BEST_PAIRS) + markup.table(columns, rows) if rows else ""
    words = match_words(matches, names) + (f" {texts.CLICK_PAIR}" if rows else "")
    return {
        "heads": figure_or_nothing(matches_figure(matches, names) if rows else None),
        "of_heads": markup.note(words),
        "best": table,
        "aside": gr.update(visible=True),
        **matches_script(pair.models, matches),
    }


def _pattern(pair: Pair, side: int, name: tuple[int, int], aside: bool) -> "Figure":
    models = pair.models
    axes = MapAxes(models.query_names, models.key_names)
    words = texts.HEAD_OF.format(layer=name[0], head=name[1], model=pair.names[side])
    return head_figure(
        models.pattern(side, name, aside), axes, Shading(scale="one"), title=words, description=f"{words}."
    )
