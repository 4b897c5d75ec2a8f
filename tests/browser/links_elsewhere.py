"""A link that was made on one server, opened on another one: a process of its own, with the same model.

    python -m pytest -n 0 tests/browser/links_elsewhere.py

Not one of the suite yet: it takes a minute and a half, and has to pass beside busy processes first. There it failed while
it waited 20 s for the first page to load the link's model.
"""

import re
from difflib import unified_diff
from functools import cache
from typing import Any

from gradio.components import Component
from playwright.sync_api import Page, expect

from playground.links.address import address_of
from playground.links.experiment import CHOICE, NUMBER, SWITCH, Control, Experiment
from playground.recording.edits.edit import Edit
from playground.tabs.shared.link_controls import NOT_CARRIED, _control, _path
from tests.tabs.calling import page_app
from tests.tools import zoo
from tests.tools.other_server import other_server

from .conftest import WAIT

TEXT = "the cat sat on the mat"
TABS = 6
"""The first tabs are compared, whose pictures are drawn when they are opened; Tasks' wait for a button."""
GENERATE = 1
VALUES = """() => {
  const {config, values} = window.__playgroundLinks.visit(), first = values.length - config.controls.length;
  return Object.fromEntries([...config.controls.map(([key], n) => [key, values[first + n]]),
    ...values.slice(0, first).map((value, n) => [`fixed ${n}`, value])].filter(([key]) => key !== 'xray.xray-first'));
}"""
"""All that an address is made of, by key; without the window of X-ray, which short texts don't have."""
OWN = {
    "generate.greedy": None, "generate.samples": None, "generate.beams": None,
    "generate.top-k": 20, "generate.new-tokens": 8,
    "embeddings.cloud-layout": "t-SNE",
    "generate.system-prompt": "Be brief.", "generate.stop-texts": "the end", "generate.seed": 12345,
    "layers.lens-follow": "a", "layers.parts-token": "a", "layers.parts-against": "b", "layers.without-what": "1.2",
    "layers.without-token": "a", "layers.without-against": "b", "layers.exchange-other": "the dog sat on the mat",
    "layers.exchange-token": "a", "layers.push-towards": "cold", "layers.push-away": "warm", "layers.push-strength": 0.8,
    "layers.push-layer": 1, "layers.neurons-layer": 1, "layers.lens-clicked": "3 1",
    "attention.attention-others": [1], "positions.clocks-distance": 3, "positions.broken-seed": 4,
    "embeddings.words": "cat, dog\nbread, water", "embeddings.sum": "a - b + c", "embeddings.path-first": "the cat",
    "embeddings.path-second": "a cat", "embeddings.lines": "one\ntwo", "embeddings.query": "two",
    "embeddings.cloud-words": "cat, dog", "embeddings.cloud-search": "a", "embeddings.path-layer": 1,
    "tasks.task-labels": "yes, no", "tasks.task-question": "Who?", "tasks.beside-text": "The food was cold.",
    "tasks.list-lines": "good\nbad", "tasks.beside-first-template": "{text}: {label}",
}  # fmt: skip
"""Values of controls of texts, and of those whose range the model gives; None leaves one as it is."""


def other_value(control: Control) -> Any:
    """Another value than the one that a control has by itself; None for one that only a model's values fit."""
    if control.key in OWN:
        return OWN[control.key]
    if control.kind == CHOICE:
        return next(choice for choice in reversed(control.choices) if choice != control.default)
    if control.kind == SWITCH:
        return not control.default
    if control.kind == NUMBER and control.low is not None and control.high is not None:
        step = 1 if control.whole else 0.25
        return control.default + (step if control.default + step <= control.high else -step)
    return None


@cache
def controls() -> dict[str, tuple[Control, Any]]:
    """Every control of the page that a link can set to something else, by its key, and that."""
    values = {}
    for block in page_app().blocks.values():
        path = _path(block)
        is_there = isinstance(block, Component) and path and path[0] not in NOT_CARRIED
        control = _control(path[0], block) if is_there else None
        if control is not None and block.visible is not False:
            values.setdefault(control.key, (control, other_value(control)))
    return {key: value for key, value in values.items() if value[1] is not None}


def address_with_everything(model: str) -> str:
    """An address that sets all that an address can: text, edits, view, head, and each of `controls`."""
    chosen = controls()
    values = {control.key: value for control, value in chosen.values()}
    place = {"tab": "layers", "view": "without", "layer": 1, "head": 2}
    edits = (Edit("head", 0, (1,)),)
    return address_of(
        Experiment(model=model, text=TEXT, edits=edits, theme="dark", controls=values, **place),
        [control for control, _ in chosen.values()],
    )


def settle(page: Page) -> str:
    """What the open tab says once nothing is computed any more, but for how long it took."""
    page.wait_for_timeout(400)
    page.wait_for_function("!document.querySelector('[data-works]')")
    return re.sub(r"It took [\d.]+ s", "", page.locator("#tabs > .tabitem:visible").inner_text())


def compare(first: Page, second: Page, place: str) -> None:
    """Waits until the open views of two pages say the same."""
    for _ in range(20):
        one, other = settle(first), settle(second)
        if one == other and len(one) > 100:
            return
    differs = [line for line in unified_diff(one.split("\n"), other.split("\n"), lineterm="", n=0)]
    raise AssertionError(f"{place}: {differs[:20]}")


def compare_all(page: Page, other: Page) -> None:
    """All controls of two pages, then their views one after another, and what the models write."""
    values, bars = page.evaluate(VALUES), "#tabs > .tabitem:visible .tabs > .tab-wrapper [role=tab]"
    expected = {control.key: value for control, value in controls().values()}
    assert {key: values[key] for key in expected} == expected
    assert other.evaluate(VALUES) == values
    for number in range(TABS):
        for one in (page, other):
            one.locator("#tabs > .tab-wrapper [role=tab]").nth(number).dispatch_event("click")
        for view in range(max(1, page.locator(bars).count())):
            for one in (page, other):
                if one.locator(bars).count():
                    one.locator(bars).nth(view).dispatch_event("click")
            compare(page, other, f"view {view} of tab {number}")
        if number == GENERATE:
            for one in (page, other):
                one.locator("#generate").click()
                expect(one.locator("#generate-status")).to_contain_text("8 tokens in")
            said = [one.locator("#strip").inner_text() for one in (page, other)]
            assert said[0] == said[1] and len(said[0]) > len(TEXT), said


def test_a_link_opens_on_another_server(tiny_server, open_page, tmp_path):
    """Guards against a control that a link loses or changes on its way to another server, of any tab and view, and against
    other numbers there: in each view's pictures, tables and sentences, and in what is drawn with the seed."""
    folder = str(zoo.save("llama", tmp_path / "llama"))
    page = open_page()
    page.goto(f"{tiny_server.address()}#{address_with_everything(folder)}")
    expect(page.locator("#link-note")).to_contain_text("Opened from a link", timeout=6 * WAIT)  # loads the model
    page.wait_for_function("location.hash.includes('check=')")
    link = page.evaluate("window.__playgroundLinks.address()[0]").split("#")[1]
    with other_server("--model", folder) as address:
        other = open_page()
        try:
            other.goto(f"{address}#{link}")
            expect(other.locator("#link-note")).to_contain_text("the numbers are the same here", timeout=3 * WAIT)
            compare_all(page, other)
        finally:
            other.close()  # before its server ends
