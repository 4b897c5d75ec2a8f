"""A stream of the Generate tab and what a visitor does meanwhile: Stop, another text, another model, another stream."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace

import gradio as gr
import pytest
import torch

from playground import workbench
from playground.analysis.generation.likelihood import surprisal
from playground.analysis.generation.next_token import expectation
from playground.analysis.text_display import percent, plain_mark
from playground.concurrency import pace
from playground.concurrency.byte_size import byte_size
from playground.generation import continuation_tree, decoder, tree_growth
from playground.generation.sampling_controls import SamplingControls
from playground.generation.session import GenerationSession, SessionKey
from playground.generation.sessions import SessionId, Sessions
from playground.generation.steps import step_of
from playground.generation.token_entries import entry_of
from playground.recording.record import record
from playground.tabs.generate import (
    branches,
    chat,
    prompt_view,
    streaming,
    tab,
    token_clicks,
    token_reasons,
    under_lens,
)
from playground.tabs.generate.request import PieceRequest, ViewRequest, WriteRequest
from playground.tabs.shared.handler_errors import report_errors
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from playground.texts.numbers import bits, minus
from playground.workbench import Workbench
from tests.generation.test_generate import counted_passes
from tests.tabs.calling import answer, answers, plain, shown
from tests.tools import zoo

TWELVE = SamplingControls(max_new_tokens=12, temperature=0, top_p=1, greedy=True)
DRAWN = SamplingControls(max_new_tokens=12, temperature=1, top_p=1)
ANYWHERE = "tiny", "cpu", "float32"
PAGE, OTHER = PageContext(*ANYWHERE), PageContext("other", "cpu", "float32")
SHOWN = {"reasons", "strip", "status", "chart", "detail", "stages", "pieces"}
SHOWN |= {"tree", "comparing", "leaf", "beside", "chatbot", "session"}


@pytest.fixture(autouse=True)
def bench(tiny, monkeypatch):
    """The handlers' workbench, with two tiny models under names of their own."""
    models = {"tiny": tiny("llama"), "other": tiny("gpt2")}
    made = Workbench()
    monkeypatch.setattr(made, "model", lambda model_id, *rest: models[model_id])
    former = workbench._shared
    workbench.share(made)
    yield made
    workbench.share(former)


def find_session(visitor) -> GenerationSession | None:
    return workbench.shared().sessions.find(visitor)


def write(text="abc", visitor=None, sampling=TWELVE, handler=streaming.stream, page=PAGE) -> Iterator[dict]:
    """A stream of a visitor, a new one if none is named, and what it gives the page."""
    request = WriteRequest(visitor or SessionId(), "complete", "rank", text, sampling=sampling)
    return report_errors(handler)(page, request)


def begun(text="abc", visitor=None):
    """A stream that has written two tokens at least, its visitor and session."""
    visitor = visitor or SessionId()
    stream = write(text, visitor)
    next(stream)
    while len(find_session(visitor).tree.nodes) < 2:
        next(stream)
    return stream, visitor, find_session(visitor)


def look(visitor, mode="complete") -> ViewRequest:
    return ViewRequest(visitor, mode, "rank")


def explain(visitor, index: int) -> dict:
    """The page after a click on an item of the strip."""
    return answer(token_clicks.explain, PAGE, look(visitor), clicked(index=index))


def typing(visitor) -> WriteRequest:
    return WriteRequest(visitor, "complete", "rank", "abc", sampling=TWELVE)


def clicked(**data) -> gr.EventData:
    return gr.EventData(None, data)


def test_another_text_ends_a_stream():
    """Guards against the former text's strip under a new one: a stream that is left says nothing more."""
    stream, visitor, session = begun()
    answer(prompt_view.draw, PageContext(*ANYWHERE, "xyz"), look(visitor))
    assert find_session(visitor).key.text == "xyz"
    count = len(session.tree.nodes)
    assert list(stream) == [] and len(session.tree.nodes) <= count + 1


def test_a_click_while_it_writes_stays(monkeypatch):
    """Guards against a ring on the clicked token over an explanation of the last one: what a visitor chose is explained to
    the end; without a click, and in the next stream, the last token is, and the ring is on it."""
    monkeypatch.setattr(pace, "EVERY", 0)  # an update after every token
    monkeypatch.setattr(pace, "SHARE", 1)
    stream, visitor, session = begun()
    outputs = explain(visitor, 3)  # the first written token
    assert outputs["strip"]["selected"] == 3 and "value" not in outputs["strip"]
    *_, last = stream
    assert session.focus == 3 and last["strip"]["selected"] == 3 and not {"chart", "detail"} & last.keys()
    *_, last = write("abc", visitor, handler=streaming.go_on)
    assert session.focus == len(last["strip"]["value"]) - 1 == last["strip"]["selected"]
    assert last["detail"] and last["chart"] is not None


def test_a_text_drawn_late_leaves_the_stream_alone(monkeypatch):
    """Guards against Generate pressed while a long text is still being drawn: the drawing ended the stream."""
    plain, visitor, streams = prompt_view.read_prompt, SessionId(), []

    def slow(*arguments):
        streams.append(write("abc", visitor))
        next(streams[0])
        return plain(*arguments)

    monkeypatch.setattr(prompt_view, "read_prompt", slow)
    outputs = answer(prompt_view.draw, PageContext(*ANYWHERE, "abc"), look(visitor))
    assert not SHOWN & outputs.keys()
    *_, last = streams[0]
    assert last["message"] == "" and "12 tokens in" in last["status"]


def test_what_is_forgotten_stays_forgotten():
    """Guards against a stream that brings cleared continuations back."""
    stream, visitor, _ = begun()
    answer(streaming.clear, PAGE, look(visitor))
    assert list(stream) == [] and not find_session(visitor).tree.nodes


def test_of_two_streams_the_later_one_stays():
    """Guards against two streams that take the strip from each other."""
    first, visitor, _ = begun()
    second = write("abc", visitor)
    next(second)
    assert list(first) == []
    *_, last = second
    assert last["message"] == "" and "12 tokens in" in last["status"]
    third, visitor, session = begun("xyz")
    answer(branches.show_node, PAGE, look(visitor), clicked(customdata=0))
    assert list(third) == [] and session.node == 0


def test_stop_while_the_text_is_read(bench, monkeypatch):
    """Guards against a Stop that is forgotten once the text has been read."""
    plain, visitor = bench.recording, SessionId()

    def pressed(*arguments, **named):
        streaming.stop(PAGE, look(visitor))
        return plain(*arguments, **named)

    monkeypatch.setattr(bench, "recording", pressed)
    *_, last = write("abc", visitor)
    assert last["message"] == "" and "Stopped before the first token" in last["status"]
    assert not find_session(visitor).tree.nodes


def test_another_model_does_not_go_on():
    """Guards against ids of one tokenizer that another model continues, or looks up beyond its table."""
    stream, visitor, _ = begun()
    list(stream)
    click, request = clicked(customdata=1, index=1), look(visitor)
    writing = WriteRequest(visitor, "complete", "rank", sampling=TWELVE)
    given = [
        answers(streaming.go_on, OTHER, writing),
        answers(branches.branch, OTHER, writing, click),
        answers(branches.show_node, OTHER, request, click),
        answers(streaming.clear, OTHER, request),
        answers(token_clicks.explain, OTHER, request, click),
        answers(token_clicks.recolour, OTHER, request),
        answers(under_lens.look_into, OTHER, request),
    ]
    assert all("The model has changed" in outputs[0]["message"] for outputs in given)
    (outputs,) = answers(token_clicks.recolour, PageContext("tiny", "cpu", "int8"), request)
    assert "The model has changed" in outputs["message"], "another number format is another model"


@pytest.mark.parametrize("handler", [under_lens.look_into, under_lens.open_lens])
def test_a_text_that_goes_under_the_lens_is_written_no_further(handler):
    """Guards against tokens that go on being written behind the text that all tabs show, and are lost without a word."""
    visitor = SessionId()
    stream = write(visitor=visitor, sampling=replace(TWELVE, max_new_tokens=400))
    while not ((session := find_session(visitor)) and session.tree.nodes):
        next(stream)
    explain(visitor, 1)
    outputs = answer(handler, PAGE, look(visitor))
    *_, last = stream
    assert "Stopped after" in plain(last["status"]) and outputs["applied"].startswith("abc")
    assert len(session.steps()) < 400


def test_the_text_comes_under_the_lens_when_the_stream_begins():
    """Guards against what is typed during a stream: it was applied when the stream ended, and deleted what was written."""
    request = WriteRequest(SessionId(), "complete", "rank", "abc", sampling=TWELVE)
    outputs = answers(tab.start_writing, PAGE, request)
    assert outputs[0]["applied"] == "abc" and all(later.get("applied") != "abc" for later in outputs[1:])
    assert outputs[-1]["message"] == ""
    refused = answers(tab.start_writing, PAGE, WriteRequest(SessionId(), "complete", "rank", "", sampling=TWELVE))
    assert refused[0].get("applied") != "" and 'role="alert"' in refused[-1]["message"]


def test_a_click_tells_of_the_text_that_was_read():
    """Guards against the explanation of another text: the box, or the lens, may hold another one by now."""
    stream, visitor, _ = begun("aab")
    list(stream)
    assert "“b”" in explain(visitor, 2)["detail"]


# --- long texts ------------------------------------------------------------------------------------------------------

LONG = "The cat sat on the mat, and the dog."  # 36 tokens


@pytest.fixture
def long(bench, monkeypatch):
    """LONG counts as a long text, of which 5 tokens are read at once."""
    assert decoder.supports_chunked_prefill(bench.model("tiny"))
    monkeypatch.setattr(decoder, "PREFILL_CHUNK", 5)
    monkeypatch.setattr(streaming, "SHADED_TOKENS", 20)


def test_stop_while_a_long_text_is_read(bench, long):
    """Guards against a Stop that waits until the whole of a long text has been read, and against a text that is read twice:
    once for what the model expected in it and once to be continued."""
    with counted_passes(bench.model("tiny")) as passes:
        visitor = SessionId()
        stream = write(LONG, visitor)
        next(stream)
        words = [next(stream)["status"] for _ in range(2)]
        assert ["5 of 36 tokens" in words[0], "10 of 36 tokens" in words[1], passes] == [True, True, [5, 5]]
        streaming.stop(PAGE, look(visitor))
        *_, last = stream
    assert "Stopped before the first token" in last["status"] and last["message"] == "" and sum(passes) <= 15
    *_, last = write(LONG, visitor)
    assert "12 tokens in" in last["status"] and [item["text"] for item in last["strip"]["value"][:3]] == ["T", "h", "e"]
    outputs = explain(visitor, 2)
    assert "“e”" in outputs["detail"] and outputs["chart"] is not None, "and any token of it can be asked of"


def test_a_long_text_that_is_left_is_read_no_further(bench, long):
    """Guards against a text that is read on for a page that shows another one."""
    visitor = SessionId()
    stream = write(LONG, visitor)
    next(stream), next(stream)
    with counted_passes(bench.model("tiny")) as passes:
        find_session(visitor).end_stream()
        assert list(stream) == [] and sum(passes) <= 5


# --- byte pieces -----------------------------------------------------------------------------------------------------


def test_each_piece_of_a_character_can_be_looked_at(bench):
    """Guards against a character of several byte pieces of which only the first can be asked why: 中 is three tokens
    here, and each has candidates of its own."""
    model = bench.model("tiny")
    ids = model.vocabulary.tokenize("中")[0]
    stream, visitor, session = begun("a中b")
    list(stream)
    rows = record(model, "a中b").logits
    outputs = explain(visitor, 1)
    pieces = outputs["pieces"]
    assert "“中 1/3”" in outputs["detail"] and pieces["visible"] and pieces["value"] == 1
    assert [choice[0].split(" · ")[0] for choice in pieces["choices"]] == ["1/3 ⟨E4⟩", "2/3 ⟨B8⟩", "3/3 ⟨AD⟩"]
    for number, (name, place) in enumerate(pieces["choices"]):
        outputs = answer(token_clicks.explain_piece, PAGE, PieceRequest(visitor, "complete", "rank", place))
        share = float(rows[number].softmax(-1)[ids[number]])
        assert outputs["pieces"]["value"] == place == session.focus == number + 1
        words = f"“中 {number + 1}/3” had {percent(share)}, rank"
        detail = plain(outputs["detail"])
        assert words in detail and f"a surprisal of {bits(surprisal(share))}." in detail
        assert name.endswith(f" · {percent(share)}") and outputs["chart"].layout.meta["description"] != ""
    assert not explain(visitor, 2)["pieces"]["visible"], "b is one token"
    for nonsense in (None, -1, 10**6):
        outputs = answer(token_clicks.explain_piece, PAGE, PieceRequest(visitor, "complete", "rank", nonsense))
        assert "chart" not in outputs


def test_pieces_of_a_written_character(bench):
    """Guards against alternatives at another piece than the one that is looked at: a bar clicked there branches there."""
    model = bench.model("tiny")
    visitor = SessionId()
    session = GenerationSession(SessionKey(*ANYWHERE, "complete", "a"), tuple(model.vocabulary.tokenize("a")[0]))
    bench.sessions.keep(visitor, session)
    session.prompt = [entry_of(token, "prompt") for token in model.vocabulary.tokenize("a")[1]]
    logits = torch.arange(zoo.VOCABULARY, dtype=torch.float32)
    for token_id in model.vocabulary.tokenize("中")[0]:
        expected = expectation(logits, 12, token_id)
        session.node = session.tree.add(
            session.node,
            step_of(
                model,
                expected,
                token_id,
                index=0,
                text="",
                choice=None,
                seconds=0.0,
                stopped=False,
                chosen_probability=0.5,
            ),
        )
    pieces = explain(visitor, 1)["pieces"]
    assert [place for _, place in pieces["choices"]] == [1, 2, 3] and session.focus == 1
    token_clicks.explain_piece(PAGE, PieceRequest(visitor, "complete", "rank", 3))
    node = session.take(model, 0)
    assert len(session.tree.path(node)) == 3, "beside the third piece"


# --- the tree's bound ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_full_tree_makes_room_and_says_so(bench, monkeypatch):
    """Guards against a visitor whose continuations fill the server's memory: those written first go, the one on the strip
    stays, and the page says how many."""
    for module in (tree_growth, continuation_tree):
        monkeypatch.setattr(module, "MAX_TOKENS", 40)
    monkeypatch.setattr(bench.model("tiny").model.generation_config, "eos_token_id", None)
    visitor, gone = SessionId(), []
    for seed in range(6):
        *_, last = write("abc", visitor, replace(DRAWN, seed=seed))
        session = find_session(visitor)
        assert last["message"] == "" and len(session.tree.nodes) <= 40 and len(session.steps()) == 12
        gone.append("written first had to go" in last["status"])
    assert gone == [False, False, False, True, True, True] and len(session.tree.leaves()) == 3
    before = [step.token.id for step in session.steps()]
    *_, last = write("", visitor, DRAWN, streaming.go_on)
    assert last["message"] == "" and "had to go" in last["status"]
    assert [step.token.id for step in find_session(visitor).steps()][:12] == before
    *_, last = write("abc", visitor, replace(DRAWN, samples=4))
    assert last.keys() == {"message"}
    assert "48 tokens would be written; one tree holds at most 40" in last["message"] and "fewer" in last["message"]


def test_a_stream_that_is_left_changes_nothing(monkeypatch):
    """Guards against a former stream, still waiting for its token, that puts the strip back to where it was."""
    first, visitor, session = begun()
    second = write("abc", visitor)
    next(second)
    node, count = session.node, len(session.tree.nodes)
    assert list(first) == [] and (session.node, len(session.tree.nodes)) == (node, count)


# --- the budget of all visitors' sessions -----------------------------------------------------------------------------


@pytest.mark.slow
def test_thirty_visitors_stay_within_the_budget(bench):
    """Guards against the trees of a class that fill the server's memory, and against continuations that vanish without a
    word: all sessions together stay within the budget, whoever lost his continuations is told so, and nobody else."""
    list(write("abc", visitor := SessionId()))
    size = find_session(visitor).nbytes
    bench.sessions = Sessions(8 * size)
    visitors = [SessionId() for _ in range(30)]
    for visitor in visitors:
        for _ in write("abc", visitor, DRAWN):
            assert bench.sessions.used <= bench.sessions.budget
    evicted = [visitor for visitor in visitors if find_session(visitor) is None]
    assert 20 <= len(evicted) < 28 and visitors[-1] not in evicted
    page = PageContext(*ANYWHERE, "abc")
    for visitor in set(visitors) - set(evicted):
        assert len(find_session(visitor).steps()) == 12
        explain(visitor, 1)
    events = (
        (token_clicks.explain, look, clicked(index=1)),
        (token_clicks.recolour, look),
        (branches.show_node, look, clicked(customdata=0)),
        (branches.branch, typing, clicked(customdata=0)),
        (streaming.go_on, typing),
        (tab.start_writing, typing),
        (prompt_view.draw, look),
        (under_lens.look_into, look),
    )
    for number, visitor in enumerate(evicted):
        handler, request, *event = events[number % len(events)]
        outputs = answers(handler, page, request(visitor), *event)
        assert all("had to make room for other visitors" in each["message"] for each in outputs)
        assert [item["text"] for item in outputs[-1]["strip"]["value"][:3]] == ["a", "b", "c"], "the text is read again"
        assert outputs[-1]["tree"]["visible"] is False and bench.sessions.used <= bench.sessions.budget
        assert answer(token_clicks.recolour, page, look(visitor))["strip"]["value"] == outputs[-1]["strip"]["value"], (
            "told once"
        )


def test_a_stream_ends_when_its_continuations_are_evicted(bench, monkeypatch):
    """Guards against a stream that writes on into a session that is no longer counted."""
    monkeypatch.setattr(pace, "EVERY", 0)  # an update after every token
    monkeypatch.setattr(pace, "SHARE", 1)
    stream, visitor, session = begun()
    bench.sessions.budget = 1
    list(write("xyz"))
    *_, last = stream
    assert "had to make room for other visitors" in last["message"] and [
        i["text"] for i in last["strip"]["value"]
    ] == list("abc")
    count = len(session.tree.nodes)
    assert list(stream) == [] and len(session.tree.nodes) == count < 12 and not find_session(visitor).tree.nodes


def test_a_text_that_nothing_was_written_after_is_read_again_in_silence(bench):
    """Guards against visitors who are told of continuations that they never had."""
    page, visitor = PageContext(*ANYWHERE, "abc"), SessionId()
    answer(prompt_view.draw, page, look(visitor))
    bench.sessions.budget = 1
    list(write("xyz"))
    outputs = answer(token_clicks.explain, page, look(visitor), clicked(index=1))
    assert "“b”" in outputs["detail"] and find_session(visitor).key.text == "abc"


def test_a_session_knows_its_bytes(bench):
    """Guards against a budget that counts an estimate far from what is kept, and steps that are measured again and again."""
    stream, visitor, session = begun("The cat sat on the mat")
    list(stream)
    held = byte_size([session.prompt, session.ids, [node.step for node in session.tree.nodes]])
    assert 1 <= session.nbytes / held < 2, "at most twice: steps share what they have in common"
    before, number = session.nbytes, session.node
    session.tree.nodes[number].step = replace(session.tree.nodes[number].step, alternatives=())
    assert session.nbytes < before, "a step that was written anew is measured anew"


def test_every_page_has_a_session_of_its_own():
    """Guards against visitors who share a session: Gradio copies the first value of a State for each page."""
    state = gr.State(SessionId())
    assert len({state.value, deepcopy(state.value), deepcopy(state.value)}) == 3


def test_a_conversation_outlives_its_eviction(bench, smollm2, monkeypatch):
    """Guards against a chat that begins anew, without a word, because other visitors wrote: the model reads the turns
    that the chat box shows, special characters included."""
    monkeypatch.setattr(bench, "model", lambda *_: smollm2)
    visitor, sampling, box = SessionId(), replace(TWELVE, max_new_tokens=2), gr.Chatbot()
    request = WriteRequest(visitor, "chat", "rank", message="Is 1 < 2 & 2 < 3?", sampling=sampling)
    shown = answers(chat.send, PAGE, request)[-1]["chatbot"]
    turns = find_session(visitor).turns
    bench.sessions.budget = 1
    list(write("xyz"))
    assert find_session(visitor) is None
    request = replace(request, message="Why?", conversation=box.preprocess(box.postprocess(shown)))
    outputs = answers(chat.send, PAGE, request)
    assert all("had to make room for other visitors" in each["message"] for each in outputs)
    assert find_session(visitor).messages == [*turns, {"role": "user", "content": "Why?"}] and len(turns) == 2


# --- a class ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_everyone_who_waits_sees_a_place(bench):
    """Guards a class: of twelve who pressed Generate at once four waited 40 seconds without a word. While one turn lasts,
    each of twelve sees another place; then all of them write."""
    turns = bench.generation.turns(bench.model("tiny"))
    streams = [write(f"abc {number}") for number in range(12)]

    def first_place(stream) -> int:
        words = next(each["status"] for each in stream if "place" in str(each.get("status", "")))
        return int(re.search(r"place (\d+) in the queue", words)[1])

    with ThreadPoolExecutor(12) as pool:
        with turns.slot():
            assert sorted(pool.map(first_place, streams)) == list(range(1, 13))
        last = list(pool.map(lambda stream: list(stream)[-1], streams))
    assert all("12 tokens in" in each["status"] for each in last)
    assert turns.visitors == 0 and turns.waiting == 0


def test_which_words_made_a_token(tiny):
    """Guards reasons of another token than the one on the strip, and reasons that stay when another is clicked: of a written
    token the score is its logit minus that of the likeliest other one, after the tokens before it; of a text's first
    token there is none; the next one is explained before anything is written."""
    visitor = SessionId()
    *_, last = write("abc", visitor)
    session, model = find_session(visitor), tiny("llama")
    place = len(session.prompt) + 2
    outputs = explain(visitor, place)
    assert last["reasons"].visible is outputs["reasons"].visible is False
    request = token_reasons.ReasonsRequest(visitor, "complete", "rank", method="occlusion")
    seen = shown(token_reasons.find_reasons, PAGE, request)
    ids = session.all_ids()
    logits = record(model, tuple(ids[:place])).last_logits
    likely = logits.argsort(descending=True).tolist()
    other = next(number for number in likely if number != ids[place])
    assert seen["against"]["value"] == other and seen["reasons"].visible and seen["bars"]["visible"]
    assert f": {minus(float(logits[ids[place]] - logits[other]))} for your text" in plain(seen["why_words"])
    assert seen["why"].count('class="pg-why ') == place
    alone = shown(token_reasons.compare_reasons, PAGE, replace(request, against=token_reasons.ALONE))
    assert f": {minus(float(logits[ids[place]]))} for your text" in plain(alone["why_words"])
    explain(visitor, 0)
    (refused,) = answers(token_reasons.find_reasons, PAGE, request)
    assert "Nothing comes before this token" in plain(refused["message"])
    fresh = SessionId()
    answer(prompt_view.draw, PageContext(*ANYWHERE, "abc"), look(fresh))
    page = PageContext(*ANYWHERE, "abc")
    seen = shown(token_reasons.find_reasons, page, replace(request, session=fresh))
    best = record(model, "abc").last_logits.argmax()
    assert f"logit of “{plain_mark(model.vocabulary.text(int(best)))}”" in plain(seen["why_words"])


def test_which_words_filled_a_mask_and_made_a_translation(tiny, bench, monkeypatch):
    """Guards reasons of another place than the mask, or of the decoder's own words in place of its source: the score is the
    logit of what fills the mask, and of what was written, beside the likeliest other one."""
    bert, bart = tiny("bert"), tiny("bart")
    monkeypatch.setattr(bench, "model", lambda model_id, *rest: {"tiny": bert, "other": bart}[model_id])
    visitor, page = SessionId(), PageContext(*ANYWHERE, f"abc {bert.tokenizer.mask_token} d")
    answer(prompt_view.draw, page, look(visitor, "fill"))
    request = token_reasons.ReasonsRequest(visitor, "fill", "rank", method="occlusion")
    seen = shown(token_reasons.find_reasons, page, request)
    place = find_session(visitor).ids.index(bert.tokenizer.mask_token_id)
    two = record(bert, page.text).logits_of([place])[0].topk(2).values
    assert f": {minus(float(two[0] - two[1]))} for your text" in plain(seen["why_words"])
    answer(token_clicks.explain, page, look(visitor, "fill"), clicked(index=2))
    again = shown(token_reasons.find_reasons, page, request)
    assert again["why_words"] != seen["why_words"] and "for your text" in again["why_words"]
    assert all("PLACE = " in outputs[script_output("bars")].code for outputs in (seen, again)), "Python of each"
    visitor, page = SessionId(), PageContext(*ANYWHERE, "abcd")  # no mask: the last word is the first blank
    shown_first = answer(prompt_view.draw, page, look(visitor, "fill"))
    seen = shown(token_reasons.find_reasons, page, replace(request, session=visitor))
    assert "for your text" in plain(seen["why_words"]) and shown_first["strip"]["value"]

    visitor, page = SessionId(), replace(OTHER, text="abc")
    request = WriteRequest(visitor, "translate", "rank", "abc", sampling=TWELVE)
    list(report_errors(streaming.stream)(page, request))
    session = find_session(visitor)
    answer(token_clicks.explain, page, look(visitor, "translate"), clicked(index=len(session.ids) + 1))
    request = token_reasons.ReasonsRequest(visitor, "translate", "rank", method="occlusion")
    seen = shown(token_reasons.find_reasons, page, request)
    assert seen["why"].count('class="pg-why ') == 3 and len(session.steps()) > 1
    assert "TARGET_IDS = " in seen[script_output("bars")].code
    name = plain_mark(bart.vocabulary.text(session.steps()[1].token.id))
    assert f"logit of “{name}”" in plain(seen["why_words"])
    answer(token_clicks.explain, page, look(visitor, "translate"), clicked(index=0))
    (refused,) = answers(token_reasons.find_reasons, page, request)
    assert "The encoder reads this token" in plain(refused["message"])
