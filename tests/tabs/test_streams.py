"""A stream of the Generate tab and what a visitor does meanwhile: Stop, another text, another model, another stream."""

from types import SimpleNamespace

import gradio as gr
import pytest
import torch

from playground import workbench
from playground.analysis.generation.next_token import expectation
from playground.analysis.text_display import percent
from playground.generation import continuation_tree, decoder
from playground.generation.steps import step_of
from playground.recording.record import record
from playground.tabs.generate import branches, chat, streaming, tab
from playground.tabs.generate.session import GenerationSession
from playground.tabs.generate.strip import entry_of
from playground.workbench import Workbench
from tests.generation.test_generate import counted_passes
from tests.tools import zoo

RULES = 12, 0, 0, 1, 1, 0, True
ANYWHERE = "tiny", "cpu", "float32"
OTHER = "other", "cpu", "float32"


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


def begun(text="abc", written=None, given=ANYWHERE):
    """A stream that has written two tokens at least, and what it shows."""
    stream = streaming.stream(*given, text, "complete", written or GenerationSession(), "rank", *RULES)
    shown = next(stream)[-2]
    while len(shown.tree.nodes) < 2:
        next(stream)
    return stream, shown


def clicked(index: int) -> SimpleNamespace:
    """A click on an item of the strip."""
    return SimpleNamespace(_data={"index": index})


def test_another_text_ends_a_stream():
    """Guards against the former text's strip under a new one: a stream that is left says nothing more."""
    stream, written = begun()
    *_, fresh, message = tab.draw(*ANYWHERE, "xyz", "complete", written)
    assert message == "" and fresh.key[4] == "xyz"
    count = len(written.tree.nodes)
    assert list(stream) == [] and len(written.tree.nodes) <= count + 1


def test_a_text_drawn_late_leaves_the_stream_alone(monkeypatch):
    """Guards against Generate pressed while a long text is still being drawn: the drawing ended the stream."""
    plain, before, streams = tab.first_sight, GenerationSession(), []

    def slow(*given):
        streams.append(streaming.stream(*ANYWHERE, "abc", "complete", before, "rank", *RULES))
        next(streams[0])
        return plain(*given)

    monkeypatch.setattr(tab, "first_sight", slow)
    *controls, message = tab.draw(*ANYWHERE, "abc", "complete", before)
    assert message == "" and all(value == gr.skip() for value in controls[-12:])
    *_, last = streams[0]
    assert last[-1] == "" and "12 tokens in" in last[1]


def test_what_is_forgotten_stays_forgotten():
    """Guards against a stream that brings cleared continuations back."""
    stream, written = begun()
    *_, cleared, message = streaming.clear(*ANYWHERE, written, "rank")
    assert message == "" and list(stream) == [] and not cleared.tree.nodes


def test_of_two_streams_the_later_one_stays():
    """Guards against two streams that take the strip from each other."""
    first, written = begun()
    second = streaming.stream(*ANYWHERE, "abc", "complete", written, "rank", *RULES)
    next(second)
    assert list(first) == []
    *_, last = second
    assert last[-1] == "" and "12 tokens in" in last[1]
    third, written = begun("xyz")
    branches.show_node(*ANYWHERE, written, "rank", SimpleNamespace(_data={"customdata": 0}))
    assert list(third) == [] and written.node == 0


def test_stop_while_the_text_is_read(bench, monkeypatch):
    """Guards against a Stop that is forgotten once the text has been read."""
    plain, before = bench.recording, GenerationSession()

    def pressed(*given, **named):
        streaming.stop(before)
        return plain(*given, **named)

    monkeypatch.setattr(bench, "recording", pressed)
    *_, last = streaming.stream(*ANYWHERE, "abc", "complete", before, "rank", *RULES)
    assert last[-1] == "" and "Stopped before the first token" in last[1] and not last[-2].tree.nodes


def test_another_model_does_not_go_on():
    """Guards against ids of one tokenizer that another model continues, or looks up beyond its table."""
    stream, written = begun()
    list(stream)
    click = SimpleNamespace(_data={"customdata": 1, "index": 1})
    answers = [
        next(streaming.go_on(*OTHER, written, "rank", *RULES)),
        next(branches.branch(*OTHER, written, "rank", click, *RULES)),
        branches.show_node(*OTHER, written, "rank", click),
        streaming.clear(*OTHER, written, "rank"),
        tab.explain(*OTHER, "complete", written, "rank", click),
        tab.recolour(*OTHER, written, "rank"),
        chat.look_into(*OTHER, written),
    ]
    assert all("The model was changed meanwhile" in answer[-1] for answer in answers)
    *_, message = tab.recolour("tiny", "cpu", "int8", written, "rank")
    assert "The model was changed" in message, "another number format is another model"


def test_the_text_comes_under_the_lens_when_the_stream_begins():
    """Guards against what is typed during a stream: it was applied when the stream ended, and deleted what was written."""
    shown = list(tab.start_writing(*ANYWHERE, "abc", "complete", "", "", GenerationSession(), "rank", *RULES))
    assert shown[0][0] == "abc" and all(answer[0] != "abc" for answer in shown[1:])
    assert shown[-1][-1] == "" and len(shown[-1]) == 16
    *_, refused = tab.start_writing(*ANYWHERE, "", "complete", "", "", GenerationSession(), "rank", *RULES)
    assert refused[0] != "" and 'role="alert"' in refused[-1]


def test_a_click_tells_of_the_text_that_was_read():
    """Guards against the explanation of another text: the box, or the lens, may hold another one by now."""
    stream, written = begun("aab")
    list(stream)
    _, _, _, words, _, _, message = tab.explain(*ANYWHERE, "complete", written, "rank", clicked(2))
    assert message == "" and "“b”" in words


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
        stream = streaming.stream(*ANYWHERE, LONG, "complete", GenerationSession(), "rank", *RULES)
        written = next(stream)[-2]
        words = [next(stream)[1] for _ in range(2)]
        assert ["5 of 36 tokens" in words[0], "10 of 36 tokens" in words[1], passes] == [True, True, [5, 5]]
        streaming.stop(written)
        *_, last = stream
    assert "Stopped before the first token" in last[1] and last[-1] == "" and sum(passes) <= 15
    *_, last = streaming.stream(*ANYWHERE, LONG, "complete", written, "rank", *RULES)
    assert "12 tokens in" in last[1] and [item["text"] for item in last[0][:3]] == ["T", "h", "e"]
    _, _, chart, words, _, _, message = tab.explain(*ANYWHERE, "complete", last[-2], "rank", clicked(2))
    assert message == "" and "“e”" in words and chart is not None, "and any token of it can be asked of"


def test_a_long_text_that_is_left_is_read_no_further(bench, long):
    """Guards against a text that is read on for a page that shows another one."""
    stream = streaming.stream(*ANYWHERE, LONG, "complete", GenerationSession(), "rank", *RULES)
    written = next(stream)[-2]
    next(stream)
    with counted_passes(bench.model("tiny")) as passes:
        written.leave()
        assert list(stream) == [] and sum(passes) <= 5


# --- byte pieces -----------------------------------------------------------------------------------------------------


def test_each_piece_of_a_character_can_be_looked_at(bench):
    """Guards against a character of several byte pieces of which only the first can be asked why: 中 is three tokens
    here, and each has candidates of its own."""
    model = bench.model("tiny")
    ids = model.vocabulary.tokenize("中")[0]
    stream, written = begun("a中b")
    list(stream)
    rows = record(model, "a中b").logits
    _, _, _, words, _, pieces, message = tab.explain(*ANYWHERE, "complete", written, "rank", clicked(1))
    assert message == "" and "“中 1/3”" in words and pieces["visible"] and pieces["value"] == 1
    assert [choice[0].split(" · ")[0] for choice in pieces["choices"]] == ["1/3 ⟨E4⟩", "2/3 ⟨B8⟩", "3/3 ⟨AD⟩"]
    for number, (name, place) in enumerate(pieces["choices"]):
        _, _, chart, words, _, again, message = tab.explain_piece(*ANYWHERE, "complete", written, "rank", place)
        share = float(rows[number].softmax(-1)[ids[number]])
        assert message == "" and again["value"] == place == written.place == number + 1
        assert f"“中 {number + 1}/3” had probability {share:.3g} " in words and name.endswith(f" · {percent(share)}")
        assert chart.layout.meta["description"] != ""
    _, _, _, _, _, pieces, _ = tab.explain(*ANYWHERE, "complete", written, "rank", clicked(2))
    assert not pieces["visible"], "b is one token"
    for nonsense in (None, -1, 10**6):
        assert tab.explain_piece(*ANYWHERE, "complete", written, "rank", nonsense)[2] == gr.skip()


def test_pieces_of_a_written_character(bench):
    """Guards against alternatives at another piece than the one that is looked at: a bar clicked there branches there."""
    model = bench.model("tiny")
    written = GenerationSession((*ANYWHERE, "complete", "a"), tuple(model.vocabulary.tokenize("a")[0]))
    written.prompt = [entry_of(token, "prompt") for token in model.vocabulary.tokenize("a")[1]]
    logits = torch.arange(zoo.VOCABULARY, dtype=torch.float32)
    for token_id in model.vocabulary.tokenize("中")[0]:
        told = expectation(logits, 12, token_id)
        written.node = written.tree.add(
            written.node,
            step_of(
                model, told, token_id, index=0, text="", choice=None, seconds=0.0, stopped=False, chosen_probability=0.5
            ),
        )
    *_, pieces, message = tab.explain(*ANYWHERE, "complete", written, "rank", clicked(1))
    assert message == "" and [place for _, place in pieces["choices"]] == [1, 2, 3] and written.place == 1
    tab.explain_piece(*ANYWHERE, "complete", written, "rank", 3)
    node = branches.take(model, written, 0)
    assert len(written.tree.path(node)) == 3, "beside the third piece"


# --- the tree's bound ------------------------------------------------------------------------------------------------


def test_a_full_tree_makes_room_and_says_so(bench, monkeypatch):
    """Guards against a visitor whose continuations fill the server's memory: those written first go, the one on the strip
    stays, and the page says how many."""
    for module in (streaming, continuation_tree):
        monkeypatch.setattr(module, "MAX_TOKENS", 40)
    monkeypatch.setattr(bench.model("tiny").model.generation_config, "eos_token_id", None)
    written, drawn, gone = GenerationSession(), (12, 1, 0, 1, 1), []
    for seed in range(6):
        *_, last = streaming.stream(*ANYWHERE, "abc", "complete", written, "rank", *drawn, seed, False)
        written = last[-2]
        assert last[-1] == "" and len(written.tree.nodes) <= 40 and len(written.steps()) == 12
        gone.append("written first had to go" in last[1])
    assert gone == [False, False, False, True, True, True] and len(written.tree.leaves()) == 3
    before = [step.token.id for step in written.steps()]
    *_, last = streaming.go_on(*ANYWHERE, written, "rank", *drawn, 0, False)
    assert last[-1] == "" and [step.token.id for step in last[-2].steps()][:12] == before and "had to go" in last[1]
    rules = 12, 1, 0, 1, 1, 0, False, 0.0, 1.0, 0, "", 4
    *_, last = streaming.stream(*ANYWHERE, "abc", "complete", written, "rank", *rules)
    assert all(output == gr.skip() for output in last[:-1])
    assert "48 tokens would be written; one tree holds at most 40" in last[-1] and "fewer" in last[-1]


def test_a_stream_that_is_left_changes_nothing(monkeypatch):
    """Guards against a former stream, still waiting for its token, that puts the strip back to where it was."""
    first, written = begun()
    second = streaming.stream(*ANYWHERE, "abc", "complete", written, "rank", *RULES)
    next(second)
    node, count = written.node, len(written.tree.nodes)
    assert list(first) == [] and (written.node, len(written.tree.nodes)) == (node, count)
