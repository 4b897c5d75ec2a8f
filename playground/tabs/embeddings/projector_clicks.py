"""What clicks, lassos, searches and files show of the projector's picture: always of the one that was drawn, whatever the
controls say by now."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import gradio as gr

from playground.analysis.embeddings.pca_and_neighbours import Neighbours
from playground.analysis.text_display import counted, plain_mark
from playground.components import markup
from playground.embeddings.cloud_request import CloudRequest
from playground.embeddings.clouds import PlacedPoints
from playground.embeddings.point_colours import SIMILARITY
from playground.embeddings.point_neighbours import (
    chosen_index,
    chosen_or_first,
    cosine_in_words,
    group_in_words,
    nearest_in_words,
    neighbours_of,
)
from playground.errors import PlaygroundError
from playground.figures.embeddings.cloud_files import NAMES, write_files
from playground.figures.embeddings.clouds import flown_to, marked, revision_of
from playground.figures.embeddings.point_pictures import as_cloud, neighbour_bars
from playground.tabs.embeddings.cloud_scripts import cloud_script, neighbours_script
from playground.tabs.embeddings.projector_points import draw_cloud, placed_points
from playground.tabs.embeddings.projector_request import DrawnCloud, NeighbourRequest
from playground.tabs.shared.downloads import fresh_folder
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.sources import source_of
from playground.tabs.shared.wiring import Outputs

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from playground.embeddings.points import Points


def _drawn_cloud(page: PageContext, request: NeighbourRequest) -> tuple[CloudRequest, PlacedPoints]:
    """What was drawn, and its points. PlaygroundError where there is no picture of this model."""
    if (drawn := request.drawn) is None:
        raise PlaygroundError("There is no picture yet.", "Press Draw.")
    if drawn != DrawnCloud.of(page, drawn.request):
        raise PlaygroundError("The picture is still that of the model before.", "Press Draw.")
    return drawn.request, placed_points(page.model(), drawn.request)


def choose(page: PageContext, request: NeighbourRequest, event: gr.EventData) -> Outputs:
    """The clicked point's neighbours, and its similarity to the point chosen before."""
    cloud, placed = _drawn_cloud(page, request)
    if (index := _index(placed.points, event._data)) is None:
        return {}
    row = int(placed.points.numbers[index])
    cosine = cosine_in_words(placed.points, request.chosen, row, request.centre)
    return _choose(page, request, (cloud, placed), index, marked, cosine)


def fly(page: PageContext, request: NeighbourRequest) -> Outputs:
    """The picture moves to the point that was searched for, which becomes the chosen one."""
    cloud, placed = _drawn_cloud(page, request)
    return _choose(page, request, (cloud, placed), chosen_index(placed.points, request.search or ""), flown_to)


def _choose(
    page: PageContext,
    request: NeighbourRequest,
    drawn: tuple[CloudRequest, PlacedPoints],
    index: int,
    change: Callable[..., dict],
    more: str = "",
) -> Outputs:
    """A point becomes the chosen one: its neighbours, and the picture changed by `marked` or `flown_to`, coloured anew where
    colours show the similarity to it. more: what is said of it too."""
    cloud, placed = drawn
    points, coordinates = placed.points, placed.layout.coordinates
    row = int(points.numbers[index])
    neighbours = neighbours_of(points, [row], request.measure, request.centre)
    view = change(coordinates, placed.labels, index, _in_picture(points, neighbours))
    view |= {"_": f"{index}-{time.monotonic_ns()}", "of": revision_of(coordinates, cloud.layout_name)}
    sentence = nearest_in_words(points, row, neighbours, request.measure, request.centre) + more
    outputs: Outputs = {
        "neighbours": _bars(points, row, neighbours),
        script_output("neighbours"): neighbours_script(
            page.model(), cloud, points, [row], (request.measure, request.centre)
        ),
        "sentence": markup.note(sentence, terms=True),
        "chosen": row,
    }
    if cloud.colour != SIMILARITY or cloud.chosen == row:
        return outputs | {"figure": gr.update(view=view)}
    cloud = replace(cloud, chosen=row)
    again = draw_cloud(page.model(), cloud, None)
    outputs |= {
        "figure": gr.update(view=view, value=as_cloud(again)),
        script_output("figure"): cloud_script(page.model(), again),
    }
    return outputs | {"drawn": DrawnCloud.of(page, cloud)}


def _index(points: "Points", data: dict) -> int | None:
    """The number, among the points, of the one that was hit; None for what is no point."""
    index = data.get("index")
    if not isinstance(index, int) or not 0 <= index < len(points.numbers) or data.get("trace"):
        return None
    return index


def _in_picture(points: "Points", neighbours: Neighbours) -> list[int]:
    """The numbers, among the points, of the neighbours that are in the picture."""
    if points.table is not points.source:
        return []
    number_of = {row: number for number, row in enumerate(points.numbers.tolist())}
    return [number_of[row] for row in map(int, neighbours.indices) if row in number_of]


def choose_group(page: PageContext, request: NeighbourRequest, event: gr.EventData) -> Outputs:
    """What is nearest to the mean of the points within the lasso."""
    cloud, placed = _drawn_cloud(page, request)
    points, how = placed.points, (request.measure, request.centre)
    hits = [_index(points, hit) for hit in event._data.get("points") or []]
    rows = [int(points.numbers[index]) for index in hits if index is not None]
    if not rows:
        return {"sentence": markup.note("No point is chosen.")}
    title = f"Nearest to the mean of {counted(len(rows), points.noun)}"
    return {
        "neighbours": neighbour_bars(points, neighbours_of(points, rows, *how), title),
        script_output("neighbours"): neighbours_script(page.model(), cloud, points, rows, how),
        "sentence": markup.note(group_in_words(points, rows)),
    }


def draw_neighbours(page: PageContext, request: NeighbourRequest) -> Outputs:
    """The chosen point's neighbours by another measure."""
    cloud, placed = _drawn_cloud(page, request)
    points, how = placed.points, (request.measure, request.centre)
    row = chosen_or_first(points, request.chosen)
    script = neighbours_script(page.model(), cloud, points, [row], how)
    return {"neighbours": nearest_to(points, row, *how), script_output("neighbours"): script}


def nearest_to(points: "Points", row: int, measure: str, centre: bool) -> "Figure":
    """Bars of what is nearest to a point."""
    return _bars(points, row, neighbours_of(points, [row], measure, centre))


def _bars(points: "Points", row: int, neighbours: Neighbours) -> "Figure":
    return neighbour_bars(points, neighbours, f"Nearest to “{plain_mark(points.source.texts[row])}”")


def download(page: PageContext, request: NeighbourRequest) -> Outputs:
    """Vectors and metadata for the Embedding Projector, the points as CSV, the picture as HTML, behind a button each."""
    cloud, _ = _drawn_cloud(page, request)
    model = page.model()
    source = source_of(page, cloud, ("Embeddings", "Projector"))
    paths = write_files(draw_cloud(model, cloud, None), fresh_folder(), source)
    return {name: gr.DownloadButton(value=str(path), visible=True) for name, path in zip(NAMES, paths, strict=True)}
