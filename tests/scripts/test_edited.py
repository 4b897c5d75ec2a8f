"""Python beside pictures while the page keeps an edit: the script edits the model as the page does. The pictures' own tests
are run once more, on pages that keep edits."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import playground as pg
from playground.analysis.tasks.attribution import METHODS
from playground.generation.continuation_tree import ROOT
from playground.generation.generate import generate
from playground.generation.session import GenerationSession, SessionKey
from playground.generation.tree_growth import grow_by_steps
from playground.recording.edits.edit import ADD, MEAN, TEXT, Edit
from playground.recording.record import record
from playground.scripts.edit_cells import BEGIN, CHANGED, IN_ATTENTION, OF_MODULES, REPLACED, WAYS
from playground.scripts.edits import edit_cells
from playground.tabs.embeddings import layers_view
from playground.tabs.embeddings.layers_view import LayersRequest
from playground.tabs.generate import score
from playground.tabs.generate.score import ScoreRequest
from playground.tabs.generate.session_view import explain_end, tree_view
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.page_edits import PageEdits
from playground.tabs.shared.reason_scripts import reasons_script
from playground.tabs.shared.scripts import script_output
from playground.tasks.attribute import attribute
from playground.tasks.next_token_scores import next_token_score
from playground.tasks.token_scores import edited_score
from playground.texts import scripts as texts
from tests.scripts import test_lens as lens
from tests.scripts import test_pictures as pictures
from tests.scripts import test_written as writing
from tests.scripts.conftest import TEXT as WORDS
from tests.scripts.running import CLOSE, agree, bars, drawn, heat, numbers, run
from tests.tabs.calling import shown
from tests.tools import zoo

SECOND = (80, 81, 82, 83, 84, 85)
PUSH = tuple((n % 7) - 2.5 for n in range(32))
HEADS = {
    "heads": (Edit("head", 0, (1, 2)),),
    "a head by the mean": (Edit("head", 1, (2,), how=MEAN),),
    "heads by a second text": (Edit("head", 0, (3,), how=TEXT, text=SECOND),),
    "arrows": (Edit("arrow", 0, (1,), (5,), keys=(2,)), Edit("arrow", 1, keys=(0,)), Edit("head", 1, (0,))),
}
PARTS = {
    "an MLP, at a token": (Edit("mlp", 0, positions=(3, 5)), Edit("mlp", 1, how=MEAN)),
    "a layer": (Edit("layer", 0, how=TEXT, text=SECOND, strength=0.5),),
    "attention, neurons": (Edit("attention", 1, how=MEAN), Edit("neuron", 0, (0, 5))),
    "tokens": (
        Edit("state", -1, positions=(2,)),
        Edit("state", 0, positions=(4, 3), how=TEXT, text=SECOND, sources=(1, 5)),
    ),
    "a push": (Edit("state", 0, how=ADD, strength=0.7, direction=PUSH),),
}
EDITS = HEADS | PARTS
"""Each way to edit a model that the page keeps."""
TWO_STACKS = {
    "encoder": (Edit("head", 0, (1,), kind="encoder"), Edit("state", 0, positions=(2,), kind="encoder")),
    "means of the encoder": (Edit("head", 1, (0,), how=MEAN, kind="encoder"), Edit("mlp", 0)),
    "arrows": (
        Edit("arrow", 0, (1,), (0,), keys=(2, 3), kind="cross"),
        Edit("arrow", 1, keys=(1,), kind="encoder"),
        Edit("head", 0, (1,)),
    ),
    "cross": (Edit("head", 1, (1,), kind="cross"), Edit("attention", 0, kind="cross", how=TEXT, text=SECOND)),
}


@pytest.fixture
def edited_page(folder_model, monkeypatch):
    """edited_page(family, edits, text=WORDS) -> the page that keeps the edits while it shows recordings of the text."""

    def at(family, edits, text=WORDS):
        model, made = folder_model(family), {}

        def recording(page, text=None, *, edited=True):
            text = page.text if text is None else text
            kept = page.edits_on(text) if edited and isinstance(text, str) else ()
            if (text, kept) not in made:
                made[text, kept] = record(model, text, edits=kept)
            return made[text, kept]

        kept = PageEdits(model.model_id, text, "", edits)
        monkeypatch.setattr(PageContext, "recording", recording)
        for name in ("model", "awaited_model"):
            monkeypatch.setattr(PageContext, name, lambda page: model)
        return PageContext(model.model_id, "cpu", "float32", text, edited=kept)

    return at


@pytest.fixture
def keeping(edited_page):
    """keeping(edits) -> `look`, for tests of the whole model, on pages that keep these edits."""
    return lambda edits: lambda family, text=WORDS: edited_page(family, edits, text)


PICTURES = {
    "next": pictures.test_what_comes_next,
    "steps": lambda *look: pictures.test_step_by_step(*look, "llama"),
    "lens": lambda *look: pictures.test_the_lens_and_its_cells(*look, "llama"),
    "xray": lambda *look: pictures.test_xray(*look, "llama"),
    "flow": lambda *look: pictures.test_through_the_layers(*look, "flow", True),
    "neurons": lambda *look: pictures.test_neurons(*look, "llama"),
    "clocks": lambda *look: pictures.test_clocks(*look, "llama"),
}
SOME = {
    "changed steps": lambda *look: pictures.test_step_by_step_changed(*look, "keys", {"hide": True, "factor": 0.5}),
    "derived": lambda *look: pictures.test_what_is_derived_of_heads(*look, "rollout up to this layer"),
    "induction": lambda *look: pictures.test_what_every_head_does(*look, "induction"),
    "distance": lambda *look: pictures.test_attention_over_distance(*look, "llama", "self"),
    "broken": lambda *look: pictures.test_a_broken_text(*look, "llama"),
    "exchange": lambda *look: pictures.test_exchange(*look, "llama", ""),
    "push": lambda *look: pictures.test_push(*look, "llama", "a word"),
    "between": lambda *look: lens.test_between_the_parts_of_layers(*look, "llama", "entropy", ""),
}
"""Pictures whose passes are those of others, or of the whole model."""


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert"])
@pytest.mark.parametrize("edits", EDITS)
def test_attention_of_an_edited_model(keeping, monkeypatch, family, edits):
    """Guards against edits of another layer's call or of keys that heads share (Llama), made twice, or made behind what
    transformers returns."""
    pictures.test_one_head_and_its_tokens(keeping(EDITS[edits]), monkeypatch, family)


@pytest.mark.parametrize("edits", EDITS)
@pytest.mark.parametrize("picture", PICTURES)
def test_pictures_of_an_edited_model(keeping, monkeypatch, picture, edits):
    """Guards against a picture whose script leaves the edit out, and a module that is edited where a script calls it
    outside of a pass."""
    if (picture, edits) == ("neurons", "an MLP, at a token"):
        return  # an edited MLP is no sum of its neurons: the page shows none
    PICTURES[picture](keeping(EDITS[edits]), monkeypatch)


@pytest.mark.parametrize("edits", ["heads by a second text", "attention, neurons"])
@pytest.mark.parametrize("picture", SOME)
def test_other_pictures(keeping, monkeypatch, picture, edits):
    """Guards against edits of passes that the page reads with the whole model."""
    SOME[picture](keeping(EDITS[edits]), monkeypatch)


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma"])
@pytest.mark.parametrize("edits", HEADS)
def test_what_each_part_adds(keeping, monkeypatch, family, edits):
    """Guards against the sum of a whole model's parts, and values that a head no longer gives."""
    pictures.test_what_each_part_adds(keeping(EDITS[edits]), monkeypatch, family, "a")


@pytest.fixture
def uneven(folder_model, tmp_path_factory):
    """A BART whose encoder has another number of heads than its decoder, instead of the zoo's."""
    folder = tmp_path_factory.mktemp("uneven")
    zoo.variant("bart", encoder_attention_heads=2).save_pretrained(folder)
    zoo.byte_tokenizer().save_pretrained(folder)
    return pg.load(str(folder), device="cpu", dtype="float32")


@pytest.mark.parametrize("family", ["bart", "t5"])
@pytest.mark.parametrize("edits", TWO_STACKS)
def test_two_stacks(edited_page, uneven, monkeypatch, family, edits):
    """Guards against the encoder's edits in the decoder, and a head's number that is counted in the other stack."""

    def look(family, text=WORDS):
        page = edited_page(family, TWO_STACKS[edits], text)
        if family == "bart":
            kept = page.edited._replace(model_id=uneven.model_id)
            monkeypatch.setattr(PageContext, "model", lambda page: uneven)
            return replace(page, model_id=uneven.model_id, edited=kept)
        return page

    pictures.test_one_head_and_its_tokens(look, monkeypatch, family)
    pictures.test_xray(look, monkeypatch, family)


@pytest.mark.parametrize("family", ["albert", "mixtral", "distilbert", "gpt_oss"])
def test_other_families(keeping, monkeypatch, family):
    """Guards against an edit in every run of a module that is several layers (ALBERT), and rows of all texts together
    (Mixtral)."""
    edits = (Edit("mlp", 0), Edit("head", 1, (1,)), Edit("neuron", 1, (3,)), Edit("state", 0, positions=(2,), how=MEAN))
    if family in ("mixtral", "gpt_oss"):
        edits = tuple(edit for edit in edits if edit.part != "neuron")
    pictures.test_one_head_and_its_tokens(keeping(edits), monkeypatch, family)


@pytest.mark.parametrize("edits", EDITS)
def test_what_an_edited_model_wrote(folder_model, monkeypatch, edits):
    """Guards against means of what was written, a second text aligned with it, and a token that is read without the edit."""
    kept = EDITS[edits]
    if any(edit.positions and max(edit.positions) > 3 for edit in kept):  # the text is short
        kept = tuple(replace(edit, positions=(2,), sources=(1,) if edit.sources else None) for edit in kept)
    model = folder_model("llama")
    ids, tokens = model.vocabulary.tokenize("a cat")
    session = GenerationSession.of(SessionKey(mode="complete", edits=kept), tokens, [{}] * len(ids))
    rules = replace(writing.RULES, samples=2)
    for _ in grow_by_steps(session, generate(model, list(ids), rules, edits=kept), ROOT, rules):
        pass
    writes(model, session, monkeypatch)
    start = session.node
    before = session.tree.ids(start)
    for _ in grow_by_steps(session, generate(model, list(ids), rules, begun=before, edits=kept), start, rules):
        pass
    writes(model, session, monkeypatch, tree=False)
    why = tree_view(model, session)[script_output("tree")].why
    assert why == (texts.GONE_ON if any(edit.how in (MEAN, TEXT) for edit in kept) else "")


def writes(model, session, monkeypatch, tree=True):
    """Compares a session's last token, rule by rule, and its tree; returns the outputs of the token."""
    outputs = explain_end(model, session)
    names = run(outputs[script_output("stages")], monkeypatch)
    expected = np.asarray(drawn(outputs["stages"]).data[0].customdata, np.float64)
    np.testing.assert_allclose(np.asarray(names["numbers"]), expected, **CLOSE)
    ours = numbers(outputs[script_output("chart")], monkeypatch)
    np.testing.assert_allclose(ours, bars(outputs["chart"])[: len(ours)], **CLOSE)
    if tree:
        made = session.tree
        sums = [sum(made.nodes[n].step.log_probability for n in made.path(leaf)) for leaf in made.leaves()]
        written = tree_view(model, session)[script_output("tree")]
        np.testing.assert_allclose(numbers(written, monkeypatch), sums, **CLOSE)
    return outputs


@pytest.mark.parametrize("edits", ["heads", "an MLP, at a token"])
def test_two_texts(edited_page, monkeypatch, edits):
    """Guards against a second text that is read with edits which name tokens of the first one."""
    page = edited_page("gpt2", EDITS[edits], "the cat sat")
    outputs = shown(score.compare_texts, page, ScoreRequest("a cat sat"))
    ours = numbers(outputs[script_output("texts_beside")], monkeypatch)
    np.testing.assert_allclose(ours, writing.surprisals(drawn(outputs["texts_beside"])), rtol=1e-5, atol=1e-5)
    for first, second in ((None, "a cat sat"), ("a cat sat", "the cat sat")):
        request = LayersRequest(None, second, "2D", True, 1, first=first or "", first_for=page.text if first else "")
        outputs = shown(layers_view.draw, page, request)
        lines = np.stack([trace.y for trace in drawn(outputs["ends"]).data])
        np.testing.assert_allclose(numbers(outputs[script_output("ends")], monkeypatch), lines, **CLOSE)
        agree(outputs[script_output("alike")], heat(outputs["alike"]), monkeypatch)


def test_a_blank_of_an_edited_model(keeping, monkeypatch):
    """Guards against the whole model's guesses."""
    writing.test_what_fits_into_a_blank(keeping(HEADS["heads"]), monkeypatch, "the cat <mask> sat")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("edits", ["a head by the mean", "heads by a second text", "a layer", "a push", "arrows"])
def test_why_an_edited_model_says_so(folder_model, monkeypatch, method, edits):
    """Guards against reasons of the whole model beside a token of the edited one, in the page or in its script."""
    model, kept = folder_model("llama"), EDITS[edits]
    ids = model.vocabulary.tokenize("a cat sat")[0]
    whole = next_token_score(model, ids, 80, 70)
    made = edited_score(whole, kept)
    text = model.model.get_input_embeddings()(torch.tensor([ids]))
    logits = record(model, ids, edits=kept).logits_of([len(ids) - 1])[0]
    assert float(made.score(text)) == pytest.approx(float(logits[80] - logits[70]), abs=1e-5)
    assert float(made.score(text)) != pytest.approx(float(whole.score(text)), abs=1e-3)
    seen = attribute(made, method)
    if seen.values is not None:
        np.testing.assert_allclose(numbers(reasons_script(made, seen), monkeypatch), seen.values, **CLOSE)


def test_names_of_the_edit_cells():
    """Guards against a script whose own cells give another value to a name on which its edits rely."""
    cells = "".join([BEGIN, REPLACED, CHANGED, IN_ATTENTION, *OF_MODULES.values(), *WAYS.values()])
    names = {node.name for node in ast.parse(cells).body if isinstance(node, ast.FunctionDef)}
    names |= {name.id for node in ast.parse(cells).body if isinstance(node, ast.Assign) for name in ast.walk(node)
              if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}  # fmt: skip
    assert len(names) > 12
    folder = Path(edit_cells.__code__.co_filename).parent
    for path in folder.glob("*.py"):
        words = set(re.findall(r"\w+", path.read_text(encoding="utf-8")))
        uses = {"make_edits", "edited_attention"}  # calls them
        assert path.stem == "edit_cells" or not (names - uses) & words, path
