"""What the tasks compute, with numbers to be worked out by hand."""

import math

import numpy as np
import pytest
import torch

from playground.analysis.tasks.accuracy import accuracy, wilson_interval
from playground.analysis.tasks.alignment import grouped, tokens_of
from playground.analysis.tasks.copying import copying
from playground.analysis.tasks.entities import TokenScores, entities
from playground.analysis.tasks.label_probabilities import calibrated, label_probabilities
from playground.analysis.tasks.spans import SpanScores, best_spans, no_answer_score
from playground.analysis.tasks.text_units import sentences, words


def test_wilson_interval_by_hand():
    """Guards the interval that a class reads: 8 of 10 right leave 49 % to 94 % (Wilson 1927), all of 10 leave 72 % to 100 %;
    with z = 1 the formula gives (0.8 + 0.05 ± sqrt(0.016 + 0.0025)) / 1.1."""
    assert wilson_interval(8, 10) == pytest.approx((0.490, 0.943), abs=5e-4)
    assert wilson_interval(10, 10) == pytest.approx((0.722, 1.0), abs=5e-4)
    half = math.sqrt(0.016 + 0.0025)
    assert wilson_interval(8, 10, z=1) == pytest.approx(((0.85 - half) / 1.1, (0.85 + half) / 1.1))


def test_accuracy_beside_the_most_frequent_label():
    """Guards a figure without what needs no model: of three examples two are right, and two are “a”."""
    result = accuracy(["a", "b", "b"], ["a", "a", "b"])
    assert (result.right, result.share, result.most_frequent) == (2, 2 / 3, 2 / 3)


def test_probabilities_by_hand():
    """Guards softmax, sigmoid and none of both; what the empty text says is taken off."""
    logits = torch.tensor([math.log(1.0), math.log(3.0)])
    assert label_probabilities(logits, "softmax").tolist() == pytest.approx([0.25, 0.75])
    assert label_probabilities(logits, "sigmoid").tolist() == pytest.approx([0.5, 0.75])
    assert label_probabilities(logits, "regression").tolist() == pytest.approx(logits.tolist())
    frequent = torch.tensor([math.log(0.1), math.log(0.4)])  # the second word is four times as frequent anyway
    same = torch.tensor([math.log(0.2), math.log(0.8)])
    assert calibrated(same, frequent).softmax(0).tolist() == pytest.approx([0.5, 0.5])


def test_the_best_span_by_hand():
    """Guards a span that ends before it begins, one outside of the passage and one that is too long; two windows share one
    softmax, and of "no answer" the lower score counts."""
    passage = torch.tensor([False, True, True, True])
    one = SpanScores(torch.tensor([9.0, 1.0, 5.0, 0.0]), torch.tensor([9.0, 6.5, 2.0, 4.0]), passage, 0)
    (best, second), third = best_spans([one], 2, 2), best_spans([one], 1, 3)[0]
    assert (best.first, best.last, best.score) == (2, 3, 9.0) and (second.first, second.last) == (1, 1)
    assert (third.first, third.last, third.score) == (1, 1, 7.5)
    starts = torch.tensor([9.0, 1.0, 5.0, 0.0]).softmax(0)
    ends = torch.tensor([9.0, 6.5, 2.0, 4.0]).softmax(0)
    assert best.probability == pytest.approx(float(starts[2] * ends[3]))
    other = SpanScores(torch.tensor([0.0, 1.0, 5.0, 0.0]), torch.tensor([1.0, 6.5, 2.0, 5.0]), passage, 0)
    joint = best_spans([one, other], 2, 1)[0]
    assert (joint.window, joint.first, joint.last) == (1, 2, 3) and no_answer_score([one, other]) == 1.0
    all_starts = torch.tensor([9.0, 1.0, 5.0, 0.0, 0.0, 1.0, 5.0, 0.0]).softmax(0)
    all_ends = torch.tensor([9.0, 6.5, 2.0, 4.0, 1.0, 6.5, 2.0, 5.0]).softmax(0)
    assert joint.probability == pytest.approx(float(all_starts[6] * all_ends[7]))


def _token(start, end, probabilities, continues=False):
    return TokenScores(np.array(probabilities), start, end, continues)


def test_spans_from_tokens_by_hand():
    """Guards B- that begins a new span, and the four ways for a word of two pieces that disagree."""
    labels = ("O", "B-PER", "I-PER")
    tokens = [
        _token(0, 2, [0.1, 0.9, 0.0]),
        _token(2, 4, [0.7, 0.1, 0.2], continues=True),
        _token(5, 7, [0.3, 0.0, 0.7]),
        _token(8, 9, [0.2, 0.8, 0.0]),
    ]

    def spans(strategy):
        return [(e.label, e.start, e.end, round(e.probability, 3)) for e in entities(tokens, labels, strategy)]

    assert spans("simple") == [("PER", 0, 2, 0.9), ("PER", 5, 7, 0.7), ("PER", 8, 9, 0.8)]
    assert spans("first") == spans("max") == [("PER", 0, 7, 0.8), ("PER", 8, 9, 0.8)]
    assert spans("average") == [("PER", 0, 7, 0.6), ("PER", 8, 9, 0.8)]


def test_words_and_sentences_in_scripts_with_spaces_and_without():
    """Guards a decimal point that ends a sentence, closing quotes left to the next one, and Chinese as one long word."""
    text = "It's $3.50! “Really?” she said. 他走了。她\nnew line"
    assert [text[start:end] for start, end in sentences(text)] == [
        "It's $3.50!", "“Really?”", "she said.", "他走了。", "她", "new line",
    ]  # fmt: skip
    assert [text[start:end] for start, end in words(text)][:3] == ["It's", "3", "50"]
    assert ["abc猫狗d"[start:end] for start, end in words("abc猫狗d")] == ["abc", "猫", "狗", "d"]
    assert sentences(" \n") == [] == words("?! \U0001f600")


def test_copied_words_by_hand():
    """Guards Grusky's fragments: the longest run first, case aside; coverage counts words, density their runs' lengths."""
    seen = copying("The old bridge was built in 1732.", "A bridge was BUILT of stone in 1732, in 1733.")
    assert [fragment.count for fragment in seen.fragments] == [3, 2, 1] and len(seen.new) == 4
    assert seen.words == 10 and seen.coverage == pytest.approx(0.6) and seen.density == pytest.approx((9 + 4 + 1) / 10)
    assert copying("", "").coverage == 0 and copying("x", "").density == 0
    assert [f.count for f in copying("a b a b c", "a b c").fragments] == [3], "not the first run, the longest"
    assert copying("cat", "concatenate").fragments == (), "whole words only"


def test_attention_between_words_by_hand():
    """Guards Clark's rule turned round: the mean over the tokens that look, the sum over those that are looked at."""
    weights = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]], np.float32)
    np.testing.assert_allclose(grouped(weights, [[0, 1]], [[0, 1], [2]]), [[0.5, 0.5]], atol=1e-6)
    assert grouped(weights, [[], [0]], [[2]]).tolist() == [[0], [pytest.approx(0.2)]]
    assert tokens_of([(0, 3), (4, 7)], [(0, 2), (2, 3), (3, 7), (7, 7)]) == [[0, 1], [2]]
    assert tokens_of([(0, 1)], [(0, 0), (0, 1)]) == [[0, 1]], "a byte piece before its character"
