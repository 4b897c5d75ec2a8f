"""Kinds of points: spaces, vectors and what tells two requests apart, against the model's own tensors."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import playground as pg
from playground.analysis.embeddings.vocabulary_filter import Filter
from playground.embeddings.point_sets import EVERY_LAYER, KINDS, PointRequest
from playground.embeddings.points import LAYER, LINE, PLACE
from playground.embeddings.sentence_vectors import encode
from playground.errors import PlaygroundError
from tests.tabs.calling import page_app

VOCABULARY, WORDS, TOKENS, SENTENCES = KINDS.values()


class Reader:
    """Runs the model anew for each request."""

    def record(self, model, text):
        return pg.record(model, text)

    def encode(self, model, lines, pooling, layer):
        return encode(model, lines, pooling, layer=layer).vectors


@pytest.fixture
def points(tiny):
    """points(kind, space, **request) -> Points of a tiny Llama."""

    def make(kind, space, **request):
        model = tiny("llama")
        return kind.points(model, PointRequest(**request), kind.spaces(model)[space], Reader())

    return make


def test_kinds_are_those_of_the_page():
    """Guards against a kind that the page lists and nothing can place."""
    (listed,) = (block for block in page_app().blocks.values() if block.elem_id == "cloud-what")
    assert list(KINDS) == [name for name, _ in listed.choices] and all(
        kind.dropped_as in KINDS for kind in KINDS.values()
    )


def test_a_page_names_its_kinds_without_torch():
    """Guards the start: torch takes seconds, and the page opens before a model is loaded."""
    code = "import sys; from playground.embeddings.point_sets import KINDS; print('torch' in sys.modules, list(KINDS))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("False ['vocabulary'")


def test_vectors_are_the_models_own(points, tiny):
    """Guards each kind against rows or states beside the model's: compared with its tensors, not with our functions."""
    model, text = tiny("llama"), "the cat"
    rows = model.model.get_input_embeddings().weight.detach()
    ids = model.vocabulary.tokenize(text)[0]
    cat = points(VOCABULARY, "input embedding", token_filter=Filter(pattern="^c$"))
    assert cat.labels == ["c"] and torch.equal(cat.vectors, rows[cat.numbers.tolist()])
    assert torch.equal(points(TOKENS, "input embedding", text=text).vectors, rows[ids])
    words = points(WORDS, "input embedding", text="ab, c\nd", leading_space=False)
    a, b = (model.vocabulary.tokenize(letter, specials=False)[0][0] for letter in "ab")
    torch.testing.assert_close(words.vectors[0], (rows[a] + rows[b]) / 2)
    assert words.group(LINE) == ["ab …", "ab …", "d …"] and words.labels[0] == "ab (2 tokens)" and words.name(0) == "ab"
    assert "1 word of several tokens stands at the mean" in words.remarks
    with torch.inference_mode():
        states = model.model(torch.tensor([ids]), output_hidden_states=True).hidden_states
    torch.testing.assert_close(points(TOKENS, "after layer 1", text=text).vectors, states[1][0])
    every = points(TOKENS, EVERY_LAYER, text=text)
    torch.testing.assert_close(every.vectors, torch.cat([state[0] for state in states]))
    assert every.values[LAYER].max() == 2 and np.array_equal(every.values[PLACE][: len(ids)], np.arange(len(ids)))
    lines = points(SENTENCES, "after layer 2", text="the cat\nthe dog", pooling="first token")
    torch.testing.assert_close(lines.vectors[0], states[2][0, 0])
    assert lines.labels == ["the cat", "the dog"] and "first token" in lines.remarks


def test_requests_are_told_apart(tiny):
    """Guards against a chosen point that means another one in the next picture, and against a picture that is not redrawn
    when its vectors change."""
    first, second = PointRequest("a", by_token=True), PointRequest("b", pooling="first token")
    for kind in (WORDS, TOKENS, SENTENCES):
        assert kind.identity(first, "") != kind.identity(second, "")
    assert VOCABULARY.identity(first, "") == VOCABULARY.identity(second, "")
    assert TOKENS.identity(first, EVERY_LAYER) != TOKENS.identity(first, "after layer 1")
    assert WORDS.identity(first, "") != WORDS.identity(PointRequest("a"), "")
    assert SENTENCES.vector_key(first) != SENTENCES.vector_key(second)
    assert VOCABULARY.vector_key(first) != VOCABULARY.vector_key(PointRequest(token_filter=Filter(pattern="x")))


def test_no_points(points):
    """Guards against an empty picture in place of a reason."""
    for kind, space in ((WORDS, "input embedding"), (SENTENCES, "after layer 0")):
        with pytest.raises(PlaygroundError, match="There are no"):
            points(kind, space, text=" ")
