"""After an error no view shows a picture, a sentence or a number of another model or text; what files say of written text.

Each handler that draws a view is called as the page calls it, with its controls as they are when the page opens.
"""

import copy
import json
import pickle
import re
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.utils import PlotlyJSONEncoder

from playground import workbench
from playground.components import Panel, PlotlyView, TokenList
from playground.engine import engine
from playground.engine.functions import function_named
from playground.engine.work import Work
from playground.errors import PlaygroundError
from playground.generation.sampling_controls import SamplingControls
from playground.loading import prepare
from playground.settings import Settings
from playground.tabs.generate import prompt_view, streaming
from playground.tabs.generate.request import ViewRequest, WriteRequest
from playground.tabs.shared.emptied import is_stop
from playground.tabs.shared.engine_handler import portable
from playground.tabs.shared.handler_errors import report_errors
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.sources import source_of
from playground.workbench import Workbench
from tests.tabs.calling import page_app
from tests.tools import zoo

pytestmark = pytest.mark.slow

LONG = "The cat sat on the mat. " * 40
"""More bytes, each a token, than the tiny model reads."""
FROM_ITSELF = {"draw_first"}
"""Draws of the server's first model, whatever the page says."""
OWN_TEXTS = "words_view", "projector_view", "sentences_view", "answer_view", "list_view", "push_view", "exchange_view"
"""Views of texts that they hold themselves; "translate" and "summarise" read the page's once a visitor asks for it."""


@pytest.fixture(scope="module")
def app(tiny) -> Iterator[gr.Blocks]:
    before, bench = workbench._shared, Workbench(Settings(offline=True, catalog_only=False))
    bert = prepare(zoo.build("bert"), zoo.pair_tokenizer(), "bert")
    for name, model in {"llama": tiny("llama"), "mamba": tiny("mamba"), "bert": bert}.items():
        bench.models._models.get(bench.models._key(name, "auto", "auto"), lambda model=model: model, lambda model: 1)
    workbench.share(bench)
    yield page_app()
    workbench.share(before)


def drawings(app: gr.Blocks) -> Iterator[tuple[str, Any]]:
    """All that draws whole views: "module handler", Gradio's function."""
    for block_function in app.fns.values():
        if getattr(block_function.fn, "empty", None) and block_function.fn.handler.__name__ not in FROM_ITSELF:
            yield f"{block_function.fn.handler.__module__} {block_function.fn.handler.__name__}", block_function


def drawn(block_function: Any, model: str, text: str) -> dict[Any, Any]:
    """component -> what it shows after all answers, of a page that was opened just now."""
    function, inputs = block_function.fn, block_function.inputs
    page = [model, "auto", "auto", text, ("", 0), "", None]
    controls = inputs[len(function.guards) + len(page) :]
    answers = function(*function.guards, *page, *(copy.deepcopy(control.value) for control in controls))
    shown: dict[Any, Any] = {}
    for answer in [answers] if isinstance(answers, dict) else answers:
        shown |= answer
    return shown


def value_of(output: Any) -> Any:
    return output.get("value") if isinstance(output, dict) else output


@pytest.mark.parametrize("text", ["", LONG], ids=["no text", "too long"])
def test_a_view_that_cannot_be_drawn_shows_nothing_of_before(app, text):
    """Guards against the former text's picture, sentence and numbers below an error, as if they were of this text, and
    against lists of the former text's tokens: every view that reads the page's text says why in the place
    of its picture, and every output that shows answers is empty."""
    refused = set()
    for name, block_function in drawings(app):
        shown, function = drawn(block_function, "llama", text), block_function.fn
        message = shown[function.targets["message"]]
        if not message:
            continue
        refused.add(name.split()[0].rpartition(".")[2])
        reasons = []
        for output in function.empty(PlaygroundError("why"), {}):
            block = function.targets[output]
            assert block in shown, f"{name} leaves {output} as it was"
            value = value_of(shown[block])
            if isinstance(block, PlotlyView) and value:
                reasons.append(json.loads(value)["words"])
            elif isinstance(block, Panel) and value:
                reasons.append(value)
            elif isinstance(block, TokenList):
                assert (shown[block]["choices"], value) == (block.choices, block.value), (
                    f"{name} lists tokens in {output}"
                )
            else:
                assert not value, f"{name} shows {output}"
        (reason,) = reasons
        assert ("There is no text" in reason) if not text else ("960" in reason and "64" in reason), (name, reason)
    assert {"tab", "prompt_view", "heads_handlers", "steps_view", "neurons_view"} <= refused
    assert text or "classify_view" in refused  # which reads a long text in windows
    assert not refused & set(OWN_TEXTS)


@pytest.mark.parametrize("model", ["llama", "bert", "mamba"])
def test_every_drawing_names_all_that_it_may_leave(app, model):
    """Guards against what a view leaves standing where a part of it can't be places of this model, such as the formula of
    the former model's head: a drawing sets every output that shows answers."""
    text = "The cat" if model == "mamba" else "The cat sat on the mat"  # Mamba goes token by token, in a hundred passes
    for name, block_function in drawings(app):
        function, places = block_function.fn, drawn(block_function, model, text)
        left = [n for n in function.empty(PlaygroundError("why"), {}) if function.targets[n] not in places]
        assert not left, f"{name} of {model} leaves {left}"


def test_what_was_drawn_before_the_error_stays(app):
    """Guards against a head's map that goes because the picture of all heads, which follows it, can't be drawn; and against
    "3 of 7 read" that stays below the error."""
    heads = next(one.fn for name, one in drawings(app) if "heads_handlers" in name)
    empties = heads.empty(PlaygroundError("No overview."), {"map": {"value": go.Figure()}, "sentence": "of this text"})
    assert "No overview." in value_of(empties["overview"]) and not {"map", "sentence"} & empties.keys()
    empties = heads.empty(PlaygroundError("Nothing."), {"sentence": "3 of 7 read"})
    why = next(one.fn for name, one in drawings(app) if "classify_view" in name)
    assert "stop" not in why.empty(PlaygroundError("Nothing."), {})  # another's work may go on
    assert "stop" in why.empty(PlaygroundError("Nothing."), {"stop": gr.update(visible=True)})
    assert value_of(empties["sentence"]) == "" and "map" in empties

    def handler(page: PageContext) -> Iterator[dict]:
        yield {"sentence": "3 of 7 read"}
        raise PlaygroundError("Nothing.")

    *_, last = report_errors(handler, lambda reason, drawn: {**drawn, "why": str(reason)})(PageContext())
    assert last["sentence"] == "3 of 7 read" and last["why"] == "Nothing." and "Nothing." in last["message"]


def test_what_was_written_after_another_text_is_over(app):
    """Guards against a Generate tab that stays empty: back at a text after one that can't be read, it is read again."""
    session = workbench.shared().sessions
    request = ViewRequest("a visitor", "complete", "rank")
    draw = report_errors(prompt_view.draw)
    text = "The cat sat"
    first = draw(PageContext("llama", text=text), request)
    assert "strip" in first and "strip" not in draw(PageContext("llama", text=text), request)
    assert "960" in draw(PageContext("llama", text=LONG), request)["message"]
    assert session.find("a visitor").key.text == ""
    assert draw(PageContext("llama", text=text), request)["strip"] == first["strip"]


def test_what_was_written_names_its_rules(app):
    """Guards against a file or a printed sheet of a written text without the seed that gives it again: a click on a token
    holds no rules, so those are named that the token was written with; none before anything is written."""
    page, view = PageContext("llama", text="The cat sat"), ViewRequest("a writer", "complete", "rank")
    prompt_view.draw(page, view)
    assert "seed" not in source_of(page, view, ["Generate"])["settings"]
    for seed in (3, 8):
        rules = SamplingControls(max_new_tokens=2, temperature=1.3, seed=seed)
        list(streaming.stream(page, WriteRequest("a writer", "complete", "rank", page.text, sampling=rules)))
        settings = source_of(page, view, ["Generate"])["settings"]
        assert (settings["seed"], settings["temperature"], settings["max_new_tokens"]) == (seed, 1.3, 2)
    workbench.shared().sessions.find("a writer").focus = 0  # a token of the text itself, which nobody drew
    assert "seed" not in source_of(page, view, ["Generate"])["settings"]


class Loopback:
    """An engine whose work, and whose answers, travel as they do to another process and back."""

    name = "loopback"

    def __init__(self) -> None:
        self.largest = 0

    def call(self, work: Work) -> Any:
        sent = pickle.loads(pickle.dumps(work))
        return self._arrived(function_named(sent.function)(*sent.arguments))

    def stream(self, work: Work) -> Iterator[Any]:
        sent = pickle.loads(pickle.dumps(work))
        for answer in function_named(sent.function)(*sent.arguments):
            yield self._arrived(answer)

    def _arrived(self, answer: Any) -> Any:
        content = pickle.dumps(portable(answer))
        self.largest = max(self.largest, len(content))
        return pickle.loads(content)


def in_json(value: Any) -> str:
    """All of an output in words that can be compared."""

    class Encoder(PlotlyJSONEncoder):
        def default(self, obj: Any) -> Any:
            return super().default(obj) if hasattr(obj, "to_plotly_json") or isinstance(obj, np.ndarray) else vars(obj)

    words = json.dumps(portable({"": value}), cls=Encoder, sort_keys=True)
    return re.sub(r"[0-9a-f]{32}|\d{12,}", "a session or a moment", words)


def test_every_drawing_is_the_same_from_another_process(app, monkeypatch):
    """Guards against a view that only the server's own process can draw: a request or an answer that does not travel, or
    is another one once it did."""
    text, loopback, other = "The cat sat on the mat", Loopback(), list[Any]()
    for name, block_function in drawings(app):
        here = drawn(block_function, "llama", text)
        monkeypatch.setattr(engine, "_shared", loopback)
        there = drawn(block_function, "llama", text)
        monkeypatch.undo()
        blocks = [block for block in here.keys() | there.keys() if not is_stop(block)]  # shown to those who wait
        other += [(name, b) for b in blocks if in_json(here.get(b)) != in_json(there.get(b))]
    assert not other
    assert 10_000 < loopback.largest < 1_000_000, loopback.largest


def test_the_browser_knows_every_component(app):
    """Guards against a list that is missing on the page: Gradio takes the script of a component that says it is a template
    by the name of its parent class, which must be one of its own."""
    ours = [block for block in app.blocks.values() if getattr(block, "is_template", False)]
    names = {type(block).__name__ for block in ours if type(block).__module__.startswith("playground")}
    assert {"TokenList", "EmptyNumber", "FollowingSlider"} <= names
    for block in ours:
        assert type(block).__base__.__module__.startswith("gradio."), type(block)
