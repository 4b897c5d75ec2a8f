"""What clicks, lassos, searches and files tell of the vocabulary's picture: always of the one that was drawn, whatever the
controls say by now."""

import time
from typing import NamedTuple

import gradio as gr

from playground.analysis.display import plain_mark
from playground.components import markup
from playground.errors import PlaygroundError
from playground.figures.clouds import flown_to
from playground.figures.embeddings import neighbours_figure
from playground.tabs.embeddings import placing
from playground.tabs.embeddings.files import picture_of, write_files
from playground.tabs.embeddings.placing import SIMILARITY, Asked, Placed
from playground.tabs.lens import loaded, outputs

FIRST = " cat"
"""The token whose neighbours are shown before one is chosen, if it is there."""


class Drawn(NamedTuple):
    """What was asked for when the picture on the page was drawn."""

    of: tuple[str, str, str]
    """Model id, device, number format."""
    asked: Asked


def _found(model_id, device, dtype, drawn: Drawn | None) -> tuple[object, Placed]:
    """The model, and the tokens of the picture. PlaygroundError where there is none of this model."""
    if drawn is None or drawn.of != (model_id, device, dtype):
        what = "There is no picture yet." if drawn is None else "The picture is still that of the model before."
        raise PlaygroundError(what, "Press Place to draw it.")
    model = loaded(model_id, device, dtype)
    return model, placing.placed(model, drawn.asked)


def _coloured_anew(model, drawn: Drawn, number: int) -> tuple:
    """The picture and what was drawn, where colours say the similarity to the chosen token; else both stay."""
    if drawn.asked.colour != SIMILARITY or drawn.asked.chosen == number:
        return gr.skip(), gr.skip()
    asked = drawn.asked._replace(chosen=number)
    return picture_of(placing.cloud(model, asked, None), asked), drawn._replace(asked=asked)


@outputs(5)
def choose(model_id, device, dtype, event: gr.EventData, drawn=None, chosen=None, measure="cosine") -> tuple:
    """The picture, if its colours depend on the clicked token; the token's neighbours, its similarity to the one clicked
    before, what was drawn, and its number."""
    model, found = _found(model_id, device, dtype, drawn)
    place = event._data.get("index")
    if not isinstance(place, int) or not 0 <= place < len(found.numbers) or event._data.get("trace"):
        return (gr.skip(),) * 5
    number, texts = int(found.numbers[place]), found.table.texts
    bars, words = neighbours_of(found.table, number, measure)
    if chosen is not None and chosen != number and chosen < len(texts):
        alike = placing.cosine(found.table, chosen, number)
        words += f" Its cosine with “{plain_mark(texts[chosen])}”, clicked before: {alike:.3f}."
    figure, drawn = _coloured_anew(model, drawn, number)
    return figure, bars, markup.note(words), drawn, number


@outputs(2)
def choose_group(model_id, device, dtype, event: gr.EventData, drawn=None, chosen=None, measure="cosine") -> tuple:
    """What is nearest to the mean of the tokens within the lasso."""
    _, found = _found(model_id, device, dtype, drawn)
    places = [i for i in event._data.get("indices") or [] if isinstance(i, int) and 0 <= i < len(found.numbers)]
    if not places:
        return gr.skip(), markup.note("No token is chosen.")
    numbers, texts = found.numbers[places], found.table.texts
    near = placing.near_group(found.table, numbers, measure)
    some = ", ".join(f"“{plain_mark(texts[i])}”" for i in numbers[:6])
    words = f"{len(numbers):,} tokens chosen: {some}{' …' if len(numbers) > 6 else ''}. Nearest to their mean are the bars."
    title = f"Nearest to the mean of {len(numbers):,} tokens"
    return neighbours_figure(near, [texts[i] for i in near.indices], title=title), markup.note(words)


@outputs(5)
def fly(model_id, device, dtype, search, drawn=None, chosen=None, measure="cosine") -> tuple:
    """The picture moves to the token that was searched for, which becomes the chosen one."""
    model, found = _found(model_id, device, dtype, drawn)
    place = placing.find(found, search or "")
    if place is None:
        raise PlaygroundError(
            f"“{plain_mark(search or '', 40)}” is not among the {len(found.numbers):,} tokens shown.",
            "Tokens are pieces of words: try a shorter one, or show all tokens.",
        )
    number, change = int(found.numbers[place]), flown_to(found.layout.coordinates, place)
    bars, words = neighbours_of(found.table, number, measure)
    name = f"{place}-{time.monotonic_ns()}"
    figure, now = _coloured_anew(model, drawn, number)
    if now == gr.skip():
        figure = gr.update(view=change | {"_": name})
    else:  # a picture that comes anew must itself be there already
        figure.update_layout(change, uirevision=name)
    return figure, bars, markup.note(words), now, number


@outputs(1)
def near_again(model_id, device, dtype, drawn=None, chosen=None, measure="cosine") -> tuple:
    """The chosen token's neighbours by another measure."""
    _, found = _found(model_id, device, dtype, drawn)
    return (neighbours_of(found.table, shown_at_first(found, chosen), measure)[0],)


def shown_at_first(found: Placed, chosen: int | None) -> int:
    """The chosen token, or one to begin with."""
    if chosen is None or chosen >= len(found.table.texts):
        return int(found.numbers[placing.find(found, FIRST) or 0])
    return chosen


def neighbours_of(table, number: int, measure: str) -> tuple:
    """Bars of the tokens nearest to one, and a sentence."""
    near = placing.near(table, number, measure)
    labels = [table.texts[i] for i in near.indices]
    name = plain_mark(table.texts[number])
    words = (f"“{name}” (token {number:,}): nearest is “{plain_mark(labels[0])}” with a {measure} of {near.values[0]:.3f}; "
             f"two random tokens have a cosine of {table.anisotropy.mean_cosine:.2f}.")  # fmt: skip
    return neighbours_figure(near, labels, title=f"Nearest to “{name}”"), words


@outputs(4)
def download(model_id, device, dtype, drawn=None) -> tuple:
    """Vectors and metadata for the Embedding Projector, the points as CSV, the picture as HTML, behind a button each."""
    model, _ = _found(model_id, device, dtype, drawn)
    paths = write_files(placing.cloud(model, drawn.asked, None), drawn.asked)
    return tuple(gr.DownloadButton(value=path, visible=True) for path in paths)
