"""Attention over distance of a recorded text, of every layer at once."""

from typing import TYPE_CHECKING

import numpy as np

from playground.analysis.positions.attention_distance import DistanceProfile, profile
from playground.errors import PlaygroundError

if TYPE_CHECKING:
    from playground.recording.recording import Recording
    from playground.recording.result_store import ResultStore

MIN_TOKENS, MAX_TOKENS = 3, 512
"""Shortest text in which two tokens beside the first have a distance, and the longest whose heads are all measured at
once."""


def kinds_over_distance(recording: "Recording") -> list[str]:
    """The kinds of attention within one text."""
    return [kind for kind in recording.kinds if kind != "cross"]


def most_heads(recording: "Recording", kind: str) -> int:
    """Heads of the layer that has most of them."""
    return max(recording.attention(n, kind).heads for n in recording.layer_numbers(kind))


def distance_profiles(recording: "Recording", kind: str, store: "ResultStore") -> dict[int, DistanceProfile]:
    """The profile of every layer that attends, by its number, measured once for a recording. PlaygroundError for texts
    that are too short or too long."""
    numbers = recording.layer_numbers(kind)
    tokens = len(recording.attention(numbers[0], kind).query_tokens)
    if tokens < MIN_TOKENS:
        raise PlaygroundError(
            f"Attention over distance needs {MIN_TOKENS} tokens; the text has {tokens}.", "Write a longer text."
        )
    if tokens > MAX_TOKENS:
        raise PlaygroundError(
            f"The text has {tokens:,} tokens; all heads over distance are measured up to {MAX_TOKENS:,}.",
            "Shorten the text.",
        )

    def measure() -> dict[int, DistanceProfile]:
        return {layer: profile(recording.attention(layer, kind).weights) for layer in numbers}

    return store.memo(recording, ("attention over distance", kind), measure)


def mean_profiles(
    recording: "Recording", store: "ResultStore", without: tuple[int, ...] = ()
) -> tuple[np.ndarray, np.ndarray] | None:
    """(distances, (heads, n)) of the mean attention over distance, the first token set aside, mean of all layers; with
    layers named, (distances, (2, n)): the mean of all heads of the other layers, and of these. None for texts too short or
    too long, or models whose attention is not given."""
    if not recording.kinds or not MIN_TOKENS <= len(recording.tokens) <= MAX_TOKENS:
        return None
    profiles = distance_profiles(recording, recording.kinds[0], store)
    distances = next(iter(profiles.values())).distances
    distances = distances[: max(1, len(distances) - 1)]  # only the first token is farther away
    rest = {n: layer.rest[:, : len(distances)] for n, layer in profiles.items()}
    if not without:
        return distances, np.mean([*rest.values()], 0)
    groups = [n for n in rest if n not in without], without
    return distances, np.stack([np.mean([rest[n].mean(0) for n in group], 0) for group in groups])
