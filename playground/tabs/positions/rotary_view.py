"""Rotary positions: a clock for each pair of dimensions, and one real score as its two tokens move apart."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from playground.analysis.arrays import check_range
from playground.analysis.positions.schemes import MAX_LENGTH, rotary_wavelengths, sinusoidal_wavelengths
from playground.analysis.text_display import plain_mark
from playground.components import (
    FollowingDropdown,
    FollowingRadio,
    FollowingSlider,
    Panel,
    PlotlyView,
    markup,
    numbered,
)
from playground.errors import PlaygroundError
from playground.figures.positions.rotary import clocks_figure, curve_figure, decay_figure, distance_mark, pairs_figure
from playground.tabs.shared.controls import token_choices, typed
from playground.tabs.shared.events import LATEST, QUIET
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts.positions import ROTARY_ABOUT

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from playground.positions.constant_token_probe import ConstantTokenProbe
    from playground.positions.rotary_layer import RotatedPair
    from playground.recording.recording import Recording

NAME, TITLE = "clocks", "Clocks"
FORMULA = "by the formula"
FRAMES, FAR = 64, 128
"""Positions that the clocks run through, and the least distance that the slider reaches."""


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


@dataclass(frozen=True)
class DistanceRequest:
    """A score that is drawn, and the distance to look at it."""

    pair: "RotatedPair | None"
    distance: int


def build(view: View) -> None:
    """Builds the view and connects it."""
    heading = Panel(elem_id="clocks-heading")
    with gr.Row(elem_classes="pg-controls"):
        source = FollowingRadio([FORMULA], value=None, label="Frequencies", elem_id="clocks-source")
        base = gr.Number(10000, label="Base", visible=False, elem_id="clocks-base")
        width = gr.Number(32, label="Dimensions that turn", precision=0, visible=False, elem_id="clocks-width")
    clocks = PlotlyView(label="A clock for each pair", height=420, elem_id="clocks")
    gr.HTML('<h3 class="pg-section">One score of this text, as its two tokens move apart</h3>')
    with gr.Row(elem_classes="pg-controls"):
        chooser = view.page.head.chooser("clocks")
        query = FollowingDropdown([], label="Query token", elem_id="clocks-query")
        key = FollowingDropdown([], label="Key token", elem_id="clocks-key")
    badge = Panel(elem_id="clocks-badge")
    distance = FollowingSlider(0, FAR, value=0, step=1, label="Distance", elem_id="clocks-distance")
    sentence = Panel(live=True, elem_id="clocks-sentence")
    with gr.Row():
        curve = PlotlyView(label="Score over distance", height=330, elem_id="clocks-curve")
        pairs = PlotlyView(label="Score by pair", height=330, elem_id="clocks-pairs")
    decay = PlotlyView(label="Far distances", height=330, elem_id="clocks-decay")
    Panel(markup.explanation(*ROTARY_ABOUT))
    pair = gr.State()

    clock_controls, tokens = {"source": source, "base": base, "width": width}, {"query": query, "key": key}
    inputs = clock_controls | chooser.inputs | tokens
    at_distance = {"sentence": sentence, "curve": curve, "pairs": pairs}
    clock_outputs = {"heading": heading, **clock_controls, "clocks": clocks}
    score_outputs: dict[str, Any] = chooser.inputs | tokens | at_distance
    score_outputs |= {"badge": badge, "distance": distance, "decay": decay, "pair": pair}
    wires: dict[str, Any] = {"inputs": inputs, "request": RotaryRequest}
    view.draws(draw, **wires, outputs=clock_outputs | score_outputs)
    moved = [source.input, *typed(base, width)]
    bind(moved, draw_clocks, page=view.page, **wires, outputs=clock_outputs, **LATEST)
    moved = [*chooser.moved, query.input, key.input]
    bind(moved, draw_score, page=view.page, **wires, outputs=score_outputs, **LATEST)
    bind(
        distance.input,
        slide,
        page=view.page,
        inputs={"pair": pair, "distance": distance},
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
    return {
        "sentence": _sentence(request.pair, request.distance),
        "curve": gr.update(mark=distance_mark(request.distance)),
        "pairs": _pairs(request.pair, request.distance),
    }


def draw_clocks(page: PageContext, request: RotaryRequest) -> Outputs:
    """The clocks alone."""
    from playground.positions.schemes import position_facts

    recording, source, base, width = page.recording(), request.source, request.base, request.width
    facts = position_facts(recording.model, len(recording.tokens))
    kinds = list(facts.inverse_frequencies)
    if source not in [*kinds, FORMULA]:
        source = kinds[0] if kinds else FORMULA
    tokens = [token.label for token in recording.tokens[:FRAMES]]
    tokens += [""] * (FRAMES - len(tokens))
    if source == FORMULA:
        if base is None or width is None:
            raise PlaygroundError("The base or the number of dimensions is missing.", "Fill it in.")
        if int(width) % 2:
            raise PlaygroundError(f"{int(width)} dimensions can't be taken two by two.", "Choose an even number.")
        frequencies = 2 * np.pi / sinusoidal_wavelengths(int(width), float(base))
        heading = markup.badge(
            "off",
            f"By the formula base^(−2i/d) with base {float(base):,g}, d = {int(width)}: not the model's own numbers",
        )
        if not kinds:
            heading += markup.note(f"This model has no rotary positions ({facts.words}).")
    else:
        frequencies = facts.inverse_frequencies[source].numpy()
        heading = markup.badge(
            "ok", f"The model's own: {facts.words}" + (f"; {source} layers" if len(kinds) > 1 else "")
        )
        heading += markup.note(facts.remark)
    formula_only = gr.update(visible=source == FORMULA)
    clocks = clocks_figure(
        frequencies, tokens, start=min(len(recording.tokens), FRAMES) - 1, title="Every pair turns at its own pace"
    )
    return {
        "heading": heading,
        "source": gr.Radio(choices=[*kinds, FORMULA], value=source),
        "base": formula_only,
        "width": formula_only,
        "clocks": clocks,
    }


def draw_score(page: PageContext, request: RotaryRequest) -> Outputs:
    """The score alone, at its real distance."""
    from playground.positions.constant_token_probe import constant_token_probe
    from playground.positions.rotary_layer import rotated_pair

    recording = page.recording()
    layers = recording.layers() if recording.kinds else 1
    layer = min(int(request.layer), layers - 1)
    heads = recording.attention(layer).heads if recording.kinds else 1
    head = min(int(request.head), heads - 1)
    labels = [token.label for token in recording.tokens]
    query = _place(request.query, len(labels), len(labels) - 1)
    key = _place(request.key, len(labels), min(1, query))
    controls = {
        "layer": numbered("Layer", layer, layers),
        "head": numbered("Head", head, heads),
        "query": token_choices(labels, query),
        "key": token_choices(labels, key),
    }
    try:
        pair = rotated_pair(recording, layer, head, query, key)
    except PlaygroundError as error:
        off = markup.badge("off", f"{error.message} {error.remedy}")
        nothing: Outputs = dict.fromkeys(("curve", "pairs", "decay", "pair"))
        return controls | nothing | {"badge": off, "distance": gr.Slider(interactive=False), "sentence": ""}
    start, farthest = max(0, pair.distance), max(FAR, 2 * pair.tokens)
    near = np.arange(farthest + 1)
    context = max(recording.model.anatomy.context_length or 0, farthest)
    far = np.unique(np.geomspace(1, min(context, 2**20), 300).round())
    names = f"“{plain_mark(labels[query], 16)}” and “{plain_mark(labels[key], 16)}”"
    curve = curve_figure(
        near, pair.score.scores(near), pair.distance, pair.recorded, title=f"The score of {names} over distance"
    )
    lines = {"these two tokens": pair.score.scores(far), "mean over all pairs of tokens": pair.mean.scores(far)}
    return controls | {
        "badge": _badge(pair, recording) + _alone(constant_token_probe(recording.model), layer),
        "distance": gr.Slider(0, farthest, value=start, interactive=True, label=f"Distance (really {pair.distance})"),
        "sentence": _sentence(pair, start),
        "curve": gr.update(value=curve, mark=distance_mark(start)),
        "pairs": _pairs(pair, start),
        "decay": decay_figure(far, lines, length=pair.tokens, title="How the score fades far away"),
        "pair": pair,
    }


def _badge(pair: "RotatedPair", recording: "Recording") -> str:
    from playground.models.rounding import rounding  # torch: not before the page is there

    tolerance = max(1.0, abs(pair.recorded)) * rounding(recording.model.model.dtype).rotary_score
    what = "recorded score" if not pair.masked else "product of the turned vectors (the mask hides this key)"
    layout = pair.score.layout
    turned = f"{layout.pairs.size} of {len(pair.score.query)} dimensions turn, paired as {layout.name}"
    return markup.badge(
        "ok" if pair.error <= tolerance else "warn",
        f"Sum over pairs at the real distance {float(pair.score.scores([pair.distance])[0]):.4f}, {what} "
        f"{pair.recorded:.4f}: difference {pair.error:.1e}. {turned}.",
    )


def _alone(probe: "ConstantTokenProbe | None", layer: int) -> str:
    """Whether scores were measured to depend on the difference of positions alone."""
    if probe is None or probe.same_distance[layer] > 0.05 * probe.any_distance[layer]:
        return ""  # behind sinks the same token is not the same vector everywhere
    return markup.note(
        "Scores depend on the difference of positions alone: with one token at every place, this layer's scores at equal "
        f"distances differ by at most {probe.same_distance[layer]:.1e}, at others by up to {probe.any_distance[layer]:.2g}."
    )


def _sentence(pair: "RotatedPair", distance: int) -> str:
    score = float(pair.score.scores([distance])[0])
    if distance == pair.distance:
        return markup.note(f"At the real distance {pair.distance} the score is {score:.3f}.")
    change = score - float(pair.score.scores([pair.distance])[0])
    return markup.note(
        f"At distance {int(distance)} the score would be {score:.3f}, {change:+.3f} beside the real distance "
        f"{pair.distance}. The model did not compute this."
    )


def _pairs(pair: "RotatedPair", distance: int) -> "Figure":
    parts, now = pair.score.parts([distance, pair.distance])
    return pairs_figure(
        parts,
        now,
        rotary_wavelengths(pair.score.frequencies),
        pair.score.unrotated,
        title=f"The same score at distance {int(distance)}, pair by pair",
    )


def _place(value: int | None, count: int, otherwise: int) -> int:
    return int(value) if value is not None and 0 <= int(value) < count else otherwise
