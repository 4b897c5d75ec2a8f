"""Order as the model uses it: attention over distance of every head, and which are local, periodic or blind to order."""

from weakref import WeakKeyDictionary

import gradio as gr
import numpy as np

from playground.analysis.attention.head_measures import DISTANCE_MEASURES
from playground.analysis.positions.attention_distance import (
    BLIND,
    LOCAL,
    MIN_FOR_PERIOD,
    NEAR,
    PERIODIC,
    DistanceProfile,
    profile,
)
from playground.analysis.text_display import percent
from playground.components import FollowingRadio, Panel, PlotlyView, markup, numbered
from playground.errors import PlaygroundError
from playground.figures.attention.head_roles import roles_figure
from playground.figures.positions.curves import all_heads_figure, over_distance_figure, row_mark
from playground.tabs.shared.page_context import RUNS_MODEL, outputs, recorded
from playground.tabs.shared.views import View

NAME, TITLE = "used", "In use"
MAX_TOKENS = 512
"""Longest text whose heads are all measured at once."""
MAX_DISTANCES = 64
MAX_CELLS = 2**17
"""Rows times distances of the picture of all heads: half a megabyte."""
NEAR_NAME, EXPLAINED, PERIODIC_NAME = DISTANCE_MEASURES

ABOUT = markup.explanation(
    "What am I looking at?",
    "For every head the weights of all pairs of tokens that stand so far apart, averaged: the mean attention over distance, "
    "measured on this text. Where a text is short, far distances are means of few pairs.",
    f"<b>Local</b>: {DISTANCE_MEASURES[NEAR_NAME].meaning}. <b>Explained by distance</b>: "
    f"{DISTANCE_MEASURES[EXPLAINED].meaning}. For all of them the first token is set aside, on which many heads rest "
    "(attention sinks, Xiao et al. 2024), and each query's other weights share the whole.",
    f"<b>Periodic</b>: {DISTANCE_MEASURES[PERIODIC_NAME].meaning}. It needs {2 * MIN_FOR_PERIOD + 1} tokens. A text that "
    "repeats itself makes heads periodic that follow words, not places.",
)


def build(view: View) -> None:
    """Builds the view and connects it."""
    lens = view.lens
    counts = Panel(live=True, elem_id="used-counts")
    with gr.Row(elem_classes="pg-controls"):
        kind = FollowingRadio([], label="Kind", visible=False, elem_id="used-kind")
        measure = gr.Radio(list(DISTANCE_MEASURES), value=NEAR_NAME, label="Measure", elem_id="used-measure")
        aside = gr.Checkbox(True, label="First token set aside", elem_id="used-aside")
        chooser = view.page.head.chooser("used")
        layer, head = chooser.layer, chooser.head
    with gr.Row():
        every = PlotlyView(label="All heads over distance", height=420, elem_id="used-all")
        roles = PlotlyView(label="A measure of every head", height=420, elem_id="used-map")
    sentence = Panel(live=True, elem_id="used-sentence")
    one = PlotlyView(label="One head over distance", height=330, elem_id="used-head-curve")
    Panel(ABOUT)

    inputs = [*lens.given, kind, measure, aside, layer, head]
    shown = [counts, kind, layer, head, every, roles, sentence, one, lens.message]
    view.draws(draw, inputs, shown)
    gr.on(
        [kind.input, measure.input, aside.input, layer.input, head.input],
        draw,
        inputs,
        shown,
        trigger_mode="always_last",
        **RUNS_MODEL,
    )
    every.select(choose_row, inputs, shown, **RUNS_MODEL)
    roles.select(choose_cell, inputs, shown, **RUNS_MODEL)


@outputs(8)
def draw(model_id, device, dtype, text, kind, measure, aside, layer, head) -> tuple:
    """All heads in two pictures, and the chosen one as a curve."""
    return _draw(recorded(model_id, device, dtype, text), kind, measure, aside, layer, head)


@outputs(8)
def choose_row(model_id, device, dtype, text, kind, measure, aside, layer, head, event: gr.EventData) -> tuple:
    """The head whose row was clicked."""
    recording = recorded(model_id, device, dtype, text)
    row = event._data.get("y")
    heads = _most_heads(recording, kind)
    if not isinstance(row, int | float) or not 0 <= row < heads * recording.layers(_kind(recording, kind)):
        return (gr.skip(),) * choose_row.outputs
    return _draw(recording, kind, measure, aside, *divmod(int(row), heads))


@outputs(8)
def choose_cell(model_id, device, dtype, text, kind, measure, aside, layer, head, event: gr.EventData) -> tuple:
    """The head whose cell was clicked."""
    recording = recorded(model_id, device, dtype, text)
    x, y = event._data.get("x"), event._data.get("y")
    if not all(isinstance(place, int | float) and place >= 0 for place in (x, y)):
        return (gr.skip(),) * choose_cell.outputs
    return _draw(recording, kind, measure, aside, int(y), int(x))


def _kinds(recording) -> list[str]:
    return [kind for kind in recording.kinds if kind != "cross"]


def _kind(recording, kind) -> str:
    return kind if kind in _kinds(recording) else _kinds(recording)[0]


def _most_heads(recording, kind) -> int:
    kind = _kind(recording, kind)
    return max(recording.attention(n, kind).heads for n in range(recording.layers(kind)))


_measured: WeakKeyDictionary = WeakKeyDictionary()
"""Recording -> kind -> its layers' profiles, kept as long as the recording is."""


def profiles_of(recording, kind: str) -> list[DistanceProfile]:
    """Every layer's profile, measured once for a recording. PlaygroundError for texts that are too long."""
    tokens = len(recording.attention(0, kind).query_tokens)
    if tokens > MAX_TOKENS:
        raise PlaygroundError(
            f"The text has {tokens:,} tokens; all heads over distance are measured up to {MAX_TOKENS:,}.",
            "Shorten the text.",
        )
    kept = _measured.setdefault(recording, {})
    if kind not in kept:
        kept[kind] = [profile(recording.attention(layer, kind).weights) for layer in range(recording.layers(kind))]
    return kept[kind]


def shown_distances(distances: np.ndarray, rows: int) -> np.ndarray:
    """(n,) bool: which distances the picture of all heads shows, the nearest ones: the fewer the more heads there are."""
    sides = 1 if distances[0] >= 0 else 2
    farthest = min(MAX_DISTANCES, max(1, MAX_CELLS // (sides * max(1, rows)) - 1))
    return np.abs(distances) <= farthest


def _draw(recording, kind, measure, aside, layer, head) -> tuple:
    if not recording.kinds:
        return _nothing(f"This model's attention can't be shown: {recording.model.capabilities.attention.reason}")
    kind = _kind(recording, kind)
    try:
        found, heads = profiles_of(recording, kind), _most_heads(recording, kind)
    except PlaygroundError as error:
        return _nothing(str(error))
    layer = min(int(layer), len(found) - 1)
    head = min(int(head), len(found[layer].near) - 1)
    known = max(1, len(found[0].distances) - bool(aside))  # so far away from the last token there is only the first
    distances = found[0].distances[:known]
    close = shown_distances(distances, heads * len(found))
    means = [(layer.rest if aside else layer.mean)[:, :known] for layer in found]
    every = np.concatenate([_filled(mean, heads)[:, close] for mean in means])
    grids = {
        name: np.stack([_filled(measure.values(profile), heads) for profile in found])
        for name, measure in DISTANCE_MEASURES.items()
    }
    periods = np.stack([_filled(layer.period.astype(float), heads) for layer in found])
    picture = all_heads_figure(every, distances[close], heads, title="Mean attention over distance, every head a row")
    curve = over_distance_figure(
        distances,
        means[layer][head : head + 1],
        [f"layer {layer}, head {head}"],
        what="mean weight",
        title=f"Layer {layer}, head {head}: mean attention over distance",
    )
    sliders = (numbered("Layer", layer, len(found)), numbered("Head", head, len(found[layer].near)))
    kinds = _kinds(recording)
    return (
        markup.note(_counts(grids, periods)),
        gr.update(choices=kinds, value=kind, visible=len(kinds) > 1),
        *sliders,
        gr.update(value=picture, mark=row_mark(layer * heads + head, distances[close]), visible=True),
        gr.update(
            value=roles_figure(grids[measure].clip(min=0), measure, title=f"Every head: {measure}"), visible=True
        ),
        markup.note(_sentence(found[layer], layer, head)),
        gr.update(value=curve, visible=True),
    )


def _nothing(why: str) -> tuple:
    """Why there is no picture, and no place for one: what was shown of another text is not this one's."""
    gone = gr.update(value=None, visible=False)
    return markup.badge("off", why), gr.skip(), gr.skip(), gr.skip(), gone, gone, "", gone


def _filled(values: np.ndarray, heads: int) -> np.ndarray:
    """Rows of NaN for the heads that a layer has fewer than another."""
    if len(values) == heads:
        return values
    return np.concatenate([values, np.full((heads - len(values), *values.shape[1:]), np.nan, values.dtype)])


def _counts(grids: dict, periods: np.ndarray) -> str:
    total = int(np.isfinite(grids[NEAR_NAME]).sum())
    local, blind = (grids[NEAR_NAME] >= LOCAL).sum(), (grids[EXPLAINED] < BLIND).sum()
    words = f"Of {total} heads {local} are local, and {blind} ignore order "
    words += f"(distance explains less than {BLIND:.0%})"
    if not np.nansum(periods):
        return f"{words}; for periods the text needs {2 * MIN_FOR_PERIOD + 1} tokens."
    return f"{words}; {(grids[PERIODIC_NAME] >= PERIODIC).sum()} are periodic (autocorrelation {PERIODIC} and more)."


def _sentence(found: DistanceProfile, layer: int, head: int) -> str:
    words = (
        f"Layer {layer}, head {head}: {percent(found.near[head])} of the attention goes at most {NEAR} tokens away "
        f"(evenly spread it would be {percent(found.even)}); "
        f"distance explains {percent(found.explained[head])} of its variance"
    )
    if found.period[head]:
        words += f"; it most repeats after {found.period[head]} tokens (autocorrelation {found.periodic[head]:.2f})"
    return words + "."
