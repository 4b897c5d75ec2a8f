"""How transformers mark positions, as numbers: sinusoids, rotary angles, ALiBi, T5's relative buckets, and
tables that were learned. Computes from a formula or a table; knows nothing of models.

Positions, dimensions, pairs and heads count from 0; a wavelength is in tokens, an angle in radians.
"""

from dataclasses import dataclass

import numpy as np

from playground.analysis.arrays import ArrayLike, as_array, check_range, shaped
from playground.errors import PlaygroundError

MAX_LENGTH, MAX_WIDTH, MAX_HEADS = 8192, 4096, 1024
MAX_SIMILARITY = 4096


def sinusoidal(length: int, width: int, base: float = 10000.0, first: int = 0) -> np.ndarray:
    """The position encodings of Vaswani et al. 2017, section 3.5, (length, width) float32 in -1..1, from position
    `first` on.

    PE(pos, 2i) = sin(pos / base^(2i/width)),  PE(pos, 2i+1) = cos(pos / base^(2i/width)).
    An odd width ends with a sine that has no cosine. Raises PlaygroundError unless length is 1..8192,
    width 1..4096 and base above 1.
    """
    _check_length(length)
    angles = np.outer(
        np.arange(first, first + length), 2 * np.pi / sinusoidal_wavelengths(width, base)
    )  # (length, pairs)
    table = np.empty((length, width), np.float32)
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles[:, : width // 2])
    return table


def sinusoidal_wavelengths(width: int, base: float = 10000.0) -> np.ndarray:
    """Tokens after which each sine/cosine pair repeats, 2π·base^(2i/width): (ceil(width / 2),) float64,
    rising from 2π to nearly 2π·base."""
    check_range("The width", width, 1, MAX_WIDTH)
    check_range("The base", base, np.nextafter(1.0, 2.0), 1e12)
    return 2 * np.pi * base ** (np.arange(0, width, 2) / width)


def sinusoidal_shift(width: int, shift: int, base: float = 10000.0) -> np.ndarray:
    """The rotation that takes the encoding of any position to that of the position `shift` later: R · PE(pos) =
    PE(pos + shift). (width, width) float32, blocks [[cos, sin], [-sin, cos]] along the diagonal.

    Raises PlaygroundError for an odd width, whose last sine has no cosine to rotate with.
    """
    if width % 2:
        raise PlaygroundError(f"The width is {width}; a shift is a rotation of pairs.", "Choose an even width.")
    angles = shift * 2 * np.pi / sinusoidal_wavelengths(width, base)
    matrix, even = np.zeros((width, width), np.float32), np.arange(0, width, 2)
    matrix[even, even] = matrix[even + 1, even + 1] = np.cos(angles)
    matrix[even, even + 1], matrix[even + 1, even] = np.sin(angles), -np.sin(angles)
    return matrix


def nearest_sinusoidal(table: ArrayLike, first: int = 0) -> tuple[str, np.ndarray, float]:
    """The formula that a sinusoidal table (length, width) follows best: its name, its values, the largest difference.
    Its rows hold the positions from `first` on: fairseq counts from the row after that for padding.

    Implementations differ from the paper in two ways: all sines before all cosines, and an exponent i / (d/2 - 1)
    in place of 2i / d (tensor2tensor, fairseq).
    """
    table = as_array(shaped("The table", table, "(positions, d_model)", 2))
    length, width = table.shape
    places = np.arange(first, first + length)
    best: tuple[str, np.ndarray, float] | None = None
    for exponent, words in (
        (np.arange(0, width, 2) / width, ""),
        (np.arange(width // 2) / max(width // 2 - 1, 1), ", exponent i/(d/2 − 1)"),
    ):
        angles = np.outer(places, 10000.0**-exponent)
        sines, cosines = np.sin(angles), np.cos(angles)
        woven = np.empty((length, 2 * angles.shape[1]), np.float32)
        woven[:, 0::2], woven[:, 1::2] = sines, cosines
        halves = np.hstack([sines, cosines])
        for name, values in (("sine and cosine in turn", woven), ("all sines, then all cosines", halves)):
            values = values[:, :width].astype(np.float32)
            if values.shape != table.shape:
                continue
            filled = np.abs(table).sum(1) > 0  # rows for padding are empty
            error = float(np.abs(values - table)[filled].max()) if filled.any() else 0.0
            if best is None or error < best[2]:
                best = name + words, values, error
    assert best is not None, "the first formula has every width"
    return best


def rotary_angles(inverse_frequencies: ArrayLike, length: int) -> np.ndarray:
    """The angle by which rotary embedding turns each pair at each position: position · inverse frequency.

    inverse_frequencies (pairs,) in radians per token, as the model keeps them; result (length, pairs) float32
    in radians, not wrapped to 0..2π. Su et al. 2021, RoFormer, section 3.4.2.
    """
    _check_length(length)
    inverse_frequencies = shaped("inverse_frequencies", inverse_frequencies, "(pairs,)", 1)
    return np.outer(np.arange(length), as_array(inverse_frequencies, np.float64)).astype(np.float32)


def rotary_wavelengths(inverse_frequencies: ArrayLike) -> np.ndarray:
    """Tokens for one full turn of each pair, 2π / frequency: (pairs,) float64; inf where a pair stands still."""
    inverse_frequencies = shaped("inverse_frequencies", inverse_frequencies, "(pairs,)", 1)
    with np.errstate(divide="ignore"):
        return 2 * np.pi / np.abs(as_array(inverse_frequencies, np.float64))


def alibi_slopes(heads: int) -> np.ndarray:
    """ALiBi's slope of each head, (heads,) float32 in 0..1 (Press et al. 2022, arXiv:2108.12409).

    For a power of two the geometric series from 2^(-8/heads) to 2^-8. For other counts, as BLOOM and MPT do:
    the series of the next power of two, its second, fourth, … members first, then the rest, cut to `heads`.
    """
    check_range("The number of heads", heads, 1, MAX_HEADS)
    power = 1 << (heads - 1).bit_length()
    slopes = 2.0 ** (-8.0 * np.arange(1, power + 1) / power)  # (power,)
    if power != heads:
        slopes = np.concatenate([slopes[1::2], slopes[0::2]])[:heads]
    return slopes.astype(np.float32)


def alibi_bias(slopes: ArrayLike, length: int) -> np.ndarray:
    """What ALiBi adds to the score of a key `distance` tokens back: -slope · distance.

    slopes (heads,); result (heads, length) float32, column d for distance d = 0..length-1; never above 0.
    """
    _check_length(length)
    slopes = shaped("slopes", slopes, "(heads,)", 1)
    bias = np.outer(as_array(slopes, np.float64), -np.arange(length, dtype=np.float64))  # (heads, length)
    return (bias + 0.0).astype(np.float32)  # + 0.0 turns -0.0 into 0.0


def relative_bucket(
    distance: ArrayLike, bidirectional: bool = True, buckets: int = 32, max_distance: int = 128
) -> np.ndarray:
    """T5's bucket of each distance (Raffel et al. 2020, section 2.1; Shaw et al. 2018).

    `distance`, integers of any shape, is key position - query position (negative: the key comes first). Half
    of the buckets of a direction hold one distance each, the other half grow logarithmically up to
    max_distance, beyond which all share the last. Bidirectional (encoders): keys after the query have the
    upper half of the buckets. Else (decoders): every later key has bucket 0. Result int64 in 0..buckets-1, same
    shape.
    """
    side = buckets // 2 if bidirectional else buckets  # buckets of one direction
    exact = side // 2
    check_range("The number of buckets", buckets, 4 if bidirectional else 2, MAX_WIDTH)
    check_range("The largest distance", max_distance, exact + 1, 2**31)
    distance = np.asarray(distance, np.int64)
    offset = np.where(distance > 0, side, 0) if bidirectional else 0
    steps = np.abs(distance) if bidirectional else np.maximum(-distance, 0)
    # float32 as in the models, so that distances on the edge of a bucket fall on the same side
    ratio = np.maximum(steps, 1).astype(np.float32) / np.float32(exact)
    growth = np.log(ratio) / np.float32(np.log(max_distance / exact)) * np.float32(side - exact)
    far = np.minimum(exact + growth.astype(np.int64), side - 1)
    return offset + np.where(steps < exact, steps, far)


def relative_bias(
    table: ArrayLike, distances: ArrayLike, bidirectional: bool = True, max_distance: int = 128
) -> np.ndarray:
    """What T5 adds to the score at each distance: learned table (buckets, heads) -> (heads, n) float32.

    `distances` (n,) as in `relative_bucket`, whose number of buckets is the table's number of rows.
    """
    table = shaped("The table", table, "(buckets, heads)", 2)
    rows = relative_bucket(distances, bidirectional, table.shape[0], max_distance)  # (n,)
    return np.ascontiguousarray(as_array(table)[rows].T)


@dataclass(frozen=True, eq=False)
class TableSimilarity:
    """How alike the rows of a table of positions are."""

    cosine: np.ndarray
    """(positions, positions) float32 in -1..1, symmetric; 1 on the diagonal, 0 for rows that are all zero."""
    norms: np.ndarray
    """(positions,) float32: length of each row, 0 or more."""


def table_similarity(table: ArrayLike) -> TableSimilarity:
    """Cosine similarity of all pairs of rows of table (positions, d_model), and the rows' lengths.

    Raises PlaygroundError beyond 4,096 positions.
    """
    table = shaped("The table", table, "(positions, d_model)", 2)
    check_range("The number of positions", table.shape[0], 1, MAX_SIMILARITY)
    rows = as_array(table)  # (P, d_model)
    norms = np.linalg.norm(rows, axis=1)  # (P,)
    unit = rows / np.where(norms > 0, norms, 1)[:, None]
    return TableSimilarity(np.clip(unit @ unit.T, -1, 1), norms)


def _check_length(length: int) -> None:
    check_range("The length", length, 1, MAX_LENGTH)
