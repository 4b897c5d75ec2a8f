"""The Tasks tab's handlers: a model with words, one with vectors, heads of every kind, and what a visitor may type."""

import csv
from dataclasses import replace
from functools import partial

import gradio as gr
import plotly.graph_objects as go
import pytest

import playground as pg
from playground import workbench
from playground.errors import Cancelled
from playground.figures.tasks.spans import first_drawn
from playground.loading import prepare
from playground.tabs.shared import long_work
from playground.tabs.shared.page_context import PageContext
from playground.tabs.tasks import (
    answer_reading,
    answer_view,
    beside_view,
    classify_view,
    labelling,
    list_view,
    tab,
    tag_view,
)
from playground.tabs.tasks.answer_reading import QuestionRequest
from playground.tabs.tasks.beside_view import BesideRequest
from playground.tabs.tasks.classify_view import LabelsRequest
from playground.tabs.tasks.list_view import FileRequest, ListRequest
from playground.tabs.tasks.tab import OpenedRequest
from playground.tabs.tasks.tag_view import TagRequest
from playground.texts import tasks as texts
from playground.texts.numbers import minus
from tests.tabs.calling import answer, answers, plain, shown
from tests.tools import zoo
from tests.tools.task_models import LABELS, network

TEXT = "the <b>cat</b> sat"


@pytest.fixture(scope="module")
def heads():
    return {task: prepare(network("bert", task), zoo.pair_tokenizer(), f"bert-{task}") for task in LABELS}


@pytest.fixture(autouse=True)
def bench(tiny, heads):
    before, made = workbench._shared, workbench.Workbench()
    workbench.share(made)
    for model in (tiny("llama"), tiny("bert"), tiny("t5"), *heads.values()):
        made.add(model)
    yield made
    workbench.share(before)


def page(model, text=TEXT):
    return PageContext(model, text=text)


def test_a_language_model_scores_labels_by_words():
    """Guards a tab that asks for a head: bars, the sentence, the text shaded by what its words add, all escaped."""
    seen = shown(classify_view.draw, page("llama"), LabelsRequest(labels="good， bad，\nodd"))
    assert seen["way"]["value"] == texts.WORDS_WAY and seen["labels"]["visible"]
    assert isinstance(seen["figure"]["value"], go.Figure) and len(seen["figure"]["value"].data[0].x) == 3
    assert "<b>" not in seen["why"].replace("<br>", "") and "pg-why" in seen["why"]
    assert plain(seen["why"]).replace("\n", "").startswith("Review: the <b>cat</b> sat")
    assert "Occlusion" in seen["why_words"] and seen["bars"]["visible"]
    assert len(seen["against"]["choices"]) == 2 and seen["against"]["visible"]
    other = seen["against"]["choices"][1]
    again = shown(classify_view.draw, page("llama"), LabelsRequest(labels="good,bad,odd", against=other))
    assert f"“{other}”" in plain(again["why_words"])


def test_parts_that_are_withheld_say_so():
    """Guards an empty picture: of integrated gradients that are off the number is said, and no bars are drawn."""
    seen = shown(classify_view.draw, page("llama"), LabelsRequest(method="integrated gradients"))
    assert ("not shown" in seen["why_words"]) == (seen["bars"]["value"] is None) and "off by" in seen["why_words"]


def test_a_layer_is_taught_on_our_lines_or_the_visitors(bench):
    """Guards a layer taught anew at each click, and the wrong one after other lines were typed."""
    request = LabelsRequest(lines="\n".join(f"text {n}\t{'abc'[n % 3]}" for n in range(30)))
    seen = shown(classify_view.draw, page("bert"), request)
    assert seen["way"]["value"] == texts.TAUGHT_WAY and not seen["labels"]["visible"]
    assert sorted(seen["figure"]["value"].layout.yaxis.ticktext) == ["a", "b", "c"]
    assert labelling.taught_layer(bench.model("bert"), request.lines).weight is (
        labelling.taught_layer(bench.model("bert"), request.lines).weight
    )
    lines = "\n".join(f"text {n}\t{'aab'[n % 3]}" for n in range(30))  # “a” is the better guess whatever is learned
    request = LabelsRequest(lines=lines, method="occlusion")
    others = replace(request, lines=lines + "\n" + "\n".join(f"more {n}\t{'aab'[n % 3]}" for n in range(9)))
    first, second = (plain(shown(classify_view.draw, page("bert"), each)["why_words"]) for each in (request, others))
    assert first.partition(": ")[0] == second.partition(": ")[0] and first != second, "the same labels, other weights"


def test_a_checkpoint_with_a_head_opens_on_its_view(heads):
    """Guards a classifier that is met in X-ray and “can't write”: which view opens; nothing for a language model."""
    for task, model in heads.items():
        assert answer(tab.open_for_head, page(model.model_id), OpenedRequest())["opened"].startswith(f"{task} ")
    assert "opened" not in answer(tab.open_for_head, page("llama"), OpenedRequest())
    assert "opened" not in answer(tab.open_for_head, page(""), OpenedRequest())
    assert {view.NAME for view in tab.VIEWS} >= {*LABELS, "translate", "summarise"}


def test_a_classifier_a_reader_and_a_tagger():
    """Guards each head's own view, and the words of the others: labels with their names, a span marked in the passage
    with the table of the next best, tags with their words behind them."""
    seen = shown(classify_view.draw, page("bert-classify"), LabelsRequest())
    assert set(seen["figure"]["value"].layout.yaxis.ticktext) == set(LABELS["classify"])
    assert not seen["labels"]["visible"] and "ntegrated gradients" in seen["why_words"]
    assert "AutoModelForSequenceClassification" in seen["python"] and "<b>" not in seen["python"]
    assert "it tags the words" in plain(shown(classify_view.draw, page("bert-tag"), LabelsRequest())["sentence"])
    question = QuestionRequest("who?", "<i>Anna</i> paid")
    seen = shown(answer_view.draw, page("bert-answer"), question)
    assert "QUESTION = 'who?'" in plain(seen["python"]) and "<i>" not in seen["python"]
    assert seen["marks"].count("<mark") == 1 and "<i>" not in seen["marks"] and seen["spans"].count("<tr>") == 7
    assert isinstance(seen["figure"]["value"], go.Figure) and "no answer" in plain(seen["sentence"]).lower()
    seen = shown(tag_view.draw, page("bert-tag"), TagRequest("average"))
    assert "tokens; 5 labels" in plain(seen["sentence"]) and "<b>" not in seen["marks"]
    assert seen["marks"].count("<mark") == seen["table"].count("<tr>") - 1
    assert "no such head" in plain(shown(tag_view.draw, page("llama"), TagRequest())["sentence"])


@pytest.mark.parametrize(
    ("handler", "model", "request_", "words"),
    [
        (classify_view.draw, "llama", LabelsRequest(labels=" ,"), "There are no labels"),
        (classify_view.draw, "llama", LabelsRequest(labels="a"), "There is 1 label"),
        (classify_view.draw, "llama", LabelsRequest(labels="a,a"), "stands there twice"),
        (classify_view.draw, "llama", LabelsRequest(template="x"), "no template"),
        (classify_view.draw, "llama", LabelsRequest(method="magic"), ""),
        (classify_view.draw, "bert", LabelsRequest(lines="x"), "Line 1 has one column"),
        (answer_view.find, "bert-answer", QuestionRequest("", "x"), "no question"),
        (answer_view.find, "bert-answer", QuestionRequest("x", " "), "no passage"),
        (answer_view.find, "llama", QuestionRequest("x", "y"), "no reader"),
        (answer_view.find, "bert-answer", QuestionRequest("x" * 100, "y"), "100 tokens"),
        (tag_view.draw, "bert-tag", TagRequest("most"), "no aggregation"),
    ],
)
def test_what_a_visitor_may_get_wrong(handler, model, request_, words):
    """Guards Python's words: each is refused with the remedy, or says why it is not explained."""
    (outputs,) = answers(handler, page(model), request_)
    assert words in plain(str(outputs["message"])) and "Traceback" not in str(outputs)


@pytest.mark.slow
def test_an_empty_and_an_endless_text():
    """Guards an empty box and 100,000 characters: refused in words, or read in windows that are counted."""
    (empty,) = answers(classify_view.draw, page("bert-classify", ""), LabelsRequest())
    assert "There is no text" in empty["message"]
    *_, empty = answers(answer_view.draw, page("bert-answer"), QuestionRequest(question=""))
    assert "There is no question" in empty["message"] and empty["marks"] == "" == empty["sentence"]
    long = shown(tag_view.draw, page("bert-tag", "ab " * 1000), TagRequest())
    assert "windows that overlap" in plain(long["sentence"])
    long = shown(classify_view.draw, page("bert-classify", "ab " * 1000), LabelsRequest())
    assert "96 windows that overlap" in plain(long["sentence"])
    assert "read in 96 windows; one is explained. Shorten it" in plain(long["why_words"])


@pytest.mark.slow
def test_how_good_it_is():
    """Guards the figure that a class reads: right of 100 with its interval and what one answer to all would make; Stop ends
    it; labels that are not those of the examples are named."""
    *_, last = answers(classify_view.measure, page("llama"), LabelsRequest())
    assert "of 100 right (95 % interval" in plain(last["how_good"]) and "50 % of the time" in plain(last["how_good"])
    (refused,) = answers(classify_view.measure, page("llama"), LabelsRequest(labels="up, down"))[-1:]
    assert "this model answers" in plain(refused["message"])
    request = LabelsRequest()
    stream = classify_view.measure(page("llama"), replace(request))
    next(stream)
    request.control.stop = True
    assert "Stopped" in list(stream)[-1]["how_good"]


def test_an_answer_and_a_tag_are_explained(heads):
    """Guards an answer without its reasons, and reasons of another span than the one in the list: the best span at first;
    a click on a cell and a choice explain that span; beside “no answer” the score is the difference that the view says."""
    ask = partial(QuestionRequest, "who?", "<i>Anna</i> paid", method="occlusion")
    seen = shown(answer_view.draw, page("bert-answer"), ask())
    result = pg.answer(heads["answer"], "who?", "<i>Anna</i> paid")
    assert seen["span"]["value"] == 0 and seen["against"]["value"] == answer_reading.ALONE and "<i>" not in seen["why"]
    assert f"start + end logit of “{result.best.text}”: {minus(result.best.score)} for" in plain(seen["why_words"])
    assert plain(seen["why"]).startswith("who?\n\n<i>")
    beside = shown(answer_view.draw, page("bert-answer"), ask(against=answer_reading.NO_ANSWER))
    assert f"“no answer”: {minus(result.margin)} for" in plain(beside["why_words"])
    other = result.spans[1]
    chosen = shown(answer_view.draw, page("bert-answer"), ask(span=1))
    assert f"“{other.text}”: {minus(other.score)} for" in plain(chosen["why_words"])
    first = first_drawn(len(result.windows[0].ids), (result.best.first, result.best.last))
    cell = gr.EventData(None, {"y": other.first - first, "x": other.last - first})
    clicked = shown(answer_view.pick_span, page("bert-answer"), ask(), cell)
    assert clicked["span"]["value"] == 1 and clicked["why_words"] == chosen["why_words"]
    seen = shown(tag_view.draw, page("bert-tag"), TagRequest(method="occlusion"))
    assert "logit of “" in plain(seen["why_words"]) and "pg-why" in seen["why"] and seen["bars"]["visible"]
    assert len(seen["span"]["choices"]) == seen["marks"].count("<mark")
    other = seen["against"]["choices"][-1]
    again = shown(tag_view.draw, page("bert-tag"), TagRequest(method="occlusion", against=other))
    assert f"− logit of “{other}”, at “" in plain(again["why_words"])


def test_a_long_explanation_is_stopped(monkeypatch):
    """Guards a page that is stuck in a hundred passes: how far it is, Stop while it runs, and no picture of half of it."""
    monkeypatch.setattr(long_work, "EVERY", 0.01)
    request = LabelsRequest(method="occlusion")
    stream = classify_view.draw(page("llama", "a b " * 50), request)
    for outputs in stream:
        if "progressbar" in outputs["why_words"]:
            assert outputs["stop"]["visible"]
            request.control.stop = True
            break
    last = list(stream)[-1]
    assert "Stopped" in last["why_words"] + last.get("sentence", "")  # while it reads, or while it explains
    assert not last["stop"]["visible"] and last["why"] == ""


def test_a_list_of_lines(monkeypatch):
    """Guards a list whose numbers are other than a single text's, and a file that runs in a spreadsheet: each task's table,
    its CSV, and after Stop the lines before it."""
    lines = "the cat sat\n=1+1\n<b>dog</b>"
    seen = shown(list_view.answer_all, page("bert-classify"), ListRequest(many=lines))
    rows = seen["table"]["value"]["data"]
    alone = shown(classify_view.draw, page("bert-classify", "the cat sat"), LabelsRequest())["figure"]["value"].data[0]
    assert [row[1] for row in rows] == lines.split("\n") and rows[0][3] == pytest.approx(alone.x[0], abs=1e-4)
    with open(seen["save"].value["path"], encoding="utf-8-sig", newline="") as file:
        saved = list(csv.reader(file))
    assert float(saved[1][3]) == pytest.approx(alone.x[0], abs=1e-6)
    assert saved[0][:4] == ["line", "text", "answer", "confidence"] and saved[2][1] == "'=1+1"
    assert "bert-classify" in saved[1][-1]
    seen = shown(
        list_view.answer_all, page("bert-answer"), ListRequest(many="who?\nwhere?", passage="Anna paid in Rome")
    )
    assert len(seen["table"]["value"]["data"]) == 2
    seen = shown(list_view.answer_all, page("bert-tag"), ListRequest(many="the cat\nsat"))
    assert len(seen["table"]["value"]["data"]) == 2
    nothing = list(answers(list_view.answer_all, page("bert-tag"), ListRequest(many=" ")))[-1]
    assert "There are no lines" in nothing["message"]
    assert nothing["sentence"] == "" and not nothing["table"]["visible"], "of the lines before"
    request = ListRequest(many="\n".join(f"text {n}" for n in range(900)))
    monkeypatch.setattr(long_work, "EVERY", 0.01)
    stream = list_view.answer_all(page("llama"), request)
    next(stream)
    request.control.stop = True
    last = list(stream)[-1]
    assert (
        "Stopped after" in last["sentence"]
        and len(last["table"]["value"]["data"]) < 900
        and not last["stop"]["visible"]
    )
    for model, task in (("bert-answer", "question"), ("bert-tag", "tags"), ("llama", "label")):
        assert task in plain(answer(list_view.draw, page(model), ListRequest())["sentence"])


def test_a_list_of_another_model_goes(monkeypatch):
    """Guards answers of the former model below the name of the new one: of a list that was done, and of one that still runs
    while another model is loaded."""
    monkeypatch.setattr(long_work, "EVERY", 0.01)
    request = ListRequest(many="\n".join(f"text {n}" for n in range(900)))
    stream = list_view.answer_all(page("llama"), request)
    next(stream)
    assert "table" not in answer(list_view.draw, page("llama"), request)
    assert not answer(list_view.draw, page("bert-tag"), request)["table"]["visible"]
    assert [set(outputs) for outputs in stream] == [{"stop"}] and request.control.stop
    request = ListRequest(many="the cat")
    shown(list_view.answer_all, page("llama"), request)
    assert not answer(list_view.draw, page("bert-tag"), request)["save"]["visible"]


def test_a_table_fills_the_lines(tmp_path):
    """Guards a column that can't be chosen, and line breaks in a cell that make two lines of it."""
    path = tmp_path / "t.csv"
    path.write_text('label;review\ngood;"What a warm\nfilm"\nbad;So dull a film\n')
    seen = answer(list_view.open_file, page("llama"), FileRequest(str(path)))
    assert seen["many"] == "What a warm film\nSo dull a film" and seen["column"]["value"] == 1 and seen["named"]
    assert "2 lines from 2 columns, parted by semicolons" in plain(seen["about_file"])
    seen = answer(list_view.take_column, page("llama"), FileRequest(str(path), 0, False))
    assert seen["many"] == "label\ngood\nbad"
    path.write_bytes(b"")
    (seen,) = answers(list_view.open_file, page("llama"), FileRequest(str(path)))
    assert "The file is empty" in plain(seen["message"]) and seen["about_file"] == "" and "many" not in seen


@pytest.mark.slow
def test_how_good_answers_and_tags_are(bench):
    """Guards figures of other examples than ours, and a baseline that is left out; Stop is shown while it runs alone."""
    reader = network("bert", "answer", max_position_embeddings=512)
    bench.add(prepare(reader, zoo.pair_tokenizer(), "long reader"))
    *_, last = answers(answer_view.measure_answers, page("long reader"), QuestionRequest())
    assert (
        "of 100 right (95 % interval" in plain(last["how_good"]) and "at random would be right 0." in last["how_good"]
    )
    *_, last = answers(tag_view.measure_tags, page("bert-tag"), TagRequest())
    assert "of 162 names found (95 % interval" in plain(last["how_good"]) and not last["good_stop"]["visible"]
    (refused,) = answers(tag_view.measure_tags, page("llama"), TagRequest())
    assert "can't do this" in plain(refused["message"])


@pytest.mark.slow
def test_two_texts_side_by_side(monkeypatch):
    """Guards labels of one side that are explained on the other by other ones, and a difference that is not marked: of “not
    good” and “good” the one word, and the lead of the first label on both sides. And windows of a text that has none."""
    monkeypatch.setattr(long_work, "EVERY", 0)
    ask = partial(BesideRequest, labels="yes, no", text="it was <i>good</i>", method="occlusion")
    given = answers(beside_view.draw, page("llama", "it was not <i>good</i>"), ask())
    seen = {name: value for outputs in given for name, value in outputs.items()}
    progress = " ".join(outputs.get("one_why_words", "") for outputs in given)
    assert texts.SCORING_LABELS in progress and texts.READING_WINDOWS not in progress
    assert seen["one_text"].count("<mark") == 1 and ">not<" in seen["one_text"].replace("</mark>", "<")
    assert seen["two_text"].count("<mark") == 0 and "<i>" not in seen["one_text"] + seen["two_text"]
    results = [pg.classify(workbench.shared().model("llama"), text, ("yes", "no"))
               for text in ("it was not <i>good</i>", "it was <i>good</i>")]  # fmt: skip
    best = results[0].best.name
    leads = [next(x.logit for x in r.labels if x.name == best) - next(x.logit for x in r.labels if x.name != best)
             for r in results]  # fmt: skip
    assert f"a difference of {minus(leads[0] - leads[1])}." in plain(seen["sentence"])
    assert all(f"ln P of “{best}” − " in plain(seen[f"{side}_why_words"]) for side in ("one", "two"))
    for trace, result in zip(seen["figure"]["value"].data, results, strict=True):
        shares = {label.name: label.probability for label in result.labels}
        assert list(trace.x) == pytest.approx([shares.pop(best), *shares.values()])


def test_two_templates_and_two_models_side_by_side():
    """Guards a second side that is the first once more; a model that is not loaded waits to be asked for, and one that can't
    be had leaves no progress behind."""
    ask = partial(BesideRequest, labels="yes, no", method="occlusion")
    seen = shown(beside_view.draw, page("llama"), ask(what=beside_view.TEMPLATES))
    first, second = (list(trace.x) for trace in seen["figure"]["value"].data)
    assert first != second and "All in all" in seen["two_text"] and seen["two_why"].count("pg-why ") == len(TEXT)
    seen = shown(beside_view.draw, page("llama"), ask(what=beside_view.MODELS))
    assert "press Compare" in seen["sentence"] and seen["figure"]["value"] is None and seen["other_model"]["visible"]
    seen = shown(beside_view.compare_sides, page("llama"), ask(what=beside_view.MODELS, other_model="bert-classify"))
    assert set(LABELS["classify"]) <= set(seen["figure"]["value"].layout.yaxis.ticktext)
    assert "bert-classify" in seen["two_text"] and "llama" in seen["one_text"] and seen["two_why_words"]
    nowhere = answers(beside_view.compare_sides, page("llama"), ask(what=beside_view.MODELS, other_model="/no/folder"))
    assert nowhere[-1]["message"] and nowhere[-1]["sentence"] == ""
    (refused,) = answers(beside_view.draw, page("bert-classify"), ask(what=beside_view.TEMPLATES))
    assert "Only labels that are scored by words" in plain(refused["message"])
    (refused,) = answers(beside_view.draw, page("llama"), ask(text=" "))
    assert "no second text" in plain(refused["message"])


def test_a_tagger_without_end_and_controls_of_a_tagger_alone(monkeypatch):
    """Guards a table of fifty thousand rows that stops the browser, which says what is left out; and a choice of
    aggregation and examples beside a model that tags nothing."""
    monkeypatch.setattr(tag_view, "MOST_EXPLAINED", 3)
    monkeypatch.setattr(tag_view, "MOST_MARKED", 5)
    seen = shown(tag_view.draw, page("bert-tag", "the cat sat on the mat in Paris " * 3), TagRequest())
    assert seen["marks"].count("<mark") == 5 and seen["table"].count("<tr>") == 4 and len(seen["span"]["choices"]) <= 4
    assert "Marked are the first 5; the table has the first 3" in plain(seen["sentence"]) and seen["how"]["visible"]
    seen = shown(tag_view.draw, page("llama"), TagRequest())
    assert not seen["how"]["visible"] and not seen["good"]["visible"] and not seen["chips"]["visible"]


def test_bad_labels_clear_what_is_of_others_and_a_hundred_are_stopped():
    """Guards bars of labels that no longer stand in the box, and a hundred labels whose passes hear no Stop."""
    (refused,) = answers(classify_view.draw, page("llama"), LabelsRequest(labels="a, a"))
    assert not refused["figure"]["visible"] and refused["why"] == "" and refused["sentence"] == ""
    assert "value" not in refused["labels"], "what was typed stays"
    calls = []

    def tick(share):
        calls.append(share)
        if len(calls) > 20:
            raise Cancelled("Reading")

    names = [f"label {n}" for n in range(100)]
    with pytest.raises(Cancelled):
        pg.classify(workbench.shared().model("llama"), TEXT, names, tick=tick)
    assert len(calls) == 21 and calls == sorted(calls) and calls[-1] < 0.2
