"""Show Python: each script runs as it is printed, and prints the numbers that the page shows."""

import contextlib
import io
from dataclasses import replace

import numpy as np
import pytest

import playground as pg
from playground.figures.tasks.attribution import attribution_figure
from playground.figures.tasks.labels import beside_figure
from playground.figures.tasks.spans import MAX_CELLS, span_figure
from playground.tabs.shared.reason_scripts import reasons_script
from playground.tasks.attribute import attribute
from playground.tasks.head_scores import label_score, span_score, tag_score
from playground.tasks.label_words import TEMPLATE
from playground.tasks.next_token_scores import next_token_score
from playground.tasks.scripts import (
    answer_script,
    beside_picture,
    classify_script,
    labels_picture,
    spans_picture,
    tag_script,
)
from tests.scripts.running import numbers, run
from tests.tools import zoo
from tests.tools.task_models import network

TEXT = 'the cat\'s "sat"\n{label} \\n'


def printed(script):
    """The lines that a script prints, cut at its double spaces."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(script, "script", "exec"), {})  # as a visitor runs it
    return [line.split("  ") for line in out.getvalue().splitlines()]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """loaded(task, **settings) -> a tiny model of a folder, with a head."""
    place = tmp_path_factory.mktemp("scripts")

    def load(task, family="bert", **settings):
        folder = place / f"{family}-{task}-{len(settings)}"
        network(family, task, **settings).save_pretrained(folder)
        zoo.pair_tokenizer().save_pretrained(folder)
        return pg.load(str(folder), dtype="float32")

    return load


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings", [{}, {"problem_type": "multi_label_classification"}, {"problem_type": "regression"}]
)
@pytest.mark.parametrize("text", [TEXT, "ab " * 150])
def test_labels_of_a_head(loaded, monkeypatch, settings, text):
    """Guards a script that takes other windows, or softmax where each label holds by itself."""
    model = loaded("classify", **settings)
    result = pg.classify(model, text)
    lines = printed(classify_script(model, text, result))
    shown = {label.name: label.probability for label in result.labels}
    assert {name: float(value) for value, name in lines} == pytest.approx(shown, abs=1e-5)
    script = labels_picture(model, text, result, "", 20)
    if result.function == "regression":
        assert script.why
    else:
        assert numbers(script, monkeypatch) == pytest.approx([label.probability for label in result.ranking], abs=1e-5)
    assert lines[0][1] == result.best.name and (result.windows > 1) == (len(text) > 100)


@pytest.mark.slow
def test_labels_by_words(tmp_path, monkeypatch):
    """Guards the template: labels of one token and of several, after a text with braces and quotation marks."""
    folder = zoo.save("llama", tmp_path / "llama")
    model = pg.load(str(folder), dtype="float32")
    result = pg.classify(model, TEXT, ("good", "so bad"))
    lines = printed(classify_script(model, TEXT, result, TEMPLATE))
    shown = {label.name: label.probability for label in result.labels}
    assert {name: float(value) for value, name in lines} == pytest.approx(shown, abs=1e-5)
    drawn = numbers(labels_picture(model, TEXT, result, TEMPLATE, 1), monkeypatch)
    assert drawn == pytest.approx([result.best.probability], abs=1e-5)
    other = pg.classify(model, "the mat", ("good", "so bad"))
    sides = [(model, TEXT, result, TEMPLATE), (model, "the mat", other, TEMPLATE)]
    bars = [trace.x for trace in beside_figure(result, other, ("1", "2")).data]
    np.testing.assert_allclose(numbers(beside_picture(sides, 20), monkeypatch), bars, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("passage", ['<i>Anna</i> paid, "it" says', "ab cd " * 60])
def test_spans_of_a_reader(loaded, monkeypatch, passage):
    """Guards spans, probabilities and scores of other windows than the page's."""
    model = loaded("answer")
    spans = pg.answer(model, "who?", passage).spans
    lines = printed(answer_script(model, "who?", passage, 30, len(spans)))
    assert len(lines) == len(spans)
    for (probability, score, _), span in zip(lines, spans, strict=True):
        assert float(probability) == pytest.approx(span.probability, abs=1e-5)
        assert float(score) == pytest.approx(span.score, abs=1e-4)
    assert lines[0][2] == repr(spans[0].text)
    result = pg.answer(model, "who?", passage)
    best, window = result.best, result.windows[result.best.window]
    starts, ends = (rows[best.window].numpy() for rows in (result.starts, result.ends))
    tokens = [token.text for token in window.tokens]
    grid = span_figure(starts, ends, tokens, (best.first, best.last), 30).data[0].z
    drawn = numbers(spans_picture(model, "who?", passage, 30, MAX_CELLS), monkeypatch)
    np.testing.assert_allclose(drawn, grid, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["integrated gradients", "occlusion"])
@pytest.mark.parametrize("task", ["classify", "tag", "answer"])
def test_why_an_answer(loaded, monkeypatch, task, method):
    """Guards against the logit of another label, token or span, the first sentence's segment for both, and the question left
    out of what is explained."""
    model = loaded(task)
    scores = {
        "classify": lambda: label_score(model, TEXT, "mixed", "positive"),
        "tag": lambda: tag_score(model, TEXT, 3, "B-PER"),
        "answer": lambda: span_score(model, "who?", "Anna paid", (7, 9), (0, 0)),
    }
    score = scores[task]()
    seen = attribute(score, method)
    script = reasons_script(score, seen)
    if seen.values is None:  # withheld: the script prints by how much its parts miss the difference
        assert seen.completeness is not None and not seen.completeness.holds
    else:
        np.testing.assert_allclose(numbers(script, monkeypatch), seen.values, rtol=0, atol=1e-5)


def test_why_a_word(tmp_path, monkeypatch):
    """Guards against a prompt's own tokens among what is explained."""
    model = pg.load(str(zoo.save("llama", tmp_path / "llama")), dtype="float32")
    score = next_token_score(model, "the cat sat", 70, 71)
    score = replace(score, free=tuple(3 <= place < 6 for place in range(len(score.ids))))  # as in a template
    seen = attribute(score, "occlusion")
    names = run(reasons_script(score, seen), monkeypatch)
    np.testing.assert_allclose(names["numbers"], seen.values, rtol=0, atol=1e-5)
    np.testing.assert_allclose(names["figure"].data[0].x, attribution_figure(seen).data[0].x, rtol=0, atol=1e-5)


def test_spans_of_a_tagger(loaded):
    """Guards spans that are cut otherwise."""
    model = loaded("tag")
    spans = pg.tag(model, TEXT).spans
    lines = printed(tag_script(model, TEXT, 1, "simple"))
    assert [(name, words) for _, name, words in lines] == [(s.label, repr(TEXT[s.start : s.end])) for s in spans]
    assert [float(value) for value, _, _ in lines] == pytest.approx([s.probability for s in spans], abs=1e-5)
