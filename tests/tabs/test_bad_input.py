"""Whatever a visitor types: the page's handlers answer in words, lose nothing, and nothing typed becomes markup.

Handlers are called as the page calls them, with plain values, through a workbench with real models.
"""

import json
from dataclasses import replace
from html import escape
from itertools import product

import gradio as gr
import plotly.graph_objects as go
import pytest

from playground import workbench
from playground.analysis.text_display import plain_mark
from playground.components import figure_json, markup
from playground.embeddings.point_sets import PointRequest
from playground.errors import PlaygroundError
from playground.figures.attention.head_request import HeadRequest
from playground.figures.generation.token_strip import strip_items
from playground.figures.xray.picture import ARC, GUESS, TOKEN
from playground.generation.generate import generate
from playground.generation.sampling_controls import SamplingControls
from playground.generation.sessions import SessionId
from playground.loading import prepare
from playground.recording.head_choice import HeadChoice
from playground.settings import Settings
from playground.tabs.attention import bertviz_view, flow_view, roles_view, steps_view
from playground.tabs.attention import heads_handlers as attention
from playground.tabs.attention.bertviz_view import BertvizRequest
from playground.tabs.attention.flow_view import FlowRequest
from playground.tabs.attention.roles_view import RolesRequest
from playground.tabs.attention.steps_view import StepsRequest
from playground.tabs.embeddings import layers_view, projector_clicks
from playground.tabs.embeddings import words_view as embeddings
from playground.tabs.embeddings.layers_view import LayersRequest
from playground.tabs.embeddings.projector_request import NeighbourRequest
from playground.tabs.embeddings.words_view import WordsRequest
from playground.tabs.generate import branches, chat, prompt_view, score, tab, token_clicks
from playground.tabs.generate.request import ViewRequest, WriteRequest
from playground.tabs.generate.score import ScoreRequest
from playground.tabs.generate.session_view import entries_of
from playground.tabs.positions import scheme_view
from playground.tabs.positions.scheme_view import SchemeRequest
from playground.tabs.shared import sidebar
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.sidebar import LoadRequest
from playground.tabs.xray import tab as xray_tab
from playground.tabs.xray.tab import XrayRequest
from playground.workbench import Workbench
from tests.tabs import calling
from tests.tools import zoo

SCRIPT, IMAGE = "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>"
HOSTILE = (SCRIPT, IMAGE, "${alert(1)}", "{{7*7}}")
ODD = {
    "one letter": "a",
    "spaces": "     ",
    "line breaks": "\n\n\r\n\t",
    "emoji": "🙂👩‍👩‍👧🇨🇭 ok",
    "chinese": "今天天气很好。",
    "right to left": "שלום عالم \u202eabc\u202c",
    "control characters": "a\0b\x07c\x1bd\x7f\u2028e\ufeff",
    "a surrogate": "a\ud800b",
    "surrogates": "\udfff\ud800",
    "accents without letters": "\u0301\u0301\u0301",
    "a noncharacter": "\uffff\U0010ffff",
    "special tokens": "<|im_start|><s></s><pad><mask>",
    "html entities": "&lt;b&gt; &amp;amp; &#60;i&#62;",
} | {text[:12]: text for text in HOSTILE}
MEGABYTE = "All work and no play. " * 47_663
MODELS = ("tiny", "hostile", "bert", "bart", "smollm2")


def hostile_model():
    """A tiny model with hostile texts as tokens of its vocabulary, which can generate nothing else."""
    tokenizer, model = zoo.byte_tokenizer(), zoo.build("gpt2")
    tokenizer.add_tokens(list(HOSTILE))
    model.resize_token_embeddings(len(tokenizer))
    model.generation_config.suppress_tokens = list(range(zoo.VOCABULARY))
    return prepare(model, tokenizer, IMAGE)


@pytest.fixture(scope="module")
def bench(tiny, smollm2):
    """The server's workbench, with models under the ids that the tests use."""
    bench, before = Workbench(Settings(offline=True, catalog_only=False)), workbench._shared
    bert = prepare(zoo.build("bert"), zoo.pair_tokenizer(), "bert")
    for name, model in {
        "tiny": tiny("llama"),
        "hostile": hostile_model(),
        "bert": bert,
        "bart": tiny("bart"),
        "smollm2": smollm2,
    }.items():
        bench.models._models.get(bench.models._key(name, "auto", "auto"), lambda model=model: model, lambda model: 1)
    workbench.share(bench)
    yield bench
    workbench.share(before)


@pytest.fixture(autouse=True)
def no_unforeseen_errors(bench, caplog):
    """A handler tells the visitor of errors that nobody foresaw and logs them; here each of them fails the test."""
    yield
    assert not [record.getMessage() for record in caplog.get_records("call") if record.exc_info]


def model_of(name: str) -> tuple[str, str, str]:
    return name, "auto", "auto"


def event(**data) -> gr.EventData:
    return gr.EventData(None, data)


def writing(text: str, session: str | None = None, **rules) -> WriteRequest:
    """A request to write, of a new visitor if none is named."""
    return WriteRequest(session or SessionId(), "complete", "rank", text, sampling=SamplingControls(**rules))


# --- what a handler gave back -----------------------------------------------------------------------------------


def answers(handler, *arguments) -> list[dict]:
    """All that a handler gives the page."""
    given = calling.answers(handler, *arguments)
    for outputs in given:
        for name, output in outputs.items():
            if name != "applied":  # the text itself, which stays on the server
                assert_inert(output)
    return given


def message_of(outputs):
    """What the page's message becomes."""
    return outputs["message"]


def others_of(outputs) -> list:
    """All outputs but the message."""
    return [output for name, output in outputs.items() if name != "message"]


def assert_inert(output) -> None:
    """Markup has no tag that somebody typed, a figure's texts have none at all, and everything can be sent."""
    if isinstance(output, str):
        assert_markup(output)
    elif isinstance(output, go.Figure):
        drawn = json.loads(output.to_json())
        assert isinstance(drawn["layout"]["meta"].pop("description"), str)  # set as text by the view, never as markup
        for text in strings(drawn):
            assert "<script" not in text and "<img" not in text, text
            text.encode()
    elif isinstance(output, dict) and "value" in output:
        assert_inert(output["value"])


def assert_markup(markup: str) -> None:
    for tag in ("<script", "</script", "<img", "<i>", "<b>"):
        assert tag not in markup, markup
    markup.encode()


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)


def skipped(output) -> bool:
    return output == gr.skip()


def refusal(given: list[tuple]) -> str:
    """The message of a refusal, which has left everything else as it was."""
    assert len(given) == 1 and all(skipped(output) for output in others_of(given[0])), "something was lost"
    assert 'role="alert"' in message_of(given[0])
    return message_of(given[0])


def accepted(given: list[tuple]) -> bool:
    """Whether the handler did its work; if not, it gave a refusal in words and lost nothing."""
    if all(message_of(outputs) == "" for outputs in given):
        return True
    refusal(given)
    return False


def handlers(model: str, text: str):
    """Every handler that reads the text under the lens, with its arguments."""
    first = *model_of(model), text
    page, kind = PageContext(*first), "encoder" if model == "bart" else "self"
    head = HeadRequest(1, 1, kind)
    yield prompt_view.draw, (page, ViewRequest(SessionId()))
    yield tab.start_writing, (page, writing(text, max_new_tokens=2))
    yield attention.draw, (page, HeadRequest())
    yield attention.draw_head, (page, head)
    yield attention.draw_overview, (page, head)
    yield attention.open_head, (page, HeadRequest(0, 0, kind), event(x=0, y=0))
    yield attention.open_row, (page, head, event(x=0, y=0))
    yield attention.open_token, (page, head, event(index=0))
    yield attention.draw_row, (page, head)
    yield attention.zoom, (page, head, event(x0=0, x1=3, y0=0, y1=3))
    yield attention.draw_head, (page, replace(head, show="the mask"))
    yield attention.draw_head, (page, replace(head, show="times the values' norms", exclude="special tokens"))
    yield flow_view.draw, (page, FlowRequest(kind, None, "rollout"))
    yield steps_view.draw, (page, StepsRequest(1, 1, kind))
    yield steps_view.what_if, (page, StepsRequest(1, 1, kind, key=0, score=1.0, factor=2))
    yield roles_view.draw, (page, RolesRequest(0, 0, kind, "self"))
    yield bertviz_view.draw, (page, BertvizRequest(1, 1, kind, "neuron"))
    yield embeddings.draw, (page, WordsRequest(text))
    yield layers_view.draw, (page, LayersRequest(None, "", "2D", True, 0))
    yield layers_view.draw_layer, (page, LayersRequest(None, "", "2D", True, 1))
    yield xray_tab.draw, (page, XrayRequest())
    yield xray_tab.move, (page, XrayRequest("encoder", first=10**6))
    for what in (TOKEN, ARC, GUESS):
        yield xray_tab.choose, (page, XrayRequest(), event(customdata=[what, 0]))


DRAWERS = (tab.start_writing, attention.draw, embeddings.draw, xray_tab.draw)
"""Which draw all that the others draw one at a time."""


# --- odd texts ----------------------------------------------------------------------------------------------------


FEW = {
    "smollm2": ("chinese", "special tokens"),
    "hostile": (IMAGE[:12],),
    "bert": ("spaces", SCRIPT[:12]),
    "bart": ("spaces", "surrogates"),
}


@pytest.mark.parametrize(
    ("model", "name"), [(model, name) for model in MODELS for name in ODD if name in FEW.get(model, ODD)]
)
def test_odd_texts(model, name):
    """Guards against a handler that raises, sends what can't be sent, or puts what was typed into the page as
    markup."""
    asked = [call for call in handlers(model, ODD[name]) if name in FEW.get(model, ()) or call[0] in DRAWERS]
    worked = [handler.__name__ for handler, arguments in asked if accepted(answers(handler, *arguments))]
    assert {handler.__name__ for handler, _ in asked} - set(worked) == ({"start_writing"} if model == "bert" else set())


@pytest.mark.parametrize("model", ["tiny", "smollm2"])
@pytest.mark.parametrize("text", ["", None])
def test_no_text(model, text):
    """Guards against an empty page after an empty text: everything stays, and the message says what to do."""
    for handler, arguments in handlers(model, text):
        words = refusal(answers(handler, *arguments))
        assert "There is no text. Type" in words.replace("</strong>", "") or "no words" in words, handler


@pytest.mark.parametrize("model", ["tiny", "bart", "smollm2"])
def test_a_megabyte_of_text(model):
    """Guards against a server that tokenizes megabytes: refused with both numbers."""
    assert len(MEGABYTE.encode()) > 1024**2
    for handler, arguments in handlers(model, MEGABYTE):
        words = refusal(answers(handler, *arguments))
        assert "at most" in words and "horten" in words and ("1,048,586" in words or "1,048,585" in words), words


@pytest.mark.slow
@pytest.mark.parametrize(("model", "limit"), [("tiny", 64), ("bart", 64), ("smollm2", 4096)])
def test_a_text_longer_than_the_context(model, limit):
    """Guards against positions that the model does not have: refused with both numbers, which are the model's."""
    words = " word" * (limit // 4 * 5)  # SmolLM2's tokens are words, those of the others letters
    for handler, arguments in handlers(model, words):
        if handler is not embeddings.draw:
            message = refusal(answers(handler, *arguments))
            numbers = [limit, limit - 1] if handler is tab.start_writing else [limit]  # one must be left to write
            assert any(f"tokens; with this model at most {number:,}" in message for number in numbers), message


def test_many_words():
    """Guards against a thousand words in one picture."""
    words = ", ".join(f"word{number}" for number in range(1000))
    message = refusal(answers(embeddings.draw, PageContext(*model_of("tiny")), WordsRequest(words)))
    assert "1,000" in message and "500" in message


# --- clicks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "text"), [*product(MODELS[:4], (SCRIPT, "中\ud800🙂")), ("smollm2", "中<img>")])
def test_every_token_can_be_clicked(model, text):
    """Guards against a chart whose title is a script: tokens of the text and generated ones are explained."""
    first = *model_of(model), text
    page, request = PageContext(*first), ViewRequest(SessionId(), "fill" if model == "bert" else "complete", "rank")
    answers(prompt_view.draw, page, request)
    if model != "bert":
        answers(tab.start_writing, page, writing(text, request.session, max_new_tokens=3, temperature=1.0, top_p=1.0))
    items = strip_items(
        entries_of(workbench.shared().model(*model_of(model)), workbench.shared().sessions.find(request.session))
    )
    json.dumps(items, allow_nan=False, ensure_ascii=False).encode()
    for index in {0, 1, len(items) - 2, len(items) - 1}:
        clicked = answers(token_clicks.explain, page, request, event(index=index))
        assert accepted(clicked) or request.mode == "fill" and items[index]["kind"] == "special"
    assert accepted(answers(token_clicks.explain, page, request, event(index=len(items) + 5)))


def test_where_nothing_was_expected_no_chart_stands():
    """Guards against the chart of another token above the sentence that this one was predicted by nobody."""
    cases = ("tiny", "complete", 0, "The text begins here"), ("bart", "translate", 2, "The encoder reads this token")
    for model, mode, index, words in cases:
        page, request = PageContext(*model_of(model), "abc"), ViewRequest(SessionId(), mode, "rank")
        answers(prompt_view.draw, page, request)
        outputs = calling.answer(token_clicks.explain, page, request, event(index=index))
        assert outputs["chart"] is None and words in outputs["detail"]


def test_two_texts_beside_each_other():
    """Guards against hostile texts in the picture, or one that is compared with nothing."""
    page = PageContext(*model_of("tiny"), SCRIPT)
    (outputs,) = answers(score.compare_texts, page, ScoreRequest(IMAGE))
    assert "as likely as the first" in outputs["scored"] and "perplexity" in outputs["scored"].lower()
    assert outputs["message"] == ""
    assert "One token alone" in refusal(answers(score.compare_texts, replace(page, text="a"), ScoreRequest("b")))


def test_hostile_tokens_are_shown_as_they_are():
    """Guards against a token that vanishes when it is made harmless: the strip's text is the token, the chart's labels
    are the escaped token."""
    text = "".join(HOSTILE)
    page, request = PageContext(*model_of("hostile"), text), writing(text, max_new_tokens=2, temperature=1, top_p=1)
    *_, outputs = answers(tab.start_writing, page, request)
    strip, chart, detail = outputs["strip"]["value"], outputs["chart"], outputs["detail"]
    assert outputs["message"] == ""
    assert [item["text"] for item in strip][: len(HOSTILE)] == list(HOSTILE)
    assert len(strip) == len(HOSTILE) + 2 and {item["text"] for item in strip[-2:]} <= set(HOSTILE)
    assert markup.text(plain_mark(strip[-1]["text"])) in detail
    assert escape(plain_mark(strip[-1]["text"])) in chart.layout.title.text


@pytest.mark.parametrize("data", [{}, {"index": None}, {"index": "x"}, {"index": -1}, {"customdata": 99}])
def test_a_click_that_makes_no_sense(data, caplog):
    """Guards against a browser that sends what it should not: nothing is lost."""
    first = *model_of("tiny"), "abc"
    page, request = PageContext(*first), ViewRequest(SessionId(), "complete", "rank")
    answers(prompt_view.draw, page, request)
    for handler, arguments in (
        (token_clicks.explain, (page, request, event(**data))),
        (branches.show_node, (page, request, event(**data))),
        (branches.branch, (page, writing("abc", request.session, max_new_tokens=2), event(**data))),
        (attention.open_head, (page, HeadRequest(), event(**data))),
        (attention.open_row, (page, HeadRequest(), event(**data))),
        (attention.open_token, (page, HeadRequest(), event(**data))),
        (attention.zoom, (page, HeadRequest(), event(**data))),
        (flow_view.choose, (page, FlowRequest("self", None, "rollout"), event(**data))),
        (roles_view.open_head, (page, event(**data))),
        (embeddings.show_neighbours, (page, WordsRequest("a", drawn=PointRequest("a")), event(**data))),
        (projector_clicks.choose, (page, NeighbourRequest(), event(**data))),
        (projector_clicks.choose_group, (page, NeighbourRequest(), event(**data))),
    ):
        given = answers(handler, *arguments)
        assert len(given) == 1
    caplog.clear()


# --- controls out of range -----------------------------------------------------------------------------------------


def test_layers_and_heads_out_of_range():
    """Guards against the layer of a former, deeper model: the tab takes the last one there is; a head asked for by
    itself is refused with the range."""
    first = *model_of("tiny"), "some text"
    page = PageContext(*first)
    followed = answers(attention.follow, page, HeadChoice(29, 99, "cross"))[0]
    assert json.loads(followed["opened"])["to"] == ["self", 1, 3]
    words = refusal(answers(attention.draw_head, page, HeadRequest(2, 0)))
    assert "no layer 2" in words and "0 to 1" in words
    words = refusal(answers(attention.draw_head, page, HeadRequest(0, 4)))
    assert "no head 4" in words and "0 to 3" in words
    assert "cross" in refusal(answers(attention.draw_head, page, HeadRequest(0, 0, "cross")))


def test_rules_out_of_range():
    """Guards against a torch error for a temperature of 9: what stands on the page stays."""
    page = PageContext(*model_of("tiny"))
    for rule, words in (
        ({"max_new_tokens": 0}, "max_new_tokens is 0. It is a whole number from 1"),
        ({"temperature": 9}, "temperature is 9. It is from 0 to 5"),
        ({"top_k": -1}, "top_k is -1. It is a whole number from 0"),
        ({"top_p": 2}, "top_p is 2. It is from 0 to 1"),
        ({"repetition_penalty": 0}, "repetition_penalty is 0. It is from 0.1 to 5"),
        ({"seed": -7}, "seed is -7. It is a whole number from 0"),
    ):
        request = writing("some text", **{"max_new_tokens": 5, "temperature": 1, "top_p": 1} | rule)
        assert words in refusal(answers(tab.start_writing, page, request)).replace("</strong>", "")


@pytest.mark.parametrize("nothing", [None, "", "x", float("nan")])
def test_an_emptied_number_box(nothing):
    """Guards against a TypeError from int(None): the message names the control."""
    names = {
        "max_new_tokens": "New tokens",
        "temperature": "Temperature",
        "top_k": "Top-k",
        "top_p": "Top-p",
        "repetition_penalty": "Repetition penalty",
        "min_p": "Min-p",
        "typical_p": "Typical-p",
        "no_repeat_ngram": "Block repeated phrases of n tokens",
        "samples": "Samples",
        "beams": "Beams",
    }
    for rule, name in names.items():
        given = answers(tab.start_writing, PageContext(*model_of("tiny")), writing("some text", **{rule: nothing}))
        assert f"{name} is empty" in refusal(given) and "Type one" in given[0]["message"]
    if nothing != "x" and nothing == nothing:  # without a seed each text is another
        SamplingControls(seed=nothing or None).settings()


def test_a_masked_model_asked_to_complete(bench, tiny, minilm):
    """Guards against a refusal that leaves its reader where he was: it says what the model can do instead."""
    bert = bench.model(*model_of("bert"))
    with pytest.raises(PlaygroundError, match="both ways") as refused:
        generate(bert, "Hello")
    assert "fills masks" in refused.value.remedy and "[MASK]" in refused.value.remedy and "Fill" in refused.value.remedy
    for beams in (1, 3):
        request = writing("ab", max_new_tokens=2, temperature=0, greedy=True, beams=beams)
        given = answers(tab.start_writing, PageContext(*model_of("bert")), request)
        assert "fills masks: write [MASK]" in refusal(given)
    with pytest.raises(PlaygroundError, match="without a language-model head") as refused:
        generate(minilm, "Hello")
    assert "vectors" in refused.value.remedy and "masks" not in refused.value.remedy


def test_the_servers_limit_of_new_tokens(bench, monkeypatch):
    """Guards against a page that generates by limits of its own instead of the server's."""
    monkeypatch.setattr(bench, "settings", replace(bench.settings, max_new_tokens=2))
    page = PageContext(*model_of("tiny"))
    *_, outputs = answers(tab.start_writing, page, writing("ab", max_new_tokens=9, temperature=0, greedy=True))
    assert [item["kind"] for item in outputs["strip"]["value"]] == ["prompt"] * 2 + ["generated"] * 2
    assert "9 were asked for; this server writes at most 2 in one go." in outputs["status"]
    for several in ({"samples": 2}, {"beams": 2}):
        request = writing("ab", max_new_tokens=9, temperature=1, top_p=1, **several)
        *_, outputs = answers(tab.start_writing, page, request)
        assert "9 were asked for; this server writes at most 2" in outputs["status"]


def test_the_contexts_limit_of_new_tokens():
    """Guards against a text that ends without a word where the context does, 64 tokens here."""
    request = writing("a" * 61, max_new_tokens=9, temperature=0, greedy=True)
    *_, outputs = answers(tab.start_writing, PageContext(*model_of("tiny")), request)
    assert "9 were asked for; a text may have 64 tokens with what is written after it" in outputs["status"]
    assert "leaves room for 3." in outputs["status"]


def test_chat_without_a_template():
    """Guards against an answer that the model was never taught to give."""
    request = replace(writing("", max_new_tokens=5, top_p=1.0), mode="chat", message="hello")
    assert "no chat template" in refusal(answers(chat.send, PageContext(*model_of("tiny")), request))


def test_lengths_of_the_formula_out_of_range():
    """Guards against a picture of a billion numbers."""
    page = PageContext(*model_of("tiny"), "Hello")

    def drawn(length: int, width: int) -> list:
        request = SchemeRequest("sinusoidal", page.model_id, length, width, 10000, 5, 8)
        return answers(scheme_view.draw, page, request)

    assert accepted(drawn(64, 128))
    for length, width in ((0, 8), (100_000, 8), (10**9, 8), (8, 0), (8, 10**9)):
        message = refusal(drawn(length, width))
        assert f"{length:,}" in message or f"{width:,}" in message


@pytest.mark.parametrize("model", MODELS)
def test_positions_of_every_model(model):
    """Guards against a scheme without a picture or a reason."""
    request = SchemeRequest(None, "", 256, 128, 10000, 5, 8)
    assert accepted(answers(scheme_view.draw, PageContext(*model_of(model), "Hello"), request))


# --- X-ray --------------------------------------------------------------------------------------------------------

MOST_BYTES = 200_000
"""Of X-ray's picture."""


@pytest.mark.parametrize("count", [1, 4096])
def test_xray_of_the_shortest_and_the_longest_text(bench, count):
    """Guards against a picture that needs two tokens, and against one that grows with the text or runs the model over it
    once more: the same letter, up to the longest text that is recorded, whose window can be moved to its begin."""
    model = prepare(zoo.variant("llama", max_position_embeddings=4096), zoo.byte_tokenizer(), f"llama of {count}")
    bench.add(model)
    page = PageContext(model.model_id, text="a" * count)
    (drawn,) = answers(xray_tab.draw, page, XrayRequest())
    assert f"{count:,}" in drawn["first"]["label"] and drawn["first"]["visible"] == (count > 1)
    assert "After “a” the model says" in drawn["sentence"]
    (moved,) = answers(xray_tab.move, page, XrayRequest(first=0))
    (token,) = answers(xray_tab.choose, page, XrayRequest(first=0), event(customdata=[TOKEN, 0]))
    for outputs in (drawn, moved, token):
        assert len(figure_json(outputs["figure"])) < MOST_BYTES and "figure" in outputs


def test_xray_of_a_model_without_a_head(bench):
    """Guards against an empty place or an error where the guesses would be; and a click on one that isn't there."""
    model = prepare(zoo.build("bert").bert, zoo.byte_tokenizer(), "headless")
    bench.add(model)
    page = PageContext("headless", text="aaaa")
    (drawn,) = answers(xray_tab.draw, page, XrayRequest())
    assert (
        "No guesses: its weights come without a language-model head, the part that predicts words." in drawn["sentence"]
    )
    assert len(drawn["figure"].frames) == 0 and len(figure_json(drawn["figure"])) < MOST_BYTES
    assert answers(xray_tab.choose, page, XrayRequest(), event(customdata=[GUESS, 0])) == [{"message": ""}]


# --- models --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model_id",
    ["", "   ", None, "nobody/nothing", "/no/such/folder", "x" * 5000, "a\0b", "a\ud800", *HOSTILE, "../../etc"],
)
def test_what_is_no_model(model_id):
    """Guards against a page without a model after a wrong name: the former stays, the message is inert and helps."""
    *_, outputs = calling.answers(sidebar.load_model, PageContext(), LoadRequest(model_id))
    assert not {"model", "device", "dtype", "card"} & outputs.keys(), "the former model was lost"
    status = outputs["status"]
    assert 'role="alert"' in status and outputs["cancel"].visible is False
    assert_markup(status)
    assert status.split("</strong>")[1].removesuffix("</div>").strip(), "there is no remedy"


def test_unknown_devices():
    """Guards against a KeyError for a device that another machine had."""
    *_, outputs = sidebar.load_model(PageContext(), LoadRequest("tiny", "cuda:7"))
    assert "cuda:7" in outputs["status"] and "cpu" in outputs["status"]
    *_, outputs = sidebar.load_model(PageContext(), LoadRequest("tiny", dtype="int3"))
    assert "int3" in outputs["status"] and "bfloat16" in outputs["status"]


def test_before_the_first_model_is_there():
    """Guards against an alarm while the first model loads: nothing is said and nothing is lost."""
    for handler, arguments in handlers("", "some text"):
        (outputs,) = answers(handler, *arguments)
        assert all(skipped(output) for output in (*others_of(outputs), message_of(outputs)))


def test_the_card_of_a_hostile_model():
    """Guards against a folder whose name is a script."""
    *_, outputs = sidebar.load_model(PageContext(), LoadRequest("hostile"))
    assert outputs["model"] == "hostile"
    assert_markup(outputs["card"])
