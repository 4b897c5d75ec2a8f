"""A stream of the Generate tab and what a visitor does meanwhile: Stop, another text, another model, another stream."""

from types import SimpleNamespace

import gradio as gr
import pytest

from playground import workbench
from playground.tabs.generate import branches, chat, tab, writing
from playground.tabs.generate.written import Written
from playground.workbench import Workbench

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
    stream = writing.stream(*given, text, "complete", written or Written(), "rank", *RULES)
    shown = next(stream)[-2]
    while len(shown.tree.nodes) < 2:
        next(stream)
    return stream, shown


def test_another_text_ends_a_stream():
    """Guards against the former text's strip under a new one: a stream that is left says nothing more."""
    stream, written = begun()
    *_, fresh, message = tab.draw(*ANYWHERE, "xyz", "complete", written)
    assert message == "" and fresh.key[4] == "xyz"
    count = len(written.tree.nodes)
    assert list(stream) == [] and len(written.tree.nodes) <= count + 1


def test_a_text_drawn_late_leaves_the_stream_alone(monkeypatch):
    """Guards against Generate pressed while a long text is still being drawn: the drawing ended the stream."""
    plain, before, streams = tab.first_sight, Written(), []

    def slow(*given):
        streams.append(writing.stream(*ANYWHERE, "abc", "complete", before, "rank", *RULES))
        next(streams[0])
        return plain(*given)

    monkeypatch.setattr(tab, "first_sight", slow)
    *controls, message = tab.draw(*ANYWHERE, "abc", "complete", before)
    assert message == "" and all(value == gr.skip() for value in controls[-11:])
    *_, last = streams[0]
    assert last[-1] == "" and "12 tokens in" in last[1]


def test_what_is_forgotten_stays_forgotten():
    """Guards against a stream that brings cleared continuations back."""
    stream, written = begun()
    *_, cleared, message = writing.clear(*ANYWHERE, written, "rank")
    assert message == "" and list(stream) == [] and not cleared.tree.nodes


def test_of_two_streams_the_later_one_stays():
    """Guards against two streams that take the strip from each other."""
    first, written = begun()
    second = writing.stream(*ANYWHERE, "abc", "complete", written, "rank", *RULES)
    next(second)
    assert list(first) == []
    *_, last = second
    assert last[-1] == "" and "12 tokens in" in last[1]
    third, written = begun("xyz")
    branches.show_node(*ANYWHERE, written, "rank", SimpleNamespace(_data={"customdata": 0}))
    assert list(third) == [] and written.node == 0


def test_stop_while_the_text_is_read(bench, monkeypatch):
    """Guards against a Stop that is forgotten once the text has been read."""
    plain, before = bench.recording, Written()

    def pressed(*given, **named):
        writing.stop(before)
        return plain(*given, **named)

    monkeypatch.setattr(bench, "recording", pressed)
    *_, last = writing.stream(*ANYWHERE, "abc", "complete", before, "rank", *RULES)
    assert last[-1] == "" and "Stopped after 0 tokens" in last[1] and not last[-2].tree.nodes


def test_another_model_does_not_go_on():
    """Guards against ids of one tokenizer that another model continues, or looks up beyond its table."""
    stream, written = begun()
    list(stream)
    click = SimpleNamespace(_data={"customdata": 1, "index": 1})
    answers = [
        next(writing.go_on(*OTHER, written, "rank", *RULES)), next(branches.branch(*OTHER, written, "rank", click, *RULES)),
        branches.show_node(*OTHER, written, "rank", click), writing.clear(*OTHER, written, "rank"),
        tab.explain(*OTHER, "complete", written, "rank", click), tab.recolour(*OTHER, written, "rank"),
        chat.look_into(*OTHER, written),
    ]  # fmt: skip
    assert all("The model was changed meanwhile" in answer[-1] for answer in answers)
    *_, message = tab.recolour("tiny", "cpu", "int8", written, "rank")
    assert "The model was changed" in message, "another number format is another model"


def test_the_text_comes_under_the_lens_when_the_stream_begins():
    """Guards against what is typed during a stream: it was applied when the stream ended, and deleted what was written."""
    shown = list(tab.start_writing(*ANYWHERE, "abc", "complete", "", "", Written(), "rank", *RULES))
    assert shown[0][0] == "abc" and all(answer[0] != "abc" for answer in shown[1:])
    assert shown[-1][-1] == "" and len(shown[-1]) == 15
    *_, refused = tab.start_writing(*ANYWHERE, "", "complete", "", "", Written(), "rank", *RULES)
    assert refused[0] != "" and 'role="alert"' in refused[-1]


def test_a_click_tells_of_the_text_that_was_read():
    """Guards against the explanation of another text: the box, or the lens, may hold another one by now."""
    stream, written = begun("aab")
    list(stream)
    _, _, chart, words, _, message = tab.explain(*ANYWHERE, "complete", written, "rank", SimpleNamespace(_data={"index": 2}))
    assert message == "" and "“b”" in words
