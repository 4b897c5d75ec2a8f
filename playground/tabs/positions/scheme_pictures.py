"""Every position scheme in pictures: the loaded model's own tensors where it has the scheme, else the formula with numbers
of the visitor's. Each function gives a `Shown`; knows no components."""

from dataclasses import dataclass, replace

import numpy as np

from playground.analysis.arrays import check_range
from playground.analysis.embeddings.pca_and_neighbours import pca
from playground.analysis.positions.schemes import (
    LONGEST,
    WIDEST,
    alibi_bias,
    alibi_slopes,
    nearest_sinusoidal,
    relative_bias,
    relative_bucket,
    rotary_angles,
    rotary_wavelengths,
    sinusoidal,
    sinusoidal_shift,
    sinusoidal_wavelengths,
    table_similarity,
)
from playground.errors import PlaygroundError
from playground.figures.positions import curves as more
from playground.figures.positions import schemes as figures

NAMES = {
    "sinusoidal": "Sinusoidal",
    "learned": "Learned table",
    "rotary": "Rotary",
    "alibi": "ALiBi",
    "relative": "Relative buckets",
    "other": "None or other",
}
MOST = 5
"""Pictures of a scheme at most."""
MAX_CELLS = 2**20
"""Positions times dimensions that a formula is computed for: a quarter of a second."""


@dataclass(frozen=True)
class Numbers:
    """What a visitor may set. PlaygroundError for a length or a shift out of range."""

    length: int = 256
    width: int = 128
    base: float = 10000.0
    shift: int = 5
    heads: int = 8

    def __post_init__(self):
        check_range("The length", self.length, 1, LONGEST)
        check_range("The shift", self.shift, 0, LONGEST)

    def check_cells(self) -> None:
        """PlaygroundError for a table of more numbers than are computed here."""
        if self.length * self.width > MAX_CELLS:
            raise PlaygroundError(
                f"{self.length:,} positions of {self.width:,} dimensions are {self.length * self.width:,} numbers; at most "
                f"{MAX_CELLS:,} are computed.",
                f"Choose a length of at most {MAX_CELLS // self.width:,}, or a smaller width.",
            )


@dataclass(frozen=True)
class Shown:
    """A scheme's pictures, at most five, and what is said of them."""

    sentence: str
    figures: tuple = ()
    own: bool = True
    """Whether these are the model's own numbers and not the formula's."""


def own_scheme(facts) -> str:
    """The name in `NAMES` of what a model has."""
    return facts.scheme if facts.scheme in NAMES else "other"


def show(scheme: str, facts, numbers: Numbers, context=None, tokens=None, profiles=None, without=()) -> Shown:
    """A scheme's pictures for a model's `PositionFacts`. context, tokens: lengths of the longest text that the model reads
    and of this text, if known. profiles: None or the loaded model's mean attention over distance,
    (distances, (heads, n)), of a rotary model (distances, (2, n)): of its layers that turn and of those that don't.
    without: these. PlaygroundError for numbers that make no sense."""
    own = own_scheme(facts) == scheme
    if scheme == "sinusoidal":
        return _sinusoidal(facts if own else None, numbers)
    if scheme == "learned":
        return (
            _learned(facts)
            if own
            else Shown(
                "A learned table has no formula: each position's vector is found in training. Load GPT-2, BERT or MiniLM to see "
                "one.",
                own=False,
            )
        )
    if scheme == "rotary":
        shown = _rotary(facts if own else None, numbers, context, tokens)
        return _with_nope(shown, facts, profiles, without) if own and without else shown
    if scheme == "alibi":
        return _alibi(facts if own else None, numbers, profiles)
    if scheme == "relative":
        return _relative(facts if own else None, numbers)
    return _other(facts if own else None, profiles)


def _sinusoidal(facts, numbers: Numbers) -> Shown:
    check_range("The width", numbers.width, 1, WIDEST)
    numbers.check_cells()
    formula = sinusoidal(numbers.length, numbers.width, numbers.base)
    waves = sinusoidal_wavelengths(numbers.width, numbers.base)
    lanes = np.unique(np.linspace(0, numbers.width - 1, 7).astype(int) // 2 * 2)
    names = [f"dimension {d}: {waves[d // 2]:,.0f}" for d in lanes]
    similarity = _by_distance(formula)
    curves = more.over_distance_figure(
        np.arange(len(similarity)),
        similarity[None],
        ["cosine"],
        what="cosine similarity",
        axis="distance in tokens",
        title="Similarity of two positions by distance",
    )
    lines = figures.waves_figure(formula, lanes.tolist(), names, title="Single dimensions as waves, with wavelengths")
    last, words = None, " An odd width ends with a sine that has no cosine, so a shift is no rotation."
    if numbers.width % 2 == 0:
        turn = sinusoidal_shift(numbers.width, numbers.shift, numbers.base)
        later = sinusoidal(numbers.length, numbers.width, numbers.base, numbers.shift)
        error = float(np.abs(formula @ turn.T - later).max())
        last = more.shift_figure(turn[:32, :32], numbers.shift, title=f"A shift by {numbers.shift} is a fixed rotation")
        words = (
            f" One rotation takes every position to the one {numbers.shift} later: the largest difference over "
            f"{len(later)} positions is {error:.0e}."
        )
    if facts is None:
        table = figures.table_figure(formula, what="sinusoidal encoding", title="PE by the formula")
        return Shown(
            "sin and cos of position / base^(2i/d), two dimensions for each wavelength." + words,
            _some(table, lines, curves, last),
            own=False,
        )
    if facts.table is None:
        table = figures.table_figure(formula, what="sinusoidal encoding", title="PE by the formula")
        return Shown(
            f"This model's table is made on the fly and can't be read; the formula is shown.{words}",
            _some(table, lines, curves, last),
            own=False,
        )
    table = facts.table[: numbers.length].numpy()
    name, values, error = nearest_sinusoidal(table, facts.first)
    return Shown(
        f"{facts.table.shape[0]:,} positions of {table.shape[1]} numbers, added to the embeddings{_rows(facts)}. "
        f"The model's own table and the formula ({name}) differ by at most {error:.1e}. The pictures from the third on are "
        f"the formula's, with the numbers below.{words}",
        _some(
            figures.table_figure(table, what="the model's table", title="The model's own table"),
            figures.table_figure(values, what="the formula", title=f"The formula, {name}"),
            lines,
            curves,
            last,
        ),
    )


def _rows(facts) -> str:
    return f"; position p is row p + {facts.first} of the model's table" if facts.first else ""


def _by_distance(table: np.ndarray) -> np.ndarray:
    """(n,): cosine similarity of a table's first row with each row, which for sinusoids depends on distance alone."""
    lengths = np.linalg.norm(table, axis=1)
    return table @ table[0] / np.maximum(lengths * lengths[0], 1e-12)


def _some(*drawn) -> tuple:
    return tuple(figure for figure in drawn if figure is not None)


def _learned(facts, most: int = 512) -> Shown:
    table = facts.table[:most].numpy()
    found = table_similarity(table)
    sentence = (
        f"{facts.table.shape[0]:,} positions, each a learned vector of {table.shape[1]:,} numbers that is added "
        f"to the token's embedding{_rows(facts)}; the first {len(table)} are shown."
    )
    path = pca(table, 3)
    paths = [more.path_figure(path, n, title=f"Its path in {n} dimensions (PCA)") for n in (2, 3)]
    return Shown(
        sentence,
        (
            figures.table_figure(table, title="The model's own table"),
            figures.similarity_figure(found.cosine, title="Cosine similarity of positions"),
            *paths,
            figures.norms_figure(found.norms, title="Length of each position's vector"),
        ),
    )


def _rotary(facts, numbers: Numbers, context: int | None, tokens: int | None) -> Shown:
    if facts is not None and facts.missing:
        return Shown(f"There is no picture: {facts.missing}.")
    if facts is None:
        if numbers.width % 2:
            raise PlaygroundError(f"{numbers.width} dimensions can't be turned two by two.", "Choose an even width.")
        check_range("The width", numbers.width, 1, WIDEST)
        numbers.check_cells()
        kinds, context = {"formula": 2 * np.pi / sinusoidal_wavelengths(numbers.width, numbers.base)}, None
    else:
        kinds = {name: tensor.numpy() for name, tensor in facts.inverse_frequencies.items()}
    drawn, words = [], []
    for name, frequencies in list(kinds.items())[:2]:
        waves = rotary_wavelengths(frequencies)
        where = f", {name}" if len(kinds) > 1 else ""
        angles = rotary_angles(frequencies, numbers.length)
        drawn.append(figures.rotary_figure(angles, title=f"Angle of each position{where}"))
        drawn.append(
            figures.wavelengths_figure(waves, length=tokens, context=context, title=f"Wavelength of each pair{where}")
        )
        words.append(f"{len(frequencies)} pairs turn once in {waves[0]:.3g} to {waves[-1]:,.0f} tokens{where}")
    remark = f" {facts.remark}" if facts is not None and facts.remark else ""
    return Shown(
        "Queries and keys are turned pair by pair: " + "; ".join(words) + ". A score then depends on the distance "
        f"of two tokens alone; see it in “Clocks”.{remark}",
        tuple(drawn),
        own=facts is not None,
    )


def _with_nope(shown: Shown, facts, profiles, without) -> Shown:
    """A rotary model's pictures with what can be shown of its layers that are told no positions."""
    words = (
        f" Layers without rotation (NoPE): {', '.join(map(str, without))}. They are told no positions: the same token "
        "gets the same score at any distance."
    )
    if profiles is None:
        return replace(shown, sentence=shown.sentence + words)
    distances, mean = profiles
    picture = more.over_distance_figure(
        distances,
        mean,
        ["layers that turn (rotary)", "layers that don't (NoPE)"],
        what="mean weight",
        title="Attention over distance on this text: NoPE layers beside rotary ones",
    )
    words += " The last picture has their attention over distance, mean of all heads, beside that of the other layers."
    return replace(shown, sentence=shown.sentence + words, figures=(*shown.figures[: MOST - 1], picture))


def _alibi(facts, numbers: Numbers, profiles) -> Shown:
    slopes = alibi_slopes(numbers.heads) if facts is None else facts.slopes.numpy()
    drawn = [
        more.slopes_figure(slopes, title="Slope of each head"),
        figures.alibi_figure(alibi_bias(slopes, numbers.length), title="Bias over distance"),
    ]
    if facts is not None and profiles is not None:
        drawn.append(_real(profiles))
    remark = f" {facts.remark}" if facts is not None and facts.remark else ""
    return Shown(
        f"Each of {len(slopes)} heads subtracts its own slope times the distance from every score.{remark}",
        tuple(drawn),
        own=facts is not None,
    )


def _real(profiles):
    distances, mean = profiles
    return more.over_distance_figure(
        distances,
        mean,
        [f"head {n}" for n in range(len(mean))],
        what="mean weight",
        title="The same heads' real attention on this text, mean of all layers",
    )


def _relative(facts, numbers: Numbers) -> Shown:
    distances = np.arange(-numbers.length, numbers.length + 1)
    if facts is None:
        steps = {
            "both directions (encoder)": relative_bucket(distances),
            "backwards (decoder)": relative_bucket(distances, False),
        }
        return Shown(
            "T5's 32 buckets up to a distance of 128, by the formula; which bias each bucket has is learned: "
            "load a T5 to see it.",
            (more.buckets_figure(distances, steps, title="The bucket of each distance"),),
            own=False,
        )
    steps, drawn = {}, []
    for buckets in facts.buckets[:2]:
        count = buckets.table.shape[0]
        steps[buckets.where] = relative_bucket(distances, buckets.bidirectional, count, buckets.max_distance)
        bias = relative_bias(buckets.table, distances, buckets.bidirectional, buckets.max_distance)
        title = f"Learned bias of each head, {buckets.where}"
        drawn.append(figures.relative_bias_figure(bias, distances, title=title))
        drawn.append(figures.relative_bias_figure(bias, distances, lines=True, title=f"{title}, as lines"))
    return Shown(
        f"Distances fall into {len(facts.buckets[0].table)} buckets, wider the farther; each head adds a learned "
        "number for the bucket to the score.",
        (more.buckets_figure(distances, steps, title="The bucket of each distance"), *drawn),
    )


def _other(facts, profiles) -> Shown:
    if facts is None:
        return Shown(
            "Some layers are told nothing of positions (NoPE: every fourth of SmolLM3): a causal mask alone lets "
            "them count what they see. DeBERTa and XLNet add terms to the scores in which the query meets a vector "
            "of the distance. No formula can be drawn for either; load such a model.",
            own=False,
        )
    drawn, words = [], "This model has no tensor of positions that could be drawn."
    if facts.distance_table is not None:
        table = facts.distance_table.numpy()[:1024]
        drawn = [
            figures.table_figure(table, what="vectors of distances", title="The model's vectors of distances"),
            figures.similarity_figure(table_similarity(table).cosine, title="Similarity of distances"),
        ]
        words = (
            f"Scores have terms of their own for distance: queries and keys meet one of {len(table)} learned vectors "
            "of distances, projected anew in each layer. Row by row, from the farthest key after to the farthest "
            "before."
        )
    elif facts.scheme == "disentangled":
        words = (
            "Scores have terms of their own for distance, made from sinusoids inside each layer; they can't be read."
        )
    if profiles is not None:
        drawn.append(_real(profiles))
        words += " What remains visible is the attention itself over distance."
    return Shown(words, tuple(drawn))
