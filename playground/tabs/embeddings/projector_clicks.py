"""What clicks, lassos, searches and files show of the projector's picture: always of the one that was drawn, whatever the
controls say by now."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import gradio as gr

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
from playground.tabs.embeddings.projector_points import draw_cloud, placed_points
from playground.tabs.embeddings.projector_request import DrawnCloud, NeighbourRequest
from playground.tabs.shared.downloads import fresh_folder
from playground.tabs.shared.page_context import PageContext
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


def _choose(page: PageContext, request: NeighbourRequest, cloud: CloudRequest, points: "Points", row: int) -> Outputs:
    """A point becomes the chosen one. The picture is coloured anew where colours show the similarity to it."""
    bars, sentence = nearest_to(points, row, request.measure, request.centre)
    outputs = {"neighbours": bars, "sentence": sentence, "chosen": row}
    if cloud.colour != SIMILARITY or cloud.chosen == row:
        return outputs
    cloud = replace(cloud, chosen=row)
    figure = as_cloud(draw_cloud(page.model(), cloud, None))
    return outputs | {"figure": figure, "drawn": DrawnCloud.of(page, cloud)}


def choose(page: PageContext, request: NeighbourRequest, event: gr.EventData) -> Outputs:
    """The clicked point's neighbours, and its similarity to the point chosen before."""
    cloud, placed = _drawn_cloud(page, request)
    points = placed.points
    if (row := _row(points, event._data)) is None:
        return {}
    outputs = _choose(page, request, cloud, points, row)
    sentence = outputs["sentence"] + cosine_in_words(points, request.chosen, row, request.centre)
    layout, index = placed.layout.coordinates, int(event._data["index"])
    change = marked(layout, placed.labels, index, _drawn_neighbours(points, row, request))
    return outputs | _moved(outputs, change, cloud, placed, index) | {"sentence": markup.note(sentence, terms=True)}


def _moved(outputs: Outputs, change: dict, cloud: CloudRequest, placed: PlacedPoints, index: int) -> Outputs:
    """The picture with a change of its layout; outputs: with a picture in other colours, perhaps."""
    view = change | {
        "_": f"{index}-{time.monotonic_ns()}",
        "of": revision_of(placed.layout.coordinates, cloud.layout_name),
    }
    figure = {"value": outputs["figure"]} if "figure" in outputs else {}
    return {"figure": gr.update(view=view, **figure)}


def _row(points: "Points", data: dict) -> int | None:
    """The row of the point that was hit; None for what is no point."""
    index = data.get("index")
    if not isinstance(index, int) or not 0 <= index < len(points.numbers) or data.get("trace"):
        return None
    return int(points.numbers[index])


def choose_group(page: PageContext, request: NeighbourRequest, event: gr.EventData) -> Outputs:
    """What is nearest to the mean of the points within the lasso."""
    points = _drawn_cloud(page, request)[1].points
    rows = [row for hit in event._data.get("points") or [] if (row := _row(points, hit)) is not None]
    if not rows:
        return {"sentence": markup.note("No point is chosen.")}
    neighbours = neighbours_of(points, rows, request.measure, request.centre)
    title = f"Nearest to the mean of {counted(len(rows), points.noun)}"
    return {
        "neighbours": neighbour_bars(points, neighbours, title),
        "sentence": markup.note(group_in_words(points, rows)),
    }


def fly(page: PageContext, request: NeighbourRequest) -> Outputs:
    """The picture moves to the point that was searched for, which becomes the chosen one."""
    cloud, placed = _drawn_cloud(page, request)
    points, coordinates = placed.points, placed.layout.coordinates
    index = chosen_index(points, request.search or "")
    outputs = _choose(page, request, cloud, points, int(points.numbers[index]))
    near = _drawn_neighbours(points, int(points.numbers[index]), request)
    change = flown_to(coordinates, placed.labels, index, near)
    return (
        outputs
        | _moved(outputs, change, cloud, placed, index)
        | {"sentence": markup.note(outputs["sentence"], terms=True)}
    )


def _drawn_neighbours(points: "Points", row: int, request: NeighbourRequest) -> list[int]:
    """The numbers, among the points, of a row's neighbours that are in the picture."""
    if points.table is not points.source:
        return []
    rows = neighbours_of(points, [row], request.measure, request.centre).indices
    number_of = {int(row): number for number, row in enumerate(points.numbers)}
    return [number_of[int(row)] for row in rows if int(row) in number_of]


def draw_neighbours(page: PageContext, request: NeighbourRequest) -> Outputs:
    """The chosen point's neighbours by another measure."""
    points = _drawn_cloud(page, request)[1].points
    row = chosen_or_first(points, request.chosen)
    return {"neighbours": nearest_to(points, row, request.measure, request.centre)[0]}


def nearest_to(points: "Points", row: int, measure: str, centre: bool) -> tuple["Figure", str]:
    """Bars of what is nearest to a point, and a sentence."""
    neighbours = neighbours_of(points, [row], measure, centre)
    bars = neighbour_bars(points, neighbours, f"Nearest to “{plain_mark(points.source.texts[row])}”")
    return bars, nearest_in_words(points, row, neighbours, measure, centre)


def download(page: PageContext, request: NeighbourRequest) -> Outputs:
    """Vectors and metadata for the Embedding Projector, the points as CSV, the picture as HTML, behind a button each."""
    cloud, _ = _drawn_cloud(page, request)
    model = page.model()
    source = source_of(page, cloud, ("Embeddings", "Projector"))
    paths = write_files(draw_cloud(model, cloud, None), fresh_folder(), source)
    return {name: gr.DownloadButton(value=str(path), visible=True) for name, path in zip(NAMES, paths, strict=True)}
