"""Translate and Summarise on the page: what is shown, what stays, and what a visitor may type or choose."""

from dataclasses import replace
from types import SimpleNamespace

import plotly.graph_objects as go
import pytest

import playground as pg
from playground import workbench
from playground.loading import prepare
from playground.tabs.shared.page_context import PageContext
from playground.tabs.tasks import (
    answer_view,
    beside_answers,
    beside_view,
    summarise_view,
    tab,
    translate_view,
    written_tokens,
)
from playground.tabs.tasks.answer_reading import QuestionRequest
from playground.tabs.tasks.beside_answers import AnswersRequest
from playground.tabs.tasks.beside_view import AnsweredRequest, BesideRequest
from playground.tabs.tasks.summary_request import SummariseRequest
from playground.tabs.tasks.translation_request import TranslateRequest
from playground.tasks import summary_accuracy, translation_accuracy
from playground.tasks.written_answer import answer_by_chat
from playground.tasks.written_scores import likely_others, text_of_part, written_score
from playground.texts import tasks as texts
from playground.texts.numbers import minus
from tests.tabs.calling import answer, answers, plain, shown
from tests.tools import zoo
from tests.tools.task_models import network
from tests.tools.translators import T5_TASKS, m2m, m2m_tokenizer, sentence_pieces

TEXT = "the <b>cat</b> sat"


@pytest.fixture(scope="module")
def models(tiny, tmp_path_factory):
    pieces = sentence_pieces(tmp_path_factory.mktemp("pieces"))
    told = prepare(m2m(max_length=8), m2m_tokenizer(pieces, src_lang="en"), "m2m")
    asked = prepare(zoo.variant("t5", task_specific_params=T5_TASKS), zoo.byte_tokenizer(), "asked")
    asked.model.generation_config.max_new_tokens = 8
    return {model.model_id: model for model in (tiny("bart"), tiny("mbart"), tiny("llama"), tiny("bert"), told, asked)}


@pytest.fixture(autouse=True)
def bench(models):
    before, made = workbench._shared, workbench.Workbench()
    workbench.share(made)
    for model in models.values():
        made.add(model)
    yield made
    workbench.share(before)


def page(model, text=TEXT, language=""):
    return PageContext(model, text=text, language=language)


def written(view, page, request):
    """The last answer of a view that writes, and the request as the page sends it next."""
    *_, last = answers(view.write, page, request)
    assert last["message"] == "", last["message"]
    return last, replace(request, last=last["last"])


@pytest.mark.slow
def test_a_translation_with_its_alignment():
    """Guards a result that goes when the tab is opened again, one that stays beside another text, and markup made of what a
    visitor typed: words, strip, alternatives, lines and map are of one translation."""
    ready = answer(translate_view.draw, page("bart"), TranslateRequest())
    assert (
        "Press Translate" in ready["sentence"] and not ready["source"]["visible"] and not ready["examples"]["visible"]
    )
    seen, request = written(translate_view, page("bart"), TranslateRequest())
    own = pg.translate(workbench.shared().model("bart"), TEXT)
    assert plain(seen["translation"]) == own.text and "<b>" not in seen["translation"]
    assert "Greedy" in plain(seen["sentence"]) and "before it said that it ended" in plain(seen["sentence"])
    (part,) = own.parts
    assert [item["shade"] for item in seen["strip"]["value"]] == [step.probability for step in part.steps]
    assert isinstance(seen["lines"]["value"], go.Figure) and "cat" in seen["heat"]["value"].layout.xaxis.ticktext
    assert seen["heat"]["value"].data[0].z.shape[1] == len(seen["heat"]["value"].layout.xaxis.ticktext)
    assert "Mean of all heads of all layers" in plain(seen["aligned"]) and "model.generate(" in plain(seen["script"])
    again = answer(translate_view.draw, page("bart"), request)
    assert again["translation"] == seen["translation"] and again["aligned"] == seen["aligned"]
    other = answer(translate_view.draw, page("bart", "another"), request)
    assert other["translation"] == "" and not other["lines"]["visible"] and not other["last"].text
    assert answer(translate_view.look, page("bart", "another"), request).keys() == {"message"}
    asked_otherwise = answer(translate_view.draw, page("bart"), replace(request, prefix="say: "))
    assert asked_otherwise["translation"] == "" and "Press Translate" in asked_otherwise["sentence"]


@pytest.mark.slow
def test_one_head_and_one_token_of_a_translation():
    """Guards a choice of head without effect, one that the model lacks, and bars of another token than was clicked."""
    _, request = written(translate_view, page("bart"), TranslateRequest())
    mean = answer(translate_view.look, page("bart"), request)
    assert not mean["head"]["visible"] and mean["layer"]["choices"][1:] == ["0", "1"]
    one = answer(translate_view.look, page("bart"), replace(request, layer="1", head="2"))
    assert "Layer 1, head 2" in plain(one["aligned"]) and len(one["head"]["choices"]) == 5
    assert (one["heat"]["value"].data[0].z != mean["heat"]["value"].data[0].z).any()
    stray = answer(translate_view.look, page("bart"), replace(request, layer="<i>", head="9", part=7))
    assert stray["aligned"] == mean["aligned"]
    steps = pg.translate(workbench.shared().model("bart"), TEXT).parts[0].steps
    for place in (0, 3):
        bars = answer(translate_view.pick, page("bart"), request, SimpleNamespace(_data={"index": place}))
        shares = bars["others"]["value"].data[0].x[: len(steps[place].alternatives)]
        assert shares == pytest.approx([other.probability for other in steps[place].alternatives], abs=1e-5)
    nothing = answer(translate_view.pick, page("bart"), request, SimpleNamespace(_data={"index": "<i>"}))
    assert "others" not in nothing


def test_languages_are_chosen_from_those_of_the_model():
    """Guards lists beside a model that is told none, a language of another model, and a choice that another tab made."""
    told = answer(translate_view.draw, page("m2m"), TranslateRequest(target="xx", source="yy"))
    assert told["target"]["visible"] and told["source"]["value"] == "" and len(told["target"]["choices"]) == 100
    assert told["target"]["value"] == "af", "the first that differs from the source"
    here = answer(translate_view.draw, page("m2m", language="de"), TranslateRequest(target="fr"))
    assert here["target"]["value"] == "de"
    seen, request = written(translate_view, page("m2m"), TranslateRequest(target="fr", source="de"))
    model = workbench.shared().model("m2m")
    assert plain(seen["translation"]) == pg.translate(model, TEXT, "fr", "de").text and request.last.target == "fr"
    assert f"forced_bos_token_id={model.languages.codes['fr']}" in plain(seen["script"])
    asked = answer(translate_view.draw, page("asked"), TranslateRequest())
    assert asked["target"]["choices"] == ["en_to_de", "en_to_fr"] and not asked["source"]["visible"]
    seen, _ = written(translate_view, page("asked"), TranslateRequest(target="en_to_fr"))
    assert "to French: the <b>" in plain(seen["script"]) and "<b>" not in seen["script"]
    seen, _ = written(translate_view, page("asked"), TranslateRequest(prefix="say: "))
    assert "say: the <b>" in plain(seen["script"])


def test_models_of_one_stack_say_why_nothing_is_aligned():
    """Guards an empty place where lines would be, and a model that writes nothing at all."""
    ready = answer(translate_view.draw, page("llama"), TranslateRequest())
    assert ready["examples"]["visible"] and "was not trained to translate" in plain(ready["sentence"])
    seen, _ = written(translate_view, page("llama"), TranslateRequest(examples="a: b\n{text}:"))
    assert "No alignment" in seen["aligned"] and not seen["lines"]["visible"]
    assert "can't translate" in plain(answer(translate_view.draw, page("bert"), TranslateRequest())["sentence"])
    assert "can't summarise" in plain(answer(summarise_view.draw, page("llama"), SummariseRequest())["sentence"])


@pytest.mark.slow
def test_a_summary_with_its_sources():
    """Guards new words that are not marked, the passage as markup, a sentence that was not chosen, and a result beside
    another passage."""
    passage = "The <i>cat</i> sat. A dog ran. " * 2
    ready = answer(summarise_view.draw, page("mbart"), SummariseRequest(passage))
    assert "Press Summarise" in ready["sentence"]
    seen, request = written(summarise_view, page("mbart"), SummariseRequest(passage))
    own = pg.summarise(workbench.shared().model("mbart"), passage)
    assert plain(seen["summary"]).strip() == own.text.replace("\n", "")
    assert 1 <= seen["summary"].count("<mark") <= len(own.copying.new)
    assert "stand in the passage" in plain(seen["sentence"]) and "model.generate(" in plain(seen["script"])
    assert "<i>" not in seen["looked_at"] and plain(seen["looked_at"]) == passage
    assert seen["shares"].count("<tr>") >= 3 and len(seen["chosen"]["choices"]) >= 1
    last = len(seen["chosen"]["choices"]) - 1
    chosen = answer(summarise_view.look, page("mbart"), replace(request, chosen=last))
    assert chosen["chosen"]["value"] == last and (last == 0 or chosen["shares"] != seen["shares"])
    assert answer(summarise_view.look, page("mbart"), replace(request, passage="x")).keys() == {"message"}
    assert answer(summarise_view.draw, page("mbart"), request)["summary"] == seen["summary"]


@pytest.mark.parametrize(
    ("view", "request_", "text", "words"),
    [
        (translate_view, TranslateRequest(), "", "There is no text"),
        (translate_view, TranslateRequest(), "a" * 100_000, "more than 64 windows"),
        (translate_view, TranslateRequest(prefix="x" * 300), "a", "300 characters before the text"),
        (summarise_view, SummariseRequest(" "), "a", "There is no passage"),
        (summarise_view, SummariseRequest("a" * 100_000), "a", "more than 64 windows"),
    ],
)
def test_what_a_visitor_may_get_wrong(view, request_, text, words):
    """Guards Python's words and endless work: each is refused with its remedy."""
    *_, last = answers(view.write, page("bart", text), request_)
    assert words in plain(last["message"])


@pytest.mark.slow
def test_stop_and_how_good_it_is(monkeypatch):
    """Guards work that can't be ended, and the figure that a class reads."""
    request = TranslateRequest()
    stream = translate_view.write(page("bart", "The cat sat on a mat. " * 20), request)
    next(stream), next(stream)
    request.control.stop = True
    assert "Stopped" in list(stream)[-1]["sentence"]
    few = [*translation_accuracy.translation_examples()][46:54]
    monkeypatch.setattr(translation_accuracy, "translation_examples", lambda: few)
    *_, last = answers(translate_view.measure_translation, page("asked"), TranslateRequest())
    words = plain(last["how_good"])
    assert "0 of 8 right (95 % interval 0 % to 32 %)" in words and "numbers 0 of 4" in words
    few = [*summary_accuracy.summary_examples()][48:52]
    monkeypatch.setattr(summary_accuracy, "summary_examples", lambda: few)
    *_, last = answers(summarise_view.measure_summaries, page("asked"), SummariseRequest())
    words = plain(last["how_good"])
    assert "0 of 4 right" in words and "of 8 facts were kept" in words and "first sentence would be right 50 %" in words
    assert {translate_view, summarise_view} < set(tab.VIEWS)


@pytest.mark.slow
def test_which_words_made_a_token():
    """Guards reasons of another token than the one on the strip, and reasons that stay when another one is clicked: of a
    translation and of a summary the score is the token's logit beside the likeliest other one, over the text's words."""
    seen, request = written(translate_view, page("bart"), TranslateRequest())
    assert seen["ask_why"]["visible"] and not seen["token_room"]["visible"]
    model = workbench.shared().model("bart")
    (part,) = pg.translate(model, TEXT).parts
    clicked = answer(translate_view.pick, page("bart"), request, SimpleNamespace(_data={"index": 2}))
    assert clicked["place"] == 2 and not clicked["token_room"]["visible"]
    ask = translate_view.ExplainTranslation(**vars(request), place=2, token_method="occlusion")
    seen = shown(translate_view.explain, page("bart"), ask)
    other = likely_others(part.steps[2])[0].token.id
    own = pg.attribute(written_score(model, text_of_part(model, part), 2, other), "occlusion")
    assert seen["token_against"]["value"] == other and seen["token_room"]["visible"] and "<b>" not in seen["why"]
    assert f": {minus(own.score)} for your text" in plain(seen["why_words"])
    alone = shown(translate_view.explain, page("bart"), replace(ask, token_against=written_tokens.ALONE))
    assert alone["why_words"] != seen["why_words"] and "−" not in plain(alone["why_words"]).split(":")[0]
    assert answers(translate_view.explain, page("bart", "another"), ask) == [{"message": ""}]
    _, request = written(summarise_view, page("bart"), SummariseRequest("the cat. a dog"))
    ask = summarise_view.ExplainSummary(**vars(request), place=1, token_method="integrated gradients")
    seen = shown(summarise_view.explain, page("bart"), ask)
    assert "off by" in plain(seen["why_words"]) and seen["token_room"]["visible"]


def test_an_answer_in_words_and_two_of_them(smollm2, bench):
    """Guards an answer whose words are not explained, one that is gone when the view is opened again, and two answers
    beside each other of which one is the other's: passages that differ give answers of their own."""
    bench.add(smollm2)
    here, question = page(smollm2.model_id), "Who paid for the bridge?"
    one, two = "Anna Weber paid for the bridge.", "Karl Brandt paid for the bridge."
    request = QuestionRequest(question, one)
    seen = shown(answer_view.find, here, request)
    own = answer_by_chat(smollm2, question, one)
    assert own.text in plain(seen["sentence"]) and len(seen["strip"]["value"]) == len(own.steps)
    assert question in seen["python"] and "apply_chat_template" in seen["python"]
    request = replace(request, last=seen["last"])
    assert shown(answer_view.draw, here, request)["sentence"] == seen["sentence"]
    ask = answer_view.ExplainAnswer(**vars(request), place=1, token_method="gradient × input")
    seen = shown(answer_view.explain_token, here, ask)
    assert "Weber" in plain(seen["why"]) and seen["bars"]["visible"]
    assert answers(answer_view.explain_token, here, replace(ask, passage=two)) == [{"message": ""}]
    ask = AnswersRequest(beside_answers.PASSAGES, question, one, other_passage=two, method="gradient × input")
    seen = shown(beside_answers.compare_answers, here, ask)
    assert "Weber" in plain(seen["one_answer"]) and "Brandt" in plain(seen["two_answer"])
    assert "ln P of" in plain(seen["one_why_words"]) and seen["two_bars"]["visible"]
    drawn = shown(beside_view.draw, here, BesideRequest(of_what=texts.ANSWERS_BESIDE))
    assert drawn["answers_room"]["visible"] and not drawn["labels_room"]["visible"] and drawn["of_what"]["visible"]


def test_two_readers_beside_each_other(bench):
    """Guards a reader that can't be compared: two questions, and two readers of one question, each with its own answer and
    what made it; a model that neither reads nor chats is refused in words."""
    for name in ("one", "two"):
        bench.add(prepare(network("bert" if name == "one" else "distilbert", "answer"), zoo.pair_tokenizer(), name))
    ask = AnswersRequest(beside_answers.QUESTIONS, "who?", TEXT, "where <i>?", method="occlusion")
    seen = shown(beside_answers.compare_answers, page("one"), ask)
    for side, question in (("one", "who?"), ("two", "where <i>?")):
        best = pg.answer(bench.model("one"), question, TEXT).best
        assert f"“{best.text}”" in plain(seen[f"{side}_answer"]) and "<i>" not in seen[f"{side}_answer"]
        assert "start + end logit" in plain(seen[f"{side}_why_words"]) and seen[f"{side}_why"]
    seen = shown(
        beside_answers.compare_answers, page("one"), replace(ask, what=beside_answers.MODELS, other_model="two")
    )
    best = pg.answer(bench.model("two"), "who?", TEXT).best
    assert f"“{best.text}”" in plain(seen["two_answer"]) and "two" in plain(seen["two_answer"])
    drawn = shown(beside_view.draw, page("one"), BesideRequest())
    assert drawn["answers_room"]["visible"] and not drawn["of_what"]["visible"]
    *_, last = answers(beside_answers.compare_answers, page("llama"), ask)
    assert "can't be asked" in plain(last["message"])
    kept = answer(beside_view.clear_answers, page("one"), AnsweredRequest(seen["answered"]))
    assert kept == {"message": ""} and answer(beside_view.clear_answers, page("two"), AnsweredRequest(seen["answered"]))
