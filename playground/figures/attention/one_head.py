"""One head in a picture and a sentence: its weights, a difference of weights, or its mask."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from playground.analysis.attention.head_summary import summarise_head
from playground.analysis.attention.masks import describe_mask
from playground.analysis.text_display import counted, in_words, percent
from playground.figures.attention.head import Shading, difference_figure, head_figure, mask_figure
from playground.figures.attention.head_request import CHOICE, COLUMN, HeadRequest
from playground.figures.attention.token_grid import MapAxes, TokenGrid
from playground.figures.attention.token_rows import alignment_figure, alignment_words
from playground.recording.head_choice import THIS_HEAD
from playground.recording.head_weights import MASK, HeadWeights
from playground.recording.telling_query import of_one_text, strongest_pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plotly.graph_objects import Figure

    from playground.analysis.xray.arcs import Arc
    from playground.recording.recording import Recording


class HeadPicture(NamedTuple):
    """A map and what it shows, in words."""

    figure: "Figure | None"
    sentence: str


def two_texts_figure(weights: HeadWeights, request: HeadRequest) -> "Figure | None":
    """The two texts of cross-attention with lines between them; None for one text, a mask or a difference."""
    if not weights.cross or request.show == MASK or weights.derivation.signed:
        return None
    texts = weights.weights.numpy(), weights.queries, weights.keys
    words = f"Each target token and what it attends to most: {alignment_words(*texts)}."
    return alignment_figure(*texts, description=words, title="Target above, source below")


def chosen_frame(weights: HeadWeights, request: HeadRequest, token: int) -> dict[str, Any]:
    """The frame round what is said of the chosen token, its row or its column, as a Plotly shape."""
    grid = TokenGrid(weights.weights.shape, _axes(weights, request))
    if request.direction == COLUMN:
        return grid.column_frame(min(token, len(weights.keys) - 1))
    return grid.row_frame(max(0, min(token, len(weights.queries) - 1) - (request.direction == CHOICE)))


def _axes(weights: HeadWeights, request: HeadRequest) -> MapAxes:
    one_sentence = weights.weights.shape[0] != weights.weights.shape[1]  # of two
    window = request.window(weights.weights.shape)
    causal = weights.causal and not one_sentence
    return MapAxes(weights.queries, weights.keys, causal, weights.prompt_length, window)


def head_picture(
    recording: "Recording", weights: HeadWeights, request: HeadRequest, telling: "Arc | None" = None
) -> HeadPicture:
    """The map, as far as a visitor zoomed into it, and what it shows. telling: of the head that tells most of the text, its
    arc; the sentence says why."""
    axes = _axes(weights, request)
    if request.show == MASK:
        return _mask_picture(recording, weights, request, axes)
    if weights.derivation.signed:
        words = f"{weights.name}: orange where this head attends more, blue where less.{weights.note}"
        return HeadPicture(difference_figure(weights.weights.numpy(), axes, description=words), words)
    return _weights_picture(recording, weights, request, telling)


def _mask_picture(recording: "Recording", weights: HeadWeights, request: HeadRequest, axes: MapAxes) -> HeadPicture:
    allowed = recording.attention(request.layer, request.kind).allowed
    if allowed is None and recording.model.on_interface:
        allowed = np.ones(weights.weights.shape, bool)
    if allowed is None:
        words = "The mask of this model is not captured, only its weights: zeros in them are what it hides."
        return HeadPicture(None, words)
    mask = describe_mask(allowed, weights.cross)
    sentence = (
        f"Layer {request.layer}, the mask as the model used it: {mask.name}. {mask.words} {percent(mask.share)} of all "
        "pairs are allowed. One text is read at a time, so nothing is padded."
    )
    return HeadPicture(mask_figure(allowed, axes, description=sentence), sentence)


def _weights_picture(
    recording: "Recording", weights: HeadWeights, request: HeadRequest, telling: "Arc | None"
) -> HeadPicture:
    values, queries, keys = weights.weights.numpy(), weights.queries, weights.keys
    one_sentence = len(queries) != len(recording.attention(request.layer, request.kind).query_tokens)  # of two
    if request.show == THIS_HEAD and weights.excluded_share is None and not one_sentence:
        summary = summarise_head(values, queries, keys, cross=weights.cross)
        sentence = summary.sentence(request.layer, request.head, telling_words(telling, queries) if telling else "")
    else:
        query, key = strongest_pair(weights)
        what = "beside the first token and itself, most" if of_one_text(weights) else "most"
        sentence = (
            f"{weights.name}: {what}, {values[query, key]:.3g}, goes from “{in_words(queries[query])}” to "
            f"“{in_words(keys[key])}”."
        )
    shading = Shading(logarithmic=request.logarithmic, how=request.pooling, unit=weights.derivation.unit)
    figure = head_figure(values, _axes(weights, request), shading, description=sentence)
    sentence += weights.note
    if weights.excluded_share is not None:
        sentence += f" What is ignored took {percent(weights.excluded_share)} of the attention on average."
    if weights.prompt_length is not None:
        sentence += (
            f" From token {weights.prompt_length} on the model wrote the text itself: dotted lines, green names."
        )
    return HeadPicture(figure, sentence)


def telling_words(arc: "Arc", tokens: "Sequence[str]") -> str:
    """Why a head tells most of a text."""
    query, key = (f"“{in_words(tokens[place])}”" for place in (arc.query, arc.key))
    away = f"{counted(abs(arc.query - arc.key), 'token')} {'back' if arc.key < arc.query else 'ahead'}"
    return (
        f"the most telling head for this text. {query} gives {percent(arc.weight)} of its attention to {key}, {away}; the "
        f"head's other tokens give {key} {percent(max(0.0, arc.weight - arc.telling))} on average"
    )
