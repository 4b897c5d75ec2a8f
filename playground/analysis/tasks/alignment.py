"""Attention between tokens -> attention between words, or sentences. Letters: Q and K tokens, M and N groups of them."""

from collections.abc import Sequence

import numpy as np

from playground.analysis.tasks.text_units import Span


def grouped(weights: np.ndarray, queries: Sequence[Sequence[int]], keys: Sequence[Sequence[int]]) -> np.ndarray:
    """(M, N): of weights (Q, K) the mean over the queries of a group, the sum over its keys (Clark et al. 2019). Rows sum to
    1 as far as the groups of keys hold all keys. A group without queries has zeros."""
    by_key = np.stack([weights[:, list(group)].sum(1) for group in keys], 1) if keys else np.zeros((len(weights), 0))
    rows = [by_key[list(group)].mean(0) if group else np.zeros(by_key.shape[1]) for group in queries]
    return np.stack(rows).astype(np.float32) if rows else np.zeros((0, len(keys)), np.float32)


def tokens_of(units: Sequence[Span], tokens: Sequence[Span]) -> list[list[int]]:
    """For each unit (words or sentences, in order) the tokens that lie in it, by their characters: each token belongs to the
    unit with which it shares most, the first of equal ones; one without characters to the unit that it stands in or before
    which it stands. Tokens that touch no unit are in none."""
    groups: list[list[int]] = [[] for _ in units]
    first = 0
    for number, (start, end) in enumerate(tokens):
        while first < len(units) and units[first][1] <= start:
            first += 1
        if first == len(units):
            break
        best, shared, place = -1, 0, first
        while place < len(units) and units[place][0] < max(end, start + 1):
            common = min(units[place][1], max(end, start + 1)) - max(units[place][0], start)
            if common > shared:
                best, shared = place, common
            place += 1
        if best >= 0:
            groups[best].append(number)
    return groups
