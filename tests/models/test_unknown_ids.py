"""Ids that a tokenizer gives and a model has no row for."""

import pytest

import playground as pg
from playground.errors import PlaygroundError
from playground.generation.decoder import IncrementalDecoder
from playground.loading import prepare
from tests.tools import zoo


@pytest.fixture(scope="module", params=["llama", "bert", "bart"])
def model(request):
    """A model of 260 rows whose tokenizer was given one token more, <new>, with the id 260."""
    tokenizer = zoo.byte_tokenizer()
    tokenizer.add_tokens(["<new>"])
    return prepare(zoo.build(request.param), tokenizer, request.param)


def test_recording_refuses_them(model):
    """Guards against an IndexError on the page, and on a GPU against an assertion that ends it for everybody."""
    target = "b" if model.anatomy.decoder_layers else None
    with pytest.raises(PlaygroundError, match=r"token 260 \(“<new>”\).*260 rows"):
        pg.record(model, "a<new>", target)
    with pytest.raises(PlaygroundError, match="token 260 .*260 rows"):
        pg.record(model, [5, 260], target)
    with pytest.raises(PlaygroundError, match="token -1;.*260 rows"):
        pg.record(model, [5, -1], target)
    assert pg.record(model, [5, 259], target).tokens[1].id == 259


def test_generating_refuses_them(model):
    """Guards the same where text is read through a cache, and where a continuation is told by its ids."""
    if not model.capabilities.generate:
        pytest.skip("it does not generate")
    for prompt, begun in (("a<new>", ()), ([5, 6], [260])):
        for beams in (1, 2):
            with pytest.raises(PlaygroundError, match="token 260 .*260 rows"):
                pg.generate(model, prompt, pg.GenerationSettings(beams=beams), begun=begun)
    with pytest.raises(PlaygroundError, match="token 260 "):
        IncrementalDecoder(model, [5, 260])
    with pytest.raises(PlaygroundError, match="token 260 "):
        IncrementalDecoder(model, [5], [260])


def test_a_target_with_them_is_refused():
    """Guards the decoder's own matrix."""
    tokenizer = zoo.byte_tokenizer()
    tokenizer.add_tokens(["<new>"])
    with pytest.raises(PlaygroundError, match="token 260 "):
        pg.record(prepare(zoo.build("bart"), tokenizer), "a", "b<new>")
