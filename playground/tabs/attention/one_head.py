"""One head in a picture and a sentence: its weights, what they are compared with, or its mask. Knows recordings; knows no
controls."""

from dataclasses import replace

import gradio as gr
import numpy as np

from playground.analysis.attention.head_summary import summarise_head
from playground.analysis.attention.masks import describe_mask
from playground.analysis.text_display import percent, plain_mark
from playground.components import markup
from playground.figures.attention.head import Shading, difference_figure, head_figure, mask_figure
from playground.figures.attention.token_grid import MapAxes, Window
from playground.figures.attention.token_rows import alignment_figure, alignment_words
from playground.tabs.attention.head_weights import MASK, THIS, Shown, shared_key
from playground.tabs.attention.heads_request import Asked


def head_view(recording, shown: Shown, layer: int, head: int, kind: str, wanted: Asked | None = None) -> tuple:
    """The picture of one head, the alignment of two texts, and the sentence under them."""
    window = wanted.window(shown.weights.shape) if wanted else None
    figure, sentence = head_picture(recording, shown, layer, head, kind, window)
    links = gr.update(value=None, visible=False)
    if shown.cross and shown.options.show != MASK and not shown.compared:
        weights = shown.weights.numpy()
        told = f"Each target token and what it attends to most: {alignment_words(weights, shown.queries, shown.keys)}."
        links = gr.update(
            visible=True,
            value=alignment_figure(
                weights, shown.queries, shown.keys, description=told, title="Target above, source below"
            ),
        )
    return figure, links, markup.note(sentence)


def head_picture(recording, shown: Shown, layer: int, head: int, kind: str, window: Window | None = None) -> tuple:
    """The map and what is seen, in a sentence."""
    show = shown.options.show
    axes = MapAxes(shown.queries, shown.keys, shown.causal, shown.begun, window)
    if show == MASK:
        allowed = recording.attention(layer, kind).allowed
        if allowed is None and recording.model.on_interface:
            allowed = np.ones(shown.weights.shape, bool)
        if allowed is None:
            return None, "The mask of this model is not captured, only its weights: zeros in them are what it hides."
        told = describe_mask(allowed, shown.cross)
        sentence = (
            f"Layer {layer}, the mask as the model used it: {told.name}. {told.words} {percent(told.share)} of all "
            "pairs are allowed. One text is read at a time, so nothing is padded."
        )
        return mask_figure(allowed, axes, description=sentence), sentence
    weights = shown.weights.numpy()
    if shown.compared:
        sentence = f"{shown.name}: orange where this head attends more, blue where less.{shown.note}"
        return difference_figure(weights, axes, description=sentence), sentence
    pair = None
    part_of = len(shown.queries) != len(recording.attention(layer, kind).query_tokens)  # one sentence of two
    if show == THIS and shown.hidden is None and not part_of:
        summary = summarise_head(shown.weights, shown.queries, shown.keys, cross=shown.cross)
        sentence, pair = summary.sentence(layer, head), summary.pair
    else:
        query, key = np.unravel_index(weights.argmax(), weights.shape)
        sentence = (
            f"{shown.name}: most, {weights[query, key]:.3g}, from “{plain_mark(shown.queries[query], 24)}” to "
            f"“{plain_mark(shown.keys[key], 24)}”."
        )
    figure = head_figure(
        weights,
        replace(axes, causal=shown.causal and not part_of),
        Shading(logarithmic=shown.options.logarithmic, how=shown.options.how, unit=shown.unit),
        selected=None if window else pair,
        description=sentence,
    )
    sentence += shown.note
    if shown.hidden is not None:
        sentence += f" What is left out took {percent(shown.hidden)} of the attention on average."
    if shown.begun is not None:
        sentence += f" From token {shown.begun} on the model wrote the text itself: dotted lines, blue names."
    return figure, sentence + shared_key(recording, layer, head, kind)
