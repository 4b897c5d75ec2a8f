"""Directions to push a text along: their maths, and what a push does to a model."""

import pytest
import torch

import playground as pg
from playground.errors import PlaygroundError
from playground.loading import prepare
from playground.recording.layers.push import cosines, difference, lines_of, mean_states, states_along, word_direction
from tests.tools import zoo


def test_a_direction_by_hand():
    """Guards against the states of another layer: of (1, 2), (3, 4) before and after a layer against zeros."""
    one = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    zero = torch.zeros_like(one)
    assert difference(one, zero, -1) == (1.0, 2.0) and difference(one, zero, 0) == (3.0, 4.0)
    assert cosines(one, (3.0, 4.0)).tolist() == pytest.approx([11 / (5 * 5**0.5), 1.0])
    assert cosines(one, (-4.0, 3.0))[1] == pytest.approx(0.0)
    for layer in (-2, 1):
        with pytest.raises(PlaygroundError, match="layer"):
            difference(one, zero, layer)
    with pytest.raises(PlaygroundError, match="same states"):
        difference(one, one, 0)
    assert lines_of(" a \n\nb") == ("a", "b")
    for text, words in (("\n ", "at least one"), ("a\n" * 41, "from 1 to 40")):
        with pytest.raises(PlaygroundError, match=words):
            lines_of(text)


def test_mean_states_by_plain_transformers(tiny):
    """Guards against a first token that counts, long lines that count more, and a last state that is normed."""
    model = tiny("llama")
    means = mean_states(["abcd", "ef", "g"], lambda line: pg.record(model, line))
    kept = []
    with torch.inference_mode():
        for line, first in (("abcd", 1), ("ef", 1), ("g", 0)):
            ids = torch.tensor([model.vocabulary.tokenize(line)[0]])
            states = model.model(ids, output_hidden_states=True).hidden_states
            kept.append(torch.stack([state[0, first:].mean(0) for state in states[:-1]]))
    assert torch.allclose(means[:-1], torch.stack(kept).mean(0), atol=1e-6) and means.shape == (3, 32)


def test_a_push_turns_the_state_and_no_push_keeps_every_bit(tiny):
    """Guards against a strength in other units, and a first token that is pushed: at strength 1 along the embedding of a
    token each state is twice as long as before where it lay along it; at strength 0 not one bit changes."""
    model = tiny("llama")
    recording = pg.record(model, "abcdef")
    direction = word_direction(model, 70)
    before = states_along(recording)
    pushed = pg.record(model, "abcdef", edits=[pg.Edit("state", 0, how="add", direction=direction, strength=1.0)])
    after = states_along(pushed)
    unit = torch.tensor(direction) / torch.tensor(direction).norm()
    expected = before[1] + before[1].norm(dim=-1, keepdim=True) * unit
    assert torch.allclose(after[1, 1:], expected[1:], atol=1e-5) and torch.equal(after[1, 0], before[1, 0])
    assert bool((cosines(after[1, 1:], direction) > cosines(before[1, 1:], direction)).all())
    none = pg.record(model, "abcdef", edits=[pg.Edit("state", 0, how="add", direction=direction, strength=0.0)])
    assert torch.equal(none.logits, recording.logits)


def test_a_push_beyond_the_number_format_is_told(tiny):
    """Guards against a text written from NaN: float32 holds a push of 1e9 lengths; float16 does not, and generating and the
    lens say so."""
    direction = word_direction(tiny("llama"), 70)
    edit = pg.Edit("state", 0, how="add", direction=direction, strength=1e9)
    assert torch.isfinite(pg.record(tiny("llama"), "abc", edits=[edit]).logits).all()
    half = prepare(zoo.build("llama").to(torch.float16), zoo.byte_tokenizer(), "half")
    with pytest.raises(PlaygroundError, match="logits are not numbers"):
        list(pg.generate(half, "abc", pg.GenerationSettings(max_new_tokens=2, greedy=True), edits=[edit]))
    with pytest.raises(PlaygroundError, match="NaN"):
        pg.record(half, "abc", edits=[edit]).lens()
