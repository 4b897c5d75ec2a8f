"""Rotary positions: a clock for each pair of dimensions, and one real score as its two tokens move apart."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.analysis.arrays import check_range
from playground.analysis.positions.schemes import MAX_LENGTH
from playground.components import FollowingRadio, FollowingSlider, Panel, PlotlyView, TokenList, markup
from playground.errors import PlaygroundError
from playground.figures.positions import rotary_report
from playground.figures.positions.rotary import clocks_figure, distance_mark
from playground.figures.positions.rotary_report import FAR, FORMULA
from playground.recording.head_choice import existing_head, existing_token
from playground.scripts.rotary import PARTS, ScorePlace, score
from playground.tabs.positions.rotary_scripts import clocks_script, score_place, score_scripts
from playground.tabs.shared.controls import head_sliders, token_choices, typed
from playground.tabs.shared.detail import LEADING
from playground.tabs.shared.events import LATEST, QUIET
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts.positions import CLOCK_ACTORS, ROTARY_ABOUT, SCORE_HEADING

if TYPE_CHECKING:
    from playground.positions.rotary_layer import RotatedPair
    from playground.scripts.rotary import ScorePlace

NAME, TITLE = "clocks", "Clocks"
FRAMES = 64
"""Positions that the clocks run through."""


@dataclass(frozen=True)
class RotaryRequest:
    """What the controls of clocks and score say."""

    source: str | None = None
    base: float | None = 10000
    width: int | None = 32
    layer: int = 0
    head: int = 0
    query: int | None = None
    key: int | None = None
    distance: int = 0
    drawn: tuple[tuple, int] | None = None
    """The score that is drawn (reading, layer, head, query, key), and its distance; where the slider says another one, a
    link has set it."""


@dataclass(frozen=True)
class DistanceRequest:
    """A score that is drawn, and the distance to look at it."""

    pair: "RotatedPair | None"
    distance: int
    place: ScorePlace | None = None
    """Where a script finds the score."""
    drawn: tuple[tuple, int] | None = None
    """As in RotaryRequest."""


def build(view: View) -> None:
    """Builds the view and connects it."""
    heading = Panel(elem_id="clocks-heading")
    with gr.Row(elem_classes="pg-controls pg-slim"):
        source = FollowingRadio(
            rotary_report.source_names([FORMULA]), value=None, label="Source", elem_id="clocks-source"
        )
        base = gr.Number(10000, label="Base", visible=False, elem_id="clocks-base")
        width = gr.Number(32, label="Dimensions that turn", precision=0, visible=False, elem_id="clocks-width")
    clocks = PlotlyView(label="A clock for each pair", height=420, elem_id="clocks", elem_classes=LEADING)
    Panel(markup.actors(CLOCK_ACTORS))
    gr.HTML(f'<h3 class="pg-section">{SCORE_HEADING}</h3>')
    with gr.Row(elem_classes="pg-controls"):
        chooser = view.page.head.chooser("clocks")
        query = TokenList([], label="Query token", elem_id="clocks-query")
        key = TokenList([], label="Key token", elem_id="clocks-key")
    badge = Panel(elem_id="clocks-badge")
    distance = FollowingSlider(0, FAR, value=0, step=1, label="Distance", elem_id="clocks-distance")
    sentence = Panel(live=True, elem_id="clocks-sentence")
    with gr.Row():
        curve = PlotlyView(label="Score over distance", height=330, elem_id="clocks-curve")
        pairs = PlotlyView(label="Score by pair", height=330, elem_id="clocks-pairs")
    decay = PlotlyView(label="Far distances", height=330, elem_id="clocks-decay")
    Panel(markup.explanation(*ROTARY_ABOUT))
    pair, place, drawn = gr.State(), gr.State(), gr.State()

    clock_controls, tokens = {"source": source, "base": base, "width": width}, {"query": query, "key": key}
    inputs = clock_controls | chooser.inputs | tokens | {"distance": distance, "drawn": drawn}
    at_distance = {"sentence": sentence, "curve": curve, "pairs": pairs, "drawn": drawn}
    clock_outputs = {"heading": heading, **clock_controls, "clocks": clocks}
    score_outputs: dict[str, Any] = chooser.inputs | tokens | at_distance
    score_outputs |= {"badge": badge, "distance": distance, "decay": decay, "pair": pair, "place": place}
    wires: dict[str, Any] = {"inputs": inputs, "request": RotaryRequest}
    answers = ["clocks", "heading", "badge", "sentence", "curve", "pairs", "decay", "pair", "place"]
    view.draws(draw, **wires, outputs=clock_outputs | score_outputs, empties=answers)
    moved = [source.input, query.input, key.input, *typed(base, width)]
    bind(moved, draw_clocks, page=view.page, **wires, outputs=clock_outputs, **LATEST)
    moved = [*chooser.moved, query.input, key.input]
    bind(moved, draw_score, page=view.page, **wires, outputs=score_outputs, **LATEST)
    bind(
        distance.input,
        slide,
        page=view.page,
        inputs={"pair": pair, "distance": distance, "place": place, "drawn": drawn},
        request=DistanceRequest,
        outputs=at_distance,
        trigger_mode="always_last",
        **QUIET,
    )


def draw(page: PageContext, request: RotaryRequest) -> Outputs:
    """Clocks and score."""
    return draw_clocks(page, request) | draw_score(page, request)


def slide(page: PageContext, request: DistanceRequest) -> Outputs:
    """The score at another distance."""
    if request.pair is None:
        return {}
    check_range("The distance", request.distance, 0, MAX_LENGTH)
    outputs = {"curve": gr.update(mark=distance_mark(request.distance)), **_at_distance(request.pair, request.distance)}
    if request.drawn is not None:
        outputs["drawn"] = request.drawn[0], request.distance
    if request.place is not None:
        outputs[script_output("pairs")] = score(request.place, PARTS, int(request.distance))
    return outputs


def _at_distance(pair: "RotatedPair", distance: int) -> Outputs:
    sentence = markup.note(rotary_report.score_sentence(pair, distance))
    return {"sentence": sentence, "pairs": rotary_report.score_pairs(pair, distance)}


def _query_and_key(request: RotaryRequest, tokens: int) -> tuple[int, int]:
    """The positions of the query and of the key token; the last and the second where none is chosen."""
    query = existing_token(request.query, tokens)
    return query, existing_token(request.key, tokens, otherwise=min(1, query))


def draw_clocks(page: PageContext, request: RotaryRequest) -> Outputs:
    """The clocks alone."""
    from playground.positions.schemes import position_facts

    recording, source = page.recording(), request.source
    facts = position_facts(recording.model, len(recording.tokens))
    choices = [*facts.inverse_frequencies, FORMULA]
    if source not in choices:
        source = choices[0]
    if source == FORMULA:
        frequencies = rotary_report.formula_frequencies(facts, request.base, request.width)
    else:
        frequencies = rotary_report.own_frequencies(facts, source)
    tokens = [token.label for token in recording.tokens[:FRAMES]]
    query, key = _query_and_key(request, len(recording.tokens))
    title = "Every pair turns at its own pace"
    frames = tokens + [""] * (FRAMES - len(tokens))
    start = min(query, FRAMES - 1)
    formula_only = gr.update(visible=source == FORMULA)
    return {
        "heading": markup.badge(*frequencies.badge) + markup.note(frequencies.note),
        "source": gr.Radio(choices=rotary_report.source_names(choices), value=source),
        "base": formula_only,
        "width": formula_only,
        "clocks": clocks_figure(frequencies.values, frames, start=start, key=key, title=title),
        script_output("clocks"): clocks_script(recording.model, source, (request.base, request.width), (FRAMES, start)),
    }


def draw_score(page: PageContext, request: RotaryRequest) -> Outputs:
    """The score alone, at its real distance or at a link's."""
    from playground.positions.constant_token_probe import constant_token_probe
    from playground.positions.rotary_layer import rotated_pair
    from playground.positions.schemes import position_facts

    recording = page.recording()
    model, labels = recording.model, [token.label for token in recording.tokens]
    layer, head = existing_head(recording, request.layer, request.head)
    query, key = _query_and_key(request, len(labels))
    controls = head_sliders(recording, layer, head)
    controls |= {"query": token_choices(labels, query), "key": token_choices(labels, key)}
    for name in ("query", "key"):
        controls[name]["interactive"] = True
    try:
        place = layer, head, query, key
        pair = workbench.shared().memo(recording, ("rotated", *place), lambda: rotated_pair(recording, *place))
    except PlaygroundError as error:
        off = markup.badge("off", f"{error.message} {error.remedy}")
        nothing: Outputs = dict.fromkeys(("curve", "pairs", "decay", "pair", "place"))
        rotary = position_facts(model, len(labels)).inverse_frequencies
        idle = ("distance",) if rotary else ("layer", "head", "query", "key", "distance")  # another layer may turn
        still: Outputs = {name: gr.update(interactive=False) for name in idle}
        for name in {"query", "key"} & still.keys():  # with the tokens of this text, not those of the former one
            still[name] = controls[name] | still[name]
        return nothing | controls | still | {"badge": off, "sentence": ""}
    probe = constant_token_probe(model)
    score_at = score_place(page, recording, layer, head, pair)
    start, label = max(0, pair.distance), f"Distance (actual: {pair.distance})"
    farthest = rotary_report.farthest_distance(pair)
    here = page.reading, layer, head, query, key
    before, distance = request.drawn or (None, 0)
    if before == here or request.distance != distance:
        start = min(max(0, int(request.distance)), farthest)
    return controls | {
        "badge": markup.badge(*rotary_report.score_badge(pair))
        + markup.note(probe.distance_only(layer) if probe else ""),
        "distance": gr.Slider(0, farthest, value=start, interactive=True, label=label),
        "curve": gr.update(value=rotary_report.score_curve(pair, labels), mark=distance_mark(start)),
        "decay": rotary_report.score_decay(pair, model.anatomy.context_length),
        "pair": pair,
        "place": score_at,
        "drawn": (here, start),
        **score_scripts(score_at, pair, model.anatomy.context_length, start),
        **_at_distance(pair, start),
    }
