"""The X-ray tab's handlers, and what they send."""

from types import SimpleNamespace

import gradio as gr
import pytest
import torch

from playground import workbench
from playground.analysis.xray.guesses import read_guesses
from playground.components import figure_json
from playground.figures.xray.picture import ARC, GUESS, TOKEN
from playground.figures.xray.words import answer_words, ordinal
from playground.recording.xray import xray
from playground.settings import Settings
from playground.tabs.shared.page_context import PageContext, StillLoading
from playground.tabs.xray import tab
from playground.tabs.xray.tab import XrayRequest
from playground.texts.shared import EXAMPLES, FIRST_TEXT
from playground.workbench import Workbench
from tests.tabs.calling import answer

LIMIT = 200_000
"""Bytes of a picture."""
HOSTILE = "</b><img src=x onerror=f()> <script>1</script> &lt;i&gt;"


@pytest.fixture
def bench(tiny, smollm2, minilm):
    bench, before = Workbench(Settings(offline=True, catalog_only=False)), workbench._shared
    for model in (smollm2, minilm, *(tiny(name) for name in ("llama", "bert", "bart"))):
        bench.add(model)
    workbench.share(bench)
    yield bench
    workbench.share(before)


def click(*customdata: int) -> gr.EventData:
    return gr.EventData(None, {"customdata": list(customdata)})


def test_the_opening_text_is_to_be_continued(bench, smollm2):
    """Guards against an opening text that ends with nothing to be predicted, and the sentence's numbers."""
    assert EXAMPLES["a capital"].text == FIRST_TEXT
    page = PageContext(smollm2.model_id, text=FIRST_TEXT)
    outputs = answer(tab.draw, page, XrayRequest())
    for words in ("“Rome” with 65 %", "2,927th at the embedding, 16th after layer 27, first only after the last layer"):
        assert words in outputs["sentence"]
    assert (
        "in layer 25, head 2, “France” gives 94 % of its attention to “capital”, 2 tokens back" in outputs["sentence"]
    )
    assert outputs["first"]["visible"] is False and outputs["stack"]["visible"] is False
    assert len(figure_json(outputs["figure"])) < LIMIT / 2
    assert len(outputs["figure"].frames) == 31


def test_an_answer_that_was_first_before():
    """Guards against "first only after the last layer" said of an answer that was first, lost the place and got it back."""
    rows = torch.tensor([[3.0, 2, 1], [0, 1, 2], [5, 1, 4], [0, 2, 9]])

    def words(order: list[int]) -> str:
        token = SimpleNamespace(label="x")
        texts = {number: f"t{number}" for number in range(3)}
        guesses = read_guesses(rows[order])
        return answer_words(
            SimpleNamespace(guesses=guesses, texts=texts, tokens=[token], focus=0, reads_both_ways=False)
        )

    assert words([0, 1, 2, 3]).endswith(
        "3rd at the embedding, 1st after layer 0, first again only after the last layer."
    )
    assert words([1, 0, 2, 3, 3]).endswith("1st at the embedding, first again from layer 2 on.")
    assert words([0, 2, 3]).endswith("3rd at the embedding, 2nd after layer 0, first only after the last layer.")


def test_the_first_picture_waits_for_no_other_answer(bench, smollm2):
    """Guards against a page that first asks for its model's name and then for its picture, against a second picture that
    differs or is sent again, and against a first visitor who waits for a load twice."""
    opened = answer(tab.draw_first, PageContext(text=FIRST_TEXT), XrayRequest())
    later = answer(tab.draw, PageContext(smollm2.model_id, text=FIRST_TEXT), XrayRequest())
    assert (
        figure_json(opened["figure"]) == figure_json(later["figure"]) and opened["source"]["model"] == smollm2.model_id
    )
    request = XrayRequest(drawn=opened["drawn"])
    again = answer(tab.draw, PageContext(smollm2.model_id, text=FIRST_TEXT), request)
    assert "figure" not in again and again["drawn"] is None
    assert "figure" in answer(tab.draw, PageContext(smollm2.model_id, text="Another text."), request)
    workbench.share(Workbench(Settings(offline=True, catalog_only=False)))
    with pytest.raises(StillLoading):
        tab.draw_first(PageContext(text=FIRST_TEXT), XrayRequest())


def test_clicks(bench, smollm2):
    """Guards against a click that answers for another token, head or layer, and against one that is no click of ours."""
    page = PageContext(smollm2.model_id, text=FIRST_TEXT)
    arc = answer(tab.choose, page, XrayRequest(), click(ARC, 0))
    assert (arc["layer"], arc["head"], arc["kind"], arc["head_chosen"]) == (25, 2, "self", True)
    assert (arc["token"], arc["token_text"]) == (3, (page.model_id, page.text)) and arc["opens"]["visible"]
    guess = answer(tab.choose, page, XrayRequest(), click(GUESS, 28))
    assert "After layer 27 it would say “city” (25 %)" in guess["detail"] and "16th" in guess["detail"]
    token = answer(tab.choose, page, XrayRequest(), click(TOKEN, 3))
    assert "After “France” the model says" in token["sentence"] and token["chosen"][3] == 3
    assert guess["opens"]["visible"] and guess["target"][::2] == (27, 11) and "layer 27" in guess["detail"]
    assert "“France” gives 94 % of its attention to “capital”" in token["detail"]
    assert token["target"] == (25, 2, 3, "self") and "Layer 25, head 2" in token["opens"]["value"]
    stream = answer(tab.choose, page, XrayRequest(), click(TOKEN, 3, 7))
    assert (stream["target"][0], stream["target"][2]) == (7, 3) and "in this layer: in layer 7, head" in stream[
        "detail"
    ]
    opened = answer(tab.open_target, page, XrayRequest(target=stream["target"]))
    assert (opened["layer"], opened["token"], opened["token_text"]) == (7, 3, page.reading) and opened["opened_at"]
    kept = answer(tab.draw, page, XrayRequest(chosen=token["chosen"]))
    assert kept["sentence"] == token["sentence"]
    other = PageContext(smollm2.model_id, text="One two three four")
    assert "After “four”" in answer(tab.draw, other, XrayRequest(chosen=token["chosen"]))["sentence"]
    for odd in ([], [9, 9], ["x"], [ARC, 999], [GUESS, 999]):
        assert set(answer(tab.choose, page, XrayRequest(), click(*odd))) == {"message"}


def test_a_model_without_a_head_says_why(bench, minilm):
    """Guards against an empty place where the guesses would be: MiniLM has streams and arcs and no words."""
    outputs = answer(tab.draw, PageContext(minilm.model_id, text=FIRST_TEXT), XrayRequest())
    assert (
        "No guesses: its weights come without a language-model head, the part that predicts words."
        in outputs["sentence"]
    )
    assert "Most telling: in layer" in outputs["sentence"] and len(outputs["figure"].frames) == 0


@pytest.mark.parametrize("model", ["llama", "bert", "bart"])
@pytest.mark.parametrize("text", [HOSTILE, "a", "aaaa", "\u202eabc\u0301 <b>"])
def test_odd_texts(bench, model, text):
    """Guards against tokens that Plotly would read as HTML, and against errors at one token or equal ones."""
    for stack in ("decoder", "encoder"):
        outputs = answer(tab.draw, PageContext(model, text=text), XrayRequest(stack))
        sent = figure_json(outputs["figure"])
        assert "<img" not in sent and "<script" not in sent and "<i>" not in sent and len(sent) < LIMIT
        assert "<img" not in outputs["sentence"]


def test_a_long_text_is_bounded_and_can_be_moved(bench, smollm2):
    """Guards against a picture that grows with the text: a window of 24 tokens, less than 200 kB, a control to move it."""
    page = PageContext(smollm2.model_id, text="The quick brown fox jumps over the lazy dog. " * 9)
    outputs = answer(tab.draw, page, XrayRequest())
    assert len(figure_json(outputs["figure"])) < LIMIT
    assert outputs["first"]["visible"] and "(of 91)" in outputs["first"]["label"]
    moved = answer(tab.move, page, XrayRequest(first=10))
    assert (
        "first" not in moved
        and "uirevision" in str(moved["figure"].layout)
        and len(figure_json(moved["figure"])) < LIMIT
    )
    recording = bench.recording(smollm2, page.text)
    assert xray(recording, bench, first=10).window == range(10, 34)


def test_ordinals():
    """Guards against 11st and 1022th."""
    numbers = (1, 2, 3, 4, 11, 12, 13, 21, 112, 1022, 1497)
    words = "1st 2nd 3rd 4th 11th 12th 13th 21st 112th 1,022nd 1,497th"
    assert " ".join(ordinal(number) for number in numbers) == words
