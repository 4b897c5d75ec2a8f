"""Parts taken out one by one, the identities of edits, and edits as they are typed."""

import numpy as np
import pytest
import torch

import playground as pg
from playground.errors import PlaygroundError
from playground.loading import prepare
from playground.recording.edits.edit import Edit
from playground.recording.edits.identities import ALL, CONE, LAST, NOTHING, identities_of
from playground.recording.edits.one_by_one import MOST_TOKENS, _Reader, effects_one_by_one
from playground.recording.edits.typed import edit_in_words, edits_in_words, typed_edits
from tests.recording.test_edits import record
from tests.recording.test_layers import NO_HEADS, NO_STATES, NORMS_THE_SUM, TRANSFORMS
from tests.tools import zoo

OWN_NORM = {"gemma2", "gemma3_text", "olmo2"}
"""Families with a norm after the attention."""


@pytest.mark.slow
@pytest.mark.parametrize("family", [family for family in zoo.FAMILIES if family not in NO_STATES])
def test_identities_on_every_family(tiny, family):
    """Guards against an identity that is claimed and does not hold, and one that is left out without a reason: same bits
    with strength 0 and outside the causal cone, all parts taken out = lens of the embedding, a head of the last layer taken
    out with all else frozen = minus its contribution."""
    recording = record(tiny(family))
    edited = recording.with_edits(typed_edits("1.2 at 1" if recording.model.on_interface else "layer 1 at 1"))
    if family in NORMS_THE_SUM:
        edited = recording.with_edits(typed_edits("attention 1 at 1, mlp 0 at 1"))
    found = identities_of(recording, edited, 2)
    assert found.holds and found.errors[NOTHING] == 0, found.errors
    assert (CONE in found.errors) == (recording.target_tokens is None)
    refuses = family in NORMS_THE_SUM | TRANSFORMS
    assert (ALL in found.reasons) == (family in TRANSFORMS) != (ALL in found.errors)
    assert (LAST in found.reasons) == (refuses or family in OWN_NORM | NO_HEADS) != (LAST in found.errors)


def test_an_identity_that_fails_is_seen(tiny):
    """Guards against a badge that is always green: a recording of another edit is outside of the cone that it claims."""
    recording = record(tiny("llama"))
    other = recording.with_edits([Edit("layer", 0)])
    claimed = pg.Recording(
        *(getattr(other, name) for name in ("model", "tokens", "target_tokens")),
        *(getattr(other, name) for name in ("_attention", "_outputs", "_replay")),
        edits=(Edit("layer", 1),),
    )
    found = identities_of(recording, claimed, 2)
    assert not found.holds and found.errors[CONE] > 0


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2", "gpt_neox", "bloom", "bert", "t5", "albert", "mixtral"])
@pytest.mark.parametrize("how", ["zero", "mean"])
def test_one_by_one_is_what_each_alone_does(tiny, family, how):
    """Guards against a batch whose rows meet, a kept state of another layer, or a logit of another token."""
    recording = record(tiny(family))
    effects = {one.layer: one for one in effects_one_by_one(recording, 1, 7, 9, how)}
    assert list(effects) == [1, 0]

    def alone(edit):
        logits = recording.with_edits([edit]).logits[1].double() - recording.logits[1].double()
        return float(logits[7] - logits[9])

    largest = max(np.abs(one.heads).max() if len(one.heads) else abs(one.attention) for one in effects.values())
    for layer, one in effects.items():
        assert len(one.heads) == (0 if family in NO_HEADS else 4) and (one.attention is None) == (
            family not in NO_HEADS
        )
        for head in range(len(one.heads)):
            assert one.heads[head] == pytest.approx(alone(Edit("head", layer, (head,), how=how)), abs=1e-4 * largest)
        if one.attention is not None:
            assert one.attention == pytest.approx(alone(Edit("attention", layer, how=how)), abs=1e-4 * largest)
        assert one.mlp == pytest.approx(alone(Edit("mlp", layer, how=how)), abs=1e-4 * largest)


def test_layers_are_run_from_where_the_part_is(tiny):
    """Guards against a scan that quietly runs the whole model for each layer of a usual family."""
    for family in ("llama", "gpt2", "gemma2", "gpt_neox", "opt", "falcon"):
        assert _Reader(record(tiny(family)), 1)._calls, family


@pytest.mark.slow
def test_one_by_one_refuses(tiny, narrow):
    """Guards a long text, a mean of one token, and a family of which no part is known."""
    with pytest.raises(PlaygroundError, match="1,025 tokens"):
        next(effects_one_by_one(pg.record(narrow, [5] * (MOST_TOKENS + 1)), 0, 7))
    with pytest.raises(PlaygroundError, match="no other tokens"):
        next(effects_one_by_one(record(tiny("llama"), text="a"), 0, 7, how="mean"))
    with pytest.raises(PlaygroundError, match="can't be edited"):
        next(effects_one_by_one(record(tiny("xlnet")), 0, 7))


def test_no_numbers_are_told():
    """Guards against NaN in a picture: a model whose numbers leave the format when a part is gone."""
    model = zoo.variant("gpt2")
    loaded = prepare(model, zoo.byte_tokenizer(), "nan")
    with torch.no_grad():
        model.transformer.h[1].mlp.c_proj.weight.mul_(1e38)
    with pytest.raises(PlaygroundError, match="no numbers|is off"):
        list(effects_one_by_one(record(loaded), 1, 7))


def test_typed():
    """Guards the way from words to edits and back to words."""
    edits = typed_edits(
        "24.5, mlp 3 ; Layer 2, neuron 7.170, token 3, token 3 after 12, 24.5: 11>3, 24: *->3, cross 1.2 at 4"
    )
    assert edits == (
        Edit("head", 24, (5,)),
        Edit("mlp", 3),
        Edit("layer", 2),
        Edit("neuron", 7, (170,)),
        Edit("state", -1, positions=(3,)),
        Edit("state", 12, positions=(3,)),
        Edit("arrow", 24, (5,), (11,), keys=(3,)),
        Edit("arrow", 24, keys=(3,)),
        Edit("head", 1, (2,), (4,), kind="cross"),
    )
    assert [edit_in_words(edit) for edit in edits] == [
        "head 5 of layer 24",
        "MLP of layer 3",
        "layer 2",
        "neuron 170 of layer 7",
        "token 3 at the embedding",
        "token 3 after layer 12",
        "what token 11 sees of token 3 in head 5 of layer 24",
        "what others see of token 3 in layer 24",
        "cross-head 2 of layer 1 at token 4",
    ]
    assert edits_in_words(edits[:2]) == "Taken out: head 5 of layer 24, MLP of layer 3"
    assert typed_edits("1.2", "text", (5, 6))[0].text == (5, 6)
    for bad in (
        "",
        " , ",
        "head",
        "24.",
        "1.2.3",
        "mlp",
        "<b>1.2</b>",
        "1.2 " * 5000,
        ", ".join("1.2" for _ in range(200)),
    ):
        with pytest.raises(PlaygroundError):
            typed_edits(bad)
