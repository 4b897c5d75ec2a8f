"""The sidebar's handlers: which model is named, and what its card says."""

from dataclasses import replace
from html import escape

import gradio as gr
import pytest

from playground import workbench
from playground.api import models, next_tokens, plain_errors
from playground.catalog import CATALOG
from playground.errors import PlaygroundError
from playground.settings import Settings
from playground.tabs.shared import sidebar
from playground.tabs.shared.model_card import amount, model_card
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.sidebar import LoadRequest
from playground.texts.shared import CANT_DO, CHOOSE_ANOTHER
from playground.workbench import Workbench
from tests.tabs import calling


@pytest.fixture
def bench(tiny, tmp_path):
    settings = replace(Settings(), offline=True, catalog_only=False, cache_folder=tmp_path / "empty")
    bench, before = Workbench(settings), workbench._shared
    bench.add(tiny("llama"))
    workbench.share(bench)
    yield bench
    workbench.share(before)


def test_after_a_failed_load_the_boxes_name_the_model_that_runs(bench):
    """Guards against a box that names gpt2 above the numbers of another model."""
    page = PageContext("llama", "cpu", "float32", "abc")
    *_, last = calling.answers(sidebar.load_model, page, LoadRequest("gpt2", "auto", "bfloat16"))
    assert 'role="alert"' in last["status"] and "model" not in last
    boxes = {name: last[name]["value"] for name in ("choice", "device_choice", "dtype_choice")}
    assert boxes == {"choice": "llama", "device_choice": "cpu", "dtype_choice": "float32"}
    assert sidebar.note_cancelled(page)["choice"]["value"] == "llama"


def test_a_first_model_that_fails_says_what_can_be_done(bench):
    """Guards against a visitor left with a remedy for whoever started the server alone."""
    *_, last = sidebar.first_model(PageContext(), "gpt2")
    assert "not on this machine" in last["message"] and CHOOSE_ANOTHER in last["message"] == last["status"]


def test_models_that_cannot_be_had_say_so_in_the_list(bench):
    """Guards against 12 of 14 models that fail, unmarked: here none is on the machine and no hub may be asked."""
    labels = {name: label for label, name in sidebar.model_choices()}
    assert list(labels) == list(CATALOG)
    assert labels["gpt2"] == "gpt2 – can't be reached from here"


def test_the_card_is_one_line_that_opens(tiny):
    """Guards against eighteen facts as a page's first sight, and against what the model can't do standing elsewhere."""
    card = model_card(tiny("bert"))
    line, folded = card.split("</summary>")
    assert "bert" in line and "parameters · cpu · float32" in line and "<dl" not in line
    assert "d_model" in folded and folded.index(escape(CANT_DO)) < folded.index("</details>")
    assert "data-weights=" in folded.split("</details>")[1]


def test_amounts():
    """Guards against 1,000 million and 134.5 million parameters."""
    numbers = 8_000, 134_515_008, 999_700_000, 1_540_000_000
    assert [amount(number) for number in numbers] == ["8,000", "135 million", "1 billion", "1.54 billion"]


def test_a_class_keeps_its_model(tiny, tmp_path):
    """Guards against a pupil who changes the model under thirty others, through the page or an endpoint: what is loaded
    answers, all else is refused in words that say who may."""
    settings = replace(Settings(), classroom=True, default_model="llama", offline=True, cache_folder=tmp_path / "empty")
    bench, before = Workbench(settings), workbench._shared
    bench.add(tiny("llama"))
    workbench.share(bench)
    try:
        page = PageContext("llama", "cpu", "float32", "abc")
        *_, last = calling.answers(sidebar.load_model, page, LoadRequest("gpt2", "auto", "auto"))
        assert "This class works with llama alone." in last["status"] and "--classroom" in last["status"]
        for device, dtype in (("auto", "bfloat16"), ("cpu", "int8")):
            with pytest.raises(PlaygroundError, match="works with llama alone"):
                bench.model("llama", device, dtype)
        with pytest.raises(gr.Error, match="works with llama alone"):
            plain_errors(next_tokens)("gpt2", "abc")
        assert bench.model("llama", "cpu", "float32") is tiny("llama") and models() == []
        assert sidebar.model_choices() == [("llama", "llama")]
    finally:
        workbench.share(before)
