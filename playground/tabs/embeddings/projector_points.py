"""Points as the workbench keeps them: texts recorded, sentences encoded, clouds laid out. Knows no components."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playground import workbench
from playground.analysis.embeddings.layouts import PCA
from playground.analysis.embeddings.tsne_and_umap import Tick
from playground.embeddings import clouds
from playground.embeddings.cloud_request import CloudRequest
from playground.embeddings.clouds import Cloud, PlacedPoints
from playground.errors import Cancelled, PlaygroundError
from playground.figures.layout import label
from playground.tabs.shared.page_context import recording_of

if TYPE_CHECKING:
    from playground.analysis.arrays import Tensor
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording


def no_tick(share: float) -> None:
    """For work that reports nothing."""


@dataclass(frozen=True)
class WorkbenchReader:
    """A `point_sets.TextReader`. tick: called with the share of the sentences that are encoded, 0..1; raises to stop."""

    tick: Tick = no_tick

    def record(self, model: "LoadedModel", text: str) -> "Recording":
        """The text as the model reads it."""
        return recording_of(model, text)

    def encode(self, model: "LoadedModel", lines: Sequence[str], pooling: str, layer: int) -> "Tensor":
        """(N, d_model): sentences by their states after a layer, pooled."""
        return workbench.shared().sentences(model, tuple(lines), pooling, self.tick, layer).vectors


def placed_points(model: "LoadedModel", request: CloudRequest, tick: Tick | None = None) -> PlacedPoints:
    """The points of a request, laid out. Without tick only what is there at once: a t-SNE or UMAP that is no longer kept is
    not made again. PlaygroundError for that, for fewer than three points, and for what a layout can't do."""
    request, bench = clouds.resolve(model, request), workbench.shared()

    def make() -> PlacedPoints:
        if tick is None and request.layout.method != PCA:
            raise Cancelled("The layout")  # which leaves it to others who wait for the same
        points = clouds.points_of(model, request, WorkbenchReader(tick or no_tick))
        key = "labels", request.space, *request.identity
        labels = bench.memo(model, key, lambda: [label(text) for text in points.source.texts])
        return clouds.place_points(points, labels, request, tick or no_tick)

    try:
        return bench.memo(model, ("layout", *request.layout_key), make, lambda placed: placed.nbytes)
    except Cancelled:
        if tick is not None:
            raise
    raise PlaygroundError(f"This {request.layout.method} picture is no longer kept.", "Press Draw.")


def draw_cloud(model: "LoadedModel", request: CloudRequest, tick: Tick | None = no_tick) -> Cloud:
    """The points of a request, laid out (`placed_points`) and coloured, with others dropped in."""
    request = clouds.resolve(model, request)
    placed = placed_points(model, request, tick)
    added = clouds.add_points(model, request, placed.layout, WorkbenchReader())
    return clouds.colour_cloud(placed, request, added)
