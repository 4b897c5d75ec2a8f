"""Python beside what a model wrote: the rules of a token, the tree, two rows beside each other, Translate's alignment."""

from dataclasses import replace

import numpy as np
import pytest
from gradio import EventData

from playground import workbench
from playground.figures.generation.alignment import side_by_side_figure
from playground.generation.continuation_tree import ROOT
from playground.generation.generate import generate
from playground.generation.session import GenerationSession, SessionKey
from playground.generation.settings import GenerationSettings
from playground.recording.record import record
from playground.tabs.generate import prompt_view, score
from playground.tabs.generate.request import ViewRequest
from playground.tabs.generate.score import ScoreRequest
from playground.tabs.generate.session_view import explain_end, tree_view
from playground.tabs.generate.token_scripts import script_of_two
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from playground.tabs.tasks import summarise_view, translate_view
from playground.tabs.tasks.summary_request import SummariseRequest
from playground.tabs.tasks.translation_request import TranslateRequest
from tests.scripts.running import CLOSE, agree, bars, drawn, heat, numbers, run
from tests.tabs.calling import answers, shown

RULES = GenerationSettings(
    max_new_tokens=4, temperature=0.77, top_k=40, top_p=0.9, min_p=0.05, typical_p=0.95, repetition_penalty=1.3,
    no_repeat_ngram=2, samples=3, seed=1,
)  # fmt: skip


def surprisals(figure):
    """(2, columns) of a picture of two rows."""
    return np.stack([figure.data[0].y, -figure.data[1].y])


def session_of(model, mode):
    """Three continuations that part somewhere, one of them on the strip."""
    ids, tokens = model.vocabulary.tokenize("a cat, a cat")
    made, nodes = GenerationSession.of(SessionKey(mode=mode), tokens, [{}] * len(ids)), {}
    for step in generate(model, list(ids), RULES):
        node = made.tree.add(nodes.get(step.sample, ROOT), step, RULES)
        nodes[step.sample] = made.node = node
    return made


@pytest.mark.parametrize(("family", "mode"), [("llama", "complete"), ("t5", "translate"), ("bart", "translate")])
def test_what_was_written(folder_model, monkeypatch, family, mode):
    """Guards against rules in another order or with other numbers, a token read with those that it follows, sums without
    the prompt, and rows that are aligned by place; of a translation against a decoder that reads the source, begins without
    its first token, or whose rules count the source's tokens."""
    model = folder_model(family)
    session = session_of(model, mode)
    stages = explain_end(model, session)
    ours = numbers(stages[script_output("chart")], monkeypatch)
    np.testing.assert_allclose(ours, bars(stages["chart"])[: len(ours)], **CLOSE)
    page = np.asarray(drawn(stages["stages"]).data[0].customdata, np.float64)
    names = run(stages[script_output("stages")], monkeypatch)
    assert len(names["shares"]) == 8
    np.testing.assert_allclose(np.asarray(names["numbers"]), page, **CLOSE)
    choice = session.steps()[-1].choice
    assert int(names["order"][names["place"]]) == choice.token_id
    tree, sums = session.tree, []
    for leaf in tree.leaves():
        sums.append(sum(tree.nodes[node].step.log_probability for node in tree.path(leaf)))
    assert len(sums) == 3
    written = tree_view(model, session)[script_output("tree")]
    np.testing.assert_allclose(numbers(written, monkeypatch), sums, **CLOSE)
    other = tree.leaves()[0]
    rows = [
        [(tree.nodes[n].step.token, tree.nodes[n].step.probability) for n in tree.path(node)]
        for node in (session.node, other)
    ]
    ours = numbers(script_of_two(model, session, other)[script_output("beside")], monkeypatch)
    np.testing.assert_allclose(ours, surprisals(side_by_side_figure(rows, ("one", "two"))), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("text", ["the cat <mask> sat", "the cat sat"])
def test_what_fits_into_a_blank(look, monkeypatch, text):
    """Guards against a token that is masked on the page and stands in the script, and another place than the last mask."""
    page = look("bert", text)
    outputs = shown(prompt_view.draw, page, ViewRequest(mode="fill", session=""))
    ours = numbers(outputs[script_output("chart")], monkeypatch)
    assert len(ours) > 3
    np.testing.assert_allclose(ours, bars(outputs["chart"])[: len(ours)], **CLOSE)


def test_two_texts_beside_each_other(look, monkeypatch):
    """Guards against a first token that something predicts, and tokens that are paired by place."""
    page = look("gpt2", "the cat sat")
    monkeypatch.setattr(PageContext, "recording", lambda page, text=None, **_: record(page.model(), text or page.text))
    outputs = shown(score.compare_texts, page, ScoreRequest("a cat sat"))
    ours = numbers(outputs[script_output("texts_beside")], monkeypatch)
    np.testing.assert_allclose(ours, surprisals(drawn(outputs["texts_beside"])), rtol=1e-5, atol=1e-5)


@pytest.fixture
def task_bench(folder_model):
    """bench(family) -> its model, on a workbench of its own."""
    before, made = workbench._shared, workbench.Workbench()
    workbench.share(made)

    def add(family):
        made.add(folder_model(family))
        return folder_model(family)

    yield add
    workbench.share(before)


def written(view, model, request):
    """The outputs of a view that writes, and the request as the page sends it next."""
    page = PageContext(model.model_id, text="the cat sat")
    *_, outputs = answers(view.write, page, request)
    assert outputs["message"] == "", outputs["message"]
    return page, outputs, replace(request, last=outputs["last"])


@pytest.mark.parametrize("family", ["bart", "t5"])
def test_a_translations_alignment(task_bench, monkeypatch, family):
    """Guards against a row that looks while another token is chosen, tokens of a word that are summed where they are
    averaged, and a head of another layer."""
    page, outputs, request = written(translate_view, task_bench(family), TranslateRequest())
    for layer, head in ((None, None), ("1", None), ("1", "2")):
        if layer:
            outputs = shown(translate_view.look, page, replace(request, layer=layer, head=head or "x"))
        for name in ("heat", "lines"):
            agree(outputs[script_output(name)], heat(outputs["heat"]), monkeypatch)


@pytest.mark.parametrize(
    ("family", "view", "request_of"),
    [("t5", translate_view, TranslateRequest), ("bart", summarise_view, SummariseRequest)],
)
def test_what_else_could_stand_there(task_bench, monkeypatch, family, view, request_of):
    """Guards against the distribution after the token, and a decoder that begins without its own first tokens."""
    page, outputs, request = written(view, task_bench(family), request_of())
    outputs = shown(view.pick, page, request, EventData(None, {"index": 2}))
    ours = numbers(outputs[script_output("others")], monkeypatch)
    np.testing.assert_allclose(ours, bars(outputs["others"])[: len(ours)], **CLOSE)
