"""Texts that hide something must show it, and must never break what draws them."""

import json

import pytest

from playground.analysis.text_display import counted, in_words, percent, plain_mark, power_of_ten


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" cat", "·cat"),
        ("cat", "cat"),
        ("a b", "a b"),
        ("   ", "···"),
        ("cat ", "cat·"),
        ("\n", "⏎"),
        ("\t", "⇥"),
        ("\r", "⟨U+000D⟩"),
        ("\x00", "⟨U+0000⟩"),
        ("\u202egnp", "⟨U+202E⟩gnp"),
        ("\u200b", "⟨U+200B⟩"),
        ("\u00a0", "⟨U+00A0⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("", "(empty)"),
        ("日本", "日本"),
        ("\u0301", "◌\u0301"),
    ],
)
def test_what_can_not_be_seen_gets_a_mark(text, shown):
    """Guards against labels that look the same for "cat" and " cat", and against invisible or reversed labels."""
    assert plain_mark(text) == shown


def test_surrogate_pairs_and_joined_emoji_stay_whole():
    """Guards against an emoji that arrives in two halves, or a family, falling apart into codes."""
    assert plain_mark("\ud83d\ude00") == "😀"
    assert plain_mark("👩\u200d👧") == "👩\u200d👧"


def test_long_texts_lose_their_middle_but_no_mark_is_cut():
    """Guards against labels wider than the picture, and against half a mark such as "⟨U+20" at the cut."""
    shown = plain_mark("abcdefghijklmnopqrstuvwxyz0123456789")
    assert shown == "abcdefghijkl…yz0123456789"[:12] + "…" + "z0123456789"
    assert len(shown) == 24
    hidden = plain_mark("\u202e" * 40)
    assert hidden == "⟨U+202E⟩…⟨U+202E⟩"
    assert plain_mark("x" * 99, limit=None) == "x" * 99


def test_marking_twice_changes_nothing():
    """Guards against a label that passes two hands and ends up marked twice."""
    once = plain_mark(" a\n\u202e\t" + "x" * 40)
    assert plain_mark(once) == once


def test_every_label_can_be_sent():
    """Guards against a lone surrogate that stops the whole page from being encoded."""
    everything = plain_mark("".join(map(chr, range(0xD7F0, 0xE010))), limit=None)
    assert json.loads(json.dumps(everything).encode("utf-8")) == everything


def test_words_in_sentences_carry_no_marks():
    """Guards against sentences that speak of "·cat"."""
    assert (in_words(" cat"), in_words(" "), in_words("\n")) == ("cat", "·", "⏎")


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.71, "71 %"),
        (0, "0 %"),
        (1, "100 %"),
        (0.9999999, "100 %"),
        (0.05, "5 %"),
        (0.034, "3.4 %"),
        (0.0996, "10 %"),
        (0.001, "0.1 %"),
        (0.0004, "<0.1 %"),
        (0.997, "99.7 %"),
        (0.9996, ">99.9 %"),
        (0.99999, ">99.9 %"),
    ],
)
def test_shares_are_not_rounded_to_certainty(share, shown):
    """Guards against "0 %" for something small and "100 %" for something not quite certain."""
    assert percent(share) == shown


def test_nouns_follow_their_number():
    """Guards against "1 tokens"."""
    assert (counted(1, "token"), counted(2048, "token")) == ("1 token", "2,048 tokens")


def test_small_numbers_as_books_print_them():
    """Guards against a program's spelling on the badge, and a rounded digit that needs another power: 9.6e-8 is 1e-7."""
    assert [power_of_ten(x) for x in (6.1e-7, 9.6e-8, 0.0, 2e-3)] == ["6·10⁻⁷", "1·10⁻⁷", "0", "2·10⁻³"]
    assert [power_of_ten(x) for x in (0.0123, 3.21, 1234.5)] == ["0.012", "3.2", "1,234"]
