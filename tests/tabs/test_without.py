"""Without it, and the edit that the page keeps while other tabs look."""

from dataclasses import replace

import numpy as np
import pytest

from playground import workbench
from playground.figures.layers.without_words import stepping_in
from playground.loading import prepare
from playground.recording.edits.edit import Edit
from playground.settings import Settings
from playground.tabs.generate import prompt_view
from playground.tabs.generate.request import ViewRequest
from playground.tabs.layers import exchange_view, lens_view, without_handlers, without_map
from playground.tabs.layers.lens_cell import LensViewRequest
from playground.tabs.layers.without_handlers import WithoutRequest
from playground.tabs.shared.long_work import WorkControl, stop_work
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.page_edits import PageEdits
from playground.tabs.shared.sources import source_of
from playground.tabs.shared.stop_button import with_stop
from playground.texts import layers as texts
from playground.texts.shared import FIRST_TEXT
from playground.workbench import Workbench
from tests.tabs.calling import answer, answers, plain, proposals
from tests.tabs.test_layers import HOSTILE, LIMIT, click, sent
from tests.tools import zoo


@pytest.fixture(scope="module")
def bench(tiny, smollm2, minilm):
    bench, before = Workbench(Settings(offline=True, catalog_only=False)), workbench._shared
    for model in (smollm2, minilm, *(tiny(name) for name in ("llama", "bert", "t5", "bloom", "xlnet"))):
        bench.add(model)
    workbench.share(bench)
    yield bench
    workbench.share(before)


def merged(handler, *arguments) -> dict:
    """All that a handler sends, the later over the earlier."""
    whole: dict = {}
    for outputs in answers(handler, *arguments):
        assert outputs["message"] == "", outputs["message"]
        whole |= outputs
    return whole


def test_the_opening_text(bench, smollm2):
    """Guards the story of the opening text: its strongest head is taken out: both distributions, what others did, both
    texts, the badge, and the bytes."""
    page = PageContext(smollm2.model_id, text=FIRST_TEXT)
    outputs = merged(without_handlers.draw, page, WithoutRequest())
    assert proposals(outputs)[0] == ("", "23.4") and outputs["position"]["value"] == 11
    typed = next(without_handlers.draw(page, WithoutRequest("5.1")))  # before the first drawing
    assert proposals(typed)[0] == ("5.1", "5.1")
    old = next(without_handlers.draw(page, WithoutRequest("5.1", reading=(page.model_id, "another text"))))
    assert proposals(old)[0] == ("5.1", "23.4")
    words = plain(outputs["sentence"])
    assert words.startswith("Taken out: head 4 of layer 23: the model says “New” (")
    assert "in place of “Rome”, which falls from 65 % to 4.3 %" in words
    assert "direct −2.00, in fact −4.78: later parts build on it." in words
    assert "Rome. The capital of Spain is Madrid." in plain(outputs["written"])
    assert "New York City." in plain(outputs["written"])
    assert "pg-badge-ok" in outputs["badge"] and "Identities hold to" in outputs["badge"]
    assert outputs["changed"]["visible"] and sent(outputs) < LIMIT


def test_an_arrow_that_is_none(bench, smollm2, monkeypatch):
    """Guards against a change of 0 without a word on why: a token does not look at a later one."""
    page = PageContext(smollm2.model_id, text=FIRST_TEXT)
    monkeypatch.setattr(without_handlers, "WRITTEN", 1)
    words = plain(merged(without_handlers.show, page, WithoutRequest("24.5: 3>11, 7: 2>9, 24.5: 11>3"))["sentence"])
    assert "The attention of token 3 to token 11 is 0 there anyway: this arrow takes nothing out." in words
    assert words.endswith("So it is with 1 more.")
    seen = merged(without_handlers.show, page, WithoutRequest("24.5: 11>3, 24: *>3"))["sentence"]
    assert "anyway" not in seen


def test_others_step_in(bench, smollm2, monkeypatch):
    """Guards the two numbers that the view is for: the direct one is minus the contribution, the other the logit without the
    part minus the logit with it; a click in the map of all parts leads there."""
    page = PageContext(smollm2.model_id, text=FIRST_TEXT)
    monkeypatch.setattr(without_handlers, "WRITTEN", 1)
    outputs = merged(without_map.choose_part, page, WithoutRequest(), click(x=4, y=23))
    assert outputs["what"] == "23.4"
    recording = page.recording()
    edited = recording.with_edits([Edit("head", 23, (4,))])
    rome = int(recording.last_logits.argmax())
    fact = float(edited.last_logits[rome] - recording.last_logits[rome])
    direct = -float(recording.contributions().heads[23, 4])
    said = plain(outputs["sentence"])
    assert f"direct {direct:+.2f}, in fact {fact:+.2f}".replace("-", "−") in said
    mlp = merged(without_map.choose_part, page, WithoutRequest(), click(x=9, y=2))
    assert mlp["what"] == "mlp 2" and "MLP of layer 2" in plain(mlp["sentence"])
    more = merged(without_handlers.choose_changed, page, WithoutRequest("23.4"), click(x=1, y=5))
    assert more["what"] == "23.4, 5.1"
    assert [stepping_in(*pair) for pair in ((-2, -0.4), (-2, -2.1), (-2, 1), (-2, -5), (0, 0))] == [
        "others stepped in",
        "about its own contribution",
        "others more than made up for it",
        "later parts build on it",
        "",
    ]


@pytest.mark.parametrize("model", ["llama", "bert", "t5", "bloom"])
def test_every_part_one_by_one(bench, model):
    """Guards the map: it is drawn layer by layer, the last layer first, with its numbers by the recording; Stop keeps
    what is there."""
    page = PageContext(model, text="abcdef")
    drawn = answers(without_map.one_by_one, page, WithoutRequest(position=2))
    pictures = [outputs["effects"]["value"] for outputs in drawn if "effects" in outputs]
    first, last = pictures[0].data[0].z, pictures[-1].data[0].z
    assert np.isnan(first[0]).all() and np.isfinite(first[1]).any() and np.isfinite(last).all()
    columns = {"llama": 5, "bert": 5, "t5": 5, "bloom": 2}[model]
    assert last.shape == (2, columns) and plain(drawn[-1]["status"]) == texts.MANY_PARTS
    recording = page.recording()
    token = int(recording.logits_of([2])[0].argmax())
    edit = Edit("attention", 1) if model == "bloom" else Edit("head", 1, (0,))
    alone = recording.with_edits([edit]).logits_of([2])[0, token] - recording.logits_of([2])[0, token]
    assert last[1, 0] == pytest.approx(float(alone), rel=1e-3, abs=1e-4)
    control = WorkControl()
    stream = without_map.one_by_one(page, WithoutRequest(control=control))
    next(stream)
    stop_work(control)
    assert plain(list(stream)[-1]["status"]) == texts.STOPPED


@pytest.mark.parametrize("other", [{"position": 1}, {"token": "b"}, {"how": "mean"}], ids=["position", "token", "how"])
def test_a_map_of_other_controls(bench, other):
    """Guards a map beside numbers that it does not belong to: all parts were taken out one by one, then another token, its
    position or the way was chosen. The map goes, and one that is on its way ends; it stays where only the part changes."""
    page, control = PageContext("llama", text="abcdef"), WorkControl()
    request = WithoutRequest("1.1", position=2, control=control)
    stream = without_map.one_by_one(page, request)
    assert "effects" in next(stream)
    assert "effects" not in merged(without_handlers.show, page, replace(request, what="0.1"))
    assert "effects" in next(stream)
    assert not merged(without_handlers.show, page, replace(request, **other))["effects"]["visible"]
    assert list(stream) == []


@pytest.mark.parametrize("view", ["without", "exchange"])
def test_another_model_in_the_middle(bench, view):
    """Guards a map of the former model beside the new one's numbers: all parts were taken out one by one while another model
    was loaded, and its layers went on to be drawn."""
    control = WorkControl()
    stream = with_stop(without_map.one_by_one)(PageContext("llama", text="abcdef"), WithoutRequest(control=control))
    assert "effects" in next(stream)
    other = PageContext("bloom", text="abcdef")
    if view == "without":
        next(with_stop(without_handlers.draw)(other, WithoutRequest(control=control)))
    else:
        answer(exchange_view.draw, other, exchange_view.ExchangeRequest(control=control))
    assert [outputs for outputs in stream if "effects" in outputs or "status" in outputs] == []


@pytest.mark.parametrize("model", ["llama", "bert", "t5", "bloom", "all-minilm-l6-v2"])
@pytest.mark.parametrize("what", ["layer 1", "1.2, 0.1 at 1", "token 2, token 3 after 0", "mlp 0", "0.1: 3>1"])
def test_every_kind_of_model(bench, model, what):
    """Guards against a Python error, and a text that Plotly or the page would read as HTML: each kind of model shows what
    changes or says why it can't."""
    page = PageContext(model, text=HOSTILE[:40])
    for how in ("zero", "mean", "text"):
        outputs = merged(without_handlers.show, page, WithoutRequest(what, how, second=page.text.replace("x", "y")))
        assert len(plain(outputs["sentence"])) > 30 and "<img" not in outputs["sentence"] + outputs["written"]
        if not outputs["badge"]:
            assert "can't be" in plain(outputs["sentence"])
        if how == "text" and what == "layer 1" and model == "llama":
            assert plain(outputs["sentence"]).startswith("By the values of a second text: layer 1")


def test_a_model_without_logits_shows_what_its_states_say(bench):
    """Guards against a view of MiniLM that shows nothing: an early head is taken out, later ones look elsewhere, and the
    sentence says how far the last state turns."""
    page = PageContext("all-minilm-l6-v2", text=FIRST_TEXT)
    outputs = merged(without_handlers.draw, page, WithoutRequest())
    assert proposals(outputs)[0] == ("", "2.0") and outputs["changed"]["visible"] and not outputs["figure"]["visible"]
    edited = page.recording().with_edits([Edit("head", 2, (0,))])
    one, other = (recording.hidden_states[-1, -1] for recording in (page.recording(), edited))
    cosine = float(one @ other / one.norm() / other.norm())
    assert 0.998 < cosine < 0.9995, "rounded to two digits it would be 1, as if nothing were missing"
    assert f"has a cosine of +{cosine:.4f} with that of the whole model" in plain(outputs["sentence"])


def test_everything_taken_out_says_that_no_token_stands_out(bench):
    """Guards against a token that is called the answer where all are equally likely."""
    page = PageContext("llama", text="abcdef")
    everything = ", ".join(["layer 0", "layer 1", *(f"token {n}" for n in range(6))])
    outputs = merged(without_handlers.show, page, WithoutRequest(everything))
    assert "all 260 tokens are equally likely" in plain(outputs["sentence"])


def test_leaving_the_field_and_pressing_the_button(bench):
    """Guards against a picture of what stood in the field before, and against the same text written twice: leaving the field
    draws what was typed, the button that was pressed for it finds it drawn; after Stop it writes anew."""
    page = PageContext("llama", text="abcdef")
    typed = WithoutRequest("1.1", position=5, reading=page.reading, drawn=(page.reading, "1.2", "zero", "", 5, "", ""))
    outputs = merged(without_handlers.show, page, typed)
    assert plain(outputs["sentence"]).startswith("Taken out: head 1 of layer 1")
    again = replace(typed, drawn=outputs["drawn"])
    assert set(merged(without_handlers.show, page, again)) == {"message"}
    for other in (replace(again, how="mean"), replace(again, token="a"), replace(again, position=4)):
        assert next(iter(without_handlers.show(page, other)))["figure"]
    stream = without_handlers.show(page, replace(again, how="mean"))
    next(stream)
    stop_work(typed.control)
    assert list(stream)[-1]["drawn"] is None


@pytest.mark.parametrize(
    ("request_of", "count", "written"),
    [
        (WithoutRequest("1: *>3"), 4096, "4,096 tokens; with this model at most 4,095"),
        (WithoutRequest("1.1, mlp 0", "mean"), 4094, "Without it"),
    ],
    ids=["arrow", "mean"],
)
def test_as_long_a_text_as_is_read(bench, monkeypatch, request_of, count, written):
    """Guards 4,096 tokens: an arrow and a mean of other tokens are answered as of a short text, but without the badge's six
    further passes, which it says, and without a word more, where there is room for none; two tokens less go on."""
    monkeypatch.setattr(without_handlers, "WRITTEN", 2)
    model = prepare(zoo.variant("llama", max_position_embeddings=5000), zoo.byte_tokenizer(), "long")
    bench.add(model)
    page = PageContext("long", text=("abcdefgh" * 512)[:count])
    outputs = merged(without_handlers.show, page, request_of)
    assert f"{count:,} tokens: identities are checked up to 1,024" in plain(outputs["badge"])
    assert "The distributions are" in plain(outputs["sentence"]) and written in plain(outputs["written"])
    more = answers(without_handlers.show, replace(page, text="a" * 4097), request_of)
    assert "4,097" in plain(more[-1]["message"]) and "4,096" in plain(more[-1]["message"])


def test_bad_input(bench):
    """Guards against Python errors: nothing named, parts and tokens that are not there, the same token twice, no second
    text, a text of one token, clicks that are none of ours."""
    page = PageContext("llama", text="abcdef")
    for what, words in {
        "": "Nothing is named",
        "9.9": "There is no layer 9. Layers count from 0 to 1; heads from 0 to 3.",
        "1.9": "no head 9",
        "nose": "names no part",
        "1.1 at 99": "names token 99",
        "0: 0>0": "nothing to look at",
        ", ".join(f"layer {n}" for n in range(2)): "Taken out: layer 0, layer 1",
    }.items():
        outputs = merged(without_handlers.show, page, WithoutRequest(what))
        assert words in plain(outputs["sentence"]), what
        if not words.startswith("Taken out"):
            kept = answer(without_handlers.keep, page, WithoutRequest(what))
            assert words in plain(kept["sentence"]) and "edited" not in kept and not kept["message"]
    assert "no second text" in plain(merged(without_handlers.show, page, WithoutRequest("1.1", "text"))["sentence"])
    same = WithoutRequest("1.1", token="a", against="a")
    assert "Both tokens" in plain(merged(without_handlers.show, page, same)["sentence"])
    one = PageContext("llama", text="a")
    assert "no other tokens" in plain(merged(without_handlers.show, one, WithoutRequest("1.1", "mean"))["sentence"])
    assert "Taken out" in plain(merged(without_handlers.draw, one, WithoutRequest())["sentence"])
    for odd in ({}, {"x": "a", "y": 1}, {"x": 99, "y": 0}, {"x": 0, "y": 99}, {"x": float("nan"), "y": 0}):
        assert set(merged(without_map.choose_part, page, WithoutRequest("1.1"), click(**odd))) == {"message"}
    refusing = answers(without_map.one_by_one, PageContext("xlnet", text="abc"), WithoutRequest())
    assert "can't be" in plain(refusing[-1]["message"])


# --- the edit that the page keeps ------------------------------------------------------------------------------


def test_kept_in_all_tabs(bench, smollm2):
    """Guards against a tab that shows the whole model while the line says otherwise: lens, attention and Generate's
    expectation are those of the edited model; taken off, they are the whole model's bits again."""
    page = PageContext(smollm2.model_id, text=FIRST_TEXT)
    kept = answer(without_handlers.keep, page, WithoutRequest("mlp 29, 0.1"))["edited"]
    assert kept.edits == (Edit("mlp", 29), Edit("head", 0, (1,)))
    assert kept.words == "Taken out: MLP of layer 29, head 1 of layer 0"
    edited = PageContext(smollm2.model_id, text=FIRST_TEXT, edited=kept)
    assert edited.recording().edits == kept.edits and page.recording().edits == ()
    assert edited.recording() is edited.recording() and edited.recording(edited=False) is page.recording()
    for number, here in enumerate((page, edited)):
        lens = answer(lens_view.draw, here, LensViewRequest())
        assert ("says “Rome”" in plain(lens["sentence"])) == (number == 0)
        expected = answer(prompt_view.draw, here, ViewRequest(_session(), "complete", "rank"))
        assert expected["status"] and here.recording().verify().passed
    assert source_of(edited, None, ["X", "Y"])["settings"]["edited"] == kept.words
    assert "edited" not in source_of(page, None, ["X", "Y"])["settings"]


def _session():
    from playground.generation.sessions import SessionId

    return SessionId()


def test_where_an_edit_holds():
    """Guards against an edit of another model's heads, and against tokens that are others in another text."""
    plain_edit = PageEdits("llama", "abc", "x", (Edit("head", 1, (2,)),))
    assert plain_edit.on("llama", "abc") == plain_edit.on("llama", "another") == plain_edit.edits
    assert plain_edit.on("gpt2", "abc") == ()
    at_token = PageEdits("llama", "abc", "x", (Edit("head", 1, (2,), (1,)),))
    assert at_token.on("llama", "abc") == at_token.edits and at_token.on("llama", "another") == ()
    assert PageContext("llama", text="abc", edited=tuple(at_token)).edits_on("abc") == at_token.edits


def test_generating_with_the_pages_edit(bench):
    """Guards against a stream that forgets the page's edit, or a session that mixes both: the tokens are those of
    pg.generate with the edit."""
    import playground as pg
    from playground.generation.sampling_controls import SamplingControls
    from playground.tabs.generate import tab
    from playground.tabs.generate.request import WriteRequest

    model = bench.model("llama")
    edits = (Edit("layer", 1),)
    page = PageContext("llama", text="abcdef", edited=PageEdits("llama", "abcdef", "x", edits))
    sampling = SamplingControls(max_new_tokens=4, temperature=0, top_p=1, greedy=True)
    session = _session()
    request = WriteRequest(session, "complete", "rank", "abcdef", sampling=sampling)
    answers(tab.start_writing, page, request)
    written = [step.token.id for step in bench.sessions.find(session).steps()]
    expected = pg.generate(model, "abcdef", pg.GenerationSettings(max_new_tokens=4, greedy=True), edits=edits)
    assert written == [step.token.id for step in expected]
    assert bench.sessions.find(session).key.edits == edits
