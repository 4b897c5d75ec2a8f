"""A classifier on a model's vectors."""

import math

import numpy as np
import pytest

import playground as pg
from playground.embeddings.sentence_vectors import encode, usual_pooling
from playground.errors import PlaygroundError
from playground.training.two_columns import two_columns

GOOD = [
    "A wonderful film",
    "I loved it",
    "The best meal of my life",
    "She sang beautifully",
    "Friendly staff, clean room",
]
BAD = ["A terrible film", "I was bored", "The food was cold", "The singer was out of tune", "Rude staff, dirty room"]
LINES = "\n".join([*(f"{text}\tgood" for text in GOOD), *(f"{text}, bad" for text in BAD)])


def test_it_learns_in_seconds_on_minilm(minilm):
    """Guards the arithmetic: it begins at ln 2, and what it says is softmax(W·x + b) of the model's own vectors, worked out
    here with numpy; a text never seen is told rightly, and the same seed gives the same bits."""
    classifier, again = (pg.train_classifier(minilm, LINES) for _ in range(2))
    assert classifier.labels == ("bad", "good") and classifier.held_out[0] == 2
    assert classifier.losses[0] == pytest.approx(math.log(2)) and classifier.losses[-1] < 0.1
    assert classifier.losses == again.losses and classifier.held_out == again.held_out
    texts = ["What a beautiful evening", "A boring, dirty place"]
    x = encode(minilm, texts, usual_pooling(minilm)).vectors.numpy()
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    scores = np.exp(x @ classifier.weight.numpy().T + classifier.bias.numpy())
    found = classifier.probabilities(texts)
    np.testing.assert_allclose(found, scores / scores.sum(1, keepdims=True), atol=1e-5)
    assert found[0, 1] > 0.7 and found[1, 0] > 0.7


def test_the_last_separator_parts_a_line():
    """Guards texts with commas in them, and tables pasted from a spreadsheet, whose cells hold commas and semicolons."""
    text = "a, b, c,x\n\n d; e\t y, z \n"
    lines = two_columns(text, "a text", "its label").lines
    assert lines == ((1, "a, b, c", "x", 4), (3, "d; e", "y, z", 2))


@pytest.mark.parametrize(
    ("lines", "choices", "words"),
    [
        ("", {}, "0 different texts; 10 to 1,000"),
        ("\n".join(f"text {n}" for n in range(20)), {}, "Line 1 has one column"),
        ("\n".join(f"text {n}\tx" for n in range(20)), {}, "20 texts have 1 label"),
        ("\n".join(f"x\ttext {n}" for n in range(20)), {}, "swapped: the first has 1 different text, the second 20 "),
        ("\n".join(f"{'AB'[n % 2]}\ttext {n}" for n in range(20)), {}, "first has 2 different texts, the second 20 "),
        ("x\tgood\n" * 20, {}, "There is 1 different text;"),
        (LINES + "\nI was bored\tgood", {}, "Line 11 labels a text 'good' that line 7 labels 'bad': "),
        ("\n".join(f"text {n}\t{n}" for n in range(30)), {}, "have 30 labels; from 2 to 15"),
        ("x" * 300_000, {}, "300,000 bytes"),
        (LINES, {"steps": 0}, "The number of steps is 0"),
        (LINES, {"seed": 1.5}, "whole number"),
    ],
)
def test_lines_that_can_not_be(tiny, lines, choices, words):
    """Guards swapped columns, empty ones and odd numbers against Python's words."""
    with pytest.raises(PlaygroundError, match=words):
        pg.train_classifier(tiny("bert"), lines, **choices)
