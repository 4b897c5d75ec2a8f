"""Two models on the same text: against itself, against another vocabulary, and what can't be compared."""

import math

import numpy as np
import pytest

import playground as pg
from playground.loading import prepare
from playground.recording.layers.expected_bytes import token_name
from playground.recording.layers.two_models import MAX_TOKENS, TwoModels
from tests.tools import zoo

TEXT = "The cat sat. The cat"


def two(first, second, text=TEXT):
    return TwoModels(text, pg.record(first, text), pg.record(second, text))


def test_a_model_against_itself(tiny):
    """Guards against numbers that differ where nothing does: divergence 0, the same bits, each head its own match."""
    pair = two(tiny("llama"), tiny("llama"))
    expected = pair.next_tokens()
    assert pair.same_tokens and expected.covered == pytest.approx((1, 1)) and expected.tokens is not None
    assert (
        (expected.tokens.total_variation, expected.tokens.jensen_shannon)
        == (0, 0)
        == (expected.bytes.total_variation, expected.bytes.jensen_shannon)
    )
    assert pair.unit_bits[0] == pair.unit_bits[1] and pair.unit_bits[0][0] is None
    for aside in (True, False):
        matches = pair.match(aside)
        assert matches.pairs() and all(first == second for first, second, _ in matches.pairs())
        assert matches.similarity[:, 0].min() == 1 and matches.mean < 1
    head = pair.pattern(0, (1, 2))
    assert np.array_equal(head, pg.record(tiny("llama"), TEXT).attention(1).weights[2].numpy())
    without = pair.pattern(0, (1, 2), aside=True)
    assert not without[:, 0].any() and without[1:].sum(1) == pytest.approx(1)
    assert head.shape == (len(pair.query_names), len(pair.key_names))


def test_the_same_text_in_other_pieces(smollm2, tiny):
    """Guards against attention, bits or next tokens that are paired by place: the pieces are those that both read, rows sum
    to 1, a piece's bits are the sum of its tokens', and only tokens of the same bytes are the same."""
    pair = two(smollm2, tiny("llama"))
    assert not pair.same_tokens and [len(unit.first) for unit in pair.units] == [1] * 6
    assert pair.query_names == ["The", "cat", "sat", ".", "The", "cat"]
    for side in (0, 1):
        assert pair.pattern(side, (0, 0)).sum(1) == pytest.approx(1)
    entries = pair.second.logits.double().log_softmax(-1)
    ids = [token.id for token in pair.second.tokens]
    own = [-float(entries[place - 1, ids[place]]) / math.log(2) for place in pair.units[1].second]
    assert pair.unit_bits[1][1] == pytest.approx(sum(own)) and pair.unit_bits[0][0] is None
    expected = pair.next_tokens()
    assert expected.tokens is None and 0 < expected.bytes.jensen_shannon <= 1 and max(expected.covered) < 1
    names = {token_name(outcome.key): outcome for outcome in expected.outcomes}
    assert any(outcome.second is None for outcome in names.values())  # a word that bytes lack
    assert pair.match().best.shape == (270, 3)


def test_what_cannot_be_compared_says_why(tiny):
    """Guards against a masked model's or a translator's guesses as next tokens, against maps of another text, and against a
    text that costs minutes. Encoders and decoders are compared by their attention all the same."""
    for other, words in (("bert", "bert does not continue"), ("t5", "t5 reads your text to write another")):
        pair = two(tiny("llama"), tiny(other))
        with pytest.raises(pg.PlaygroundError, match=words):
            pair.next_tokens()
        with pytest.raises(pg.PlaygroundError, match=words):
            _ = pair.unit_bits
        assert pair.match().queries == len(TEXT) - 2
    with pytest.raises(pg.PlaygroundError, match="too short"):
        two(tiny("llama"), tiny("gpt2"), "ab").match()


@pytest.mark.slow
def test_a_long_text_is_bounded(narrow, monkeypatch):
    """Guards against differences that grow with the square of a text's length: fewer queries are compared, and beyond a
    length none."""
    monkeypatch.setattr("playground.recording.layers.two_models.MOST_DIFFERENCES", 270 * 270 * 300 * 10)
    assert two(narrow, narrow, "ab" * 150).match().queries == 10
    with pytest.raises(pg.PlaygroundError, match=f"reads 1,025 tokens; heads are compared up to {MAX_TOKENS:,}"):
        two(narrow, narrow, "a" * (MAX_TOKENS + 1)).match()


def test_special_tokens_have_a_column_of_their_own():
    """Guards against weights on [CLS] and [SEP] that vanish, or that count as the text's."""
    pairs = prepare(zoo.build("bert"), zoo.pair_tokenizer(), "pairs")
    plain = prepare(zoo.build("llama"), zoo.byte_tokenizer(), "llama")
    pair = two(plain, pairs, "abcd")
    assert pair.key_names == ["a", "b", "c", "d", "(special)"]
    assert pair.pattern(0, (0, 0))[:, -1].tolist() == [0] * 4
    assert pair.pattern(1, (0, 0))[:, -1].min() > 0 and pair.pattern(1, (0, 0)).sum(1) == pytest.approx(1)
    same = two(pairs, pairs, "abcd")
    assert same.match().pairs()[0][2] == 1 and len(same.key_names) == len(same.first.tokens) > len(same.query_names)
