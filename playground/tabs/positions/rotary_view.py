"""Rotary positions: a clock for each pair of dimensions, and one real score as its two tokens move apart."""

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
from playground.tabs.shared.page_context import QUIET, RUNS_MODEL, outputs, recorded
from playground.tabs.shared.views import View

NAME, TITLE = "clocks", "Clocks"
FORMULA = "by the formula"
FRAMES, FAR = 64, 128
"""Positions that the clocks run through, and the least distance that the slider reaches."""

ABOUT = markup.explanation(
    "What am I looking at?",
    "Rotary embedding (Su et al. 2021) takes the dimensions of every query and key two by two and turns each pair by "
    "position × frequency: a clock whose hand moves a little with every token, fast for the first pairs, slow for the last. "
    "Base, share of the dimensions and scaling (linear, dynamic, YaRN, Llama 3) are in the frequencies, which are read from "
    "the loaded model; where layers differ (Gemma 3), choose the kind of layer.",
    "A product of a query and a key then depends on the distance of the two tokens alone: <code>score(Δ) = Σ<sub>p</sub> "
    "|q<sub>p</sub>||k<sub>p</sub>| cos(Δ·θ<sub>p</sub> + φ<sub>p</sub>)</code> times the scaling, plus what the dimensions "
    "that don't turn add. The slider moves the two tokens apart; query and key stay those that the model computed for this "
    "text. At the real distance the sum has to be the recorded score, and the badge says how far it is off.",
    "The mean over all pairs of tokens is what every query of this head would give to every key on average, if all of them "
    "stood that far apart.",
)


def build(view: View) -> None:
    """Builds the view and connects it."""
    lens = view.lens
    heading = Panel(elem_id="clocks-heading")
    with gr.Row(elem_classes="pg-controls"):
        source = FollowingRadio([FORMULA], value=None, label="Frequencies", elem_id="clocks-source")
        base = gr.Number(10000, label="Base", visible=False, elem_id="clocks-base")
        width = gr.Number(32, label="Dimensions that turn", precision=0, visible=False, elem_id="clocks-width")
    clocks = PlotlyView(label="A clock for each pair", height=420, elem_id="clocks")
    gr.HTML('<h3 class="pg-section">One score of this text, as its two tokens move apart</h3>')
    with gr.Row(elem_classes="pg-controls"):
        chooser = view.page.head.chooser("clocks")
        layer, head = chooser.layer, chooser.head
        query = FollowingDropdown([], label="Query token", elem_id="clocks-query")
        key = FollowingDropdown([], label="Key token", elem_id="clocks-key")
    badge = Panel(elem_id="clocks-badge")
    distance = FollowingSlider(0, FAR, value=0, step=1, label="Distance", elem_id="clocks-distance")
    sentence = Panel(live=True, elem_id="clocks-sentence")
    with gr.Row():
        curve = PlotlyView(label="Score over distance", height=330, elem_id="clocks-curve")
        pairs = PlotlyView(label="Score by pair", height=330, elem_id="clocks-pairs")
    decay = PlotlyView(label="Far distances", height=330, elem_id="clocks-decay")
    Panel(ABOUT)
    found = gr.State()

    asked = [*lens.given, source, base, width]
    turned = [heading, source, base, width, clocks]
    chosen = [layer, head, query, key, badge, distance, sentence, curve, pairs, decay, found]
    given = [*asked, layer, head, query, key]
    view.draws(draw, given, [*turned, *chosen, lens.message])
    gr.on(
        [source.input, base.submit, base.blur, width.submit, width.blur],
        draw_clocks,
        asked,
        [*turned, lens.message],
        trigger_mode="always_last",
        **RUNS_MODEL,
    )
    gr.on(
        [layer.input, head.input, query.input, key.input],
        draw_score,
        [*lens.given, layer, head, query, key],
        [*chosen, lens.message],
        trigger_mode="always_last",
        **RUNS_MODEL,
    )
    distance.input(
        slide, [found, distance], [sentence, curve, pairs, lens.message], trigger_mode="always_last", **QUIET
    )


@outputs(16)
def draw(model_id, device, dtype, text, source, base, width, layer, head, query, key) -> tuple:
    """Clocks and score. Gives what `draw_clocks` and `draw_score` give."""
    recording = recorded(model_id, device, dtype, text)
    return *_clocks(recording, source, base, width), *_score(recording, layer, head, query, key)


@outputs(5)
def draw_clocks(model_id, device, dtype, text, source, base, width) -> tuple:
    """The clocks alone: heading, choice of frequencies, the formula's numbers, picture."""
    return _clocks(recorded(model_id, device, dtype, text), source, base, width)


@outputs(11)
def draw_score(model_id, device, dtype, text, layer, head, query, key) -> tuple:
    """The score alone, at its real distance."""
    return _score(recorded(model_id, device, dtype, text), layer, head, query, key)


@outputs(3)
def slide(found, distance) -> tuple:
    """The score at another distance: sentence, the curve's mark, pairs."""
    if found is None:
        return (gr.skip(),) * slide.outputs
    check_range("The distance", distance, 0, MAX_LENGTH)
    return _sentence(found, distance), gr.update(mark=distance_mark(distance)), _pairs(found, distance)


def _clocks(recording, source, base, width) -> tuple:
    from playground.positions.schemes import position_facts

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
    shown = gr.update(visible=source == FORMULA)
    clocks = clocks_figure(
        frequencies, tokens, start=min(len(recording.tokens), FRAMES) - 1, title="Every pair turns at its own pace"
    )
    return heading, gr.Radio(choices=[*kinds, FORMULA], value=source), shown, shown, clocks


def _score(recording, layer, head, query, key) -> tuple:
    from playground.positions.constant_token_probe import constant_token_probe
    from playground.positions.rotary_layer import rotated_pair

    layers = recording.layers() if recording.kinds else 1
    layer = min(int(layer), layers - 1)
    heads = recording.attention(layer).heads if recording.kinds else 1
    head = min(int(head), heads - 1)
    labels = [token.label for token in recording.tokens]
    query = _place(query, len(labels), len(labels) - 1)
    key = _place(key, len(labels), min(1, query))
    controls = (
        numbered("Layer", layer, layers),
        numbered("Head", head, heads),
        _choices(labels, query),
        _choices(labels, key),
    )
    try:
        found = rotated_pair(recording, layer, head, query, key)
    except PlaygroundError as error:
        off = markup.badge("off", f"{error.message} {error.remedy}")
        return *controls, off, gr.Slider(interactive=False), "", None, None, None, None
    shown = max(0, found.distance)
    farthest = max(FAR, 2 * found.tokens)
    within = np.arange(farthest + 1)
    context = max(recording.model.anatomy.context_length or 0, farthest)
    far = np.unique(np.geomspace(1, min(context, 2**20), 300).round())
    pair = f"“{plain_mark(labels[query], 16)}” and “{plain_mark(labels[key], 16)}”"
    curve = curve_figure(
        within, found.score.scores(within), found.distance, found.recorded, title=f"The score of {pair} over distance"
    )
    lines = {"these two tokens": found.score.scores(far), "mean over all pairs of tokens": found.mean.scores(far)}
    decay = decay_figure(far, lines, length=found.tokens, title="How the score fades far away")
    slider = gr.Slider(0, farthest, value=shown, interactive=True, label=f"Distance (really {found.distance})")
    badge = _badge(found, recording) + _alone(constant_token_probe(recording.model), layer)
    return (
        *controls,
        badge,
        slider,
        _sentence(found, shown),
        gr.update(value=curve, mark=distance_mark(shown)),
        _pairs(found, shown),
        decay,
        found,
    )


def _badge(found, recording) -> str:
    from playground.models.rounding import rounding  # torch: not before the page is there

    tolerance = max(1.0, abs(found.recorded)) * rounding(recording.model.model.dtype).rotary_score
    what = "recorded score" if not found.masked else "product of the turned vectors (the mask hides this key)"
    layout = found.score.layout
    turned = f"{layout.pairs.size} of {len(found.score.query)} dimensions turn, paired as {layout.name}"
    return markup.badge(
        "ok" if found.error <= tolerance else "warn",
        f"Sum over pairs at the real distance {float(found.score.scores([found.distance])[0]):.4f}, {what} "
        f"{found.recorded:.4f}: difference {found.error:.1e}. {turned}.",
    )


def _alone(same, layer: int) -> str:
    """Whether scores depend on the difference of positions alone, as it was measured."""
    if same is None or same.same_distance[layer] > 0.05 * same.any_distance[layer]:
        return ""  # behind sinks the same token is not the same vector everywhere
    return markup.note(
        "Scores depend on the difference of positions alone: with one token at every place, this layer's scores at equal "
        f"distances differ by at most {same.same_distance[layer]:.1e}, at others by up to {same.any_distance[layer]:.2g}."
    )


def _sentence(found, distance) -> str:
    score = float(found.score.scores([distance])[0])
    if distance == found.distance:
        return markup.note(f"At the real distance {found.distance} the score is {score:.3f}.")
    change = score - float(found.score.scores([found.distance])[0])
    return markup.note(
        f"At distance {int(distance)} the score would be {score:.3f}, {change:+.3f} beside the real distance "
        f"{found.distance}. The model did not compute this."
    )


def _pairs(found, distance):
    parts, now = found.score.parts([distance, found.distance])
    return pairs_figure(
        parts,
        now,
        rotary_wavelengths(found.score.frequencies),
        found.score.unrotated,
        title=f"The same score at distance {int(distance)}, pair by pair",
    )


def _place(value, count: int, otherwise: int) -> int:
    return int(value) if value is not None and 0 <= int(value) < count else otherwise


def _choices(labels: list[str], chosen: int) -> dict:
    named = [(f"{number}: {plain_mark(text, 24)}", number) for number, text in enumerate(labels)]
    return gr.update(choices=named, value=chosen)
