"""All layers and heads in one picture, drawn as far as it is computed, with the chosen measure marked."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from playground.analysis.attention.first_token import SINK
from playground.analysis.attention.head_measures import COMPARED, STRONG
from playground.analysis.attention.maps import How, Overview, cells_for, peak_weights, stack_layers
from playground.errors import PlaygroundError
from playground.figures.attention.all_heads import OverviewMarks, Property, overview_figure, overview_mark
from playground.figures.attention.head_request import STRONGEST, UNMARKED, HeadRequest
from playground.recording.measured_heads import compared_heads, measured_heads

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from playground.recording.recording import Recording
    from playground.recording.result_store import ResultStore

EVERY = 2.5
"""Seconds between two pictures of an overview that is not complete yet."""


class OverviewPicture(NamedTuple):
    """All heads, as far as they are computed."""

    figure: "Figure"
    mark: dict[str, Any]  # the frame round the chosen head
    words: str  # what is still to come; empty once all heads are there


def overview_marks(recording: "Recording", request: HeadRequest, store: "ResultStore") -> tuple[OverviewMarks, str]:
    """What the overview marks, and where it can't mark or sort, why not."""
    if request.measure == UNMARKED:
        return OverviewMarks(), "Choose a role to sort by." if request.sort_heads else ""
    if request.kind == "cross":
        return OverviewMarks(), "Roles are about one text; cross-attention has two."
    try:
        if request.measure == STRONGEST:
            return _strongest(*compared_heads(recording, request.kind, store), request.sort_heads), ""
        measures = measured_heads(recording, request.kind, store)
    except PlaygroundError as error:
        return OverviewMarks(), str(error)
    values = measures[request.measure]
    measure = Property(values, request.measure)
    return OverviewMarks(measure, _order(values) if request.sort_heads else None, hover=measure), ""


def _order(values: np.ndarray) -> np.ndarray:
    """(L, H): the heads of each layer, those with the largest values (L, H) first, those without one last."""
    return np.argsort(-np.nan_to_num(values, nan=-np.inf), axis=1, kind="stable")


def _strongest(measures: Mapping[str, np.ndarray], text: str, sort_heads: bool) -> OverviewMarks:
    """Each head's strongest measure, where it is strong; all were measured on one text. Sorted, heads of one role stand
    together, in the order of the legend, the strongest first, and those without a role last."""
    names = [name for name in COMPARED if np.isfinite(measures[name]).any()]
    table = np.stack([np.nan_to_num(measures[name]) for name in names])  # (measures, L, H)
    best, strong = table.argmax(0), table.max(0) >= STRONG
    largest = np.where(np.isfinite([measures[name] for name in names]).any(0), table.max(0), np.nan)
    labels = {}
    for number, name in enumerate(names):
        if len(heads := np.argwhere(strong & (best == number))):
            label = f"first > {SINK}: a sink" if name == "first" else f"{name} ≥ {STRONG}"
            labels[label] = [(int(layer), int(head)) for layer, head in heads]
    words = np.vectorize("{} {:.3f}".format, otypes=[object])(np.array(names, object)[best], table.max(0))
    grouped = np.where(strong, len(names) - best + np.minimum(table.max(0), 1) / 2, np.nan_to_num(largest) / 2)
    order = _order(grouped) if sort_heads else None
    return OverviewMarks(order=order, labels=labels, hover=Property(largest, f"strongest role on {text}", words))


def overview_pictures(recording: "Recording", request: HeadRequest, store: "ResultStore") -> Iterator[OverviewPicture]:
    """The picture of all heads as far as it is computed, every few seconds, the last one complete. Only one layer's weights
    are in memory at a time."""
    kind, (marks, why_none) = request.kind, overview_marks(recording, request, store)
    started = last = time.monotonic()
    layers, first = recording.layers(kind), recording.attention(recording.layer_numbers(kind)[0], kind)
    shared_by = first.heads // (first.key_value_heads or first.heads)
    for maps, done in _small_maps(recording, kind, request.pooling, store):
        now = time.monotonic()
        if done < layers and now - last < EVERY:
            continue
        last, words = now, ""
        if done < layers:
            seconds = (now - started) / done * (layers - done)
            words = f"All heads: layer {done} of {layers}, about {seconds:.0f} s to go; then the maths is checked."
        hover = Property(peak_weights(maps, True), "largest weight") if kind == "cross" else marks.hover
        title = why_none or recording.model.anatomy.mixed_layers.capitalize()
        figure = overview_figure(maps, marks=replace(marks, hover=hover), shared_by=shared_by, title=title)
        yield OverviewPicture(figure, overview_mark(request.layer, request.head, marks.order), words)


def _small_maps(
    recording: "Recording", kind: str, pooling: How, store: "ResultStore"
) -> Iterator[tuple[Overview, int]]:
    """The overview, layer after layer, and how many layers it has; at once where it was computed before. A layer without
    attention has an empty row."""
    numbers = recording.layer_numbers(kind)
    layers, first = len(numbers), recording.attention(numbers[0], kind)
    cells = cells_for(layers, first.heads)
    complete: list[np.ndarray] = store.memo(
        recording, ("small maps", kind, pooling), list, lambda _: 4 * layers * first.heads * cells**2
    )
    if complete:
        yield stack_layers(complete, *first.shape, pooling), layers
        return
    rows: list[np.ndarray] = []  # another visitor may be computing it as well
    for count, number in enumerate(numbers, start=1):
        maps = recording.attention(number, kind).pooled(cells, pooling)
        rows += [maps[:0]] * (number - len(rows)) + [maps]
        yield stack_layers(rows, *first.shape, pooling, recording.depth(kind)), count
    complete[:] = rows + [rows[-1][:0]] * (recording.depth(kind) - len(rows))
