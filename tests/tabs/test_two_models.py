"""Two models: the handlers of the view, and what they send."""

import gradio as gr
import pytest

from playground import workbench
from playground.catalog import CATALOG
from playground.components import figure_json
from playground.settings import Settings
from playground.tabs.layers import two_models_view as view
from playground.tabs.layers.two_models_view import TwoModelsRequest
from playground.tabs.shared.page_context import PageContext
from playground.texts.shared import FIRST_TEXT
from playground.workbench import Workbench
from tests.tabs.calling import answers, plain, shown
from tests.tools import zoo

LIMIT = 300_000
"""Bytes of a view."""
HOSTILE = "</b><img src=x onerror=f()> <script>1</script> &lt;\u202e工"


@pytest.fixture
def bench(tiny, smollm2, minilm):
    bench, before = Workbench(Settings(offline=True, catalog_only=False)), workbench._shared
    for model in (smollm2, minilm, *(tiny(name) for name in ("llama", "bert", "t5", "mixtral"))):
        bench.add(model)
    workbench.share(bench)
    yield bench
    workbench.share(before)


def figures(outputs):
    values = {name: value.get("value") for name, value in outputs.items() if isinstance(value, dict)}
    return {name: value for name, value in values.items() if hasattr(value, "to_plotly_json")}


def test_the_opening_text_beside_an_encoder(bench, smollm2, minilm):
    """Guards the numbers of the opening text: the same pieces, no next token of an encoder and why, heads alike; and the
    bytes of the view. A click shows another head beside its best match."""
    page, request = PageContext(smollm2.model_id, text=FIRST_TEXT), TwoModelsRequest(minilm.model_id)
    outputs = shown(view.draw, page, request)
    assert "does not continue your text" in plain(outputs["sentence"]) and not outputs["figure"]["visible"]
    words = plain(outputs["of_cuts"])
    assert "smollm2-135m-instruct reads 12 tokens" in words and "None of the 12 pieces that both have" in words
    assert "Most alike: layer 16, head 0" in plain(outputs["of_heads"]) and "with 0.90" in plain(outputs["of_heads"])
    assert outputs["heads"]["mark"]["y0"] == 15.5 and set(figures(outputs)) == {"heads", "one", "other"}
    assert sum(len(figure_json(each)) for each in figures(outputs).values()) < LIMIT
    clicked = shown(view.choose, page, request, gr.EventData(None, {"x": 1, "y": 11}))
    assert plain(clicked["of_pair"]).startswith("Layer 11, head 1 of smollm2-135m-instruct: most like it in all-minilm")
    assert "(special)" in figure_json(clicked["one"]["value"])
    assert set(shown(view.choose, page, request, gr.EventData(None, {"x": 9, "y": 99}))) == {"message"}


def test_a_model_beside_itself(bench, smollm2):
    """Guards against a difference where there is none, and against two bars of one name."""
    page = PageContext(smollm2.model_id, text=FIRST_TEXT)
    outputs = shown(view.draw, page, TwoModelsRequest(smollm2.model_id))
    assert "Token by token they differ by 0 % (total variation; Jensen–Shannon: 0.00 bits)" in plain(
        outputs["sentence"]
    )
    assert [bar.name[-5:] for bar in outputs["figure"]["value"].data] == ["truct", "again"]
    assert "with 1.00" in plain(outputs["of_heads"]) and "pg-cut-differs" not in outputs["of_cuts"]
    alone = shown(view.draw, page, TwoModelsRequest())
    assert [name for _, name in alone["second_model"]["choices"]] == list(CATALOG)
    assert "Choose a second model" in alone["sentence"] and alone["figure"]["visible"] and not alone["heads"]["visible"]


@pytest.mark.parametrize("second", ["llama", "bert", "t5", "smollm2-135m-instruct"])
def test_any_pair_and_a_hostile_text(bench, second):
    """Guards against markup from a text, and against a pair of models that raises something."""
    page = PageContext("mixtral", text=HOSTILE)
    for aside in (True, False):
        outputs = shown(view.draw, page, TwoModelsRequest(second, aside))
        sent = "".join(value for value in outputs.values() if isinstance(value, str))
        sent += "".join(map(figure_json, figures(outputs).values()))
        assert "<img" not in sent and "<script" not in sent and outputs["of_heads"]
    assert shown(view.match, page, TwoModelsRequest(second))["heads"]["visible"]


def test_models_that_do_not_fit_together(tmp_path, bench, monkeypatch):
    """Guards against a second model that evicts the page's, or that fails without both sizes."""
    for family in ("llama", "gpt2"):
        zoo.save(family, tmp_path / family)
    small = Workbench(Settings(offline=True, catalog_only=False, model_budget=150 * 1024))
    workbench.share(small)
    page = PageContext(str(tmp_path / "gpt2"), text="abcd")
    *_, last = answers(view.draw, page, TwoModelsRequest(str(tmp_path / "llama")))
    assert "KiB beside the" in last["message"] and "this server keeps 150 KiB of models at most" in last["message"]
    assert small.loaded(page.model_id) is page.model()


def test_short_and_long_texts(bench, smollm2, narrow):
    """Guards against a text without anything to compare, and against a long one drawn whole."""
    outputs = shown(view.draw, PageContext("llama", text="ab"), TwoModelsRequest("mixtral"))
    assert "too short" in outputs["of_heads"] and not outputs["heads"]["visible"]
    bench.add(narrow)
    outputs = shown(view.draw, PageContext("narrow", text="ab " * 500), TwoModelsRequest("narrow"))
    assert "heads are compared up to 1,024" in plain(outputs["of_heads"]) and "… and" in outputs["of_cuts"]
    assert sum(len(figure_json(each)) for each in figures(outputs).values()) < LIMIT
