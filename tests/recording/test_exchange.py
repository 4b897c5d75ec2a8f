"""Numbers exchanged between the readings of two texts: identities on every family, cells by edits, estimates by slopes."""

import numpy as np
import pytest
import torch

import playground as pg
from playground.analysis.layers.exchange import WHAT, Exchange, first_difference, first_order
from playground.errors import PlaygroundError
from playground.models.decoder_start import Target
from playground.recording.edits.edit import TEXT, Edit
from playground.recording.layers import text_pair
from playground.recording.layers.exchange import AT_ONCE, Patcher
from playground.recording.layers.exchange_checks import cone_error
from playground.recording.layers.text_pair import pair_of
from tests.tools import zoo

CLEAN, OTHER = "abcdefgh hij", "abcdexgh hij"
NO_STATES = {"xlnet", "openai-gpt"}
"""Families whose layers pass on no state (1, T, D)."""


def _measure(model, result: Exchange, edits=()) -> float:
    logits = pg.record(model, OTHER, edits=list(edits)).logits[result.position]
    return float(logits[result.token].double() - logits[result.against].double())


@pytest.mark.slow
@pytest.mark.parametrize("family", [name for name in zoo.FAMILIES if name not in zoo.MASKED])
def test_every_family_holds_or_says_why(tiny, family):
    """Guards against an exchange at another place: with all states exchanged before layer 0 the logits are the other text's;
    all of a layer's states changed at once give the whole effect; and a state before the last layer's end that the answer
    does not see changes not one bit."""
    model = tiny(family)
    if model.model.config.is_encoder_decoder:
        return  # below
    if family in NO_STATES:
        with pytest.raises(PlaygroundError, match="one state per token|once into both texts"):
            pg.patch(model, CLEAN, OTHER)
        return
    result = pg.patch(model, CLEAN, OTHER, token=7, against=9, exact=True)
    assert result.error <= 1e-5 and result.layers == (-1, 0, 1) and result.columns == tuple(range(5, 12))
    clean, corrupted = (pg.record(model, text).logits[-1] for text in (CLEAN, OTHER))
    assert result.clean == pytest.approx(float(clean[7] - clean[9]), abs=1e-5)
    assert result.corrupted == pytest.approx(float(corrupted[7] - corrupted[9]), abs=1e-5)
    assert np.isfinite(result.exact).all() and result.exact[0, 0] == pytest.approx(result.effect, abs=1e-5)
    assert result.exact[2, -1] == pytest.approx(result.effect, abs=1e-5)
    assert not result.exact[2, :-1].any() and not result.estimate[2, :-1].any()
    assert not result.exact[0, 1:].any(), "tokens that are the same have the same embedding"
    assert (
        result.errors["itself"] == 0
        and result.errors["cone"] == 0
        and "cone" not in pg.patch(model, CLEAN, OTHER).errors
    )
    assert _keeps_every_bit(model, OTHER)


def _keeps_every_bit(model, text: str) -> bool:
    """Whether the states of a text exchanged with its own leave its logits as they are."""
    plain = pg.record(model, text)
    edit = Edit("state", 0, how=TEXT, text=tuple(token.id for token in plain.tokens))
    return torch.equal(plain.with_edits([edit]).logits, plain.logits)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "gpt2", "gpt_neox", "gemma2"])
@pytest.mark.parametrize("what", WHAT)
def test_cells_are_edits_and_estimates_their_slopes(tiny, family, what):
    """Guards against a batch that mixes cells, and a gradient of another number: each cell is the recording with that edit,
    and each estimate the slope of the same edit at a small strength."""
    model = tiny(family)
    result = pg.patch(model, CLEAN, OTHER, what, token=7, against=9, exact=True)
    ids = tuple(token.id for token in pair_of(model, CLEAN, OTHER).clean)
    base = _measure(model, result)
    rows, columns = result.exact.shape
    assert (rows, columns) == (3 if what == "state" else 2, 4 if what == "head" else 7)
    largest = float(np.abs(result.exact).max())
    for row, column in ((0, 0), (rows - 1, columns - 1), (1, 1)):
        place = {"which": (column,)} if what == "head" else {"positions": (column + 5,), "sources": (column + 5,)}
        edit = Edit(what, result.layers[row], **place, how=TEXT, text=ids)
        assert _measure(model, result, [edit]) - base == pytest.approx(result.exact[row, column], abs=2e-6)
        small = Edit(what, result.layers[row], **place, how=TEXT, text=ids, strength=1e-2)
        slope = (_measure(model, result, [small]) - base) / 1e-2
        assert slope == pytest.approx(result.estimate[row, column], abs=0.03 * largest + 1e-4)


TWO_STACKS = [name for name in zoo.FAMILIES if name in {"t5", "bart", "marian", "mt5", "pegasus", "mbart"}]


@pytest.mark.slow
@pytest.mark.parametrize("family", TWO_STACKS)
@pytest.mark.parametrize("what", ["state", "head"])
def test_encoders_of_encoder_decoders(tiny, family, what):
    """Guards against an exchange in the decoder, or of another layer of the encoder: with all states exchanged before layer
    0 the logits are the other text's; only the token that differs matters there; each cell is the recording with that edit,
    and each estimate the slope of the same edit at a small strength."""
    model = tiny(family)
    result = pg.patch(model, CLEAN, OTHER, what, token=7, against=9, exact=True)
    assert result.error <= 1e-5 and result.layers == ((-1, 0, 1) if what == "state" else (0, 1))
    count = len(pair_of(model, CLEAN, OTHER).clean)

    def measure(text, edits=()) -> float:
        logits = pg.record(model, text, Target(ids=()), edits=list(edits)).logits[result.position]
        return float(logits[7].double() - logits[9].double())

    base = measure(OTHER)
    assert result.clean == pytest.approx(measure(CLEAN), abs=1e-5)
    assert result.corrupted == pytest.approx(base, abs=1e-5)
    if what == "state":
        assert result.columns == tuple(range(count)) and result.exact[0, 5] == pytest.approx(result.effect, abs=1e-5)
        assert np.flatnonzero(result.exact[0]).tolist() == [5], "tokens that are the same have the same embedding"
    ids, largest = tuple(token.id for token in pair_of(model, CLEAN, OTHER).clean), float(np.abs(result.exact).max())
    rows, columns = result.exact.shape
    for row, column in ((rows - 1, columns - 1), (rows - 1, 1), (rows - 2, 0)):
        place = {"which": (column,)} if what == "head" else {"positions": (column,), "sources": (column,)}
        edit = Edit(what, result.layers[row], **place, how=TEXT, text=ids, kind="encoder")
        assert measure(OTHER, [edit]) - base == pytest.approx(result.exact[row, column], abs=1e-5)
        small = Edit(what, result.layers[row], **place, how=TEXT, text=ids, kind="encoder", strength=1e-3)
        slope = (measure(OTHER, [small]) - base) / 1e-3
        assert slope == pytest.approx(result.estimate[row, column], abs=0.03 * largest + 2e-3)


def test_one_cell_and_all_cells_agree(tiny):
    """Guards against cells that depend on the others of their batch, and a Stop after which all is computed anew: one cell
    alone, then the rest in batches."""
    model = tiny("llama")
    patcher = Patcher(model, pair_of(model, CLEAN, OTHER), "state", (7, 9))
    count = patcher.result.exact.size
    assert len(patcher.missing()) == count and patcher.result.correlation is None
    patcher.compute([(1, 3)])
    alone = float(patcher.result.exact[1, 3])
    shares = patcher.compute_all()
    first = next(shares)
    assert 0 < first < 1 and len(patcher.missing()) == count - 1 - AT_ONCE
    assert list(shares)[-1] == 1 and patcher.missing() == []
    assert patcher.result.exact[1, 3] == alone and -1 <= patcher.result.correlation <= 1
    patcher.compute([(1, 3), (0, 0)])
    assert float(patcher.result.exact[1, 3]) == pytest.approx(alone, abs=1e-6)


def test_a_text_exchanged_with_itself_keeps_every_bit(tiny):
    """Guards against an exchange that changes more than its values: those of the same text leave the logits as they were."""
    model = tiny("llama")
    ids = tuple(token.id for token in pair_of(model, CLEAN, OTHER).corrupted)
    plain = pg.record(model, OTHER).logits
    for what in WHAT:
        edit = Edit(what, 1, how=TEXT, text=ids)
        assert torch.equal(pg.record(model, OTHER, edits=[edit]).logits, plain)


@pytest.mark.parametrize("what", WHAT)
def test_what_must_hold_of_exact_cells_is_seen_where_it_does_not(tiny, what):
    """Guards against a badge that is always green: other numbers put into the text for its own refuse its cells, with the
    number; and a cell that the answer can't see, once it changes something, counts."""
    model = tiny("llama")
    pair = pair_of(model, CLEAN, OTHER)
    patcher = Patcher(model, pair, what, (7, 9))
    patcher.compute([(0, 0)])
    assert patcher.result.errors == {"exchanged": patcher.result.error, "itself": 0}
    if what != "head":
        patcher.result.exact[-1, 0] = 0.5
        largest = max(abs(patcher.result.clean), abs(patcher.result.corrupted))
        assert cone_error(model, patcher.result) == pytest.approx(0.5 / largest)
    wrong = Patcher(model, pair, what, (7, 9))
    wrong._own = wrong._own[0], wrong._own[1] + 1
    with pytest.raises(PlaygroundError, match="No cell can be computed exactly.* off by"):
        wrong.compute([(0, 0)])


@pytest.mark.parametrize("family", sorted(zoo.MASKED))
def test_a_model_that_fills_gaps(tiny, family):
    """Guards against an answer read after the last token of a model that reads both ways, and tokens before the first
    difference left out, which see it here."""
    model = tiny(family)
    mask = model.tokenizer.mask_token
    result = pg.patch(model, f"abc{mask}ef", f"abc{mask}xf", token=7, against=9)
    tokens = pair_of(model, f"abc{mask}ef", f"abc{mask}xf").clean
    assert tokens[result.position].id == model.tokenizer.mask_token_id and result.columns == tuple(range(len(tokens)))
    assert result.error <= 1e-5 and np.abs(result.estimate).max() > 0 and _keeps_every_bit(model, f"abc{mask}xf")
    for texts in (("abcd", "abcx"), (f"{mask}b{mask}", f"{mask}c{mask}"), (f"a{mask}", f"{mask}b")):
        with pytest.raises(PlaygroundError, match="once into both texts|tokens in the same places"):
            pair_of(model, *texts)


def test_texts_that_are_too_long_to_exchange(tiny, monkeypatch):
    """Guards against "Choose 128 or less" said of a text's length: it has both numbers and what to do."""
    monkeypatch.setattr(text_pair, "MAX_TOKENS", 4)
    with pytest.raises(PlaygroundError, match="A text has 5 tokens; at most 4 can be exchanged. Shorten both texts."):
        pg.patch(tiny("llama"), "abcde", "abcdf")


def test_bad_requests(tiny, minilm):
    """Guards against Python errors, and a pair that is padded without a word."""
    model = tiny("llama")
    for call, words in (
        (lambda: pg.patch(model, "abc", "abcd"), "has 3 tokens, the other one 4;.*part at"),
        (lambda: pg.patch(model, "abc", "abc"), "the same"),
        (lambda: pg.patch(model, "", "abc"), "text"),
        (lambda: pg.patch(model, CLEAN, OTHER, "neuron"), "nothing called"),
        (lambda: pg.patch(model, CLEAN, OTHER, token=260), "token id"),
        (lambda: pg.patch(model, CLEAN, OTHER, token=4, against=4), "the same"),
        (lambda: pg.patch(model, "a" * 129, "b" * 129), "has 129 tokens; with this model at most 64"),
        (lambda: pg.patch(tiny("t5"), CLEAN, OTHER, "mlp"), "Exchange states or heads"),
        (lambda: pg.patch(minilm, "a cat", "a dog"), "no logits"),
        (lambda: pg.patch(tiny("bloom"), CLEAN, OTHER, "head"), "heads of this model"),
        (lambda: Patcher(model, pair_of(model, CLEAN, OTHER), "state", (7, 9)).compute([(0, 99)]), "column"),
    ):
        with pytest.raises(PlaygroundError, match=words):
            call()
    single = pg.patch(model, "a", "b", exact=True)
    assert single.exact.shape == (3, 1) and single.exact[:, 0] == pytest.approx(single.effect, abs=1e-5)


def test_the_maths_by_hand():
    """Guards the sums: two tokens of two heads, (1, 2 | 3, 4) against zeros, gradient 1 and 10; and where texts part."""
    clean = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]])  # T = 2, N = 1, W = 2
    gradient = torch.tensor([[[1.0, 10.0]], [[1.0, 10.0]]])
    assert first_order(clean, torch.zeros_like(clean), gradient, False).tolist() == [21.0, 43.0]
    assert first_order(clean, torch.zeros_like(clean), gradient, True).tolist() == [64.0]
    assert first_difference((1, 2, 3), (1, 5, 3)) == 1 and first_difference((1,), (1, 2)) == 1
