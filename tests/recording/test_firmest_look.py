"""Where a token looks most firmly, against all recorded weights."""

import numpy as np
import pytest

from playground.recording.firmest_look import firmest_look
from playground.recording.record import record

TEXT = "hello world"


@pytest.fixture(scope="module")
def recording(tiny):
    return record(tiny("llama"), TEXT)


def test_the_largest_weight_that_tells_something(recording):
    """Guards against another head or key than that of the largest weight beside the first token and the token itself."""
    weights = np.stack([recording.attention(layer).weights.numpy() for layer in recording.layer_numbers()])
    for query in (2, 5):
        rows = weights[:, :, query].copy()
        rows[..., [0, query]] = 0
        expected = np.unravel_index(rows.argmax(), rows.shape)
        arc = firmest_look(recording, "self", query)
        assert (arc.layer, arc.head, arc.key, arc.query) == (*expected, query)
        assert arc.weight == pytest.approx(rows.max())
        for layer in range(len(weights)):
            there = firmest_look(recording, "self", query, layer)
            assert (there.layer, there.weight) == (layer, pytest.approx(rows[layer].max()))


def test_the_first_token_looks_at_itself(recording):
    """Guards against an error, or against nothing to open, where a token sees no other."""
    arc = firmest_look(recording, "self", 0)
    assert (arc.key, arc.weight) == (0, pytest.approx(1))
    assert firmest_look(recording, "cross", 0) is None
