"""Pictures of the schemes that act on scores: rotary, ALiBi, relative buckets, and those without a picture of their own.

Each function gets the model's own `PositionFacts`, or None for the pictures of the formula.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from playground.analysis.arrays import check_range
from playground.analysis.positions.schemes import (
    MAX_WIDTH,
    alibi_bias,
    alibi_slopes,
    relative_bias,
    relative_bucket,
    rotary_angles,
    rotary_wavelengths,
    sinusoidal_wavelengths,
    table_similarity,
)
from playground.errors import PlaygroundError
from playground.figures.positions import curves, distance_biases, schemes
from playground.figures.positions.scheme_content import (
    MAX_PICTURES,
    Numbers,
    SchemePictures,
    TextFacts,
    attention_figure,
)

if TYPE_CHECKING:
    from playground.positions.scheme_tensors import PositionFacts

MAX_DISTANCES = 1024
"""Rows of a table of distances that are shown."""


def rotary_pictures(facts: PositionFacts | None, numbers: Numbers, text: TextFacts) -> SchemePictures:
    """Angles and wavelengths of each kind of layer; attention of layers without rotation beside the others'."""
    if facts is not None and facts.missing:
        return _with_nope(SchemePictures(f"There is no picture: {facts.missing}."), text)
    kinds = _formula_frequencies(numbers) if facts is None else facts.inverse_frequencies
    context = text.context if facts is not None else None
    drawn, words = [], []
    for name, values in list(kinds.items())[:2]:
        frequencies = np.asarray(values)
        waves = rotary_wavelengths(frequencies)
        where = f", {name}" if len(kinds) > 1 else ""
        angles = rotary_angles(frequencies, numbers.length)
        drawn.append(schemes.rotary_figure(angles, title=f"Angle of each position{where}"))
        drawn.append(
            schemes.wavelengths_figure(
                waves, length=text.tokens, context=context, title=f"Wavelength of each pair{where}"
            )
        )
        words.append(f"{len(frequencies)} pairs turn once in {waves[0]:.3g} to {waves[-1]:,.0f} tokens{where}")
    pictures = SchemePictures(
        "Queries and keys are turned pair by pair: " + "; ".join(words) + ". A score then depends on the distance "
        f"of two tokens alone; see it in “Clocks”.{_remark(facts)}",
        tuple(drawn),
        own=facts is not None,
    )
    return pictures if facts is None else _with_nope(pictures, text)


def _formula_frequencies(numbers: Numbers) -> dict[str, np.ndarray]:
    if numbers.width % 2:
        raise PlaygroundError(f"{numbers.width} dimensions can't be turned two by two.", "Choose an even width.")
    check_range("The width", numbers.width, 1, MAX_WIDTH)
    numbers.check_cells()
    return {"formula": 2 * np.pi / sinusoidal_wavelengths(numbers.width, numbers.base)}


def _with_nope(pictures: SchemePictures, text: TextFacts) -> SchemePictures:
    """A rotary model's pictures, with the attention of its layers without positions, if it has any."""
    if not text.layers_without:
        return pictures
    words = (
        f" Layers without rotation (NoPE): {', '.join(map(str, text.layers_without))}. They are told no positions: the same "
        "token gets the same score at any distance."
    )
    if text.profiles is None:
        return replace(pictures, sentence=pictures.sentence + words)
    distances, mean = text.profiles
    last = curves.over_distance_figure(
        distances,
        mean,
        ["layers that turn (rotary)", "layers that don't (NoPE)"],
        what="mean weight",
        title="Attention over distance on this text: NoPE layers beside rotary ones",
    )
    words += " The last picture has their attention over distance, mean of all heads, beside that of the other layers."
    figures = (*pictures.figures[: MAX_PICTURES - 1], last)
    return replace(pictures, sentence=pictures.sentence + words, figures=figures)


def alibi_pictures(facts: PositionFacts | None, numbers: Numbers, text: TextFacts) -> SchemePictures:
    """Each head's slope, its bias over distance, and its real attention."""
    slopes = alibi_slopes(numbers.heads) if facts is None else np.asarray(facts.slopes)
    drawn = [
        distance_biases.slopes_figure(slopes, title="Slope of each head"),
        distance_biases.alibi_figure(alibi_bias(slopes, numbers.length), title="Bias over distance"),
    ]
    if facts is not None and text.profiles is not None:
        drawn.append(attention_figure(text.profiles))
    return SchemePictures(
        f"Each of {len(slopes)} heads subtracts its own slope times the distance from every score.{_remark(facts)}",
        tuple(drawn),
        own=facts is not None,
    )


def relative_pictures(facts: PositionFacts | None, numbers: Numbers, text: TextFacts) -> SchemePictures:
    """The bucket of each distance, and each head's learned bias."""
    distances = np.arange(-numbers.length, numbers.length + 1)
    if facts is None:
        steps = {
            "both directions (encoder)": relative_bucket(distances),
            "backwards (decoder)": relative_bucket(distances, False),
        }
        return SchemePictures(
            "T5's 32 buckets up to a distance of 128, by the formula; which bias each bucket has is learned: "
            "load a T5 to see it.",
            (distance_biases.buckets_figure(distances, steps, title="The bucket of each distance"),),
            own=False,
        )
    steps, drawn = {}, []
    for buckets in facts.buckets[:2]:
        count = buckets.table.shape[0]
        steps[buckets.where] = relative_bucket(distances, buckets.bidirectional, count, buckets.max_distance)
        bias = relative_bias(buckets.table, distances, buckets.bidirectional, buckets.max_distance)
        title = f"Learned bias of each head, {buckets.where}"
        drawn.append(distance_biases.relative_bias_figure(bias, distances, title=title))
        drawn.append(distance_biases.relative_bias_figure(bias, distances, lines=True, title=f"{title}, as lines"))
    return SchemePictures(
        f"Distances fall into {len(facts.buckets[0].table)} buckets, wider the farther; each head adds a learned "
        "number for the bucket to the score.",
        (distance_biases.buckets_figure(distances, steps, title="The bucket of each distance"), *drawn),
    )


def other_pictures(facts: PositionFacts | None, numbers: Numbers, text: TextFacts) -> SchemePictures:
    """Vectors of distances where there are some, and the attention over distance."""
    if facts is None:
        return SchemePictures(
            "Some layers are told nothing of positions (NoPE: every fourth of SmolLM3): a causal mask alone lets "
            "them count what they see. DeBERTa and XLNet add terms to the scores in which the query meets a vector "
            "of the distance. No formula can be drawn for either; load such a model.",
            own=False,
        )
    drawn, words = [], "This model has no tensor of positions that could be drawn."
    if facts.distance_table is not None:
        table = facts.distance_table.numpy()[:MAX_DISTANCES]
        drawn = [
            schemes.table_figure(table, what="vectors of distances", title="The model's vectors of distances"),
            schemes.similarity_figure(table_similarity(table).cosine, title="Similarity of distances"),
        ]
        words = (
            f"Scores have terms of their own for distance: queries and keys meet one of {len(table)} learned vectors "
            "of distances, projected anew in each layer. Row by row, from the farthest key after to the farthest "
            "before."
        )
    elif not facts.missing:
        words = (
            "Scores have terms of their own for distance, made from sinusoids inside each layer; they can't be read."
        )
    if text.profiles is not None:
        drawn.append(attention_figure(text.profiles))
        words += " What remains visible is the attention itself over distance."
    return SchemePictures(words, tuple(drawn))


def _remark(facts: PositionFacts | None) -> str:
    return f" {facts.remark}" if facts is not None and facts.remark else ""
