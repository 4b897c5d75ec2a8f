"""Pictures of the schemes that add a vector for each position to the embeddings: sinusoidal, learned table.

Each function gets the model's own `PositionFacts`, or None for the pictures of the formula.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from playground.analysis.arrays import check_range
from playground.analysis.embeddings.pca_and_neighbours import pca
from playground.analysis.positions.schemes import (
    MAX_WIDTH,
    nearest_sinusoidal,
    sinusoidal,
    sinusoidal_shift,
    sinusoidal_wavelengths,
    table_similarity,
)
from playground.analysis.text_display import power_of_ten
from playground.figures.positions import curves, schemes
from playground.figures.positions.scheme_content import Numbers, SchemePictures, TextFacts

if TYPE_CHECKING:
    from playground.positions.scheme_tensors import PositionFacts

MAX_POSITIONS = 512
"""Rows of a learned table that are shown."""


def sinusoidal_pictures(facts: PositionFacts | None, numbers: Numbers, text: TextFacts) -> SchemePictures:
    """The table, single dimensions, similarity over distance, and a shift as a rotation."""
    check_range("The width", numbers.width, 1, MAX_WIDTH)
    numbers.check_cells()
    formula = sinusoidal(numbers.length, numbers.width, numbers.base)
    waves = sinusoidal_wavelengths(numbers.width, numbers.base)
    lanes = np.unique(np.linspace(0, numbers.width - 1, 7).astype(int) // 2 * 2)
    names = [f"dimension {d}: {waves[d // 2]:,.0f}" for d in lanes]
    similarity = _similarity_by_distance(formula)
    drawn = [
        schemes.waves_figure(formula, lanes.tolist(), names, title="Single dimensions as waves, with wavelengths"),
        curves.over_distance_figure(
            np.arange(len(similarity)),
            similarity[None],
            ["cosine"],
            what="cosine similarity",
            axis="distance in tokens",
            title="Similarity of two positions by distance",
        ),
    ]
    words = " An odd width ends with a sine that has no cosine, so a shift is no rotation."
    if numbers.width % 2 == 0:
        rotation = sinusoidal_shift(numbers.width, numbers.shift, numbers.base)
        later = sinusoidal(numbers.length, numbers.width, numbers.base, numbers.shift)
        error = float(np.abs(formula @ rotation.T - later).max())
        title = f"A shift by {numbers.shift} is a fixed rotation"
        drawn.append(curves.shift_figure(rotation[:32, :32], numbers.shift, title=title))
        words = (
            f" One rotation takes every position to the one {numbers.shift} later: the largest difference over "
            f"{len(later)} positions is {power_of_ten(error)}."
        )
    if facts is None or facts.table is None:
        sentence = (
            "sin and cos of position / base^(2i/d), two dimensions for each wavelength."
            if facts is None
            else "This model computes its table as it goes, so it can't be read; the formula is shown."
        )
        table = schemes.table_figure(formula, what="sinusoidal encoding", title="PE by the formula")
        return SchemePictures(sentence + words, (table, *drawn), own=False)
    own = facts.table[: numbers.length].numpy()
    name, values, error = nearest_sinusoidal(own, facts.first)
    return SchemePictures(
        f"{facts.table.shape[0]:,} positions of {own.shape[1]} numbers, added to the embeddings{_rows(facts)}. "
        f"The model's own table and the formula ({name}) differ by at most {power_of_ten(error)}. The pictures from the "
        f"third on are the formula's, with the numbers above.{words}",
        (
            schemes.table_figure(own, what="the model's table", title="The model's own table"),
            schemes.table_figure(values, what="the formula", title=f"The formula, {name}"),
            *drawn,
        ),
    )


def learned_pictures(facts: PositionFacts | None, numbers: Numbers, text: TextFacts) -> SchemePictures:
    """The table, the similarity of its rows, their path and their lengths."""
    if facts is None:
        return SchemePictures(
            "A learned table has no formula: training finds each position's vector. Load GPT-2, BERT or MiniLM to see one.",
            own=False,
        )
    assert facts.table is not None
    table = facts.table[:MAX_POSITIONS].numpy()
    similarity = table_similarity(table)
    sentence = (
        f"{facts.table.shape[0]:,} positions, each a learned vector of {table.shape[1]:,} numbers that is added "
        f"to the token's embedding{_rows(facts)}; the first {len(table)} are shown."
    )
    path = pca(table, 3)
    paths = [curves.path_figure(path, n, title=f"Its path in {n} dimensions (PCA)") for n in (2, 3)]
    return SchemePictures(
        sentence,
        (
            schemes.table_figure(table, title="The model's own table"),
            schemes.similarity_figure(similarity.cosine, title="Cosine similarity of positions"),
            *paths,
            schemes.norms_figure(similarity.norms, title="Length of each position's vector"),
        ),
    )


def _rows(facts: PositionFacts) -> str:
    return f"; position p is row p + {facts.first} of the model's table" if facts.first else ""


def _similarity_by_distance(table: np.ndarray) -> np.ndarray:
    """(n,): cosine similarity of a table's first row with each row, which for sinusoids depends on distance alone."""
    lengths = np.linalg.norm(table, axis=1)
    return table @ table[0] / np.maximum(lengths * lengths[0], 1e-12)
