"""Who looks from one token of a text at another: the recorded weights, and why where no head can."""

import pytest
import torch

import playground as pg
from playground.errors import PlaygroundError
from playground.recording.record import record


def test_the_ranking_has_the_recorded_weights(tiny):
    """Guards against a row or layer of another token: every head's number is that of its map."""
    recording = record(tiny("llama"), "The cat sat")
    ranking = pg.rank_heads_between(recording, 5, 2)
    weights = torch.stack([recording.attention(layer).weights[:, 5, 2] for layer in range(recording.layers())])
    assert len(ranking.heads) == weights.numel()
    for head in ranking.heads:
        assert head.weight == pytest.approx(float(weights[head.layer, head.head]), abs=1e-6)
    assert ranking.heads[0].weight == pytest.approx(float(weights.max()))
    assert ranking.even == pytest.approx(1 / 6)


def test_why_no_head_looks_ahead(tiny):
    """Guards against a list of zeros where the order of reading forbids to look; an encoder may."""
    with pytest.raises(PlaygroundError, match="left to right") as refusal:
        pg.rank_heads_between(record(tiny("llama"), "The cat"), 2, 5)
    assert "Ask who looks from" in refusal.value.remedy
    assert pg.rank_heads_between(record(tiny("bert"), "The cat"), 2, 5).heads[0].weight > 0
    with pytest.raises(PlaygroundError, match="no query token 99"):
        pg.rank_heads_between(record(tiny("llama"), "The cat"), 99, 0)
