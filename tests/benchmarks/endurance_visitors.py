"""The visitors of the endurance benchmark: HTTP clients that send what pages and programs send."""

import json
import math
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx

from playground import api
from playground.links.address import address_of
from playground.links.experiment import Experiment
from tests.benchmarks.endurance_server import arguments
from tests.tools.page_client import Numbers, PageClient

VIEWS = {
    "page": ("xray",),
    "generate": ("prompt", "write"),
    "attention": ("follow", "heads", "head"),
    "projector": ("projector",),
    "bertviz": ("follow", "bertviz"),
}
"""The kinds of a visit: what its page calls once it is open."""
OF_ITS_TEXT = ("generate", "attention", "bertviz")
"""The kinds whose last answer has the tokens of the visitor's text: whether they are its own is checked."""
BEGINNING = 20
"""Letters of a text that are looked for: its number, and the first words. bertviz shows no more than the first tokens."""
WORDS = ["the", "river", "of", "a", "valley", "where", "people", "brought", "their", "grain", "to", "old", "mills"]
ENDPOINTS = ("generate", "next_tokens", "attention", "lens", "contributions", "positions", "embeddings", "verify")
LONG = ("next_tokens", "generate")
"""Endpoints whose answers stay short, however long the text is."""
MAX_OTHERS = 120
"""Tokens of a text for the others."""


class Visitor(PageClient):
    """A page that is open: with its heartbeat, and no message of an error."""

    def __init__(self, address: str, config: dict, numbers: Numbers):
        super().__init__(address, config, numbers, timeout=600)
        self._box = next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "lens-text")

    @contextmanager
    def on_page(self) -> Iterator["Visitor"]:
        """Opens the page and keeps its heartbeat; closed, the visitor is gone."""
        self.http.get("").raise_for_status()
        beat = self.http.send(self.http.build_request("GET", f"gradio_api/heartbeat/{self.session}"), stream=True)
        try:
            yield self
        finally:
            with suppress(httpx.HTTPError):
                beat.close()
            self.http.close()

    def type(self, text: str) -> None:
        """Puts a text into the text box, as a link does by script."""
        self.values[self._box] = text

    def ask(self, endpoint: str, named: dict[str, Any]) -> Any:
        """The answer of an endpoint."""
        return self.run(f"/{endpoint}", arguments(getattr(api, endpoint), named))["output"]["data"][0]

    def call(self, name: str, *last: object, leaves: bool = False) -> dict[str, Any]:
        """RuntimeError where the page says that something failed."""
        outputs = super().call(name, *last, leaves=leaves)
        if message := outputs.get("message"):
            raise RuntimeError(f"{name}: {message}")
        return outputs


def visit(visitor: Visitor, kind: str, model: str, text: str, leaves: bool = False) -> None:
    """A visit of a kind: opens the page with a link to model and text, and looks. RuntimeError if what it sees is not of
    its own text. leaves: closes the page while the last answer is made."""
    with visitor.on_page():
        address = address_of(Experiment(model, text=text))
        visitor.call("open", address)
        visitor.call("apply")
        visitor.type(text)
        *before, last = VIEWS[kind]
        for name in before:
            visitor.call(name)
        seen = visitor.call(last, leaves=leaves)
        if not leaves and kind in OF_ITS_TEXT and _letters(text)[:BEGINNING] not in _letters("".join(_strings(seen))):
            raise RuntimeError(f"{kind}: what it sees is not of its own text {text!r}")


def _strings(value: Any) -> Iterator[str]:
    """All texts of an answer in their order, those of JSON in it too: the tokens' labels among them."""
    if isinstance(value, str):
        for line in value.splitlines():
            with suppress(ValueError):
                if isinstance(parsed := json.loads(line), (dict, list)):
                    yield from _strings(parsed)
                    continue
            yield line
    elif isinstance(value, dict):
        yield from _strings(value["label"]) if "label" in value else _strings(list(value.values()))
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _letters(text: str) -> str:
    """Letters and digits alone: spaces have signs of their own in labels."""
    return "".join(filter(str.isalnum, text.replace("Ġ", "")))


def question(draw: random.Random, number: int, model: str, longest: int) -> tuple[str, dict[str, Any]]:
    """An endpoint and its arguments; the text is this number's own, its length between 1 and about `longest` tokens."""
    endpoint = draw.choice(
        ("generate", "next_tokens", "attention", "lens", "contributions", "positions", "embeddings", "verify")
    )
    most = longest if endpoint in LONG else min(longest, MAX_OTHERS)
    count = max(1, round(math.exp(draw.uniform(0, math.log(most)))))
    text = own_text(draw, number, count)
    named: dict[str, Any] = {"model": model}
    if endpoint == "generate":
        named |= {"prompt": text, "max_new_tokens": draw.choice((1, 8, 24)), "seed": number, "temperature": 0.8}
    elif endpoint == "embeddings":
        named["words"] = draw.sample(WORDS, 2)
    elif endpoint == "positions":
        named["length"] = min(count, 64)
    else:
        named["text"] = text
    if endpoint == "attention":
        named |= {"layer": draw.randrange(2), "head": draw.randrange(2)}
    return endpoint, named


def own_text(draw: random.Random, number: int, tokens: int) -> str:
    """A text of about so many characters (bytes are the tiny model's tokens), beginning with the number."""
    text = str(number)
    while len(text) < tokens:
        text += " " + draw.choice(WORDS)
    return text[: max(tokens, len(str(number)))]


def differs(one: Any, other: Any, tolerance: float = 1e-3) -> str:
    """Where two answers in JSON differ by more than rounding; empty where they don't."""
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return "" if one == other else f"{one} and {other}"
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        close = math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
        return "" if close else f"{one} and {other}"
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return next((f"{key}: {words}" for key in one if (words := differs(one[key], other[key], tolerance))), "")
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return next((f"{place}: {words}" for place, pair in pairs if (words := differs(*pair, tolerance))), "")
    return "" if one == other else f"{str(one)[:80]} and {str(other)[:80]}"
