"""Translating models are told languages by tokens: source and target are chosen, and the decoder begins as in training."""

from dataclasses import replace

import pytest
import torch
import transformers

import playground as pg
from playground import workbench
from playground.generation.limits import notes
from playground.generation.sampling_controls import SamplingControls
from playground.generation.sessions import SessionId
from playground.loading import prepare
from playground.models.decoder_start import Target
from playground.tabs.generate import prompt_view, streaming, tab
from playground.tabs.generate.request import ViewRequest, WriteRequest
from playground.tabs.shared import language_chooser
from playground.tabs.shared.page_context import PageContext
from playground.tabs.xray import tab as xray_tab
from playground.workbench import Workbench
from tests.tabs.calling import answer, answers
from tests.tools import zoo
from tests.tools.translators import m2m, m2m_tokenizer, sentence_pieces

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """A folder with a small SentencePiece model and M2M-100's vocabulary of it."""
    return sentence_pieces(tmp_path_factory.mktemp("pieces"))


def _m2m(pieces, **languages):
    return prepare(m2m(), m2m_tokenizer(pieces, **languages), "m2m")


def test_a_target_begins_with_its_languages_token(pieces):
    """Guards against a decoder begun without a language, and against one begun in another than was chosen: M2M-100's
    targets are </s>, the language, then the text; its sources begin with their language."""
    model = _m2m(pieces)
    german, french = model.languages.codes["de"], model.languages.codes["fr"]
    recording = pg.record(model, "The cat", Target("Der Hund", "de", "fr"))
    assert [token.id for token in recording.target_tokens[:2]] == [2, german]
    assert recording.tokens[0].id == french and recording.tokens[-1].id == 2
    assert recording.target_tokens[1].special
    assert "".join(token.text for token in recording.target_tokens if not token.special).strip() == "Der Hund"
    with pytest.raises(pg.PlaygroundError, match="no language 'xx'"):
        pg.record(model, "The cat", Target("Der Hund", "xx"))


@pytest.mark.parametrize("beams", [1, 3])
def test_it_writes_what_transformers_writes_in_that_language(pieces, beams):
    """Guards against a language token counted as written, or forced on top of the one that the decoder began with."""
    model = _m2m(pieces)
    settings = pg.GenerationSettings(max_new_tokens=5, greedy=True, beams=beams, target_language="de")
    ids = torch.tensor([model.vocabulary.tokenize("The cat")[0]])
    theirs = model.model.generate(
        ids, forced_bos_token_id=model.languages.codes["de"], max_new_tokens=6, num_beams=beams, do_sample=False
    )[0].tolist()
    written = [step.token.id for step in pg.generate(model, "The cat", settings)]
    assert theirs[:2] == [2, model.languages.codes["de"]] and written == theirs[2:]


def test_what_the_tokenizer_says_counts_where_nothing_is_chosen(pieces):
    """Guards against a folder whose tokenizer names the target language, and against silence where none is named."""
    model = _m2m(pieces, src_lang="en", tgt_lang="fr")
    french = model.languages.codes["fr"]
    assert pg.record(model, "The cat", "Où est").target_tokens[1].id == french
    settings = pg.GenerationSettings()
    assert "the tokenizer says 'fr'" in notes(settings, settings, model, pg.Settings())[0]
    untold = _m2m(pieces)
    assert "the model takes one of its 100 itself" in notes(settings, settings, untold, pg.Settings())[0]


def test_mbarts_target_begins_with_the_language_alone():
    """Guards against </s> before mBART's language token: in training the last token of the target, its language, moves to
    the front."""
    tokenizer = transformers.MBartTokenizer()
    network = zoo.variant("mbart", **zoo._BART | {"vocab_size": len(tokenizer)})
    model = prepare(network, tokenizer, "mbart")
    german = model.languages.codes["de_DE"]
    assert model.languages.replaces_start
    assert pg.record(model, "a", Target("b", "de_DE")).target_tokens[0].id == german
    steps = list(pg.generate(model, "a", pg.GenerationSettings(max_new_tokens=3, target_language="de_DE")))
    assert 1 <= len(steps) <= 3


def test_nllbs_languages_are_found_by_how_they_are_spelled():
    """Guards against languages known by a table of names alone: NLLB's tokenizer has none."""
    tokenizer = transformers.NllbTokenizer()
    network = zoo.variant("m2m_100", **zoo._BART | {"vocab_size": len(tokenizer)})
    model = prepare(network, tokenizer, "nllb")
    assert {"eng_Latn", "fra_Latn", "zho_Hans"} <= set(model.languages.codes)
    french = model.languages.codes["fra_Latn"]
    assert [t.id for t in pg.record(model, "a", Target("b", "fra_Latn")).target_tokens[:2]] == [2, french]


def test_a_model_that_is_told_no_language_takes_none(tiny):
    """Guards against a choice that is dropped without a word."""
    with pytest.raises(pg.PlaygroundError, match="not told a language"):
        pg.record(tiny("bart"), "the cat", Target("un chat", "fr"))
    with pytest.raises(pg.PlaygroundError, match="not told a language"):
        list(pg.generate(tiny("bart"), "the cat", pg.GenerationSettings(target_language="fr")))


# --- on the page ------------------------------------------------------------------------------------------------


PAGE = PageContext("m2m", "cpu", "float32", "The cat")
BART = PageContext("bart", "cpu", "float32", "The cat")
FIVE = SamplingControls(max_new_tokens=5, temperature=0, top_p=1, greedy=True)


@pytest.fixture
def page_model(pieces, tiny):
    """The tiny M2M-100 on the page, beside a model that is told no language."""
    before, bench, model = workbench._shared, Workbench(), _m2m(pieces, src_lang="en", tgt_lang="fr")
    bench.add(model)
    bench.add(tiny("bart"))
    workbench.share(bench)
    yield model
    workbench.share(before)


def _request(visitor, **languages):
    return WriteRequest(visitor, "translate", "rank", "The cat", sampling=FIVE, **languages)


def _written(model, count, **languages):
    settings = pg.GenerationSettings(max_new_tokens=count, greedy=True, **languages)
    return [step.token.id for step in pg.generate(model, "The cat", settings)]


def test_the_page_offers_the_languages_of_the_tokenizer(page_model):
    """Guards against languages that Python and HTTP choose and the page does not, and against empty lists beside a model
    that is told none. A language that another model had is forgotten, one that this model has stays."""
    look = ViewRequest(SessionId(), "translate", source_language="eng_Latn", target_language="de")
    outputs = answer(prompt_view.draw, PAGE, look)
    source, target = outputs["source_language"], outputs["target_language"]
    assert outputs["languages"].visible and source.value == "" and target.value == "de"
    assert source.choices[0] == ("as the tokenizer says: en", "")
    assert target.choices[0] == ("as the tokenizer says: fr", "")
    assert {code for _, code in target.choices[1:]} == set(page_model.languages.codes)
    hidden = answer(prompt_view.draw, BART, look)
    assert not hidden["languages"].visible and hidden["target_language"].value is None


def test_the_page_writes_in_the_language_that_is_selected(page_model):
    """Guards against a selection without effect, a strip that shows another source than was read, and a translation that
    goes on in another language than it was begun in."""
    visitor, french = SessionId(), page_model.languages.codes["fr"]
    languages = {"source_language": "fr", "target_language": "de"}
    answers(tab.start_writing, PAGE, _request(visitor, **languages))
    session = workbench.shared().sessions.find(visitor)
    assert session.ids[0] == french and session.prompt[0]["label"] == page_model.vocabulary.describe([french])[0].label
    assert session.tree.ids(session.node) == _written(page_model, 5, **languages)
    answers(streaming.go_on, PAGE, _request(visitor, source_language="en", target_language="es"))
    session = workbench.shared().sessions.find(visitor)
    assert session.tree.ids(session.node) == _written(page_model, 10, **languages)


def test_another_language_begins_another_translation(page_model):
    """Guards against one tree with continuations in two languages; until Generate is pressed the former one stays."""
    visitor = SessionId()
    for code in ("de", "es"):
        answers(tab.start_writing, PAGE, _request(visitor, target_language=code))
        assert workbench.shared().sessions.find(visitor).key.target_language == code
        other = answer(prompt_view.draw, PAGE, ViewRequest(visitor, "translate", target_language="fr"))
        assert "strip" not in other
    assert len(workbench.shared().sessions.find(visitor).tree.leaves()) == 1


def test_a_language_that_the_model_does_not_have_is_refused_on_the_page(page_model):
    """Guards against whatever a visitor sends in place of a choice; a model that is told none takes no notice of what
    the hidden lists hold."""
    refused = answers(tab.start_writing, PAGE, _request(SessionId(), target_language="xx"))
    assert "This model has no language" in refused[-1]["message"]
    done = answers(tab.start_writing, BART, _request(SessionId(), target_language="de"))
    assert done[-1]["message"] == ""


def test_attention_and_xray_begin_the_decoder_in_the_chosen_language(page_model):
    """Guards against pictures of a decoder in the tokenizer's language alone, and against the language of another model;
    a token that was chosen in one language's target is not one of another's."""
    german = replace(PAGE, language="de")
    assert PAGE.recording().target_tokens[1].id == page_model.languages.codes["fr"]
    assert german.recording().target_tokens[1].id == page_model.languages.codes["de"]
    assert german.reading != PAGE.reading
    outputs = answer(language_chooser.follow, german)
    assert all(outputs[name].value == "de" and outputs[name].visible for name in ("attention", "xray"))
    assert outputs["xray"].choices[0] == ("as the tokenizer says: fr", "")
    untold = replace(BART, language="de")
    assert untold.recording().target_tokens and not answer(language_chooser.follow, untold)["xray"].visible
    row = answer(xray_tab.draw, german, xray_tab.XrayRequest())
    assert "__de__" in str(row["figure"].to_plotly_json())
