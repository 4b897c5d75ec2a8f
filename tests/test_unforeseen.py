"""Errors that nobody foresaw: a visitor reads what failed and where the log has it, and no word of Python or a library.

A tiny model's forward pass raises, as a family may that transformers changes; or what all visitors share does.
"""

import io
import re

import gradio as gr
import pytest
import torch

import playground as pg
from playground import loading, preload, workbench
from playground.api.model_endpoints import next_tokens
from playground.api.plain_errors import plain_errors
from playground.loading import preparation
from playground.page import create_app, launch_options
from playground.recording.capability_probe import probe
from playground.settings import Settings
from playground.tabs.attention import heads_handlers
from playground.tabs.attention.heads_view import HeadRequest
from playground.tabs.shared import sidebar
from playground.tabs.shared.page_context import PageContext
from playground.workbench import Workbench
from tests.tabs.calling import answers
from tests.tools import zoo

RAW = "mat1 and mat2 shapes cannot be multiplied (3x4 and 5x6)"
SETTINGS = Settings(catalog_only=False, offline=True)


def fail(*_: object, **__: object) -> None:
    raise RuntimeError(RAW)


@pytest.fixture
def broken():
    """A model that was well when it was loaded and fails since."""
    before = workbench._shared
    model = loading.prepare(zoo.build("gpt2"), zoo.byte_tokenizer(), "broken")
    model.model.register_forward_pre_hook(fail)
    bench = Workbench(SETTINGS)
    bench.add(model)
    workbench.share(bench)
    yield model
    workbench.share(before)


@pytest.fixture
def nothing_recorded(broken, monkeypatch):
    """The workbench fails before the model is asked."""
    monkeypatch.setattr(workbench.shared(), "recording", fail)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of a model that loads, and fails when it is tried."""
    monkeypatch.setattr(preparation, "probe", fail)
    return str(zoo.save("gpt2", tmp_path / "model"))


def check(words: str, caplog, *names: str) -> None:
    """The words have these names and a reference to the log, which has the error; they have no word of the error."""
    assert all(name in words for name in names), words
    assert "RuntimeError" not in words and "mat1" not in words, words
    reference = re.search(r"the server's log has the details under ([0-9a-f]{8})", words, re.IGNORECASE)
    assert reference, words
    (record,) = [record for record in caplog.records if reference[1] in record.getMessage()]
    assert record.exc_info and RAW in str(record.exc_info[1])


def test_a_pass_names_the_model_and_the_text(broken, caplog):
    """pg.record raised the words of torch."""
    with pytest.raises(pg.PlaygroundError) as error:
        pg.record(broken, "The cat")
    check(str(error.value), caplog, "broken's own code fails on this text of 7 tokens")


def test_a_handler_names_its_view_and_the_model(nothing_recorded, caplog):
    """The page showed "That failed: RuntimeError: mat1 and mat2 shapes cannot be multiplied"."""
    (given,) = answers(heads_handlers.draw, PageContext("broken", text="The cat"), HeadRequest())
    check(given["message"].replace("&#x27;", "'"), caplog, "Attention", "broken", "goes on")


def test_loading_names_the_model(folder, caplog):
    """The sidebar showed "This model can't be examined: RuntimeError: …"."""
    before = workbench._shared
    workbench.share(Workbench(SETTINGS))
    try:
        *_, last = sidebar.load_model(PageContext(), sidebar.LoadRequest(folder))
    finally:
        workbench.share(before)
    check(last["status"].replace("&#x27;", "'"), caplog, folder, "tried on a few tokens")
    assert "Try again" not in last["status"], "the same folder fails again"


def test_an_endpoint_names_itself_and_the_model(nothing_recorded, caplog):
    """With show_error on, Gradio sent the text of any error to whoever asked."""
    with pytest.raises(gr.Error) as raised:
        plain_errors(next_tokens)("broken", "The cat")
    check(raised.value.message, caplog, "next_tokens", "broken")
    assert not launch_options()["show_error"]


def test_the_start_names_the_model(folder, caplog):
    """Guards against a thread that ends with a traceback and without a word of what can be done."""
    terminal = io.StringIO()
    preload.load_with_report(Workbench(SETTINGS), folder, terminal)
    check(terminal.getvalue(), caplog, f"{folder} could not be loaded", "Choose another model")


@pytest.mark.slow
def test_values_that_make_no_request(caplog):
    """Guards against an error outside the handler, which no message told: a page of another version sends fewer values."""
    before = workbench._shared
    try:
        function = next(f.fn for f in create_app(SETTINGS).fns.values() if f.name == "draw_head")
    finally:
        workbench.share(before)
    outputs = function(*[None] * 6)
    (message,) = outputs.values()
    assert "Attention failed" in message and "ValueError" not in message and "zip" not in message


def test_reasons_on_the_card(caplog):
    """Guards the reasons of "Not available", which quoted the library: "recording failed …: RuntimeError: …"."""
    model = loading.prepare(zoo.build("gpt2"), zoo.byte_tokenizer(), "odd")
    model.on_interface = False
    model.model.register_forward_hook(lambda module, inputs, output: fail() if module.training else output)
    model.model.train()
    with torch.inference_mode():
        reasons = probe(model).capabilities.missing()
    check(reasons["attention"], caplog, "recording failed for this family")
    check(reasons["hidden_states"], caplog, "asking for them fails")


def test_the_exception_is_a_playground_error(folder, caplog):
    """Guards callers in Python: they catch PlaygroundError, and find what failed as its cause."""
    with pytest.raises(pg.PlaygroundError) as raised:
        pg.load(folder, device="cpu", settings=SETTINGS)
    assert RAW in str(raised.value.__cause__)
