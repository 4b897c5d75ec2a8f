"""How the page spells numbers, in all that its views draw of tiny models: one rule for percentages, one for bits."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from playground import workbench
from playground.analysis.embeddings.layer_paths import likeness
from playground.figures.attention.head_request import HeadRequest
from playground.generation.sampling_controls import SamplingControls
from playground.generation.sessions import SessionId
from playground.tabs.attention import flow_view, heads_handlers
from playground.tabs.embeddings import layers_view, words_view
from playground.tabs.generate import prompt_view, score, tab, token_clicks
from playground.tabs.generate.request import ViewRequest, WriteRequest
from playground.tabs.positions import attention_distance_view, perturbation_view, scheme_view
from playground.tabs.shared.page_context import PageContext
from playground.tabs.xray import tab as xray
from playground.texts.numbers import bits, digits_that_add_up, minus, percent, signed, times
from playground.workbench import Workbench
from tests.tabs.calling import answers, plain

TEXT = "The cat sat on the mat. The cat slept."
PERCENT = re.compile(r"(?:<0\.1|>99\.9|99\.[1-9]|100|[1-9]\d|\d\.[1-9]|\d) %")
BITS = re.compile(r"[+−]?(?:<0\.001|0\.0\d+|\d[\d,]*\.\d\d) bits")
SINGLE = re.compile(r"(?<![\d.,])1 (?:token|head|layer|word|position|continuation|dimension|point|sentence)s\b")


@pytest.fixture(autouse=True)
def bench(tiny, monkeypatch):
    """The handlers' workbench, with tiny models under the names of their families."""
    made, former = Workbench(), workbench._shared
    monkeypatch.setattr(made, "model", lambda model_id, *rest: tiny(model_id))
    workbench.share(made)
    yield made
    workbench.share(former)


def texts_of(value: Any) -> Iterator[str]:
    """Every text that a reader sees in an output: of markup, of updates, of a picture's labels and its description.
    Not the percent-encoded tokens that go into files."""
    if isinstance(value, str):
        yield plain(value)
    elif isinstance(value, go.Figure):
        yield from texts_of(value.to_plotly_json())
    elif isinstance(value, dict):
        for key, each in value.items():
            if key not in ("template", "customdata", "uirevision", "hovertemplate", "categoryarray"):
                yield from texts_of(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_of(each)


def check(texts: list[str]) -> None:
    """AssertionError with the first text that spells a number in another way."""
    for text in texts:
        for spelled in re.findall(r"[\d.,<>]*\d\s?%", text):
            assert PERCENT.fullmatch(spelled), f"{spelled!r} in {text!r}"
        for spelled in re.findall(r"[+−-]?[\d.,<]*\d bits", text):
            assert BITS.fullmatch(spelled), f"{spelled!r} in {text!r}"
        assert not re.search(r"less than 1 %|over 99 %|probability 0\.", text), text
        assert not SINGLE.search(text), text


def drawn(model: str) -> Iterator[dict]:
    """What the views give of a model's text."""
    page = PageContext(model, "cpu", "float32", TEXT)
    sampling = SamplingControls(max_new_tokens=3, temperature=1, top_p=0.9, samples=2)
    for mode in ("complete", "score", "fill"):
        visitor = SessionId()
        yield from answers(prompt_view.draw, page, ViewRequest(visitor, mode))
        if mode == "complete" and model != "bert":
            yield from answers(tab.start_writing, page, WriteRequest(visitor, mode, text=TEXT, sampling=sampling))
            yield from answers(token_clicks.explain_piece, page, token_clicks.PieceRequest(visitor, mode, piece=3))
    if model != "bert":
        yield from answers(score.compare_texts, page, score.ScoreRequest("The cat."))
        yield from answers(xray.draw, page, xray.XrayRequest())
    yield from answers(scheme_view.draw, page, scheme_view.SchemeRequest(None, model, 64, 32, 10000, 5, 4))
    for head in (0, 1):
        distances = attention_distance_view.DistanceRequest("self", "local", True, 0, head)
        yield from answers(attention_distance_view.draw, page, distances)
        yield from answers(heads_handlers.draw, page, HeadRequest(0, head))
    for variant in ("shuffled", "equal"):
        yield from answers(perturbation_view.draw, page, perturbation_view.PerturbationRequest("loss", variant, 0, 0))
    yield from answers(flow_view.draw, page, flow_view.FlowRequest("self", None, flow_view.ROLLOUT))
    yield from answers(words_view.draw, page, words_view.WordsRequest("cat, dog, sun"))
    yield from answers(layers_view.draw, page, layers_view.LayersRequest(None, TEXT, "2D", True, 1))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["llama", "bert"])
def test_one_spelling_for_percentages_and_bits(model):
    """Guards against "97 %" beside "0.975", "5%" beside "5 %", "less than 1 %" beside "0.3 %", bits with one digit beside
    bits with three, and "1 tokens"."""
    texts = []
    for outputs in drawn(model):
        assert outputs["message"] == "", outputs["message"]
        texts += list(texts_of(outputs))
    assert sum("%" in text for text in texts) > 10 and any(" bits" in text for text in texts)
    check(texts)


@pytest.mark.parametrize(
    "wrong", ["97.5 %", "5%", "0.30 %", "less than 1 %", "5.861 bits", "2.4 bits", "from 1 tokens"]
)
def test_other_spellings_are_noticed(wrong):
    """Guards the check above against a pattern that lets everything pass."""
    with pytest.raises(AssertionError):
        check([f"It has {wrong}."])


def test_no_spelling_of_its_own():
    """Guards against a file that writes a percent sign by itself: all call `texts.numbers`."""
    package = Path(workbench.__file__).parent
    own = re.compile(r":\.\d%|(?<!customdata)\} %|tickformat=\"\.?\d?%")
    wrong = [
        str(path) for path in package.rglob("*.py") if path.stem != "numbers" and own.search(path.read_text("utf-8"))
    ]
    assert wrong == []


def test_numbers_by_hand():
    """Guards against certainty that is none, a sign that is lost or nothing's, and a ratio of many digits."""
    assert [percent(share) for share in (0, 0.0004, 0.05, 0.4, 0.9996, 1)] == [
        "0 %",
        "<0.1 %",
        "5 %",
        "40 %",
        ">99.9 %",
        "100 %",
    ]
    assert (bits(5.857), bits(0.0123), bits(0.0001)) == ("5.86 bits", "0.012 bits", "<0.001 bits")
    assert (bits(0.41, signed=True), bits(-0.41, signed=True)) == ("+0.41 bits", "−0.41 bits")
    assert (minus(-0.004), minus(-6.2), minus(1234)) == ("0.00", "−6.20", "1,234.00")
    assert (signed(0.0), signed(0.0043), signed(-0.0497), signed(1.2), signed(-3e-7)) == (
        "0",
        "+0.0043",
        "−0.050",
        "+1.20",
        "−3·10⁻⁷",
    )
    assert digits_that_add_up([-0.0483, 1.9729, 13.0233], 14.9479) == 3 and digits_that_add_up([1.0, 2.0], 3.0) == 2
    assert (times(3.08), times(1234.5), times(99.6)) == ("3.1×", "1,234×", "100×")


def test_a_negative_cosine_has_a_minus_sign():
    """Guards against a hyphen in the place of a minus sign, at which a line could end: "cosine -0.03"."""
    track = np.array([[1.0, 0.0], [-0.6, 0.8], [0.0, 1.0]])
    assert "(cosine −0.60)" in likeness({"x": track}, "x").sentence
    assert "begin −1.00 alike" in likeness({"x": track, "y": -track}, "x").sentence
