"""A token's state from layer to layer: its path on fixed axes, and its cosine with its first and last state.

Letters: L layers, T tokens, D d_model; states (L + 1, T, D) are the residual stream before the first layer and after each.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from playground.analysis.arrays import ArrayLike, as_array, check_range, shaped
from playground.analysis.embeddings.pca_and_neighbours import Projection, pca
from playground.texts.numbers import minus

LEFT = ((0.9, "nearly everything"), (0.5, "much"), (0.2, "a little"), (-1.01, "almost nothing"))
"""From a cosine with its embedding on: how much a state has left of it, in words."""


@dataclass(frozen=True, eq=False)
class Paths:
    """Paths of some tokens on the same axes."""

    paths: tuple[np.ndarray, ...]
    """(L + 1, k) float32 each."""
    projection: Projection


def paths_of(tracks: Iterable[ArrayLike], components: int = 2, directions: bool = True) -> Paths:
    """Paths of tracks (L + 1, D) on the principal axes of all their points together.

    directions: every state is scaled to length 1 first. Lengths grow many times over from layer to layer and would hide
    where states point.
    """
    tracks = [as_array(shaped("A track", track, "(layers + 1, d_model)", 2), np.float64) for track in tracks]
    if directions:
        tracks = [track / np.maximum(np.linalg.norm(track, axis=1, keepdims=True), 1e-12) for track in tracks]
    projection = pca(np.concatenate(tracks), components)
    return Paths(tuple(projection.place(track) for track in tracks), projection)


def cosine_by_layer(first: ArrayLike, second: ArrayLike) -> np.ndarray:
    """(L + 1,) float32: cosine of two tracks (L + 1, D), layer by layer."""
    a, b = as_array(first, np.float64), as_array(second, np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (np.einsum("ld,ld->l", a, b) / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def cosine_to_endpoints(track: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Cosine of a track's states (L + 1, D) with its first and with its last, (L + 1,) float32 each."""
    track = as_array(shaped("A track", track, "(layers + 1, d_model)", 2), np.float64)
    first, last = (np.repeat(state, len(track), 0) for state in (track[:1], track[-1:]))
    return cosine_by_layer(track, first), cosine_by_layer(track, last)


def track_of(states: ArrayLike, token: int) -> np.ndarray:
    """(L + 1, D) float32: one token's states."""
    states = shaped("The states", states, "(layers + 1, tokens, d_model)", 3)
    check_range("The token", token, 0, states.shape[1] - 1)
    return as_array(states[:, token])


class Likeness(NamedTuple):
    """Cosines by layer of one or two tracks."""

    lines: dict[str, np.ndarray]
    """What is compared -> (L + 1,)."""
    sentence: str


def likeness(tracks: Mapping[str, ArrayLike], name: str) -> Likeness:
    """How alike each track (L + 1, D) is to its beginning and its end, and two tracks to each other. name: the token's."""
    lines = {}
    for title, track in tracks.items():
        lines[f"{title}: to its embedding"], lines[f"{title}: to its last state"] = cosine_to_endpoints(track)
    to_embedding = next(iter(lines.values()))
    begin = float(to_embedding[-2 if len(to_embedding) > 2 else -1])
    left = next(words for least, words in LEFT if begin >= least)
    sentence = f"Before the last layer “{name}” has {left} left of its own embedding (cosine {minus(begin)})."
    if len(tracks) == 2:
        lines["the two, at the same layer"] = together = cosine_by_layer(*tracks.values())
        sentence += (
            f" The two begin {minus(float(together[0]))} alike, are least alike after layer {int(together.argmin())} "
            f"({minus(float(together.min()))}) and end {minus(float(together[-1]))} alike."
        )
    return Likeness(lines, sentence)
