"""The shades of the strip."""

import pytest

from playground.figures.generation.token_strip import strip_items
from playground.generation.token_entries import prompt_entries
from playground.recording.record import record


@pytest.mark.parametrize("colour", ["probability", "rank", "surprisal", "entropy"])
def test_shades_stay_between_none_and_full(smollm2, colour):
    """Guards against shades beyond the scale, and against a token shaded that nothing predicted."""
    items = strip_items(prompt_entries(record(smollm2, "The cat sat on the mat. 今天")), colour)
    assert items[0]["shade"] is None
    assert all(0 <= item["shade"] <= 1 for item in items[1:])


def test_shade_by_rank_by_hand():
    """Guards against a scale the wrong way round: deeper is more certain."""
    entries = [{"kind": "prompt", "text": "a", "piece": None, "probability": 0.5, "rank": 4, "entropy": 6.0}]
    shades = {c: strip_items(entries, c)[0]["shade"] for c in ("probability", "rank", "surprisal", "entropy")}
    assert shades == pytest.approx({"probability": 0.5**0.5, "rank": 0.25, "surprisal": 11 / 12, "entropy": 0.5})
