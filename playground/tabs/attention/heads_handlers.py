"""What the first view of the Attention tab draws: every handler takes the model, the text, the head and what the controls
say (asked.py). How one head is drawn stands in one_head.py. Knows recordings; knows no components by name."""

import time
from collections.abc import Iterator
from dataclasses import replace

import gradio as gr

from playground.analysis.attention.maps import peak_weights
from playground.components import markup, numbered
from playground.errors import PlaygroundError
from playground.figures.attention.all_heads import (
    OverviewMarks,
    Property,
    overview_cell,
    overview_figure,
    overview_mark,
)
from playground.figures.attention.token_grid import Window
from playground.tabs.attention.head_weights import head_map, two_sentences
from playground.tabs.attention.heads_request import Asked, asked, marking, small_maps
from playground.tabs.attention.one_head import head_picture, head_view
from playground.tabs.attention.rows import COLUMN, ROW, WAYS, row_view, write_files
from playground.tabs.shared.page_context import loaded, outputs, recorded

EVERY = 2.5
"""Seconds between two pictures of an overview that is not whole yet."""
SHORT = 32
"""Tokens up to which a map shows everything, so that zooming in brings nothing more."""
PAIR = "The cat sat on the mat. {sep} It was tired and wanted to sleep."


@outputs(3)
def follow(model_id, device, dtype, text, layer, head, kind) -> tuple:
    """Kind, layer and head as the model has them: what stands beyond the last goes there. The rest stays where it is, and a
    visitor may have moved it on while this answer was made."""
    recording = recorded(model_id, device, dtype, text)
    if not recording.kinds:
        return gr.skip(), gr.skip(), gr.skip()
    asked_for = kind
    kind, now, place = within(recording, layer, head, kind)
    layers, heads = recording.layers(kind), recording.attention(now, kind).heads
    return (
        gr.Radio(
            choices=list(recording.kinds),
            visible=len(recording.kinds) > 1,
            **({} if kind == asked_for else {"value": kind}),
        ),
        numbered("Layer", now, layers, moved=now != layer),
        numbered("Head", place, heads, moved=place != head),
    )


@outputs(11)
def draw(model_id, device, dtype, text, layer, head, kind, *rest) -> Iterator[tuple]:
    """The whole view: first the chosen head, then all heads, then the check of the maths. Gives heads to choose, sentences,
    the button for two of them, overview, map, alignment, sentence, badge, strip, its words, bars."""
    recording, wanted, skip = recorded(model_id, device, dtype, text), asked(text, *rest), gr.skip()
    gone = gr.update(value=None, visible=False)
    if not (can := recording.model.capabilities.attention):
        words = f"The attention of this model can't be shown: {can.reason}."
        yield *[skip] * 3, None, None, gone, markup.note(words), "", [], "", None
        return
    kind, layer, head = within(recording, layer, head, kind)
    heads, pair = recording.attention(layer, kind).heads, two_sentences(recording.tokens)
    others = tuple(n for n in wanted.options.others if n < heads)
    wanted = replace(wanted, options=wanted.options._replace(others=others))
    controls = (
        gr.update(choices=[(f"head {n}", n) for n in range(heads)], value=list(others)),
        gr.update(visible=pair),
        gr.update(visible=bool(recording.model.capabilities.pairs) and not pair),
    )
    pictures = _one_head(recording, layer, head, kind, wanted)
    yield *controls, skip, *pictures[:3], skip, *pictures[3:]
    still = [skip] * 3
    for picture, words in overview_views(recording, kind, (layer, head), wanted):
        # Both at once: of two answers in quick succession the page mostly loses the first (27 of 30 with Gradio 6.31).
        badge = markup.badge("off", words) if words else verification_badge(recording)
        yield *still, picture, skip, skip, skip, badge, skip, skip, skip


@outputs(9)
def draw_head(model_id, device, dtype, text, layer, head, kind, *rest) -> tuple:
    """Another head of the same recording; the frame in the overview moves there."""
    recording, wanted = recorded(model_id, device, dtype, text), asked(text, *rest)
    return gr.skip(), gr.skip(), *_another_head(recording, int(layer), int(head), kind, wanted)


@outputs(9)
def open_head(model_id, device, dtype, text, layer, head, kind, event: gr.EventData, *rest) -> tuple:
    """The head whose small map was clicked in the overview."""
    recording, wanted = recorded(model_id, device, dtype, text), asked(text, *rest)
    heads = [recording.attention(n, kind).heads for n in range(recording.layers(kind))]
    found = overview_cell(heads, event._data["x"], event._data["y"])
    if found is None:
        return tuple([gr.skip()] * 9)
    layer, place = found
    order = marking(recording, kind, wanted).order
    head = place if order is None else int(order[layer, place])
    return layer, head, *_another_head(recording, layer, head, kind, wanted)


def _another_head(recording, layer: int, head: int, kind: str, wanted: Asked) -> tuple:
    """The frame in the overview, and what `_one_head` gives."""
    order = marking(recording, kind, wanted).order if wanted.ordered else None
    return gr.update(mark=overview_mark(layer, head, order)), *_one_head(recording, layer, head, kind, wanted)


def _one_head(recording, layer: int, head: int, kind: str, wanted: Asked) -> tuple:
    """map, alignment, sentence, strip, its words, bars; where this can't be shown of the model, why, in place of all.
    PlaygroundError for a layer or head that there is not."""
    if head not in range((attention := recording.attention(layer, kind)).heads):
        attention.head(head)  # which says so
    try:
        shown = head_map(recording, layer, head, kind, wanted.options)
    except PlaygroundError as error:
        return None, gr.update(value=None, visible=False), markup.problem(error), [], "", None
    return *head_view(recording, shown, layer, head, kind, wanted), *row_view(shown, wanted.way, wanted.place)


@outputs(1)
def draw_overview(model_id, device, dtype, text, layer, head, kind, *rest) -> Iterator[tuple]:
    """All heads, with another property marked in them."""
    recording, wanted = recorded(model_id, device, dtype, text), asked(text, *rest)
    for picture, _ in overview_views(recording, kind, (int(layer), int(head)), wanted):
        yield (picture,)


@outputs(5)
def open_row(model_id, device, dtype, text, layer, head, kind, event: gr.EventData, *rest) -> tuple:
    """The row of the query token whose cell was clicked: strip, words, bars, way, place."""
    recording, wanted = recorded(model_id, device, dtype, text), asked(text, *rest)
    shown = head_map(recording, int(layer), int(head), kind, wanted.options)
    place = min(max(0, int(event._data["y"])), len(shown.queries) - 1)
    return *row_view(shown, ROW, place), _name_of(ROW), place


@outputs(5)
def open_token(model_id, device, dtype, text, layer, head, kind, event: gr.EventData, *rest) -> tuple:
    """A token of the strip, or of a bar, is the chosen one. Of two texts the strip shows the other one, so that a click
    there turns from row to column, or back."""
    recording, wanted = recorded(model_id, device, dtype, text), asked(text, *rest)
    shown = head_map(recording, int(layer), int(head), kind, wanted.options)
    place, way = event._data["index"], wanted.way
    if isinstance(event._data.get("customdata"), int | float):
        place = event._data["customdata"]  # of a bar
    if shown.cross or len(shown.queries) != len(shown.keys) or wanted.options.between not in ("both", "A → A", "B → B"):
        way = COLUMN if way == ROW else ROW
    return *row_view(shown, way, int(place)), _name_of(way), int(place)


@outputs(3)
def draw_row(model_id, device, dtype, text, layer, head, kind, *rest) -> tuple:
    """The chosen token, told in another way: strip, words, bars."""
    recording, wanted = recorded(model_id, device, dtype, text), asked(text, *rest)
    shown = head_map(recording, int(layer), int(head), kind, wanted.options)
    return row_view(shown, wanted.way, wanted.place)


@outputs(2)
def zoom(model_id, device, dtype, text, layer, head, kind, event: gr.EventData, *rest) -> tuple:
    """The part of a long text's map that is looked at, as exactly as the picture's cells allow; and which part that is, for
    the next head."""
    recording, wanted = recorded(model_id, device, dtype, text), asked(text, *rest)
    shown = head_map(recording, int(layer), int(head), kind, wanted.options)
    if max(shown.weights.shape) <= SHORT:
        return gr.skip(), None
    shape = tuple(shown.weights.shape)
    window = _window(event._data, shape)
    return head_picture(recording, shown, int(layer), int(head), kind, window)[0], window and (shape, window)


def _window(seen: dict, shape: tuple[int, int]) -> Window | None:
    """What lies within the axes' ranges, and a quarter more on each side; None for nearly all."""
    parts = []
    for name, size in (("y", shape[0]), ("x", shape[1])):
        low, high = sorted((float(seen[f"{name}0"]), float(seen[f"{name}1"])))
        more = (high - low) / 4
        parts.append((max(0, int(low - more)), min(size, int(high + more) + 2)))
    if any(low >= high for low, high in parts) or all(
        high - low >= size for (low, high), size in zip(parts, shape, strict=True)
    ):
        return None
    return Window(*parts)


def within(recording, layer, head, kind: str) -> tuple[str, int, int]:
    """Kind, layer and head that there are: what a page still holds of another model becomes the first kind, the last layer,
    the last head."""
    kind = kind if kind in recording.kinds else recording.kinds[0]
    layer = min(max(0, int(layer or 0)), recording.layers(kind) - 1)
    return kind, layer, min(max(0, int(head or 0)), recording.attention(layer, kind).heads - 1)


def _name_of(way: str) -> str:
    return next(name for name, known in WAYS.items() if known == way)


@outputs(2)
def download(model_id, device, dtype, text, layer, head, kind, *rest) -> tuple:
    """The map shown, as CSV and as JSON, behind a button each."""
    shown = head_map(recorded(model_id, device, dtype, text), int(layer), int(head), kind, asked(text, *rest).options)
    return tuple(gr.DownloadButton(value=path, visible=True) for path in write_files(shown))


@outputs(2)
def two_sentences_example(model_id, device, dtype) -> tuple:
    """Two sentences with the model's own separator between them, for the box and under the lens."""
    text = PAIR.format(sep=loaded(model_id, device, dtype).tokenizer.sep_token)
    return text, text


def overview_views(recording, kind: str, selected: tuple[int, int], wanted: Asked) -> Iterator[tuple]:
    """The picture of all heads as far as it is done, every few seconds, and what is still to come, in words; empty once it
    is whole. Only one layer's weights are in memory at a time."""
    marked = marking(recording, kind, wanted)
    started = last = time.monotonic()
    layers, first = recording.layers(kind), recording.attention(0, kind)
    shared_by = first.heads // (first.key_value_heads or first.heads)
    for found, done in small_maps(recording, kind, wanted.options.how):
        now = time.monotonic()
        if done < layers and now - last < EVERY:
            continue
        last, words = now, ""
        if done < layers:
            left = (now - started) / done * (layers - done)
            words = f"All heads: layer {done} of {layers}, about {left:.0f} s to go; then the maths is checked."
        told = marked.told or (Property(peak_weights(found, True), "largest weight") if kind == "cross" else None)
        figure = overview_figure(
            found,
            marks=OverviewMarks(marked.property, marked.order, marked.labels, told),
            shared_by=shared_by,
            title=marked.missing,
        )
        yield gr.update(value=figure, mark=overview_mark(*selected, marked.order)), words


def verification_badge(recording) -> str:
    """Whether the maths shown reproduces what the model used, for this text."""
    result = recording.verify()
    if result.reason:
        return markup.badge("off", f"Not recomputed: {result.reason}")
    words = f"largest difference between the recomputed softmax(scores)·V and what the model used: {result.largest:.1e}"
    rounding = f"over all layers and heads; rounding explains {result.tolerance:.0e}"
    return (
        markup.badge("ok", f"Verified: {words}", rounding)
        if result.passed
        else markup.badge("warn", f"Not reproduced: {words}", rounding)
    )
