"""Why an answer came out: on linear models by hand, on real ones beside the model's own scores."""

import numpy as np
import pytest
import torch

import playground as pg
from playground.analysis.tasks.attribution import (
    GRADIENT,
    INTEGRAL,
    METHODS,
    OCCLUSION,
    Completeness,
    first_places,
    further_places,
    integral,
    stretch_errors,
)
from playground.errors import PlaygroundError
from playground.figures.tasks.attribution import attribution_figure, attribution_sentence, shaded_pieces
from playground.figures.tasks.labels import labels_sentence
from playground.loading import prepare
from playground.tasks.attribute import baseline_token
from playground.tasks.explain import explained_answer, explained_label, explained_next_token, explained_surest_tag
from playground.tasks.head_scores import label_score, span_score, tag_score, taught_score
from playground.tasks.next_token_scores import next_token_score, word_label_score
from playground.tasks.token_scores import TokenScore, embed
from playground.training.classifier import train_classifier
from tests.benchmarks.tasks import fine_integral
from tests.tools import zoo
from tests.tools.task_models import network

TEXT = "the cat sat"


def _own(model, score):
    """A score of embeddings made up here instead of by the model's layers."""
    ids, tokens = model.vocabulary.tokenize(TEXT)
    free = (True,) * (len(ids) - 1) + (False,)
    return TokenScore(model, tuple(ids), tokens, free, score, "a score of its own")


def test_a_linear_score_by_hand(tiny):
    """Guards a sign, a baseline left out, and tokens that were not asked about: of w·x each token adds w·(x - blank), by all
    three methods, and the parts sum to the difference."""
    model = tiny("gpt2")
    width = model.anatomy.d_model
    torch.manual_seed(0)
    weight = torch.randn(len(TEXT), width)
    score = _own(model, lambda x: (x * weight).sum((1, 2)))
    change = embed(model, score.ids) - embed(model, [baseline_token(model)])
    expected = (change * weight).sum(-1).numpy()
    expected[-1] = 0
    for method in METHODS:
        seen = pg.attribute(score, method)
        np.testing.assert_allclose(seen.values, expected, atol=1e-4)
        assert seen.score - seen.baseline_score == pytest.approx(expected.sum(), abs=1e-4)
    assert pg.attribute(score, INTEGRAL).passes == 9 and pg.attribute(score, GRADIENT).passes == 3


def test_the_integral_of_a_curved_score(tiny):
    """Guards a wrong quadrature: of (w·x)² the integral is exact with the first places, while the slope at the text is
    twice too large where the baseline gives 0."""
    model = tiny("gpt2")
    blank = embed(model, [baseline_token(model)])[0]
    weight = torch.ones(model.anatomy.d_model)
    seen = {m: pg.attribute(_own(model, lambda x: ((x - blank)[:, :1] @ weight)[:, 0] ** 2), m) for m in METHODS}
    total = seen[INTEGRAL].score - seen[INTEGRAL].baseline_score
    assert seen[INTEGRAL].values[0] == pytest.approx(total, rel=1e-5) and seen[INTEGRAL].completeness.error < 1e-5
    assert seen[GRADIENT].values[0] == pytest.approx(2 * total, rel=1e-5)
    assert seen[OCCLUSION].values[0] == pytest.approx(total, rel=1e-5)


@pytest.mark.slow
def test_the_integral_is_that_of_many_small_steps():
    """Guards a quadrature that adds up and is wrong token by token: ours beside the middle of each of 1,000 steps."""
    score, _ = _scores("classify", "bert")
    seen, fine = pg.attribute(score, INTEGRAL), fine_integral(score)
    assert seen.values is not None and np.abs(fine).max() > 0.01
    np.testing.assert_allclose(seen.values, fine, atol=0.01 * np.abs(fine).max())


def test_parts_that_do_not_add_up_are_withheld(tiny):
    """Guards a picture of parts that are off by more than 1 %: a score that jumps has no integral; both numbers are said."""
    model = tiny("gpt2")
    score = _own(model, lambda x: (1e12 * (x[:, 0, 0] - embed(model, [baseline_token(model)])[0, 0])).tanh() * 3)
    seen = pg.attribute(score, INTEGRAL)
    assert seen.values is None and seen.passes == 64 and seen.completeness.error > 0.9
    assert "not shown" in attribution_sentence(seen) and "64 passes" in attribution_sentence(seen)
    assert shaded_pieces(seen) == []


def test_completeness_and_places_by_hand():
    """Guards the error: 1.02 instead of 1 is off by 2 %, more than 1 %, and a sum that is right because two errors cancel;
    the first places integrate x⁷ exactly, and of a step they add the middle of the stretch that has it."""
    assert Completeness(1.02, 1.0).error == pytest.approx(0.02) and not Completeness(1.02, 1.0).holds
    assert Completeness(0.0, 0.0).holds and not Completeness(1.0, 0.0).holds
    assert Completeness(1.0, 1.0, 0.09).holds and not Completeness(1.0, 1.0, 0.11).holds
    places = first_places()
    parts = np.stack([places**7, np.ones(9)], 1)
    assert integral(parts, places).tolist() == pytest.approx([1 / 8, 1])
    scores = places**8 / 8 + places
    assert np.abs(stretch_errors(parts, places, scores)).max() < 1e-12
    errors = stretch_errors(parts, places, scores + (places > 0.4))
    assert further_places(places, errors, 1).tolist() == [0.4375] and errors[3] == pytest.approx(-1)


def _scores(task, family):
    model = prepare(network(family, task), zoo.pair_tokenizer(), family)
    if task == "classify":
        best = pg.classify(model, TEXT).best
        return label_score(model, TEXT, best.name), best.logit
    if task == "answer":
        best = pg.answer(model, "who?", TEXT).best
        return span_score(model, "who?", TEXT, (best.first, best.last)), best.score
    return tag_score(model, TEXT, 2, "B-PER", "O"), None


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "deberta-v2", "llama", "gpt2"])
@pytest.mark.parametrize("task", ["classify", "answer", "tag"])
def test_heads_of_many_families_are_explained(task, family):
    """Guards a score from embeddings that is not the one from token ids, and a family whose passes keep no gradients: the
    explained score is the answer's own; occlusion is the model's own score of the text with that token blanked."""
    if (family, task) == ("gpt2", "answer"):
        family = "qwen2"
    score, own = _scores(task, family)
    seen = {method: pg.attribute(score, method) for method in METHODS}
    if own is not None:
        assert seen[OCCLUSION].score == pytest.approx(own, abs=1e-4)
    place = next(n for n, free in enumerate(score.free) if free)
    blanked = embed(score.model, score.ids)
    blanked[place] = embed(score.model, [baseline_token(score.model)])[0]
    with torch.no_grad():
        without = float(score.score(blanked[None])[0])
    assert seen[OCCLUSION].values[place] == pytest.approx(seen[OCCLUSION].score - without, abs=1e-4)
    assert all(seen[OCCLUSION].values[n] == 0 for n, free in enumerate(score.free) if not free)
    assert seen[GRADIENT].passes <= 10 and seen[INTEGRAL].passes <= 64
    if seen[INTEGRAL].values is not None:
        assert seen[INTEGRAL].values.sum() == pytest.approx(
            seen[INTEGRAL].score - seen[INTEGRAL].baseline_score, rel=0.011
        )


def test_the_next_token_and_labels_in_words(tiny):
    """Guards the prompt of the score: the logit difference is the recording's own; labels of several tokens are scored
    whole, and the template's tokens stay as they are."""
    model = tiny("llama")
    logits = pg.record(model, TEXT).last_logits
    seen = pg.attribute(next_token_score(model, TEXT, 70, 71), OCCLUSION)
    assert seen.score == pytest.approx(float(logits[70] - logits[71]), abs=1e-4) and all(seen.free)
    score = word_label_score(model, TEXT, ("yes", "no"), "yes", "no", "A {text} B {label}")
    seen = pg.attribute(score, GRADIENT)
    assert "".join(t.text for t, free in zip(seen.tokens, seen.free, strict=True) if free) == TEXT
    result = pg.classify(model, TEXT, ("yes", "no"), "A {text} B {label}")
    empty = pg.attribute(word_label_score(model, "x", ("yes", "no"), "yes", "no", "A {text} B {label}"), GRADIENT)
    assert result.way == "words" and np.isfinite(empty.values).all() and seen.passes == 6


def test_scores_of_the_answers_themselves(tiny):
    """Guards an endpoint that explains another answer than it gives: the best span, by itself and beside another one, the
    surest tag beside the runner-up, the most likely next token beside the next likely; of a regression the number that the
    page names first, not its highest. A text read in windows is not said to have the tokens of all of them together."""
    reader, tagger = (prepare(network("bert", task), zoo.pair_tokenizer(), task) for task in ("answer", "tag"))
    seen = pg.attribute(explained_answer(reader, "who?", TEXT), OCCLUSION)
    best, second, *_ = pg.answer(reader, "who?", TEXT).spans
    assert seen.score == pytest.approx(best.score, abs=1e-4)
    seen = pg.attribute(explained_answer(reader, "who?", TEXT, second.text), OCCLUSION)
    assert seen.score == pytest.approx(best.score - second.score, abs=1e-4)
    for against, words in (("nobody", "no other answer"), (best.text, "is what is explained")):
        with pytest.raises(PlaygroundError, match=words):
            explained_answer(reader, "who?", TEXT, against)
    with pytest.raises(PlaygroundError, match="read in [0-9,]+ windows; one"):
        explained_answer(reader, "who?", TEXT * 100)
    numbers = prepare(network("bert", "classify", problem_type="regression"), zoo.pair_tokenizer(), "regression")
    result = pg.classify(numbers, TEXT)
    assert result.labels[0] != result.best and f"“{result.labels[0].name}”" in labels_sentence(result)
    seen = pg.attribute(explained_label(numbers, TEXT, result), OCCLUSION)
    assert seen.score == pytest.approx(result.labels[0].logit, abs=1e-4)
    surest = max(pg.tag(tagger, TEXT).spans, key=lambda span: span.probability)
    assert surest.label in explained_surest_tag(tagger, TEXT).words
    two = pg.record(tiny("llama"), TEXT).last_logits.topk(2).values
    seen = pg.attribute(explained_next_token(tiny("llama"), TEXT), GRADIENT)
    assert seen.score == pytest.approx(float(two[0] - two[1]), abs=1e-4)


def test_a_taught_layer_on_minilm(minilm):
    """Guards the vector that is explained: the score is the difference of the layer's own logits, the parts add up within
    1 %, and the strongest word for “good” is the one that says so."""
    words = "lovely,great,superb,fine,nice", "awful,terrible,dull,bad,nasty"
    lines = "\n".join(
        f"A {w} film\t{label}" for some, label in zip(words, ("good", "bad"), strict=True) for w in some.split(",")
    )
    taught = train_classifier(minilm, lines)
    text = "The food was wonderful"
    result = pg.classify(minilm, text, taught=taught)
    seen = pg.attribute(taught_score(taught, text, "good", "bad"))
    logits = {label.name: label.logit for label in result.labels}
    assert result.best.name == "good" and seen.score == pytest.approx(logits["good"] - logits["bad"], abs=1e-4)
    assert seen.values is not None and seen.completeness.error < 0.01
    assert seen.tokens[int(seen.values.argmax())].text.strip() == "wonderful"
    assert attribution_figure(seen).data[0].x and "Most for it: “wonderful”" in attribution_sentence(seen)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda m: pg.attribute(next_token_score(m, TEXT, 70), "magic"), "no method"),
        (lambda m: next_token_score(m, TEXT, 10**6), "no token 1,000,000"),
        (lambda m: next_token_score(m, "", 1), "There is no text"),
        (lambda m: next_token_score(m, "x" * 300, 1), "300 tokens here; at most 256"),
        (lambda m: word_label_score(m, TEXT, ("a", "b"), "c", "b"), "no label “c”"),
    ],
)
def test_what_can_not_be_explained(ask, words, tiny):
    """Guards Python's words for an odd method, token, text or label."""
    with pytest.raises(PlaygroundError, match=words):
        ask(tiny("llama"))
