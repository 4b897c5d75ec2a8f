"""Show Python: each script runs as it is printed, and prints the numbers that the page shows."""

import contextlib
import io

import pytest

import playground as pg
from playground.tasks.label_words import TEMPLATE
from playground.tasks.scripts import answer_script, classify_script, tag_script
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


@pytest.mark.parametrize(
    "settings", [{}, {"problem_type": "multi_label_classification"}, {"problem_type": "regression"}]
)
@pytest.mark.parametrize("text", [TEXT, "ab " * 150])
def test_labels_of_a_head(loaded, settings, text):
    """Guards a script that takes other windows, or softmax where each label holds by itself."""
    model = loaded("classify", **settings)
    result = pg.classify(model, text)
    lines = printed(classify_script(model, text, result))
    shown = {label.name: label.probability for label in result.labels}
    assert {name: float(value) for value, name in lines} == pytest.approx(shown, abs=1e-5)
    assert lines[0][1] == result.best.name and (result.windows > 1) == (len(text) > 100)


def test_labels_by_words(tmp_path):
    """Guards the template: labels of one token and of several, after a text with braces and quotation marks."""
    folder = zoo.save("llama", tmp_path / "llama")
    model = pg.load(str(folder), dtype="float32")
    result = pg.classify(model, TEXT, ("good", "so bad"))
    lines = printed(classify_script(model, TEXT, result, TEMPLATE))
    shown = {label.name: label.probability for label in result.labels}
    assert {name: float(value) for value, name in lines} == pytest.approx(shown, abs=1e-5)


@pytest.mark.parametrize("passage", ['<i>Anna</i> paid, "it" says', "ab cd " * 60])
def test_spans_of_a_reader(loaded, passage):
    """Guards spans, probabilities and scores of other windows than the page's."""
    model = loaded("answer")
    spans = pg.answer(model, "who?", passage).spans
    lines = printed(answer_script(model, "who?", passage, 30, len(spans)))
    assert len(lines) == len(spans)
    for (probability, score, _), span in zip(lines, spans, strict=True):
        assert float(probability) == pytest.approx(span.probability, abs=1e-5)
        assert float(score) == pytest.approx(span.score, abs=1e-4)
    assert lines[0][2] == repr(spans[0].text)


def test_spans_of_a_tagger(loaded):
    """Guards spans that are cut otherwise."""
    model = loaded("tag")
    spans = pg.tag(model, TEXT).spans
    lines = printed(tag_script(model, TEXT, 1, "simple"))
    assert [(name, words) for _, name, words in lines] == [(s.label, repr(TEXT[s.start : s.end])) for s in spans]
    assert [float(value) for value, _, _ in lines] == pytest.approx([s.probability for s in spans], abs=1e-5)
