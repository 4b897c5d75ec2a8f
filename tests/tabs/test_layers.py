"""The Layers tab's handlers, and what they send."""

import re
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest
import torch

from playground import workbench
from playground.components import figure_json
from playground.figures.layers.contributions import COLOURS, rows_of, strongest
from playground.figures.layers.lens import DIVERGENCE, ENTROPY, RANK
from playground.figures.xray.words import ordinal
from playground.generation.sampling_controls import SamplingControls
from playground.generation.sessions import SessionId
from playground.models.one_token import one_token, typed_as
from playground.recording.layers.window import WINDOW, head_sources, window_of
from playground.settings import Settings
from playground.tabs.generate import tab, under_lens
from playground.tabs.generate.request import ViewRequest, WriteRequest
from playground.tabs.layers import contributions_view, exchange_view, lens_view, neurons_view, push_view
from playground.tabs.layers.contributions_view import PartsRequest
from playground.tabs.layers.exchange_view import ExchangeRequest
from playground.tabs.layers.lens_cell import LensViewRequest
from playground.tabs.layers.neurons_view import NeuronsRequest
from playground.tabs.layers.push_view import PushRequest
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.sources import source_of
from playground.texts.numbers import percent
from playground.texts.shared import FIRST_TEXT
from playground.workbench import Workbench
from tests.tabs.calling import answer, answers, plain, proposals

LIMIT = 300_000
"""Bytes of a view."""
HOSTILE = "</b><img src=x onerror=f()> <script>1</script> &lt;i&gt;"


@pytest.fixture
def bench(tiny, smollm2, minilm):
    bench, before = Workbench(Settings(offline=True, catalog_only=False)), workbench._shared
    for model in (smollm2, minilm, *(tiny(name) for name in ("llama", "bert", "t5", "bloom", "mixtral", "gemma2"))):
        bench.add(model)
    workbench.share(bench)
    yield bench
    workbench.share(before)


def click(**data) -> gr.EventData:
    return gr.EventData(None, data)


def sent(*outputs) -> int:
    """Bytes of the figures among some outputs."""
    values = (value.get("value") for given in outputs for value in given.values() if isinstance(value, dict))
    return sum(len(figure_json(value)) for value in values if hasattr(value, "to_plotly_json"))


def test_the_opening_text(bench, smollm2):
    """Guards the story of the opening text, the badge's size, and the bytes of both views."""
    page = PageContext(smollm2.model_id, text=FIRST_TEXT)
    lens = answer(lens_view.draw, page, LensViewRequest())
    assert "After “is” the model says “Rome” (65 %), its first guess only after layer 29." in plain(lens["sentence"])
    assert "pg-badge-ok" in lens["badge"] and re.search("to (the last bit|[1-9]·10⁻[⁶-⁹])<", lens["badge"])
    assert lens["figure"]["mark"]["y0"] == 29.5 and lens["opens"]["value"] == "What wrote “Rome”? →"
    parts = answer(contributions_view.draw, page, PartsRequest())
    assert "The logit of “Rome” is 14.948: embedding −0.048, attention +1.973, MLPs +13.023." in plain(
        parts["sentence"]
    )
    assert "Adds up to" in parts["badge"] and parts["part"] is None and parts["legend"]["visible"]
    assert parts["figure"]["value"].data[0].hovertext[-1] == "in all <b>+14.95</b>"
    assert sent(lens, parts) < LIMIT


def test_how_a_written_token_came_about(bench, smollm2):
    """Guards against a column that is not that of the guesses from which a written token was picked, a token that is not
    followed where it was not the first guess, and a way that is taken again when Lens is opened the next time."""
    page, visitor = PageContext(smollm2.model_id, text=FIRST_TEXT), SessionId()
    sampling = SamplingControls(max_new_tokens=6, temperature=1.5, top_p=1, seed=3)
    request = WriteRequest(visitor, "complete", "rank", FIRST_TEXT, sampling=sampling)
    *_, _ = answers(tab.start_writing, page, request)
    session = bench.sessions.find(visitor)
    steps = session.steps()
    number = max(range(len(steps)), key=lambda number: steps[number].rank)
    assert steps[number].rank > 1, "a token that was not the first guess"
    session.focus = len(session.ids) + number
    handed = answer(under_lens.open_lens, page, ViewRequest(visitor, "complete", "rank"))
    assert handed["applied"] == handed["text_box"] == smollm2.tokenizer.decode(session.all_ids())
    there = replace(page, text=handed["applied"])
    assert answer(lens_view.draw, page, LensViewRequest(column=handed["lens_column"])).get("cell", "") == "", (
        "not this text"
    )
    lens = answer(lens_view.draw, there, LensViewRequest(column=handed["lens_column"]))
    assert (lens["cell"], lens["reading"]) == (str(session.focus - 1), there.reading) and lens["column"] is None
    assert one_token(smollm2, lens["follow"]) == steps[number].token.id
    assert f"{ordinal(steps[number].rank)} at the end" in plain(lens["of_cell"])
    column = list(window_of(there.recording(), session.focus - WINDOW)).index(session.focus - 1)
    assert (lens["figure"]["mark"]["x0"], lens["figure"]["mark"]["y0"]) == (column - 0.5, 29.5), (
        "the guesses that count"
    )
    before = steps[number].alternatives[0].probability
    assert f"({percent(before)})" in plain(lens["of_cell"]) and f"({percent(before)})" in plain(lens["sentence"])
    session.focus = 0
    (refused,) = answers(under_lens.open_lens, page, ViewRequest(visitor, "complete", "rank"))
    assert "nothing predicts it" in refused["message"] and "lens_column" not in refused


def test_from_a_cell_to_its_parts(bench, smollm2):
    """Guards the way from a clicked cell to its details, and on to the contributions of its first guess at its token; there
    from the strongest part to an MLP's neurons, a neuron's tokens, and a head's sources."""
    page = PageContext(smollm2.model_id, text=FIRST_TEXT)
    cell = answer(lens_view.choose, page, LensViewRequest(), click(x=11, y=28))
    assert "“is” after layer 27: it would say “city” (25 %)" in plain(cell["of_cell"])
    assert (cell["cell"], cell["reading"]) == ("11 27", page.reading)
    followed = answer(lens_view.choose, page, LensViewRequest(follow="Rome"), click(x=11, y=28))
    assert "“Rome” is 2,927th at the embedding and 1st at the end" in plain(followed["of_cell"])
    opened = answer(lens_view.open_parts, page, LensViewRequest(cell=cell["cell"], reading=cell["reading"]))
    assert opened["from_lens"][:2] == (page.reading, 11) and opened["opened_at"]
    parts = answer(contributions_view.draw, page, PartsRequest(from_lens=opened["from_lens"]))
    assert (
        proposals(parts) == [("", "city"), ("", "")] and parts["position"]["value"] == 11 and parts["from_lens"] is None
    )
    request = PartsRequest(11, "Rome", "Florence")
    both = answer(contributions_view.redraw, page, request)
    assert "“Rome” is 2.3" in plain(both["sentence"]) and "ahead of “Florence”" in plain(both["sentence"])
    result = contributions_view.contributions_in(page, request)
    kind, layer, head, value = next(part for part in strongest(result) if part[0] == "attention")
    bar = click(customdata=[list(COLOURS).index(kind), layer, head])
    of_head = answer(contributions_view.choose_bar, page, request, bar)
    assert f"Head {head} of layer {layer} adds" in plain(of_head["of_part"]) and of_head["opens"]["visible"]
    sources = head_sources(bench.recording(smollm2, page.text), bench, result, (kind, layer, head))
    assert sources.sum() == pytest.approx(value, rel=1e-4)
    target = PartsRequest(11, "Rome", "Florence", part=of_head["part"])
    there = answer(contributions_view.open_head, page, target)
    assert (there["page_layer"], there["page_head"], there["page_token"]) == (layer, head, 11) and there["opened_at"]
    mlp = answer(contributions_view.choose_step, page, request, click(x=2 + 2 * 27))
    assert mlp["part"] == ("mlp", 27, -1) and "1,536 neurons" in plain(mlp["of_part"])
    best = int(np.argmax(np.abs(result.neurons[27])))
    neuron = answer(contributions_view.choose_bar, page, PartsRequest(11, part=mlp["part"]), click(customdata=best))
    assert f"Neuron {best} of layer 27 adds" in plain(neuron["of_part"]) and "raises" in neuron["of_part"]
    whole = answer(contributions_view.choose_step, page, request, click(x=1 + 2 * 29))
    assert whole["part"] == ("attention", 29, -1) and "by its heads" in plain(whole["of_part"])


@pytest.mark.parametrize("shade", [ENTROPY, DIVERGENCE, RANK])
@pytest.mark.parametrize("model", ["llama", "bert", "t5"])
def test_shades(bench, model, shade):
    """Guards against a way of shading that a model of another kind can't show, and against text from a vocabulary that
    Plotly would read as HTML."""
    page = PageContext(model, text=HOSTILE)
    for between in (False, True):
        outputs = answer(lens_view.redraw, page, LensViewRequest(shade, between=between))
        assert outputs["figure"]["visible"] and outputs["best"]["visible"]
        picture = figure_json(outputs["figure"]["value"])
        assert outputs["figure"]["value"].layout.yaxis.ticktext == ("in", "0", "1")
        assert "<img" not in picture and "<script" not in picture and "<img" not in outputs["sentence"]
        assert sent(outputs) < LIMIT


def test_what_a_model_lacks_has_its_reason(bench):
    """Guards against an empty place, and a reason without a way on: MiniLM has no head, BERT norms its sums, BLOOM's heads
    are not captured, Mixtral's MLP has no single matrix."""
    lens = answer(lens_view.draw, PageContext("all-minilm-l6-v2", text=FIRST_TEXT), LensViewRequest())
    assert "without a language-model head" in lens["sentence"] and lens["figure"]["visible"] is False
    assert "Instead: Without it shows" in plain(lens["sentence"])
    parts = answer(contributions_view.draw, PageContext("bert", text="abcd"), PartsRequest())
    assert "its layers norm the sum after each part" in parts["sentence"] and parts["figure"]["visible"] is False
    assert "Instead: Without it measures" in plain(parts["sentence"]) and parts["legend"]["visible"] is False
    bloom = answer(contributions_view.draw, PageContext("bloom", text="abcd"), PartsRequest())
    assert "in which the outputs of its heads are not captured." in plain(bloom["sentence"])
    assert bloom["heads"]["visible"] is False and bloom["figure"]["visible"]
    mixtral = answer(contributions_view.draw, PageContext("mixtral", text="abcd"), PartsRequest())
    assert "No neurons: no single matrix makes this part, as in a mixture of experts." in plain(mixtral["sentence"])
    mlp = answer(contributions_view.choose_step, PageContext("mixtral", text="abcd"), PartsRequest(), click(x=2))
    assert "The MLP of layer 0 adds" in plain(mlp["of_part"]) and mlp["part"] is None


def test_a_capped_model_and_a_decoder_with_an_encoder(bench):
    """Guards against a cap that has no row, and against cross-attention that is left out of the sum or of the clicks."""
    page = PageContext("gemma2", text="abcdefgh")
    result = contributions_view.contributions_in(page, PartsRequest())
    rows = rows_of(result)
    assert rows[-1].kind == "cap" and sum(row.value for row in rows) == pytest.approx(result.logit, rel=1e-4)
    page = PageContext("t5", text="abcdefgh")
    result = contributions_view.contributions_in(page, PartsRequest())
    rows = rows_of(result)
    assert [row.kind for row in rows[:4]] == ["embedding", "attention", "cross", "mlp"]
    drawn = answer(contributions_view.redraw, page, PartsRequest())
    assert "cross-attention" in drawn["legend"]["value"]
    cross = answer(contributions_view.choose_bar, page, PartsRequest(), click(customdata=[2, 1, 3]))
    assert "Cross-head 3 of layer 1 adds" in plain(cross["of_part"])
    sources = head_sources(page.recording(), bench, result, ("cross", 1, 3))
    assert len(sources) == len(page.recording().tokens)
    assert sources.sum() == pytest.approx(result.cross_heads[1, 3], rel=1e-4, abs=1e-6)


def test_bad_input(bench):
    """Guards against Python errors, and against a click that is none of ours: words that are no token, equal tokens, ids
    and places beyond the end, a cell of another text."""
    page = PageContext("llama", text="abcdef")
    for request in (PartsRequest(token="abc"), PartsRequest(token="#999"), PartsRequest(token="a", against="a")):
        outputs = answer(contributions_view.redraw, page, request)
        assert outputs["figure"]["visible"] is False and len(plain(outputs["sentence"])) > 20
    lens = answer(lens_view.redraw, page, LensViewRequest(follow="abc"))
    assert "is no single token" in plain(lens["sentence"]) and lens["figure"]["visible"]
    for odd in ({}, {"x": "a", "y": 1}, {"x": 99, "y": 0}, {"x": 0, "y": -3}, {"x": float("nan"), "y": 0}):
        assert set(answer(lens_view.choose, page, LensViewRequest(), click(**odd))) == {"message"}
        assert set(answer(contributions_view.choose_head, page, PartsRequest(), click(**odd))) == {"message"}
    for odd in (None, [9, 0, 0], [1, 99, 0], [1, 0, 99], 5, [1.5, 0, 0], [1]):
        assert set(answer(contributions_view.choose_bar, page, PartsRequest(), click(customdata=odd))) == {"message"}
    old = LensViewRequest(cell="3 1", reading=("llama", "another text"))
    drawn = answer(lens_view.draw, page, old)
    assert drawn["figure"]["mark"]["x0"] == 4.5 and (drawn["cell"], drawn["reading"]) == ("", None)
    for hostile in ("99 1", "3 <b>", "-1 1", "3", "٣ 1", "9" * 40 + " 1"):
        assert answer(lens_view.draw, page, LensViewRequest(cell=hostile, reading=page.reading))["figure"]["visible"]
    stale = PartsRequest(3, "z", "y", reading=("llama", "another text"))
    fresh = answer(contributions_view.draw, page, stale)
    assert proposals(fresh)[0][1] == "" and fresh["position"]["value"] == 5
    for outputs in answers(contributions_view.open_head, page, PartsRequest()):
        assert set(outputs) == {"message"}


def test_a_long_text_is_shown_by_windows(bench):
    """Guards against a lens of a whole long text: twelve tokens, a control to move them, and a text of one token."""
    page = PageContext("llama", text="abcdefgh" * 5)
    outputs = answer(lens_view.draw, page, LensViewRequest())
    assert outputs["first"]["visible"] and outputs["first"]["value"] == 28 and "(of 40)" in outputs["first"]["label"]
    recording = page.recording()
    assert window_of(recording, 3) == range(3, 15) and window_of(recording, 99) == range(28, 40)
    assert len(window_of(recording, None)) == WINDOW
    moved = answer(lens_view.draw, page, LensViewRequest(cell="20 0", reading=page.reading))
    assert moved["first"]["value"] == 9 and moved["figure"]["mark"]["x0"] == 10.5
    single = answer(lens_view.draw, PageContext("llama", text="a"), LensViewRequest())
    assert single["first"]["visible"] is False and single["figure"]["visible"]


def test_a_token_as_it_is_typed(smollm2):
    """Guards against a word that is read as its piece without a space, and a token that can't be typed back."""
    paris = one_token(smollm2, "Paris")
    assert smollm2.vocabulary.text(paris) == " Paris" and one_token(smollm2, " Paris") == paris
    assert one_token(smollm2, f"#{paris}") == paris
    for number in (*range(0, 400, 7), paris, 30000, 49151):
        assert one_token(smollm2, typed_as(smollm2, number)) == number


def test_neurons(bench, smollm2):
    """Guards the story of the opening text: the middle layer first, which files and pins name too, the neuron that writes
    most and what it writes; a click on another one, that cell kept when another token is asked for, and the way on to what
    wrote the answer there."""
    page = PageContext(smollm2.model_id, text=FIRST_TEXT)
    outputs = answer(neurons_view.draw, page, NeuronsRequest())
    assert source_of(page, NeuronsRequest(), ("Layers", "Neurons"), outputs)["settings"]["layer"] == 15
    assert outputs["layer"].value == 15 and outputs["at"]["choices"][0][1] == neurons_view.ANY
    assert "neuron 1307 writes most: at “capital” (1)" in plain(outputs["sentence"])
    assert "Neuron 1307 of layer 15 at “capital”" in plain(outputs["of_neuron"]) and outputs["cell"] == (15, 1307, 1)
    assert "Adds up to" in outputs["badge"] and sent(outputs) < LIMIT and outputs["first"]["visible"] is False
    request = NeuronsRequest(15, reading=page.reading)
    clicked = answer(neurons_view.choose, page, request, click(x=11, y=2))
    layer, neuron, token = clicked["cell"]
    assert (layer, token) == (15, 11) and f"Neuron {neuron} of layer 15" in plain(clicked["of_neuron"])
    moved = answer(neurons_view.redraw, page, NeuronsRequest(15, 11, cell=clicked["cell"], reading=page.reading))
    assert moved["cell"] == clicked["cell"] or moved["cell"][2] == 11
    opened = answer(neurons_view.open_sum, page, NeuronsRequest(15, cell=clicked["cell"]))
    assert opened["from_lens"][:2] == (page.reading, 11) and opened["opened_at"]
    assert set(answer(neurons_view.open_sum, page, NeuronsRequest())) == {"message"}
    for odd in ({}, {"x": 99, "y": 0}, {"x": 0, "y": 99}, {"x": "a", "y": None}):
        assert set(answer(neurons_view.choose, page, request, click(**odd))) == {"message"}


def test_neurons_of_other_models(bench):
    """Guards against an empty place, labels that Plotly reads as HTML, and a long text shown whole."""
    outputs = answer(neurons_view.draw, PageContext("mixtral", text="abcd"), NeuronsRequest())
    assert "can't be shown" in plain(outputs["sentence"]) and outputs["figure"]["visible"] is False
    for model in ("bert", "all-minilm-l6-v2"):  # their MLPs add up, though what they write reaches no logit by itself
        outputs = answer(neurons_view.draw, PageContext(model, text="abcd"), NeuronsRequest())
        assert outputs["figure"]["visible"] and "Adds up to" in outputs["badge"] and not outputs["bars"]["visible"]
        assert "to a logit can't be shown" in plain(outputs["of_neuron"])
    page = PageContext("t5", text=HOSTILE)
    outputs = answer(neurons_view.draw, page, NeuronsRequest())
    assert outputs["figure"]["visible"] and "<img" not in figure_json(outputs["figure"]["value"])
    page = PageContext("llama", text="abcdefgh" * 5)
    outputs = answer(neurons_view.draw, page, NeuronsRequest())
    assert outputs["first"]["visible"] and outputs["first"]["value"] == 16
    early = answer(neurons_view.redraw, page, NeuronsRequest(1, 3, first=16, reading=page.reading))
    assert early["first"]["value"] == 0 and early["cell"][0] == 1


def test_exchange(bench, smollm2):
    """Guards the story of the opening text: Italy's state turns Madrid into Rome in the lower layers, the last token's in
    the upper ones; a click computes its cell, all cells stream in, and Stop keeps what is there; cells of heads are not
    drawn any more once attention is chosen."""
    page = PageContext(smollm2.model_id, text=FIRST_TEXT)
    opened = answer(exchange_view.draw, page, ExchangeRequest())
    typed = answer(exchange_view.draw, page, ExchangeRequest("x"))  # before the first drawing
    assert proposals(typed)[0] == ("x", "x")
    (before, other), *_ = proposals(opened)
    assert before == "" and other.endswith("Spain is") and opened["reading"] == page.reading
    assert "The logit of “Rome” minus that of “Madrid” is 13.02 in your text and −8.85" in plain(opened["sentence"])
    assert "All exchanged = your text to" in opened["badge"] and sent(opened) < LIMIT
    request = ExchangeRequest(other, reading=page.reading)
    clicked = answer(exchange_view.choose, page, request, click(x=0, y=16))
    words = plain(clicked["of_cell"])
    assert "State after layer 15 at “Italy ← Spain” (10): estimate +5.12, exact +22.03, 100.7 % of" in words
    assert "its own in the places" not in opened["badge"] and "its own in the places of the same" in clicked["badge"]
    assert "1 of 62 cells" in plain(clicked["how_far"]) and clicked["figure"]["mark"]["y0"] == 15.5
    request.control.stop = False
    streamed = answers(exchange_view.exchange_all, page, request)
    last = streamed[-1]
    assert "62 of 62 cells computed exactly; correlation with the estimate 0.74" in plain(last["how_far"])
    assert "exact cells that the answer can" in last["badge"]
    assert last["values"] == "exact" and last["agreement"]["visible"] and "exactly" in plain(last["sentence"])
    heads = ExchangeRequest(other, "head", reading=page.reading)
    drawn = answer(exchange_view.redraw, page, heads)
    assert len(
        drawn["figure"]["value"].data[0].z
    ) == 30 and "Most changes with head 1 of layer 29: +5.07 by the estimate" in plain(drawn["sentence"])
    stream = exchange_view.exchange_all(page, heads)
    next(stream)
    heads.control.stop = True
    *_, stopped = stream
    assert 0 < int(plain(stopped["how_far"]).split()[0]) < 270
    stream = exchange_view.exchange_all(page, heads)
    next(stream)
    answer(exchange_view.redraw, page, replace(heads, what="attention"))
    assert not any("figure" in outputs for outputs in stream)
    for odd in ({}, {"x": 99, "y": 0}, {"x": "a", "y": None}):
        assert set(answer(exchange_view.choose, page, request, click(**odd))) == {"message"}


def test_exchange_that_is_not_possible(bench):
    """Guards against an empty place: no second text, texts of other lengths, equal ones, models that do not allow it, and
    text from a visitor read as HTML."""
    for model, text, other, words in (
        ("llama", "abcd", "", "Type a second text"),
        ("llama", "abcd", "abcde", "Your text has 4 tokens, the other one 5"),
        ("llama", "abcd", "abcd", "Both texts are the same"),
        ("bert", "abcd", "abcx", "fills gaps"),
        ("all-minilm-l6-v2", "a cat", "a dog", "no logits"),
    ):
        page = PageContext(model, text=text)
        outputs = answer(exchange_view.draw, page, ExchangeRequest(other, reading=page.reading))
        assert words in plain(outputs["sentence"]) and outputs["figure"]["visible"] is False
    page = PageContext("t5", text="abcd")
    shown = answer(exchange_view.draw, page, ExchangeRequest("abcx", reading=page.reading))
    assert shown["figure"]["visible"] and shown["figure"]["value"].data[0].z.shape == (3, 4), "its encoder's states"
    page = PageContext("llama", text=HOSTILE)
    outputs = answer(exchange_view.redraw, page, ExchangeRequest(HOSTILE.replace("1", "2"), reading=page.reading))
    assert "<img" not in figure_json(outputs["figure"]["value"]) and "<img" not in outputs["sentence"]
    bad = ExchangeRequest("abcx", token="not one token", reading=("llama", "abcd"))
    assert "is no single token" in plain(
        answer(exchange_view.redraw, PageContext("llama", text="abcd"), bad)["sentence"]
    )


def test_push(bench, smollm2):
    """Guards the story of the opening text: pushed towards lines about London the capital of Italy is London, away from them
    Tokyo, and without a push Rome; Stop ends it, and the push is kept for all tabs."""
    page = PageContext(smollm2.model_id, text=FIRST_TEXT)
    drawn = answer(push_view.draw, page, PushRequest())
    assert drawn["layer"].value == 10 and "Strength 0 = same bits" in drawn["badge"]
    assert "At layer 10 “" in plain(drawn["sentence"]) and drawn["figure"]["value"].data[0].z.shape == (31, 12)
    request = PushRequest(layer=10, reading=page.reading)
    streamed = answers(push_view.write, page, request)
    texts = [plain(words) for words in streamed[-1]["written"].split("<dt>")[1:]]
    assert [text.split(".")[1 if text.startswith(("−", "+")) else 0].removeprefix("4") for text in texts] == [
        "·Tokyo",
        "0·Rome",
        "·London",
    ]
    assert len(streamed) > 8 and sent(*streamed[:1]) < LIMIT
    stream = push_view.write(page, PushRequest(layer=9, reading=page.reading))
    next(stream)
    kept = answer(push_view.keep_pushed, page, request)["edited"]
    assert kept.words == "Pushed after layer 10 by 0.4 of each state's length" and not kept.names_tokens
    edited = PageContext(smollm2.model_id, text=FIRST_TEXT, edited=kept)
    assert smollm2.vocabulary.text(int(edited.recording().last_logits.argmax())) == " London"
    word = answer(push_view.redraw, page, PushRequest(push_view.WORD, word="Italy", layer=0))
    assert word["figure"]["value"].data[0].z[0].argmax() == 10, "its own embedding"
    assert word["figure"]["value"].data[0].z[0, 10] == pytest.approx(1.0)


def test_a_first_token_is_never_pushed(bench):
    """Guards against a sentence that says what a push makes of a text's only token, whose state no push changes: with the
    kept push the logits after this text are the same bits."""
    page, request = PageContext("llama", text="a"), PushRequest(towards="ab", away="cd")
    sentence = plain(answer(push_view.redraw, page, request)["sentence"])
    assert (
        "is the first token, which is never pushed; each token after it is." in sentence and "Pushed by" not in sentence
    )
    kept = answer(push_view.keep_pushed, page, request)["edited"]
    assert torch.equal(page.recording().last_logits, page.recording().with_edits(kept.edits).last_logits)
    longer = PageContext("llama", text="ab")
    assert "Pushed by 0.4, “b” there" in plain(answer(push_view.redraw, longer, request)["sentence"])


def test_push_that_is_not_possible(bench):
    """Guards against an empty place, and text from a visitor read as HTML: no lines, equal ones, no word, a model that does
    not write, one that reads and writes, labels of the page's text."""
    page = PageContext("llama", text=HOSTILE)
    for request, words in (
        (PushRequest(towards=" "), "at least one"),
        (PushRequest(towards="ab", away="ab"), "same states"),
        (PushRequest(push_view.WORD), "no word"),
        (PushRequest(push_view.WORD, word="abc"), "no single token"),
        (
            PushRequest(towards="ab", away="cd", strength=1e10),
            "The strength is 10,000,000,000. It is counted in lengths",
        ),
        (PushRequest(towards="ab", away="cd", strength=-0.5), "choose 0 to 1,000,000,000"),
        (PushRequest(towards="ab", away="cd", strength=float("nan")), "choose 0 to 1,000,000,000"),
        (PushRequest(towards="ab", away="cd", strength=None), "The strength is no number."),
    ):
        outputs = answer(push_view.redraw, page, request)
        assert words in plain(outputs["sentence"]) and outputs["figure"]["visible"] is False
        assert answers(push_view.write, page, request)[-1]["badge"] == ""
        assert set(answer(push_view.keep_pushed, page, request)) <= {"sentence", "message"}
    outputs = answer(push_view.redraw, page, PushRequest(towards="ab", away=HOSTILE))
    assert "<img" not in figure_json(outputs["figure"]["value"]) and "<img" not in outputs["sentence"]
    huge = answers(push_view.write, page, PushRequest(towards="ab", away="cd", strength=1e9))[-1]
    assert "Pushed by 1,000,000,000, " in plain(huge["sentence"]) and "has a cosine of +1 with" in plain(
        huge["sentence"]
    )
    assert "Almost nothing else is left" in plain(huge["sentence"]) and "+1,000,000,000" in huge["written"]
    none = answers(push_view.write, page, PushRequest(towards="ab", away="cd", strength=0.0))[-1]
    assert [plain(name) for name in re.findall("<dt>(.*?)</dt>", none["written"])] == ["−0", "0", "+0"]
    writing, request = None, PushRequest(towards="ab", away="cd", layer=1)
    writing = push_view.write(page, request)
    next(writing), next(writing)
    answer(push_view.redraw, page, replace(request, towards=" "))
    assert all(not one.get("badge") for one in writing), "texts of other controls grow no further"
    last = answers(push_view.write, page, PushRequest(towards="ab", away="cd", layer=1))[-1]
    assert "<img" not in last["written"] and last["written"].count("<dd") == 3
    for model in ("bert", "t5", "all-minilm-l6-v2"):
        other = PageContext(model, text="abcd")
        assert answer(push_view.draw, other, PushRequest(towards="ab", away="cd"))["figure"]["visible"]
    assert "No text is written" in plain(
        answers(push_view.write, PageContext("bert", text="abcd"), PushRequest())[-1]["written"]
    )
