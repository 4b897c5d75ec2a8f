"""One head in a picture and a sentence: its weights, a difference of weights, or its mask."""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from playground.analysis.attention.head_summary import summarise_head
from playground.analysis.attention.masks import describe_mask
from playground.analysis.text_display import percent, plain_mark
from playground.figures.attention.head import Shading, difference_figure, head_figure, mask_figure
from playground.figures.attention.head_request import HeadRequest
from playground.figures.attention.token_grid import MapAxes
from playground.figures.attention.token_rows import alignment_figure, alignment_words
from playground.recording.head_choice import THIS_HEAD, HeadChoice
from playground.recording.head_weights import MASK, HeadWeights

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

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


def head_picture(recording: "Recording", weights: HeadWeights, request: HeadRequest) -> HeadPicture:
    """The map, as far as a visitor zoomed into it, and what it shows."""
    window = request.window(weights.weights.shape)
    axes = MapAxes(weights.queries, weights.keys, weights.causal, weights.prompt_length, window)
    if request.show == MASK:
        return _mask_picture(recording, weights, request, axes)
    if weights.derivation.signed:
        words = f"{weights.name}: orange where this head attends more, blue where less.{weights.note}"
        return HeadPicture(difference_figure(weights.weights.numpy(), axes, description=words), words)
    return _weights_picture(recording, weights, request, axes)


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


def _weights_picture(recording: "Recording", weights: HeadWeights, request: HeadRequest, axes: MapAxes) -> HeadPicture:
    values, queries, keys, pair = weights.weights.numpy(), weights.queries, weights.keys, None
    one_sentence = len(queries) != len(recording.attention(request.layer, request.kind).query_tokens)  # of two
    if request.show == THIS_HEAD and weights.excluded_share is None and not one_sentence:
        summary = summarise_head(values, queries, keys, cross=weights.cross)
        sentence, pair = summary.sentence(request.layer, request.head), summary.pair
    else:
        query, key = np.unravel_index(values.argmax(), values.shape)
        sentence = (
            f"{weights.name}: most, {values[query, key]:.3g}, from “{plain_mark(queries[query], 24)}” to "
            f"“{plain_mark(keys[key], 24)}”."
        )
    figure = head_figure(
        values,
        replace(axes, causal=weights.causal and not one_sentence),
        Shading(logarithmic=request.logarithmic, how=request.pooling, unit=weights.derivation.unit),
        selected=None if axes.window else pair,
        description=sentence,
    )
    sentence += weights.note
    if weights.excluded_share is not None:
        sentence += f" What is left out took {percent(weights.excluded_share)} of the attention on average."
    if weights.prompt_length is not None:
        sentence += (
            f" From token {weights.prompt_length} on the model wrote the text itself: dotted lines, green names."
        )
    return HeadPicture(figure, sentence + shared_heads_note(recording, request))


def shared_heads_note(recording: "Recording", choice: HeadChoice) -> str:
    """Which heads share the head's keys and values, and what that saves; empty where each has its own."""
    attention = recording.attention(choice.layer, choice.kind)
    heads, groups = attention.heads, attention.key_value_heads
    if groups is None or groups == heads:
        return ""
    size = heads // groups
    first = choice.head // size * size
    cache = recording.model.anatomy.cache_bytes_per_token
    saved = "" if cache is None else f": {cache / 1024:,.3g} KiB a token instead of {cache * size / 1024:,.3g}"
    return (
        f" Heads {first} to {first + size - 1} share key-value head {choice.head // size}: the cache holds {groups} "
        f"instead of {heads} heads, {percent(1 - groups / heads)} less{saved} (grouped-query attention, Ainslie et al. "
        "2023)."
    )
