"""Order as the model uses it: attention over distance of every head, and which are local, periodic or blind to order."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from playground import workbench
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
from playground.components import Panel, PlotlyView, markup, numbered
from playground.errors import PlaygroundError
from playground.figures.attention.head_roles import roles_figure
from playground.figures.positions.curves import all_heads_figure, over_distance_figure, row_mark
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.events import LATEST, RUNS_MODEL
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts.positions import DISTANCE_ABOUT

if TYPE_CHECKING:
    from playground.recording.recording import Recording

NAME, TITLE = "used", "In use"
MAX_TOKENS = 512
"""Longest text whose heads are all measured at once."""
MAX_DISTANCES = 64
MAX_CELLS = 2**17
"""Rows times distances of the picture of all heads: half a megabyte."""
NEAR_NAME, EXPLAINED, PERIODIC_NAME = DISTANCE_MEASURES


@dataclass(frozen=True)
class DistanceRequest:
    """What the controls say."""

    kind: str | None
    measure: str
    drop_first: bool
    layer: int
    head: int


def build(view: View) -> None:
    """Builds the view and connects it."""
    counts = Panel(live=True, elem_id="used-counts")
    with gr.Row(elem_classes="pg-controls"):
        measure = gr.Radio(list(DISTANCE_MEASURES), value=NEAR_NAME, label="Measure", elem_id="used-measure")
        drop_first = gr.Checkbox(True, label="First token set aside", elem_id="used-aside")
        chooser = view.page.head.chooser("used", kinds=True)
    with gr.Row():
        all_heads = PlotlyView(label="All heads over distance", height=420, elem_id="used-all")
        measures = PlotlyView(label="A measure of every head", height=420, elem_id="used-map")
    sentence = Panel(live=True, elem_id="used-sentence")
    curve = PlotlyView(label="One head over distance", height=330, elem_id="used-head-curve")
    meanings = {name.split()[0]: measure.meaning for name, measure in DISTANCE_MEASURES.items()}
    about = (text.format(**meanings, tokens=2 * MIN_FOR_PERIOD + 1) for text in DISTANCE_ABOUT)
    Panel(markup.explanation(*about))

    inputs = {**chooser.inputs, "measure": measure, "drop_first": drop_first}
    results = {"counts": counts, "all_heads": all_heads, "measures": measures, "sentence": sentence, "curve": curve}
    wires: dict[str, Any] = {"inputs": inputs, "request": DistanceRequest, "outputs": chooser.inputs | results}
    view.draws(draw, **wires)
    bind([measure.input, drop_first.input, *chooser.moved], draw, page=view.page, **wires, **LATEST)
    for picture, choose in ((all_heads, choose_row), (measures, choose_cell)):
        chooser.publish(bind(picture.select, choose, page=view.page, **wires, **RUNS_MODEL))


def choose_row(page: PageContext, request: DistanceRequest, event: gr.EventData) -> Outputs:
    """The head whose row was clicked."""
    recording = page.recording()
    row, kind = event._data.get("y"), _kind(recording, request.kind)
    heads = _most_heads(recording, kind)
    if not isinstance(row, int | float) or not 0 <= row < heads * recording.layers(kind):
        return {}
    layer, head = divmod(int(row), heads)
    return draw(page, replace(request, layer=layer, head=head))


def choose_cell(page: PageContext, request: DistanceRequest, event: gr.EventData) -> Outputs:
    """The head whose cell was clicked."""
    x, y = event._data.get("x"), event._data.get("y")
    if not all(isinstance(place, int | float) and place >= 0 for place in (x, y)):
        return {}
    return draw(page, replace(request, layer=int(y), head=int(x)))


def _kinds(recording: "Recording") -> list[str]:
    return [kind for kind in recording.kinds if kind != "cross"]


def _kind(recording: "Recording", kind: str | None) -> str:
    return kind if kind in _kinds(recording) else _kinds(recording)[0]


def _most_heads(recording: "Recording", kind: str) -> int:
    return max(recording.attention(n, kind).heads for n in range(recording.layers(kind)))


def profiles_of(recording: "Recording", kind: str) -> list[DistanceProfile]:
    """Every layer's profile, measured once for a recording. PlaygroundError for texts that are too long."""
    tokens = len(recording.attention(0, kind).query_tokens)
    if tokens > MAX_TOKENS:
        raise PlaygroundError(
            f"The text has {tokens:,} tokens; all heads over distance are measured up to {MAX_TOKENS:,}.",
            "Shorten the text.",
        )
    return workbench.shared().memo(
        recording,
        ("attention over distance", kind),
        lambda: [profile(recording.attention(layer, kind).weights) for layer in range(recording.layers(kind))],
    )


def shown_distances(distances: np.ndarray, rows: int) -> np.ndarray:
    """(n,) bool: which distances the picture of all heads shows, the nearest ones: the fewer the more heads there are."""
    sides = 1 if distances[0] >= 0 else 2
    farthest = min(MAX_DISTANCES, max(1, MAX_CELLS // (sides * max(1, rows)) - 1))
    return np.abs(distances) <= farthest


def draw(page: PageContext, request: DistanceRequest) -> Outputs:
    """All heads in two pictures, and the chosen one as a curve."""
    recording = page.recording()
    if not recording.kinds:
        return _nothing(f"This model's attention can't be shown: {recording.model.capabilities.attention.reason}")
    kind, kinds = _kind(recording, request.kind), _kinds(recording)
    try:
        profiles, heads = profiles_of(recording, kind), _most_heads(recording, kind)
    except PlaygroundError as error:
        return _nothing(str(error))
    layer = min(int(request.layer), len(profiles) - 1)
    head = min(int(request.head), len(profiles[layer].near) - 1)
    count = max(1, len(profiles[0].distances) - bool(request.drop_first))  # only the first token is farther away
    distances = profiles[0].distances[:count]
    close = shown_distances(distances, heads * len(profiles))
    means = [(p.rest if request.drop_first else p.mean)[:, :count] for p in profiles]
    rows = np.concatenate([_filled(mean, heads)[:, close] for mean in means])
    values = {NEAR_NAME: "local", EXPLAINED: "explained", PERIODIC_NAME: "periodic"}
    grids = {name: np.stack([_filled(getattr(p, field), heads) for p in profiles]) for name, field in values.items()}
    periods = np.stack([_filled(p.period.astype(float), heads) for p in profiles])
    all_heads = all_heads_figure(rows, distances[close], heads, title="Mean attention over distance, every head a row")
    measure = request.measure
    measures = roles_figure(grids[measure].clip(min=0), measure, title=f"Every head: {measure}")
    curve = over_distance_figure(
        distances,
        means[layer][head : head + 1],
        [f"layer {layer}, head {head}"],
        what="mean weight",
        title=f"Layer {layer}, head {head}: mean attention over distance",
    )
    return {
        "counts": markup.note(_counts(grids, periods)),
        "kind": gr.update(choices=kinds, value=kind, visible=len(kinds) > 1),
        "layer": numbered("Layer", layer, len(profiles)),
        "head": numbered("Head", head, len(profiles[layer].near)),
        "all_heads": figure_or_nothing(all_heads) | {"mark": row_mark(layer * heads + head, distances[close])},
        "measures": figure_or_nothing(measures),
        "sentence": markup.note(_sentence(profiles[layer], layer, head)),
        "curve": figure_or_nothing(curve),
    }


def _nothing(reason: str) -> Outputs:
    """Why there is no picture; the pictures of another text go."""
    gone = figure_or_nothing(None)
    badge = markup.badge("off", reason)
    return {"counts": badge, "all_heads": gone, "measures": gone, "sentence": "", "curve": gone}


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


def _sentence(measured: DistanceProfile, layer: int, head: int) -> str:
    words = (
        f"Layer {layer}, head {head}: {percent(measured.near[head])} of the attention goes at most {NEAR} tokens away "
        f"(evenly spread it would be {percent(measured.even)}); "
        f"distance explains {percent(measured.explained[head])} of its variance"
    )
    if measured.period[head]:
        words += (
            f"; it most repeats after {measured.period[head]} tokens (autocorrelation {measured.periodic[head]:.2f})"
        )
    return words + "."
