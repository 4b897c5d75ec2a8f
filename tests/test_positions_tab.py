"""The Positions tab's handlers, called as the page calls them, with what a visitor may type."""

import json

import gradio as gr
import numpy as np
import plotly.graph_objects as go
import pytest
import torch

from playground import workbench
from playground.settings import Settings
from playground.tabs.positions import broken, clocks, scheme, schemes, used
from playground.tabs.views import while_open
from playground.workbench import Workbench
from tests import zoo

HOSTILE = '<img src=x onerror=alert(1)> ${alert(1)} {{7*7}} "=1+1 \u202eabc 中文🙂'
FAMILIES = ("llama", "gpt2", "bert", "marian", "bloom", "mpt", "t5", "gpt_neox", "gemma3_text", "gptj", "falcon",
            "deberta-v2", "xlnet")  # fmt: skip
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
    guarded = while_open("broken", "positions", broken.draw)
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
    rotary = model in ("llama", "smollm2", "gpt_neox", "gemma3_text", "gptj", "falcon")
    assert ("pg-badge-ok" in answer[0]) == rotary and isinstance(answer[4], go.Figure)
    assert ("pg-badge-ok" in answer[9]) == (rotary and model != "falcon")
    assert (answer[15] is None) == (not rotary or model == "falcon")


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


# --- the scheme ----------------------------------------------------------------------------------------------------

NUMBERS = (256, 128, 10000, 5, 8)
OWN = {"smollm2": "rotary", "minilm": "learned", "marian": "sinusoidal", "bloom": "alibi", "mpt": "alibi", "t5": "relative",
       "gpt_neox": "rotary", "gemma3_text": "rotary", "deberta-v2": "other", "xlnet": "other",
       "gpt2": "learned"}  # fmt: skip


def drawn(answer: tuple) -> list[go.Figure]:
    return [view["value"] for view in answer[9:] if view["visible"]]


@pytest.mark.parametrize("model", OWN)
@pytest.mark.parametrize("chosen", [None, *schemes.NAMES])
def test_every_scheme_of_every_model(model, chosen):
    """Guards against a formula passed off as the model's own, and a scheme that can't be looked at beside another model."""
    answer = shown(scheme.draw, *given(model), chosen, model if chosen else "", *NUMBERS)
    assert answer[0].value == (chosen or OWN[model]) and answer[0].choices[0] == (
        f"{schemes.NAMES[OWN[model]]} (this model)", OWN[model])  # fmt: skip
    own = answer[0].value == OWN[model]
    assert ("pg-badge-ok" in answer[2]) == own and ("by the formula" in answer[2]) == (not own)
    if own or chosen not in ("learned", "other"):
        assert 1 <= len(drawn(answer)) <= schemes.MOST


def test_another_model_opens_on_its_own_scheme():
    """Guards against ALiBi by the formula shown for a model that was just loaded and has learned positions."""
    assert shown(scheme.draw, *given("gpt2"), "alibi", "bloom", *NUMBERS)[0].value == "learned"


def test_pictures_hold_the_models_own_tensors(minilm, smollm2, tiny):
    """Guards against a picture of the formula, or of rows beside the model's: compared with the networks' tensors."""
    picture = drawn(shown(scheme.draw, *given("minilm"), None, "", *NUMBERS))
    table = minilm.model.embeddings.position_embeddings.weight[:512]
    assert picture[0].data[0].z == pytest.approx(table[::2].detach().numpy(), abs=1e-6)
    assert picture[4].data[0].y == pytest.approx(table.norm(dim=1).detach().numpy(), rel=1e-5)
    waves = drawn(shown(scheme.draw, *given("smollm2"), None, "", *NUMBERS))[1].data[0].y
    assert waves == pytest.approx(2 * np.pi / smollm2.model.model.rotary_emb.inv_freq.numpy(), rel=1e-5)
    t5 = tiny("t5").model
    bias = t5.encoder.block[0].layer[0].SelfAttention.compute_bias(257, 257)[0, :, 128].detach().numpy()
    heat = drawn(shown(scheme.draw, *given("t5"), None, "", 128, *NUMBERS[1:]))[1].data[0].z
    assert heat == pytest.approx(bias, abs=1e-6)
    marian = drawn(shown(scheme.draw, *given("marian"), None, "", *NUMBERS))
    own = tiny("marian").model.model.encoder.embed_positions.weight.detach().numpy()
    assert marian[0].data[0].z == pytest.approx(own) and marian[1].data[0].z == pytest.approx(own, abs=1e-5)


@pytest.mark.parametrize("family", ["bloom", "mpt"])
def test_slopes_are_those_of_the_network(tiny, family):
    """Guards against slopes in another order: what the networks themselves add to the scores."""
    picture = drawn(shown(scheme.draw, *given(family), None, "", *NUMBERS))
    if family == "bloom":
        from transformers.models.bloom.modeling_bloom import build_alibi_tensor

        bias = build_alibi_tensor(torch.ones(1, 9), 4, torch.float32)[:, 0]
        slopes = bias[:, 8] - bias[:, 7]
    else:
        from transformers.models.mpt.modeling_mpt import build_mpt_alibi_tensor

        bias = build_mpt_alibi_tensor(4, 9).reshape(4, -1)
        slopes = bias[:, 8] - bias[:, 7]
    assert picture[0].data[0].y == pytest.approx(slopes.numpy())


@pytest.mark.parametrize(("numbers", "words"), [
    ((0, 128, 10000, 5, 8), "length is 0"), ((100_000, 128, 10000, 5, 8), "100,000; it has to be from 1 to 8,192"),
    ((64, 128, 0, 5, 8), "base is 0"), ((64, 128, 10000, -1, 8), "shift is -1"), ((64, None, 10000, 5, 8), "missing"),
])  # fmt: skip
def test_numbers_of_a_formula_out_of_range(numbers, words):
    """Guards against gigabytes for a length, and against a division by a base of 0."""
    assert words in refused(scheme.draw, *given("bert"), "sinusoidal", "bert", *numbers)


def test_an_odd_width():
    """Guards against half a pair: sinusoids end with a lone sine and have no rotation, rotary refuses."""
    answer = shown(scheme.draw, *given("bert"), "sinusoidal", "bert", 64, 7, 10000, 5, 8)
    assert "odd width" in answer[3] and len(drawn(answer)) == 3
    assert "7 dimensions" in refused(scheme.draw, *given("bert"), "rotary", "bert", 64, 7, 10000, 5, 8)


# --- order in use --------------------------------------------------------------------------------------------------

USED = (None, "local", False, 0, 0)


@pytest.mark.parametrize("model", [*FAMILIES, "smollm2", "minilm"])
@pytest.mark.parametrize("text", ["The cat sat on the mat.", "a"])
def test_every_model_over_distance(model, text):
    """Guards against cross attention measured over distance, and against a text of one token."""
    answer = shown(used.draw, *given(model, text), *USED)
    assert "heads" in answer[0] and isinstance(answer[5], go.Figure)
    assert "cross" not in (answer[1].get("choices") or [])


def test_a_click_chooses_a_head(minilm):
    """Guards against another head than the one clicked: row layer·heads + head, and x = head, y = layer of the map."""
    arguments = *given("minilm"), *USED
    for answer in (shown(used.choose_row, *arguments, gr.EventData(None, {"y": 3 * 12 + 7})),
                   shown(used.choose_cell, *arguments, gr.EventData(None, {"x": 7, "y": 3}))):  # fmt: skip
        assert "Layer 3, head 7" in answer[6] and answer[4]["mark"]["y0"] == 3 * 12 + 7 - 0.5
        weights = workbench.shared().recording(minilm, given("minilm")[3]).attention(3).weights[7]
        middle = len(weights) - 1
        assert answer[7].data[0].y[middle] == pytest.approx(float(weights.diagonal().mean()), abs=1e-6)
        assert answer[7].data[0].y[middle + 1] == pytest.approx(float(weights.diagonal(-1).mean()), abs=1e-6)
    for place in ({"y": None}, {"x": "a", "y": -1}, {}):
        for handler in (used.choose_row, used.choose_cell):
            assert handler(*arguments, gr.EventData(None, place))[0] == gr.skip()


def test_too_long_for_all_heads():
    """Guards against gigabytes of weights: refused with both numbers."""
    message = refused(used.draw, *given("smollm2", "word " * 600), *USED)
    assert "512" in message and "60" in message
