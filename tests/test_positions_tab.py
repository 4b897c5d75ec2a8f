"""The Positions tab's handlers, called as the page calls them, with what a visitor may type."""

import json

import gradio as gr
import plotly.graph_objects as go
import pytest

from playground import workbench
from playground.settings import Settings
from playground.tabs.positions import broken, clocks
from playground.tabs.positions.views import while_open
from playground.workbench import Workbench
from tests import zoo

HOSTILE = '<img src=x onerror=alert(1)> ${alert(1)} {{7*7}} "=1+1 \u202eabc 中文🙂'
FAMILIES = ("llama", "gpt2", "bert", "marian", "bloom", "mpt", "t5", "gpt_neox", "gemma3_text", "gptj", "deberta-v2",
            "xlnet")  # fmt: skip
DETAIL = ("loss", "shuffled", 0, 0)
MORE = (0, 1, -2, 7, False, 0.1)


@pytest.fixture(scope="module", autouse=True)
def bench(tiny, smollm2, minilm):
    bench, before = Workbench(Settings(offline=True, catalog_only=False)), workbench._shared
    models = {family: tiny(family) for family in FAMILIES} | {"smollm2": smollm2, "minilm": minilm}
    for name, model in models.items():
        bench._models.get(bench._key(name, "auto", "auto"), lambda model=model: model, lambda model: 1)
    workbench.share(bench)
    yield bench
    workbench.share(before)


def given(model: str, text: str = "The cat sat on the mat.") -> tuple:
    return model, "auto", "auto", text


def shown(handler, *arguments) -> tuple:
    """What a handler gives, without a message; nothing typed has become markup."""
    *answer, message = handler(*arguments)
    assert message == "" and len(answer) == handler.outputs, message
    for value in answer:
        value = value["value"] if isinstance(value, dict) and "value" in value else value
        if isinstance(value, go.Figure):
            drawn = json.loads(value.to_json())
            drawn["layout"].pop("meta")
            assert "<img" not in json.dumps(drawn, ensure_ascii=False)
        elif isinstance(value, str):
            assert "<img" not in value
    return tuple(answer)


def refused(handler, *arguments) -> str:
    *answer, message = handler(*arguments)
    assert len(answer) == handler.outputs and 'role="alert"' in message
    return message


# --- break it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [*FAMILIES, "smollm2", "minilm"])
def test_every_scheme_can_be_broken_or_says_why(model):
    """Guards against a scheme without an answer: a picture of what is possible, and a reason for what is not."""
    answer = shown(broken.draw, *given(model), *DETAIL, *MORE)
    names = [choice[1] for choice in answer[1].choices]
    rows = answer[4]["value"].data[0].z.shape[0]
    assert len(names) == rows >= 2
    assert answer[6].count("Not possible") == 7 - rows
    assert "shuffled" in answer[5]


def test_controls_choose_what_is_drawn(smollm2):
    """Guards against a measure, a variant or a head of a former model being lost or drawn as another."""
    for measure in ("loss", "next-token distribution", "attention of the head"):
        answer = shown(broken.draw, *given("smollm2"), measure, "reversed", 5, 3, *MORE)
        assert answer[0].value == measure and answer[1].value == "reversed"
        assert "Positions reversed" in answer[5] and "Layer 5, head 3" in answer[7].layout.title.text
    answer = shown(broken.draw, *given("minilm"), "loss", "base", 29, 8, *MORE)
    assert answer[0].value == "last vectors" and answer[1].value == "shuffled"
    assert "Layer 5, head 8" in answer[7].layout.title.text
    assert "Without positions this encoder sees no order" in answer[6] and "A shift matters" in answer[6]
    assert "A shift changes nothing" in shown(broken.draw, *given("smollm2"), *DETAIL, *MORE)[6]


def test_a_click_on_a_row_opens_it():
    """Guards against the row of another variant where some are missing, and against clicks that make no sense."""
    arguments = *given("gpt2"), *DETAIL, *MORE
    assert shown(broken.choose, *arguments, gr.EventData(None, {"y": 4}))[1].value == "reversed"
    for y in (None, "x", -1, 99, float("nan")):
        assert broken.choose(*arguments, gr.EventData(None, {"y": y}))[-1] == ""


@pytest.mark.parametrize("text", [HOSTILE, "a", "中", "\n", "word " * 40])
@pytest.mark.parametrize("model", ["llama", "bert", "smollm2", "minilm", "marian"])
def test_any_text_can_be_broken(model, text):
    """Guards against markup in a token, and against texts of one token."""
    shown(broken.draw, *given(model, text[: zoo.CONTEXT - 4]), *DETAIL, *MORE)


@pytest.mark.parametrize(
    ("more", "words"),
    [((-1, 1, -2, 7, False, 0.1), "seed is -1"), ((0, 99, -2, 7, False, 0.1), "swap is 99"),
     ((0, 1, -2, -7, False, 0.1), "shift is -7"), ((0, 1, -2, 10**9, False, 0.1), "1,000,000,000"),
     ((0, 1, -2, 7, False, 0), "base is 0"), ((0, 1, -2, None, False, 0.1), "number is missing")],
)  # fmt: skip
def test_numbers_out_of_range(more, words):
    """Guards against a torch error for a base of 0: what stands on the page stays."""
    assert words in refused(broken.draw, *given("llama"), *DETAIL, *more)


def test_a_shift_beyond_the_table_is_told_with_both_numbers():
    """Guards against the other variants being lost with the one that can't be tried."""
    answer = shown(broken.draw, *given("gpt2"), *DETAIL, 0, 1, -2, 1000, False, 0.1)
    assert "position 1,022, and the table has 64" in answer[6] and answer[4]["value"].data[0].z.shape[0] == 4
    answer = shown(broken.draw, *given("gpt2"), *DETAIL, 0, 1, -2, 1000, True, 0.1)
    assert "shifted" in [choice[1] for choice in answer[1].choices]


def test_nothing_is_drawn_behind_a_closed_view():
    """Guards against a text that runs eight passes for a view that nobody looks at."""
    guarded = while_open("broken", broken.draw)
    arguments = *given("llama"), *DETAIL, *MORE
    for view, active in (("scheme", "positions"), ("broken", "generate")):
        assert all(value == gr.skip() for value in guarded(view, active, *arguments))
    assert guarded("broken", "positions", *arguments)[-1] == ""
    assert all(value == gr.skip() for value in guarded("broken", "positions", "", *arguments[1:]))


# --- clocks and distance -------------------------------------------------------------------------------------------

CLOCKS = (None, 10000, 32, 0, 0, None, None)


@pytest.mark.parametrize("model", [*FAMILIES, "smollm2", "minilm"])
def test_clocks_and_a_score_or_why_not(model):
    """Guards against a model without rotary positions that leaves an error or the pictures of the model before it."""
    answer = shown(clocks.draw, *given(model), *CLOCKS)
    rotary = model in ("llama", "smollm2", "gpt_neox", "gemma3_text", "gptj")
    assert ("pg-badge-ok" in answer[0]) == rotary and isinstance(answer[4], go.Figure)
    assert ("pg-badge-ok" in answer[9]) == (rotary and model != "gptj")
    assert (answer[15] is None) == (not rotary or model == "gptj")


def test_the_slider_asks_no_model(smollm2):
    """Guards against a sentence and bars of another distance, and a slider that goes where nothing is."""
    found = shown(clocks.draw_score, *given("smollm2"), 3, 2, 5, 1)[-1]
    sentence, curve, pairs = shown(clocks.slide, found, 4)
    assert "At the real distance 4" in sentence and curve["mark"]["x0"] == 4
    assert float(pairs.data[0].y.sum()) + found.score.unturned == pytest.approx(found.recorded, abs=1e-4)
    assert "At distance 9 the score would be" in shown(clocks.slide, found, 9)[0]
    assert all(value == gr.skip() for value in shown(clocks.slide, None, 9))
    assert "100,000" in refused(clocks.slide, found, 100_000)


@pytest.mark.parametrize(("base", "width", "words"), [(0, 32, "base is 0"), (None, 32, "missing"), (10000, 0, "width is 0"),
                                                      (10000, 33, "33 dimensions"), (10000, 100_000, "4,096")])  # fmt: skip
def test_impossible_clocks(base, width, words):
    """Guards against clocks of infinite frequency, and against half a pair."""
    assert words in refused(clocks.draw_clocks, *given("bert"), "by the formula", base, width)


@pytest.mark.parametrize("text", [HOSTILE, "a", "中"])
def test_any_text_turns(text):
    """Guards against markup in a token beside the clocks' slider, and against a text of one token."""
    answer = shown(clocks.draw, *given("llama", text[: zoo.CONTEXT - 4]), *CLOCKS)
    assert len(text) > 1 or text == "中" or "at least 2 are needed" in answer[9]
