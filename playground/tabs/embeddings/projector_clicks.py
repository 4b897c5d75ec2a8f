"""What clicks, lassos, searches and files tell of the projector's picture: always of the one that was drawn, whatever the
controls say by now."""

import time
from typing import NamedTuple

import gradio as gr

from playground.analysis.text_display import counted, plain_mark
from playground.components import markup
from playground.errors import PlaygroundError
from playground.figures.embeddings.clouds import flown_to, revision_of
from playground.figures.embeddings.scatter import neighbours_figure
from playground.tabs.embeddings import projector_points
from playground.tabs.embeddings.files import picture_of, write_files
from playground.tabs.embeddings.projector_points import Placed
from playground.tabs.embeddings.projector_request import SIMILARITY, Asked
from playground.tabs.shared.page_context import loaded, outputs

FIRST = " cat"
"""The token whose neighbours are shown before one is chosen, if it is there."""


class Drawn(NamedTuple):
    """What was asked for when the picture on the page was drawn."""

    of: tuple[str, str, str]
    """Model id, device, number format."""
    asked: Asked


def _found(model_id, device, dtype, drawn: Drawn | None) -> tuple[object, Placed]:
    """The model, and the points of the picture. PlaygroundError where there is none of this model."""
    if drawn is None or drawn.of != (model_id, device, dtype):
        what = "There is no picture yet." if drawn is None else "The picture is still that of the model before."
        raise PlaygroundError(what, "Press Place to draw it.")
    model = loaded(model_id, device, dtype)
    return model, projector_points.placed(model, drawn.asked)


def _coloured_anew(model, drawn: Drawn, number: int) -> tuple:
    """The picture and what was drawn, where colours say the similarity to the chosen point; else both stay."""
    if drawn.asked.colour != SIMILARITY or drawn.asked.chosen == number:
        return gr.skip(), gr.skip()
    asked = drawn.asked._replace(chosen=number)
    return picture_of(projector_points.cloud(model, asked, None), asked), drawn._replace(asked=asked)


@outputs(5)
def choose(
    model_id, device, dtype, event: gr.EventData, drawn=None, chosen=None, measure="cosine", centre=False
) -> tuple:
    """The picture, if its colours depend on the clicked point; the point's neighbours, its similarity to the one clicked
    before, what was drawn, and its number."""
    model, found = _found(model_id, device, dtype, drawn)
    points, place = found.points, event._data.get("index")
    if not isinstance(place, int) or not 0 <= place < len(points.numbers) or event._data.get("trace"):
        return (gr.skip(),) * 5
    number, texts = int(points.numbers[place]), points.source.texts
    bars, words = neighbours_of(points, number, measure, centre)
    if chosen is not None and chosen != number and chosen < len(texts):
        alike = projector_points.cosine(points, chosen, number, centre)
        words += f" Its cosine with “{plain_mark(texts[chosen])}”, clicked before: {alike:.3f}."
    figure, drawn = _coloured_anew(model, drawn, number)
    return figure, bars, markup.note(words), drawn, number


@outputs(2)
def choose_group(
    model_id, device, dtype, event: gr.EventData, drawn=None, chosen=None, measure="cosine", centre=False
) -> tuple:
    """What is nearest to the mean of the points within the lasso."""
    _, found = _found(model_id, device, dtype, drawn)
    points = found.points
    places = [
        one["index"]
        for one in event._data.get("points") or []
        if not one.get("trace") and isinstance(one.get("index"), int) and 0 <= one["index"] < len(points.numbers)
    ]
    if not places:
        return gr.skip(), markup.note("No point is chosen.")
    numbers, texts = points.numbers[places], points.source.texts
    near = projector_points.near(points, numbers, measure, centre)
    some = ", ".join(f"“{plain_mark(texts[i])}”" for i in numbers[:6])
    many = counted(len(numbers), points.noun)
    words = f"{many} chosen: {some}{' …' if len(numbers) > 6 else ''}. Nearest to their mean are the bars."
    return bars_of(points, near, f"Nearest to the mean of {many}"), markup.note(words)


@outputs(5)
def fly(model_id, device, dtype, search, drawn=None, chosen=None, measure="cosine", centre=False) -> tuple:
    """The picture moves to the point that was searched for, which becomes the chosen one."""
    model, found = _found(model_id, device, dtype, drawn)
    points, place = found.points, projector_points.find(found, search or "")
    if place is None:
        raise PlaygroundError(
            f"“{plain_mark(search or '', 40)}” is not among the {counted(len(points.numbers), points.noun)} shown.",
            "Tokens are pieces of words: try a shorter one, or show all tokens."
            if points.noun == "token"
            else "Type the beginning of one of them.",
        )
    number = int(points.numbers[place])
    bars, words = neighbours_of(points, number, measure, centre)
    figure, now = _coloured_anew(model, drawn, number)
    of = revision_of(found.layout.coordinates, drawn.asked.kind)
    view = flown_to(found.layout.coordinates, place) | {"_": f"{place}-{time.monotonic_ns()}", "of": of}
    figure = gr.update(view=view) if figure == gr.skip() else gr.update(value=figure, view=view)
    return figure, bars, markup.note(words), now, number


@outputs(1)
def near_again(model_id, device, dtype, drawn=None, chosen=None, measure="cosine", centre=False) -> tuple:
    """The chosen point's neighbours by another measure."""
    _, found = _found(model_id, device, dtype, drawn)
    return (neighbours_of(found.points, shown_at_first(found, chosen), measure, centre)[0],)


def shown_at_first(found: Placed, chosen: int | None) -> int:
    """The chosen point, or one to begin with."""
    if chosen is None or chosen >= len(found.points.source.texts):
        return int(found.points.numbers[projector_points.find(found, FIRST) or 0])
    return chosen


def neighbours_of(points, number: int, measure: str, centre: bool = False) -> tuple:
    """Bars of what is nearest to a point, and a sentence."""
    near = projector_points.near(points, number, measure, centre)
    name, alike, best = plain_mark(points.source.texts[number]), points.table.anisotropy, ""
    if len(near.indices):
        best = (
            f"nearest is “{plain_mark(points.table.texts[near.indices[0]])}” with a {measure} of {near.values[0]:.3f}; "
        )
    mean = f"{alike.centred:.2f}, the mean taken off" if centre else f"{alike.mean_cosine:.2f}"
    words = f"“{name}” ({points.noun} {number:,}): {best}two random ones have a cosine of {mean}."
    return bars_of(points, near, f"Nearest to “{name}”"), words


def bars_of(points, near, title: str):
    """Neighbours as bars; sentences have room for more of them."""
    labels = [points.table.texts[i] for i in near.indices]
    return neighbours_figure(near, labels, title=title, limit=32 if points.noun == "sentence" else None)


@outputs(4)
def download(model_id, device, dtype, drawn=None) -> tuple:
    """Vectors and metadata for the Embedding Projector, the points as CSV, the picture as HTML, behind a button each."""
    model, _ = _found(model_id, device, dtype, drawn)
    paths = write_files(projector_points.cloud(model, drawn.asked, None), drawn.asked)
    return tuple(gr.DownloadButton(value=path, visible=True) for path in paths)
