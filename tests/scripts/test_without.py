"""Python beside the pictures of Without it: parts, single tokens and arrows, taken out as the page takes them."""

import numpy as np
import pytest

from playground.tabs.layers import without_handlers, without_map
from playground.tabs.layers.without_handlers import WithoutRequest
from playground.tabs.shared.scripts import script_output
from tests.scripts.running import CLOSE, agree, drawn, heat, numbers
from tests.tabs.calling import shown

SHORT, LONG = "the mat", "the mat " * 6
"""A second text that is shorter than the page's, and a longer one."""


def takes_out(page, what, monkeypatch, how="zero", second=SHORT):
    """The scripts of both pictures compute what they draw. Returns by how much what is said changes, and attention."""
    outputs = shown(without_handlers.show, page, WithoutRequest(what, how, second, reading=page.reading))
    assert drawn(outputs["figure"]), outputs["sentence"]
    pairs = np.stack([trace.x for trace in drawn(outputs["figure"]).data])
    np.testing.assert_allclose(numbers(outputs[script_output("figure")], monkeypatch), pairs, **CLOSE)
    moved = drawn(outputs["changed"])
    if moved:
        agree(outputs[script_output("changed")], heat(outputs["changed"]), monkeypatch)
    return np.abs(pairs[0] - pairs[1]).max(), np.nanmax(heat(outputs["changed"])) if moved else 0


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert", "t5"])
@pytest.mark.parametrize("how", ["zero", "mean", "text"])
def test_without_a_part(look, monkeypatch, family, how):
    """Guards against a part that is taken out elsewhere, or behind the matrix that mixes the heads, or behind the norm of a
    sum (BERT), a mean with the token itself or the first one in it, a second text aligned at its beginning, and a map whose
    parts stay out."""
    page = look(family)
    if family == "t5" and how == "mean":  # its decoder has read one token, which has no others
        return
    for what in ("1.2, 0.3", "mlp 1", "attention 0", "layer 1", "neuron 0.5"):
        change, _ = takes_out(page, what, monkeypatch, how, SHORT if what < "a" else LONG)
        assert change > 1e-4 or family == "t5", "what a part of the decoder makes of its one token may be nothing"
    request = WithoutRequest(what, how, LONG, reading=page.reading)
    outputs = shown(without_map.one_by_one, page, request)
    agree(outputs[script_output("effects")], heat(outputs["effects"]), monkeypatch)


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert", "bart"])
@pytest.mark.parametrize("how", ["zero", "mean", "text"])
def test_without_a_token(look, monkeypatch, family, how):
    """Guards against a part that is taken out at every token where one is named, a state behind the final norm, and the
    embedding changed where a layer's state is named."""
    page = look(family)
    if family == "bart" and how == "mean":
        return
    last = page.recording().length - 1 if page.recording().target_tokens is None else 0
    parts = f"token {last}", f"token {last} after 0", f"1.2 at {last}, mlp 0 at {last}", f"neuron 1.5 at {last}"
    assert max(takes_out(page, what, monkeypatch, how, LONG)[0] for what in parts) > 1e-4


@pytest.mark.parametrize("family", ["llama", "gpt2", "gpt_neox", "gemma2", "gpt_oss", "bert", "bart", "t5"])
def test_without_an_arrow(look, monkeypatch, family):
    """Guards against another layer's call (the decoder's counted without the encoder's), queries and keys exchanged, heads
    that lose the arrow too, a token's arrow to itself that goes with "*", and arrows that are missing before the comparison
    as well."""
    page = look(family)
    two_stacks = page.recording().target_tokens is not None
    last = len(page.recording().tokens) - 1
    changes = []
    for arrow in (f"{last}>1", f"*>{last - 1}"):
        for where in ("cross 1.2", "cross 0", "encoder 0.1", "encoder 1") if two_stacks else ("1.2", "0"):
            arrow = "0>1" if where.startswith("cross") and arrow[0] != "*" else arrow
            changes.append(takes_out(page, f"{where}: {arrow}", monkeypatch))
    assert np.max(changes) > 1e-3, "arrows that matter"
    if not two_stacks:
        takes_out(page, f"0.1: {last}>2, 1.3 at {last}, token 1 after 0", monkeypatch, "mean")


@pytest.mark.parametrize("what", ["cross 1.2", "cross attention 0", "cross 0.1 at 0"])
def test_without_attention_to_the_encoder(look, monkeypatch, what):
    """Guards against heads of the decoder's attention to itself in the place of those that look at the encoder."""
    assert takes_out(look("bart"), what, monkeypatch)[0] > 1e-5


@pytest.mark.parametrize("family", ["bart", "t5", "marian"])
@pytest.mark.parametrize("how", ["zero", "mean", "text"])
def test_without_heads_of_an_encoder(look, monkeypatch, family, how):
    """Guards against the decoder's heads of the same number in their place, a second text that is read without them, or with
    an arrow hidden, and encoder heads that are taken out of the comparison as well."""
    page, changes = look(family), []
    for what in ("encoder 0.1, encoder 1.2", "encoder 1.2 at 1", "encoder 0.1, encoder 1: 0>1", "encoder 1.1, mlp 0"):
        if how != "mean" or "mlp" not in what:  # the decoder has read one token, which has no others
            changes.append(takes_out(page, what, monkeypatch, how, LONG)[0])
    assert max(changes) > 1e-4
