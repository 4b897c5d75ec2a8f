"""Where a token looks most firmly: the head to open after a click on the token, or on a layer."""

from typing import TYPE_CHECKING

import numpy as np

from playground.analysis.xray.arcs import Arc

if TYPE_CHECKING:
    from playground.recording.recording import Recording


def firmest_look(recording: "Recording", kind: str, query: int, layer: int | None = None) -> Arc | None:
    """The largest weight that the token `query` gives to another one, in any head of the layer, or of all layers without.

    The first token, special tokens and the token itself count only where no other can be seen. A layer without attention
    becomes the nearest that has it. None where this kind of attention is not recorded.
    """
    if kind not in recording.kinds:
        return None
    numbers = recording.layer_numbers(kind) if layer is None else [recording.nearest_layer(layer, kind)]
    tokens = recording.attention(numbers[0], kind).key_tokens
    resting = [place for place, token in enumerate(tokens) if place in (0, query) or token.special]
    rows = [recording.attention(number, kind).query_rows(query).numpy().astype(np.float32) for number in numbers]
    best = _largest(rows, resting) or _largest(rows, [])
    if best is None:
        return None
    place, head, key, weight = best
    return Arc(numbers[place], head, query, key, weight, telling=0.0)


def _largest(rows: list[np.ndarray], left_out: list[int]) -> tuple[int, int, int, float] | None:
    """Number of the layer, head, key and weight of the largest number in rows (H, K) of some layers; None if none is > 0."""
    best: tuple[int, int, int, float] | None = None
    for place, weights in enumerate(rows):
        seen = np.nan_to_num(weights)
        seen[:, left_out] = 0
        head, key = (int(index) for index in np.unravel_index(seen.argmax(), seen.shape))
        if (weight := float(seen[head, key])) > (best[3] if best else 0):
            best = place, head, key, weight
    return best
